#include "sched/clockwatch.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { NOW = 1800000000, HOUR = 3600, DAY = 24 * HOUR };

static struct clockwatch w;
static int64_t wall;
static uint64_t mono;

static int
setup(void **state)
{
	(void)state;
	w = (struct clockwatch){.looked = false};
	wall = NOW;
	mono = 5000;
	return 0;
}

/* SECONDS pass, and the wall clock is set forward by JUMP. */
static bool
later(int64_t seconds, int64_t jump, int64_t *jump_r)
{
	wall += seconds + jump;
	mono += (uint64_t)seconds * 1000;
	return clockwatch_look(&w, wall, mono, jump_r);
}

static void
test_a_good_clock_is_believed(void **state)
{
	int64_t jump;

	(void)state;
	assert_true(later(0, 0, &jump));
	for (int i = 0; i < 1000; i++) {
		assert_true(later(600, i % 3 - 1, &jump));
		assert_int_equal(jump, 0);
	}
	assert_true(later(40 * DAY, 0, &jump)); /* nobody looked for long */
	assert_true(later(600, HOUR, &jump));	/* not more than an hour */
	assert_int_equal(jump, 0);
}

static void
jump_is_quiet_for_a_day(int64_t by)
{
	int64_t jump;

	later(0, 0, &jump);
	assert_false(later(600, by, &jump));
	assert_int_equal(jump, by);
	assert_false(later(600, 0, &jump));
	assert_int_equal(jump, 0); /* told once */
	assert_false(later(DAY - 601, 0, &jump));
	assert_true(later(1, 0, &jump));
	assert_int_equal(jump, 0);
}

static void
test_a_jump_is_quiet_for_a_day(void **state)
{
	jump_is_quiet_for_a_day(HOUR + 1);
	setup(state);
	jump_is_quiet_for_a_day(-HOUR - 1);
	setup(state);
	jump_is_quiet_for_a_day(3650LL * DAY);
}

/* Each jump begins the day anew, also the one that puts it right. */
static void
test_back_again(void **state)
{
	int64_t jump;

	(void)state;
	later(0, 0, &jump);
	assert_false(later(600, 60 * DAY, &jump));
	assert_false(later(12 * HOUR, -60 * DAY, &jump));
	assert_int_equal(jump, -60 * DAY);
	assert_false(later(12 * HOUR, 0, &jump));
	assert_true(later(12 * HOUR, 0, &jump));
}

/* The first look compares with nothing. */
static void
test_the_first_look(void **state)
{
	int64_t jump;

	(void)state;
	wall = -5;
	mono = UINT32_MAX;
	assert_true(later(0, 0, &jump));
	assert_int_equal(jump, 0);
}

/* The steady clock: SECONDS after START, whatever was done to the other. */
static void
is_steady(int64_t start, int64_t seconds)
{
	int64_t off = clockwatch_steady_s(&w, mono) - start - seconds;

	assert_true(off >= -2 && off <= 2);
}

static void
test_the_steady_clock_goes_on(void **state)
{
	static const int64_t jumps[] = {60 * DAY, -60 * DAY, 3650LL * DAY,
		-4000LL * DAY, 2 * HOUR, -2 * HOUR};
	int64_t jump, passed = 0;

	(void)state;
	clockwatch_begin(&w, 0, NOW - DAY, wall, mono);
	is_steady(NOW, 0);
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		later(600, jumps[i], &jump);
		passed += 600;
		is_steady(NOW, passed);
		mono += 5000; /* between two looks, too */
		wall += 5;
		passed += 5;
		is_steady(NOW, passed);
	}
}

/* A start with the clock in 1970, and then it is set. */
static void
test_the_steady_clock_without_a_clock(void **state)
{
	int64_t jump, set_by;

	(void)state;
	clockwatch_begin(&w, -300, NOW, 7200, mono);
	is_steady(NOW, 300);
	later(600, NOW + 40 * DAY, &jump);
	is_steady(NOW, 900);
	set_by = w.set_by_s;
	/* the next start knows what was done */
	clockwatch_begin(&w, set_by, wall - 5, wall, mono);
	is_steady(NOW, 900);
}

static void
test_which_days_count(void **state)
{
	int64_t jump;

	(void)state;
	clockwatch_begin(&w, 0, NOW, wall, mono);
	assert_true(clockwatch_day_counts(&w, mono, NOW));
	later(600, DAY, &jump); /* set after the start */
	assert_true(clockwatch_day_counts(&w, mono, NOW - 1));
	assert_false(clockwatch_day_counts(&w, mono, NOW)); /* tried since */
	later(600, DAY, &jump);
	assert_false(clockwatch_day_counts(&w, mono, NOW - 1));
	later(DAY, 0, &jump);
	assert_true(clockwatch_day_counts(&w, mono, NOW));
	clockwatch_begin(&w, 0, NOW, wall, mono);
	later(600, -DAY, &jump); /* back is never what a start needs */
	assert_false(clockwatch_day_counts(&w, mono, NOW - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_good_clock_is_believed, setup),
		cmocka_unit_test_setup(test_a_jump_is_quiet_for_a_day, setup),
		cmocka_unit_test_setup(test_back_again, setup),
		cmocka_unit_test_setup(test_the_first_look, setup),
		cmocka_unit_test_setup(test_the_steady_clock_goes_on, setup),
		cmocka_unit_test_setup(
			test_the_steady_clock_without_a_clock, setup),
		cmocka_unit_test_setup(test_which_days_count, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
