/*
 * Can mail be there in time (RFC 2852)? Only a plain no counts: a way whose
 * next window opens too late. When a link comes that is not called by windows,
 * or what the far side does, nobody knows.
 */
#ifndef DAEMON_INTIME_H
#define DAEMON_INTIME_H

#include "daemon/node.h"

/* Within that many seconds on ROUTE; false: WHY_R says what is too late. */
bool intime_route(struct node *n, const char *route, int64_t within_s,
	char *why_r, size_t size);
/* To anybody at all. */
bool intime_any(struct node *n, int64_t within_s, char *why_r, size_t size);

#endif
