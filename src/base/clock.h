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

/*
 * What somebody who is trusted told: by how much wall time is more than the
 * time since this boot, so that setting the system's clock does not touch it.
 * 0: nothing was told.
 */
void clock_told_set(int64_t offset_ms);
int64_t clock_told(void);
/* The offset that means: it is WALL_S now. */
int64_t clock_told_offset(int64_t wall_s);

/* Wall time by what was told; 0: nothing was, or it is below the floor. */
int64_t clock_told_s(void);

/* Trusted, or told: fit for windows and dates, but nothing expires by it. */
bool clock_known(void);
/*
 * Wall time; while it is not trusted, what was told instead, or else the floor
 * and the time since it was learnt. So it goes on, and is never below the
 * floor.
 */
int64_t clock_sane_s(void);

enum { CLOCK_BOOT_MAX = 64 };

/* Names this boot of the machine; "unknown" where the system has no name. */
void clock_boot(char out_r[CLOCK_BOOT_MAX]);

enum { CLOCK_TEXT_MAX = 40 };

/* RFC 3339 in UTC, "2026-03-01T06:00:00Z". */
void clock_rfc3339(int64_t wall_s, char out_r[CLOCK_TEXT_MAX]);
/* RFC 5322 3.3 date-time with the local zone's offset. */
void clock_rfc5322(int64_t wall_s, char out_r[CLOCK_TEXT_MAX]);

#endif
