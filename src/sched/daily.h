/*
 * Once a day, by the wall clock, whatever is done to it: what was done is known
 * by its day and by the steady clock (clockwatch.h). A clock that is set forth
 * and back makes nothing twice, one that was years ahead holds nothing up for
 * years, and what was missed is made up for once.
 *
 * A day begins at AT_S, seconds after midnight UTC.
 */
#ifndef SCHED_DAILY_H
#define SCHED_DAILY_H

#include <stdbool.h>
#include <stdint.h>

/* Two times of one day, or of two, are never nearer than this. */
enum { DAILY_LEAST_S = 12 * 3600 };

/* When it was done last; zero: never. */
struct daily {
	int64_t day;	/* number of the day since 1970 */
	int64_t steady; /* seconds of the steady clock */
};

int64_t daily_day(int64_t at_s, int64_t wall_s);
bool daily_is_due(const struct daily *last, int64_t at_s, int64_t wall_s,
	int64_t steady_s);

#endif
