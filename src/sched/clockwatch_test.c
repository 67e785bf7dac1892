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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_good_clock_is_believed, setup),
		cmocka_unit_test_setup(test_a_jump_is_quiet_for_a_day, setup),
		cmocka_unit_test_setup(test_back_again, setup),
		cmocka_unit_test_setup(test_the_first_look, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
