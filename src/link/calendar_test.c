#include "link/calendar.h"

#include "base/zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { HOUR = 3600, DAY = CALENDAR_DAY_S };

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

/* --- in a zone --- */

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
test_days_of_23_and_25_hours(void **state)
{
	int64_t spring = INT64_C(1774738800); /* 2026-03-29 00:00 +0100 */
	int64_t autumn = INT64_C(1792879200); /* 2026-10-25 00:00 +0200 */
	struct zone z;
	struct calendar c = {rules, &z};
	int64_t end;

	(void)state;
	use_rules(&z, "CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(calendar_day(&c, spring + 5 * HOUR, &end), spring);
	assert_int_equal(end, spring + 23 * HOUR);
	assert_int_equal(calendar_day(&c, end, &end), spring + 23 * HOUR);
	assert_int_equal(end, spring + 47 * HOUR);
	assert_int_equal(calendar_day(&c, autumn + 24 * HOUR, &end), autumn);
	assert_int_equal(end, autumn + 25 * HOUR);
	/* The month has its 31 days and an hour less, or more. */
	assert_int_equal(
		calendar_month(&c, spring, 1, &end), spring - 28 * DAY);
	assert_int_equal(end, spring - 28 * DAY + 31 * DAY - HOUR);
	calendar_month(&c, autumn, 1, &end);
	assert_int_equal(end, autumn + 7 * DAY + HOUR);
	zone_clear(&z);
}

/* 2026-03-29: clocks go from two to three, at 01:00 UTC. */
static void
test_times_that_are_not_there(void **state)
{
	int64_t change = INT64_C(1774746000);
	int64_t local = change + HOUR; /* 02:00 */
	struct zone z;
	struct calendar c = {rules, &z};

	(void)state;
	use_rules(&z, "CET-1CEST,M3.5.0,M10.5.0/3");
	for (int64_t s = 0; s < HOUR; s += 7)
		assert_int_equal(calendar_utc(&c, local + s), change);
	assert_int_equal(calendar_utc(&c, local - 1), change - 1);
	assert_int_equal(calendar_utc(&c, local + HOUR), change);
	assert_int_equal(calendar_utc(&c, local + HOUR + 1), change + 1);
	assert_int_equal(
		calendar_change(&c, change - DAY, change + DAY), change);
	assert_int_equal(
		calendar_change(&c, change, change + DAY), change + DAY);
	zone_clear(&z);
}

/*
 * For twelve years, asked at odd times: what holds AT begins before it and ends
 * after it, the next begins where it ends, and it is as long as days are.
 */
static void
check_spans(const struct calendar *c, int starts, int64_t at, int64_t to)
{
	int64_t begin, end, end_before = 0;

	for (; at < to; at += 3 * HOUR + 1111) {
		begin = starts ? calendar_month(c, at, starts, &end)
			       : calendar_day(c, at, &end);
		assert_true(begin <= at && at < end);
		if (end_before && end_before <= at)
			assert_int_equal(begin, end_before);
		if (starts)
			assert_true(end - begin >= 28 * DAY - HOUR &&
				    end - begin <= 31 * DAY + HOUR);
		else
			assert_true(end - begin >= 23 * HOUR &&
				    end - begin <= 25 * HOUR);
		end_before = end;
	}
}

static void
test_zones_have_no_gap(void **state)
{
	static const char *const zones[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
		"<-03>3<-02>,M10.3.0/0,M2.3.0/0", /* no midnight, and two */
		"NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<+13>-13<+14>,M9.5.0/3,M4.1.0/4", "<-12>12"};
	int64_t from = INT64_C(1764547200), to = from + INT64_C(4383) * DAY;

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct zone z;
		struct calendar c = {rules, &z};

		use_rules(&z, zones[i]);
		check_spans(&c, 0, from, to);
		check_spans(&c, 1, from, to);
		check_spans(&c, 31, from, to);
		zone_clear(&z);
	}
}

/* Samoa had no 30 December 2011: the day before ends as the next begins. */
static int64_t
samoa(void *arg, int64_t at)
{
	(void)arg;
	return at < INT64_C(1325239200) ? -10 * HOUR : 14 * HOUR;
}

static void
test_a_day_that_is_not_there(void **state)
{
	struct calendar c = {samoa, NULL};
	int64_t change = INT64_C(1325239200), end;

	(void)state;
	assert_int_equal(calendar_day(&c, change - 1, &end), change - DAY);
	assert_int_equal(end, change);
	assert_int_equal(calendar_day(&c, change, &end), change);
	assert_int_equal(end, change + DAY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days_and_months),
		cmocka_unit_test(test_months_follow_each_other),
		cmocka_unit_test(test_days_of_23_and_25_hours),
		cmocka_unit_test(test_times_that_are_not_there),
		cmocka_unit_test(test_zones_have_no_gap),
		cmocka_unit_test(test_a_day_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
