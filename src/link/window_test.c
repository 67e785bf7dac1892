#include "link/window.h"

#include "base/zone.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };

/* 2025-12-01 and four years later. */
#define YEARS_FROM INT64_C(1764547200)
#define YEARS_TO (YEARS_FROM + INT64_C(1461) * DAY)

static int64_t
rules(void *zone, int64_t at)
{
	return zone_offset_s(zone, at);
}

static void
use_rules(struct zone *z, const char *text)
{
	struct err e;

	assert_int_equal(zone_parse_rule(z, str_of(text), &e), OK);
	zone_spread(z);
}

static void
add(struct windows *w, const char *text)
{
	struct err e;

	assert_int_equal(windows_add(w, str_of(text), &e), OK);
}

static void
test_each_day(void **state)
{
	struct windows w = {.n = 0};

	(void)state;
	add(&w, "06:00-06:20");
	for (int d = 0; d < 7; d++) {
		int64_t six = d * DAY + 6 * HOUR;

		assert_false(windows_inside(&w, six - 1));
		assert_true(windows_inside(&w, six));
		assert_true(windows_inside(&w, six + 1199));
		assert_false(windows_inside(&w, six + 1200));
		assert_int_equal(windows_until_open(&w, six - 60), 60);
		assert_int_equal(windows_until_open(&w, six + 5), 0);
		assert_int_equal(windows_until_shut(&w, six + 5), 1195);
		assert_int_equal(
			windows_until_open(&w, six + 1200), DAY - 1200);
	}
}

static void
test_days_and_past_midnight(void **state)
{
	struct windows w = {.n = 0};

	(void)state;
	add(&w, "Sun 23:50-00:10");
	assert_true(windows_inside(&w, 7 * DAY - 1));
	assert_true(windows_inside(&w, 0));
	assert_true(windows_inside(&w, 599));
	assert_false(windows_inside(&w, 600));
	assert_false(windows_inside(&w, DAY));
	assert_int_equal(windows_until_shut(&w, 7 * DAY - 600), 1200);
	add(&w, "fri-MON,Wed 12:00-24:00");
	assert_int_equal(w.v[1].days, 1 | 4 | 16 | 32 | 64);
	assert_false(windows_inside(&w, DAY + 13 * HOUR));
	assert_true(windows_inside(&w, 2 * DAY + 13 * HOUR));
	assert_int_equal(
		windows_until_shut(&w, 2 * DAY + 13 * HOUR), 11 * HOUR);
	/* Sunday noon to midnight, joined with the one past midnight. */
	assert_int_equal(
		windows_until_shut(&w, 6 * DAY + 12 * HOUR), 12 * HOUR + 600);
}

static void
test_always_and_never(void **state)
{
	struct windows w = {.n = 0};

	(void)state;
	assert_true(windows_inside(&w, 5));
	assert_int_equal(windows_until_shut(&w, 5), CALENDAR_WEEK_S);
	add(&w, "00:00-12:00");
	add(&w, "12:00-24:00");
	assert_int_equal(windows_until_shut(&w, 5), CALENDAR_WEEK_S);
	assert_int_equal(windows_until_open(&w, 5), 0);
}

static void
test_errors_say_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} bads[] = {
		{"", "a time is wrong"},
		{"6-7", "a time is wrong"},
		{"06:00", "a time is wrong"},
		{"06:00-", "a time is wrong"},
		{"06:00-06:60", "a time is wrong"},
		{"24:00-06:00", "a time is wrong"},
		{"06:00-25:00", "a time is wrong"},
		{"06:00-06:20x", "a time is wrong"},
		{"06:00-06:00", "it ends when it begins"},
		{"Monday 06:00-07:00", "these are no days"},
		{"Mon- 06:00-07:00", "these are no days"},
		{"Mon, 06:00-07:00", "these are no days"},
		{" 06:00-07:00", "these are no days"},
	};
	struct windows w = {.n = 0};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		assert_int_equal(
			windows_add(&w, str_of(bads[i].text), &e), ERR_INVALID);
		assert_non_null(strstr(e.text, bads[i].why));
		assert_int_equal(w.n, 0);
	}
	for (int i = 0; i < WINDOWS_MAX; i++)
		add(&w, "06:00-06:20");
	assert_int_equal(windows_add(&w, STR("06:00-06:20"), &e), ERR_LIMIT);
}

/* What is asked by arithmetic agrees with trying every minute. */
static void
test_against_trying(void **state)
{
	static const char *const lists[][3] = {
		{"Mon,Thu 05:00-05:10", "Sat 22:00-04:00", "Sun 03:00-09:00"},
		{"23:59-00:01", "Tue 00:01-00:30", "Wed 12:00-11:59"},
	};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		struct windows w = {.n = 0};

		for (size_t i = 0; i < 3; i++)
			add(&w, lists[l][i]);
		for (int64_t s = 0; s < CALENDAR_WEEK_S; s += 60 * 7) {
			int64_t t = 0, want = windows_until_open(&w, s);

			while (!windows_inside(&w, (s + t) % CALENDAR_WEEK_S))
				t += 60;
			assert_int_equal(want, t);
			want = windows_until_shut(&w, s);
			for (t = 0;
				t < CALENDAR_WEEK_S &&
				windows_inside(&w, (s + t) % CALENDAR_WEEK_S);)
				t += 60;
			assert_int_equal(want, t);
		}
	}
}

