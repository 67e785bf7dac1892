/*
 * Days, weeks and months as a link's owner counts them.
 *
 * Times are UTC seconds since 1970. The zone is a function of the caller
 * (offset from UTC at a moment; this room has no zone files); NULL is UTC.
 * "Local seconds" are UTC plus the offset, and are only reckoned with here.
 *
 * A local time that summer time skips counts as the moment of the change; of
 * one that comes twice, the first. Days follow each other without gap or
 * overlap, whatever a zone does; they may be short, long or (where a zone
 * skipped a whole day) have no moment at all. A month that begins on the 31st
 * begins on the last day of a shorter month.
 */
#ifndef LINK_CALENDAR_H
#define LINK_CALENDAR_H

#include <stdint.h>

enum { CALENDAR_DAY_S = 86400, CALENDAR_WEEK_S = 7 * CALENDAR_DAY_S };

struct calendar {
	/* Seconds to add to UTC at AT; within a day of it. NULL: UTC. */
	int64_t (*offset_s)(void *arg, int64_t at);
	void *arg;
};

int64_t calendar_local(const struct calendar *c, int64_t at);
int64_t calendar_utc(const struct calendar *c, int64_t local);
/*
 * The first moment after AT, up to UNTIL, with another offset than that of AT;
 * UNTIL: there is none. Changes that are undone within a day may be missed.
 */
int64_t calendar_change(const struct calendar *c, int64_t at, int64_t until);
/* Seconds since Monday 00:00, local. */
int64_t calendar_week_second(const struct calendar *c, int64_t at);
/* The day AT is in: its first second, and the first of the next. */
int64_t calendar_day(const struct calendar *c, int64_t at, int64_t *end_r);
/* Likewise the month that begins on day STARTS (1 to 31). */
int64_t calendar_month(
	const struct calendar *c, int64_t at, int starts, int64_t *end_r);

#endif
