/*
 * How fast the links are, at run time: measured each second while sessions
 * move something, and kept in the spool; and what follows from it: how much is
 * in flight, and the pace where links.max_rate leaves room for other use.
 */
#ifndef DAEMON_SPEEDS_H
#define DAEMON_SPEEDS_H

#include "daemon/session.h"
#include "link/speed.h"

struct speeds;

/* Reads what is kept. Blocking. */
enum err_code speeds_new(
	struct node *n, struct speeds **speeds_r, struct err *e);
/* Saves what was learnt; the spool must be open. NULL is fine. */
void speeds_stop(struct speeds *v);
void speeds_free(struct speeds *v);
void speeds_reload(struct speeds *v);

/* What is known of LINK, and what is assumed where nothing is. Never NULL. */
const struct speed *speeds_of(const struct speeds *v, const char *link);

/* S runs over its link from now on; its octets are counted and paced. */
void speeds_begin(struct speeds *v, struct session *s);
/* S is about to close. */
void speeds_end(struct speeds *v, struct session *s);

/*
 * Octets that may be handed over and not acknowledged on LINK: two round
 * trips' worth. 0: no bound, it is not a slow one.
 */
size_t speeds_flight(const struct speeds *v, const char *link);
/* Octets that one round trip on LINK could carry; 0: not known. */
uint64_t speeds_turn(const struct speeds *v, const char *link);
/* What the far side may have under way to us, for the pace; 0: any. */
uint32_t speeds_window(const struct speeds *v, const char *link);

#endif
