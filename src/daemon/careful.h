/*
 * What was learnt of a peer, to its disadvantage, and is kept across restarts
 * for CAREFUL_DAYS: with whom it is one message at a time, who offers CHUNKING
 * and does not know BDAT, and what it refused.
 */
#ifndef DAEMON_CAREFUL_H
#define DAEMON_CAREFUL_H

#include "daemon/node.h"
#include "sched/refusals.h"

enum { CAREFUL_DAYS = 30 };

/* A peer, or a customer, which may have the same name. */
struct careful_peer {
	const char *name;
	bool customer;
};

struct careful_way {
	bool one_by_one; /* no more messages in flight */
	bool no_bdat;	 /* the body goes by DATA */
	struct refusals refusals;
};

/* These remember in the background; the log says so when it is stored. */

/* Its replies did not match what was sent. */
void careful_mismatch(struct node *n, const struct careful_peer *peer);
void careful_no_bdat(struct node *n, const struct careful_peer *peer);
/*
 * It closed without a word behind ANSWERED messages, and left others in doubt.
 * Twice at the same place within a day: it is the peer that does it, not the
 * line, and one message at a time leaves none in doubt.
 */
void careful_closed(
	struct node *n, const struct careful_peer *peer, uint64_t answered);

/* What it refused, with this session; nothing is written where none changed. */
void careful_refused(struct node *n, const struct careful_peer *peer,
	const struct refusals *refusals);

/* In a transaction: how is PEER to be treated now? */
enum err_code careful_get(struct spool_txn *t, const struct careful_peer *peer,
	int64_t now, struct careful_way *way_r, struct err *e);

#endif
