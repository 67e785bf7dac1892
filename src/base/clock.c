#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifndef TIDEPOST_BUILD_S
#define TIDEPOST_BUILD_S 1767225600 /* 2026-01-01, when not built by make */
#endif

static _Atomic int64_t floor_s = TIDEPOST_BUILD_S;
static _Atomic int64_t floor_boot_ms; /* when that was learnt; 0 not yet */
static _Atomic int64_t told_ms;

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

static int64_t
since_boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_floor_raise(int64_t wall_s)
{
	int64_t now = floor_s;

	while (wall_s > now) {
		if (!atomic_compare_exchange_weak(&floor_s, &now, wall_s))
			continue;
		floor_boot_ms = since_boot_ms();
		return;
	}
}

/* What has passed for certain: the floor, and the time since it was learnt. */
static int64_t
passed_s(void)
{
	int64_t none = 0, now_ms = since_boot_ms();

	atomic_compare_exchange_strong(&floor_boot_ms, &none, now_ms);
	return floor_s + (now_ms - floor_boot_ms) / 1000;
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

void
clock_told_set(int64_t offset_ms)
{
	told_ms = offset_ms;
}

int64_t
clock_told(void)
{
	return told_ms;
}

int64_t
clock_told_offset(int64_t wall_s)
{
	return wall_s * 1000 - since_boot_ms();
}

int64_t
clock_told_s(void)
{
	int64_t offset_ms = told_ms;
	int64_t now = offset_ms ? (since_boot_ms() + offset_ms) / 1000 : 0;

	return now >= floor_s ? now : 0;
}

bool
clock_known(void)
{
	return clock_trusted() || clock_told_s() != 0;
}

int64_t
clock_sane_s(void)
{
	int64_t now = clock_wall_s(), told;

	if (now >= floor_s)
		return now;
	told = clock_told_s();
	return told ? told : passed_s();
}

void
clock_boot(char out_r[CLOCK_BOOT_MAX])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(out_r, CLOCK_BOOT_MAX, f))
		snprintf(out_r, CLOCK_BOOT_MAX, "unknown");
	out_r[strcspn(out_r, "\n")] = '\0';
	if (f)
		fclose(f);
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