/* --- the calendar --- */

/* Two hours, one from a spring change on; a third day has no midnight. */
static int64_t
zone(void *arg, int64_t at)
{
	return at < *(int64_t *)arg ? 1 * HOUR : 2 * HOUR;
}

static void
test_times_in_a_zone(void **state)
{
	int64_t change = INT64_C(1774746000); /* 2026-03-29 01:00 UTC, Sunday */
	struct calendar c = {zone, &change};
	struct windows w = {.n = 0};
	struct window_times t;

	(void)state;
	add(&w, "06:00-06:20");
	t = windows_times(&w, &c, change - 60);
	assert_false(t.open);
	assert_int_equal(t.opens, change + 3 * HOUR); /* 04:00 UTC */
	assert_int_equal(t.shuts, t.opens + 1200);
	t = windows_times(&w, &c, t.opens + 1);
	assert_true(t.open);
	/* A window inside the hour that is skipped is not there that day. */
	w.n = 0;
	add(&w, "02:10-02:20");
	t = windows_times(&w, &c, change - HOUR);
	assert_int_equal(t.opens, change + 23 * HOUR + 600);
	/* One that reaches into it is cut by it, at either end. */
	w.n = 0;
	add(&w, "01:50-02:20");
	t = windows_times(&w, &c, change - HOUR);
	assert_int_equal(t.opens, change - 600);
	assert_int_equal(t.shuts, change);
	w.n = 0;
	add(&w, "02:50-03:20");
	t = windows_times(&w, &c, change - HOUR);
	assert_int_equal(t.opens, change);
	assert_int_equal(t.shuts, change + 1200);
}

/* In the hour that comes twice a window is open twice. */
static void
test_an_hour_twice(void **state)
{
	int64_t change = INT64_C(1792890000); /* 2026-10-25 01:00 UTC, Sunday */
	struct zone z;
	struct calendar c = {rules, &z};
	struct windows w = {.n = 0};
	struct window_times t;

	(void)state;
	use_rules(&z, "CET-1CEST,M3.5.0,M10.5.0/3");
	add(&w, "02:15-02:45");
	t = windows_times(&w, &c, change - HOUR);
	assert_int_equal(t.opens, change - 2700);
	assert_int_equal(t.shuts, change - 900);
	t = windows_times(&w, &c, t.shuts);
	assert_int_equal(t.opens, change + 900);
	assert_int_equal(t.shuts, change + 2700);
	t = windows_times(&w, &c, t.shuts);
	assert_int_equal(t.opens, change + 900 + 25 * HOUR - HOUR);
	w.n = 0;
	add(&w, "02:45-03:05"); /* the second part goes on after three */
	t = windows_times(&w, &c, change - 600);
	assert_true(t.open);
	assert_int_equal(t.shuts, change);
	t = windows_times(&w, &c, change);
	assert_int_equal(t.opens, change + 2700);
	assert_int_equal(t.shuts, change + HOUR + 300);
	zone_clear(&z);
}

static const char *const zones[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
	"<-03>3<-02>,M10.3.0/0,M2.3.0/0",	/* no midnight, and two */
	"NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01",	/* a minute behind it */
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", /* half an hour */
	"<+0545>-5:45", "UTC0"};

/* For four years: what is foretold is what one finds by looking. */
static void
test_zones_against_trying(void **state)
{
	static const char *const list[] = {
		"Sun 01:50-02:10", "02:20-02:40", "Mon-Fri 23:30-00:30"};
	enum { STEP = 300 };

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct zone z;
		struct calendar c = {rules, &z};
		struct windows w = {.n = 0};
		struct window_times t = {.opens = 0};
		bool was = false;

		use_rules(&z, zones[i]);
		for (size_t k = 0; k < sizeof(list) / sizeof(*list); k++)
			add(&w, list[k]);
		for (int64_t at = YEARS_FROM; at < YEARS_TO; at += STEP) {
			bool now = windows_inside(
				&w, calendar_week_second(&c, at));

			if (at == YEARS_FROM || (now && at >= t.shuts) ||
				(!now && at > t.opens))
				t = windows_times(&w, &c, at);
			if (now)
				assert_true(t.opens <= at && at < t.shuts);
			else
				assert_true(at < t.opens);
			if (at > YEARS_FROM && now != was)
				assert_true(
					(now ? t.opens : t.shuts) > at - STEP);
			was = now;
		}
		zone_clear(&z);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_day),
		cmocka_unit_test(test_days_and_past_midnight),
		cmocka_unit_test(test_always_and_never),
		cmocka_unit_test(test_errors_say_what_is_wrong),
		cmocka_unit_test(test_against_trying),
		cmocka_unit_test(test_times_in_a_zone),
		cmocka_unit_test(test_an_hour_twice),
		cmocka_unit_test(test_zones_against_trying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
