/*
 * May the wall clock be believed where something is ended by it, and how much
 * time really went by?
 *
 * The two clocks are looked at together from time to time. Between two looks
 * both should go on by the same time. Where the wall clock went on (or back)
 * by an hour more, somebody set it, and nobody knows which of the two times
 * was right: nothing is ended for a day of monotonic time, so that a person
 * has the time to see it.
 *
 * The steady clock is the wall clock without what it was ever set by: it goes
 * on evenly whatever people and programs do to the other one. What counts
 * elapsed time counts by it. The sum is to be kept over restarts. A node
 * whose clock stood still while it was off counts the time it was on.
 *
 * Days of trying are days of the wall clock. In the day after a jump an attempt
 * is on no new day: but for what was last tried before this start, where the
 * clock was only set forward once, as that of a machine without a clock of its
 * own is after each start.
 */
#ifndef SCHED_CLOCKWATCH_H
#define SCHED_CLOCKWATCH_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CLOCKWATCH_JUMP_S = 3600,
	CLOCKWATCH_QUIET_MS = 24 * 3600 * 1000,
};

/* Zero at the start. */
struct clockwatch {
	bool looked;
	int64_t wall_s; /* at the last look */
	uint64_t mono_ms;
	uint64_t quiet_until_ms; /* 0: not quiet */
	int64_t set_by_s;	 /* in sum */
	int64_t began_s;	 /* wall clock at the start */
	bool was_set;		 /* since then */
	bool unsure;		 /* ... again, or back */
};

/*
 * The first look. SET_BY_S: the sum of earlier starts; FLOOR_S: a time that has
 * passed for certain, from which the steady clock goes on where the wall clock
 * is behind it.
 */
void clockwatch_begin(struct clockwatch *w, int64_t set_by_s, int64_t floor_s,
	int64_t wall_s, uint64_t mono_ms);

/*
 * True: the wall clock may end things now. *jump_s_r: by how much it jumped
 * since the last look, 0 where it did not (told once for each jump).
 */
bool clockwatch_look(struct clockwatch *w, int64_t wall_s, uint64_t mono_ms,
	int64_t *jump_s_r);
/* The steady clock; MONO_MS is not before the last look. */
int64_t clockwatch_steady_s(const struct clockwatch *w, uint64_t mono_ms);
/*
 * Is another day of the wall clock a new day of trying, for what was last tried
 * at TRIED_S by it?
 */
bool clockwatch_day_counts(
	const struct clockwatch *w, uint64_t mono_ms, int64_t tried_s);

#endif
