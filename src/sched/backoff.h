/*
 * When a delivery is tried again, and when it is given up.
 *
 * Delays are wall time (queue.retry, the last one repeats). It is given up
 * by the days on which it was really tried (queue.expire_after), not by the
 * days at sea; with an untrusted clock nothing is given up.
 */
#ifndef SCHED_BACKOFF_H
#define SCHED_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backoff_rule {
	const int64_t *retry_s;
	size_t retry_n; /* at least 1 */
	int64_t expire_after_s;
};

struct backoff_facts {
	unsigned attempts;	 /* before this one */
	unsigned days_attempted; /* likewise */
	int64_t last_attempt;	 /* 0: never */
	int64_t now;
	bool clock_trusted;
	bool day_counts; /* the clock was not set just now: a day is a day */
};

/* The time of the next attempt; false: it has expired. */
bool backoff_next(const struct backoff_rule *rule,
	const struct backoff_facts *facts, int64_t *next_r);

#endif
