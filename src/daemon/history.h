/* What past sessions leave in the spool: history rows, what peers are. */
#ifndef DAEMON_HISTORY_H
#define DAEMON_HISTORY_H

#include "daemon/session.h"

/* One row of link history for S, closed; LINK "" where there is none. */
void history_session(const struct session *s, const char *link,
	const char *peer, const char *result);
/* When a customer last called, and what came of it. */
void history_customer(struct node *n, const char *name, const char *result);
/* What a peer said of itself; KEYWORDS NULL: not known this time. */
void history_peer(struct node *n, const char *name, const char *address,
	const char *keywords, bool success, const char *result);

#endif
