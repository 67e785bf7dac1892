/*
 * How often a client or user may do something (hand in a message, log in
 * wrongly): a bucket a name, refilled evenly over the hour. The table is
 * bounded; the name idle longest gives way.
 */
#ifndef SCHED_RATE_H
#define SCHED_RATE_H

#include "base/str.h"

struct rate;

struct rate *rate_new(void);
void rate_free(struct rate *r); /* NULL is fine */

/*
 * Takes one for NAME of PER_HOUR (0: no limit). False: none is left;
 * *wait_s_r says when there is one again.
 */
bool rate_take(struct rate *r, const char *name, unsigned per_hour,
	uint64_t now_ms, unsigned *wait_s_r);
/* Would rate_take say yes? Nothing is taken. */
bool rate_has(const struct rate *r, const char *name, unsigned per_hour,
	uint64_t now_ms);

#endif
