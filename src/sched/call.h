/*
 * When a link calls by itself: mail has waited long enough, is urgent enough,
 * or a window opens; always inside a window, where there are any. With windows
 * and no other rule it calls once in each, to send and to collect.
 *
 * While the clock is not trusted there are no windows. What keeps a link from
 * calling for other reasons (budget, back-off, stuck) is link.h's.
 */
#ifndef SCHED_CALL_H
#define SCHED_CALL_H

#include "link/window.h"

struct call_rule {
	const struct windows *windows; /* borrowed */
	struct calendar calendar;
	int64_t when_waiting_s; /* 0: not for this reason */
	bool has_at_once;
	int at_once_priority;
};

struct call_facts {
	int64_t now; /* UTC */
	bool clock_trusted;
	/* Of the mail that may use this link: */
	bool waiting;
	int64_t oldest; /* queued at */
	int most_urgent;
	int64_t last_call; /* began; 0: never */
};

/*
 * Is it time? *next_r: when to ask again although nothing else happened; 0: an
 * event decides.
 */
bool call_is_due(const struct call_rule *rule, const struct call_facts *facts,
	int64_t *next_r);

#endif
