/* What the files of the gateways share: one route, one batch on its way. */
#ifndef DAEMON_GATEWAY_PRIVATE_H
#define DAEMON_GATEWAY_PRIVATE_H

#include "daemon/gateways.h"
#include "mail/squeeze.h"
#include "net/child.h"
#include "spool/queue.h"

enum {
	GATEWAY_MESSAGES_MAX = 1000,	       /* of one batch */
	GATEWAY_OCTETS_MAX = 64 * 1024 * 1024, /* by default */
	GATEWAY_MAIL_MAX = 5 * 1024 * 1024,    /* of one that is mailed */
	GATEWAY_AGAIN_S = 60,		       /* after a fault of the spool */
	GATEWAY_NODE_MAX = 16,
};

#define GATEWAY_NODE_KEY "batch:node"

struct gateways {
	struct node *n;
	struct list_node list;
	bool stopping;
};

/* One route, and the batch of it that is under way. */
struct gateway {
	struct list_node node;
	struct gateways *g;
	char name[SPOOL_NAME_MAX + 1];
	bool known; /* the configuration has it */
	bool busy, again;
	unsigned failures;
	int64_t wait_until;
	char trouble[SPOOL_TEXT_MAX + 1]; /* what the log said last; "" none */
	struct gateway_job *job;
};

enum gateway_how {
	HOW_DONE,
	HOW_FAILED,  /* it was not taken, for sure */
	HOW_WAITING, /* the folder is not there: no trouble */
	HOW_DOUBT,   /* nobody knows */
	/* one message cannot be read, or not written: the others without it */
	HOW_BAD,
};

struct gateway_job {
	struct gateway *w;
	struct node *n;
	uint64_t owner;
	int64_t now, due;
	/* of the route, copied: a reload may come */
	char *command, *folder, *hostname, *dir; /* owned */
	enum conf_format format;
	enum squeeze_kind squeeze;
	uint64_t octets_max;
	int64_t timeout_s;
	struct gateway_mail *mail; /* owned; NULL: it is not mailed */
	char node[GATEWAY_NODE_MAX + 1];
	struct spool_claimed *messages; /* owned */
	size_t messages_n, messages_room;
	struct settle **settles; /* owned */
	struct child *child;
	int fd;			       /* the batch, for the command; -1 */
	char *name;		       /* of the file; owned */
	char said[CHILD_LINE_MAX + 1]; /* the command's last line */
	enum gateway_how how;
	size_t bad; /* HOW_BAD: which */
	enum err_code code;
	struct err err;
};

/* --- gateways.c: beginning and end --- */

/* The job is over; AGAIN: what came meanwhile is looked at in any case. */
void gateway_end(struct gateway_job *j, bool again);
/* The daemon stops: what was claimed goes back. */
void gateway_drop(void *job);
/* The spool failed: the route rests a while. */
void gateway_fault(struct gateway_job *j);

/* --- gateway_claim.c: what goes --- */

/* Looks for the folder, claims, and hands over what was claimed. */
void gateway_begin(struct gateway_job *j);
void gateway_forget_messages(struct gateway_job *j);

/* --- gateway_hand.c: the batch is written, and a command has it --- */

void gateway_hand_over(struct gateway_job *j);

/* --- gateway_mail.c: it becomes a message --- */

struct gateway_mail *gateway_mail_new(const struct conf_route *r);
void gateway_mail_free(struct gateway_mail *m); /* NULL is fine */
/* On the loop. False: E says why it cannot go. */
bool gateway_mail_begin(struct gateway_job *j, struct err *e);
/* On a helper thread, with the batch in J->fd: its octets go to the spool. */
enum err_code gateway_mail_write(struct gateway_job *j, struct err *e);
/* In the transaction that ends what is in it: it is there. */
enum err_code gateway_mail_add(
	struct spool_txn *t, struct gateway_job *j, struct err *e);
void gateway_mail_added(struct gateway_job *j);
/* Not: what the spool has of its octets goes. */
void gateway_mail_drop(struct gateway_job *j);
/* What the log says of those that are in it. */
const char *gateway_mail_words(
	const struct gateway_job *j, char *out, size_t size);

/* --- gateway_settle.c: what becomes of it --- */

/* J->how and J->err say how it went. */
void gateway_settle(struct gateway_job *j);
/* Not before then again. */
void gateway_back_off(struct gateway_job *j);
/* The log, where there is news. */
void gateway_tell(struct gateway_job *j);

#endif
