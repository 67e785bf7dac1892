/* What the files of the sending host share. */
#ifndef DAEMON_DELIVER_PRIVATE_H
#define DAEMON_DELIVER_PRIVATE_H

#include "daemon/accounts.h"
#include "daemon/bounce.h"
#include "daemon/deliver.h"
#include "daemon/downgrade.h"
#include "daemon/parcel.h"
#include "sched/refusals.h"

struct deliver {
	struct session *s;
	struct node *n;
	struct smtp_client *client;
	struct deliver_owner owner;
	void *owner_arg;
	char **routes, **domains; /* owned */
	size_t routes_n, domains_n;
	char *peer, *host, *link; /* owned; link may be NULL */
	bool push, customer;
	bool turned; /* the far side called us, and logged in */
	bool lmtp;
	struct account_mark mark; /* of the customer when it began */
	bool finishing;		  /* no further message is begun */
	bool recovering;	  /* the peer took nothing yet, nor before */
	int64_t began_s;
	uint64_t ahead; /* octets claimed before they can be sent, at most */

	/* the parcels in hand, by where they are */
	struct list_node waiting, flying, ended;
	struct parcel *current; /* its body is handed over; NULL none */
	size_t waiting_n;
	uint64_t waiting_octets;
	size_t recipients; /* of all parcels in hand */
	uint64_t tags;	   /* given to parcels so far */
	uint64_t answered; /* messages that the peer answered to the end */
	struct refusals refusals; /* of this peer, earlier sessions with it */

	/* failures that are told with others of this session */
	struct settle *kept[DSN_JOINED_MAX];
	size_t kept_n, kept_recipients;
	int64_t due_urgent; /* as result.due, of urgent mail */

	bool flushing;	/* the next step writes what was kept */
	bool stepping;	/* a step is with the spool */
	bool reading;	/* the next octets of current's body come */
	bool looking;	/* at one that waits, whether it can be recoded */
	bool as_is;	/* nothing is recoded any more on this connection */
	uint64_t looks; /* looks begun so far */
	struct downgrade *downgrade;
	bool more;	/* something arrived since that step began */
	bool dry;	/* the last step found no more to claim */
	bool resting;	/* idle was told */
	bool leaving;	/* nothing is sent any more: QUIT or a turn follows */
	bool known;	/* what was learnt of the peer is read (careful.h) */
	bool doubted;	/* the connection's end left something in doubt */
	bool unsettled; /* a step failed: claims are to be given back at last */
	bool over;
	struct deliver_result result;
};

/* Recipients of all messages in hand; the last one may go beyond. */
enum { DELIVER_RECIPIENTS_MAX = 1000 };

/*
 * One transaction: what became of the parcels that ended, and (if CLAIM) the
 * next ones. deliver_stepped follows.
 */
void deliver_step(struct deliver *d, bool claim);
/* The same without a claim, and with all that was kept to be told together. */
void deliver_flush(struct deliver *d);
/* Called on the loop when the transaction is on the disk (or failed). */
void deliver_stepped(struct deliver *d);
/* P ended, and waits for the next step. */
void deliver_end(struct deliver *d, struct parcel *p, enum parcel_end end,
	const struct reply *final, bool in_doubt);

/*
 * deliver_ended.c: what the next step writes of what ended. Given, free(), with
 * the *N_R that are in it.
 */
struct settle **deliver_settles(struct deliver *d, size_t *n_r);
/* deliver_verdict.c: of P, which ended. Given. */
struct settle *deliver_verdict(const struct deliver *d, const struct parcel *p);

/* The first of one of the lists above; NULL: it is empty. */
struct parcel *deliver_first(const struct list_node *list);
/* The octets of the message given last are all with the machine. */
void deliver_current_flies(struct deliver *d);
/* deliver_look.c: the look at the first that waits and needs one is begun. */
void deliver_look(struct deliver *d);
/* P, which waits, is returned: STATUS, and as printf says why. */
void deliver_refuse(struct deliver *d, struct parcel *p, const char *status,
	const char *why, ...) __attribute__((format(printf, 4, 5)));
/* Begins a step where something ended or more may be claimed. */
void deliver_top_up(struct deliver *d);
/* The host's `work`: the next octets, the next message, or idle is told. */
bool deliver_work(void *arg, enum want want);

#endif
