/*
 * May the wall clock be believed where something is ended by it?
 *
 * The two clocks are looked at together from time to time. Between two looks
 * both should go on by the same time. Where the wall clock went on (or back)
 * by an hour more, somebody set it, and nobody knows which of the two times
 * was right: nothing is ended for a day of monotonic time, so that a person
 * has the time to see it.
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
};

/*
 * True: the wall clock may end things now. *jump_s_r: by how much it jumped
 * since the last look, 0 where it did not (told once for each jump).
 */
bool clockwatch_look(struct clockwatch *w, int64_t wall_s, uint64_t mono_ms,
	int64_t *jump_s_r);

#endif
