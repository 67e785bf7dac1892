#include "link/window.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };

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
	/* A window inside the hour that is skipped lasts no time. */
	w.n = 0;
	add(&w, "02:10-02:20");
	t = windows_times(&w, &c, change - HOUR);
	assert_true(t.opens >= change && t.opens < change + HOUR);
}

static void
test_days_and_months(void **state)
{
	int64_t end, feb28 = INT64_C(1709078400); /* 2024-02-28 00:00 UTC */

	(void)state;
	assert_int_equal(calendar_day(NULL, feb28 + 5, &end), feb28);
	assert_int_equal(end, feb28 + DAY);
	/* A leap year; the month begins on the last day if it is shorter. */
	assert_int_equal(
		calendar_month(NULL, feb28 + DAY, 31, &end), feb28 + DAY);
	assert_int_equal(end, feb28 + 32 * DAY);
	assert_int_equal(
		calendar_month(NULL, feb28 + 5, 31, &end), feb28 - 28 * DAY);
	assert_int_equal(end, feb28 + DAY);
	assert_int_equal(
		calendar_month(NULL, feb28 + 5, 1, &end), feb28 - 27 * DAY);
	assert_int_equal(end, feb28 + 2 * DAY);
	assert_int_equal(calendar_month(NULL, feb28 + 5, 28, &end), feb28);
	assert_int_equal(calendar_week_second(NULL, feb28), 2 * DAY);
	assert_int_equal(calendar_week_second(NULL, -1), 3 * DAY - 1);
}

/* For 300 years: each month follows the last without a gap. */
static void
test_months_follow_each_other(void **state)
{
	(void)state;
	for (int starts = 1; starts <= 31; starts += 6) {
		int64_t at = INT64_C(-100) * 365 * DAY, end;

		calendar_month(NULL, at, starts, &end);
		for (int i = 0; i < 3600; i++) {
			int64_t next;

			assert_int_equal(
				calendar_month(NULL, end, starts, &next), end);
			assert_true(next - end >= 28 * DAY &&
				    next - end <= 31 * DAY);
			end = next;
		}
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
		cmocka_unit_test(test_days_and_months),
		cmocka_unit_test(test_months_follow_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
