/*
 * Peers whose replies did not match what was sent while many messages were in
 * flight: with them it is one message at a time for CAREFUL_DAYS.
 */
#ifndef DAEMON_CAREFUL_H
#define DAEMON_CAREFUL_H

#include "daemon/node.h"

enum { CAREFUL_DAYS = 30 };

/* Remembers it in the background. */
void careful_put(struct node *n, const char *peer);
/* In a transaction: must PEER be treated so now? */
enum err_code careful_get(struct spool_txn *t, const char *peer, int64_t now,
	bool *careful_r, struct err *e);

#endif
