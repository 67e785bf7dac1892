#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#ifndef TIDEPOST_BUILD_S
#define TIDEPOST_BUILD_S 1767225600 /* 2026-01-01, when not built by make */
#endif

static _Atomic int64_t floor_s = TIDEPOST_BUILD_S;

int64_t
clock_wall_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

uint64_t
clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
clock_floor_raise(int64_t wall_s)
{
	int64_t now = floor_s;

	while (wall_s > now &&
		!atomic_compare_exchange_weak(&floor_s, &now, wall_s))
		;
}

int64_t
clock_floor_s(void)
{
	return floor_s;
}

bool
clock_trusted(void)
{
	return clock_wall_s() >= floor_s;
}

int64_t
clock_sane_s(void)
{
	int64_t now = clock_wall_s();

	return now >= floor_s ? now : floor_s;
}

void
clock_rfc3339(int64_t wall_s, char out_r[CLOCK_TEXT_MAX])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
		!strftime(out_r, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out_r[0] = '\0';
}

void
clock_rfc5322(int64_t wall_s, char out_r[CLOCK_TEXT_MAX])
{
	static const char days[7][4] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)wall_s;
	struct tm tm;
	long offset;

	if (!localtime_r(&t, &tm)) {
		out_r[0] = '\0';
		return;
	}
	offset = tm.tm_gmtoff / 60;
	snprintf(out_r, CLOCK_TEXT_MAX,
		"%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday],
		tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
		tm.tm_min, tm.tm_sec, offset < 0 ? '-' : '+',
		(offset < 0 ? -offset : offset) / 60,
		(offset < 0 ? -offset : offset) % 60);
}
