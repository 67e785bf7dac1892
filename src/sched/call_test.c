#include "sched/call.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { MIN = 60, HOUR = 3600, DAY = 86400 };
enum { MIDNIGHT = 1767225600 }; /* 2026-01-01 00:00 UTC */

static const struct windows none;

static struct windows
twice_a_day(void)
{
	struct windows w = {.n = 0};

	assert_int_equal(windows_add(&w, STR("06:00-06:20"), NULL), OK);
	assert_int_equal(windows_add(&w, STR("18:00-18:20"), NULL), OK);
	return w;
}

static void
assert_call(const struct call_rule *r, struct call_facts f, int64_t now,
	bool due, int64_t next)
{
	int64_t got;

	f.now = now;
	assert_int_equal(call_is_due(r, &f, &got), due);
	assert_int_equal(got, next);
}

static void
test_waiting_and_urgent_mail(void **state)
{
	const struct call_rule r = {.windows = &none,
		.when_waiting_s = 30 * MIN,
		.has_at_once = true,
		.at_once_priority = 4};
	struct call_facts f = {.clock_trusted = true, .oldest = MIDNIGHT};

	(void)state;
	assert_call(&r, f, MIDNIGHT + HOUR, false, 0); /* nothing waits */
	f.waiting = true;
	assert_call(&r, f, MIDNIGHT + MIN, false, MIDNIGHT + 30 * MIN);
	assert_call(&r, f, MIDNIGHT + 30 * MIN, true, 0);
	f.most_urgent = 4;
	assert_call(&r, f, MIDNIGHT + MIN, true, 0);
}

static void
test_only_in_a_window(void **state)
{
	const struct windows w = twice_a_day();
	const struct call_rule r = {.windows = &w,
		.when_waiting_s = 30 * MIN,
		.has_at_once = true,
		.at_once_priority = 4};
	struct call_facts f = {
		.clock_trusted = true, .waiting = true, .oldest = MIDNIGHT};
	int64_t six = MIDNIGHT + 6 * HOUR;

	(void)state;
	assert_call(&r, f, MIDNIGHT + HOUR, false, six);
	assert_call(&r, f, six, true, 0);
	f.oldest = six - 15 * MIN; /* long enough within the window */
	assert_call(&r, f, six, false, six + 15 * MIN);
	f.oldest = six - 5 * MIN; /* not before it shuts */
	assert_call(&r, f, six, false, six + 12 * HOUR);
	f.most_urgent = 9;
	assert_call(&r, f, six + HOUR, false, six + 12 * HOUR);
	f.clock_trusted = false; /* windows are off */
	assert_call(&r, f, six + HOUR, true, 0);
}

static void
test_once_in_each_window(void **state)
{
	const struct windows w = twice_a_day();
	const struct call_rule r = {.windows = &w};
	struct call_facts f = {.clock_trusted = true};
	int64_t six = MIDNIGHT + 6 * HOUR;

	(void)state;
	assert_call(&r, f, six - 1, false, six);
	assert_call(&r, f, six + 1, true, 0);
	f.last_call = six + 1;
	assert_call(&r, f, six + 2, false, six + 12 * HOUR);
	assert_call(&r, f, six + HOUR, false, six + 12 * HOUR);
	assert_call(&r, f, six + 12 * HOUR, true, 0);
	f.last_call = six + 12 * HOUR;
	assert_call(&r, f, six + 12 * HOUR + 5, false, six + DAY);
	f.last_call = six + 9 * DAY; /* the clock was set back */
	assert_call(&r, f, six + DAY, true, 0);
	f.clock_trusted = false;
	assert_call(&r, f, six, false, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiting_and_urgent_mail),
		cmocka_unit_test(test_only_in_a_window),
		cmocka_unit_test(test_once_in_each_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
