/*
 * The only place that asks what time it is.
 *
 * Wall time is int64_t seconds since 1970 UTC and may jump; monotonic time
 * is uint64_t milliseconds and never does. They do not meet in one
 * expression.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_s(void);
uint64_t clock_mono_ms(void);

/*
 * The floor: the later of the build date and the last time known from the
 * spool. While wall time is below it the clock is not trusted.
 */
void clock_floor_raise(int64_t wall_s);
int64_t clock_floor_s(void);
bool clock_trusted(void);
/* Wall time, but never below the floor. */
int64_t clock_sane_s(void);

enum { CLOCK_TEXT_MAX = 40 };

/* RFC 3339 in UTC, "2026-03-01T06:00:00Z". */
void clock_rfc3339(int64_t wall_s, char out_r[CLOCK_TEXT_MAX]);
/* RFC 5322 3.3 date-time with the local zone's offset. */
void clock_rfc5322(int64_t wall_s, char out_r[CLOCK_TEXT_MAX]);

#endif
