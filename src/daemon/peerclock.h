/*
 * The time that a provider tells this node (wire/peertime.h). It is taken from
 * peers that TLS has shown to be themselves, kept in the spool, and used
 * while the system's own clock is not trusted (base/clock.h).
 */
#ifndef DAEMON_PEERCLOCK_H
#define DAEMON_PEERCLOCK_H

#include "daemon/node.h"

enum {
	/* Further above the floor than this is no time of today. */
	PEERCLOCK_AHEAD_MAX_S = 20 * 365 * 86400,
	/* A difference to what was told before that the log speaks of. */
	PEERCLOCK_JUMP_S = 60,
	/* One of which nothing is written: lines are slow. */
	PEERCLOCK_SAME_S = 2,
};

/* PEER, which was verified, says that it is WALL_S now. */
void peerclock_heard(struct node *n, const char *peer, int64_t wall_s);

#endif
