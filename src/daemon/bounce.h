/*
 * Notices (mail/dsn.h), written in the transaction that ends the deliveries, or
 * marks them as told, so that no failure is ever silent and none is told twice.
 *
 * Who has something to tell of a message: bounce_new on the loop, bounce_add
 * for each recipient of which bounce_needed or bounce_wanted said so,
 * bounce_write in the transaction, bounce_written after its commit. What else
 * the transaction marks (spool_set_warned after DSN_DELAYED) is the caller's.
 * One notice is made of all that was added.
 */
#ifndef DAEMON_BOUNCE_H
#define DAEMON_BOUNCE_H

#include "daemon/node.h"
#include "mail/dsn.h"
#include "spool/queue.h"

struct bounce;

enum bounce_need {
	BOUNCE_WRITE, /* a notice is due */
	BOUNCE_NONE,  /* the sender asked for none (RFC 3461 4.1) */
	BOUNCE_HOLD,  /* nobody can be told: null sender, or no way to it */
};

/* May, and must, the failure of D (of message M) be told? */
enum bounce_need bounce_needed(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d);

/*
 * Did the sender ask, or for DSN_DELAYED not forbid, to hear of ACTION
 * (RFC 3461 4.1), and can it? Not for DSN_FAILED.
 */
bool bounce_wanted(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d, enum dsn_action action);

/* Does a notice to the sender of M stay here, whatever aliases it has? */
bool bounce_is_at_home(struct node *n, const struct spool_message *m);
/* Can anything be told to the sender of M? */
bool bounce_can(struct node *n, const struct spool_message *m);

/* On the loop: it reads the settings of the node. */
struct bounce *bounce_new(struct node *n, const struct spool_message *m);
/* What is told of one recipient; texts are borrowed. */
struct bounce_row {
	enum dsn_action action;
	const char *status;   /* "5.1.1" */
	const char *reply;    /* PEER's words, or ours where PEER is "" */
	const char *peer;     /* the host that said it */
	int64_t last_attempt; /* 0: as D says */
	int64_t retry_until;  /* DSN_DELAYED: when it expires; 0 not known */
};
void bounce_add(struct bounce *b, const struct spool_delivery *d,
	const struct bounce_row *row);
bool bounce_is_empty(const struct bounce *b);
/*
 * Written in one transaction, B before OTHER: what both tell goes into the
 * notice of B, where it is the same failure, of the same sender, and nobody
 * asked for reports of their own (docs/decisions/011). OTHER is empty then;
 * what becomes of B holds for both. False: they stay two.
 */
bool bounce_join(struct bounce *b, struct bounce *other);
bool bounce_is_joined(const struct bounce *b); /* as OTHER */
/*
 * May it wait for others to be joined with? Only failures, that are not urgent,
 * where a notice leaves this node: it costs there.
 */
bool bounce_can_wait(const struct bounce *b);
/* In the transaction, before the original's deliveries end. */
enum err_code bounce_write(
	struct spool_txn *t, struct bounce *b, struct err *e);
/* After the commit. */
void bounce_written(struct bounce *b);
void bounce_free(struct bounce *b); /* NULL is fine */

#endif
