/*
 * The node's view of its clocks (sched/clockwatch.h): steady time, and how far
 * the wall clock is to be believed. What the clock was set by is kept in the
 * spool. Each question looks at both clocks.
 */
#ifndef DAEMON_STEADY_H
#define DAEMON_STEADY_H

#include "daemon/node.h"

struct steady;

struct steady *steady_new(struct node *n);
/* Takes up what earlier starts knew. Blocking; before it all begins at 0. */
enum err_code steady_load(struct steady *s, struct err *e);
void steady_free(struct steady *s); /* NULL is fine */

/* Seconds of the steady clock. */
int64_t steady_now(struct steady *s);
/* May the wall clock end something now: trusted, and not set within a day? */
bool steady_may_end(struct steady *s);
/* As clockwatch_day_counts: for what was last tried at TRIED_S. */
bool steady_day_counts(struct steady *s, int64_t tried_s);

#endif
