/* Once a day, whatever is done to the clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sched/daily.h"

enum { HOUR = 3600, DAY = 24 * HOUR, AT = 6 * HOUR };

static const int64_t noon = INT64_C(20000) * DAY + 12 * HOUR;

/* Looks each minute for SECONDS; how often it was done. */
static unsigned
live(struct daily *d, int64_t *wall, int64_t *steady, int64_t seconds)
{
	unsigned n = 0;

	for (; seconds > 0; seconds -= 60, *wall += 60, *steady += 60)
		if (daily_is_due(d, AT, *wall, *steady)) {
			*d = (struct daily){daily_day(AT, *wall), *steady};
			n++;
		}
	return n;
}

static void
test_days(void **state)
{
	struct daily d = {0, 0};
	int64_t wall = noon, steady = noon;

	(void)state;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 1);
	assert_int_equal(live(&d, &wall, &steady, 16 * HOUR), 0);
	assert_int_equal(live(&d, &wall, &steady, 2 * HOUR), 1);
	assert_int_equal(live(&d, &wall, &steady, 30 * DAY), 30);
	wall += 3 * DAY; /* it was off */
	steady += 3 * DAY;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 1);
}

static void
test_set_clocks(void **state)
{
	struct daily d = {0, 0};
	int64_t wall = noon, steady = noon;

	(void)state;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 1);
	wall += 400 * DAY;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 0);
	wall -= 400 * DAY;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 0);
	wall -= DAY;
	assert_int_equal(live(&d, &wall, &steady, HOUR), 0);
	wall += DAY;
	assert_int_equal(live(&d, &wall, &steady, 5 * DAY), 5);
	/* where it stays so for days, one more at most */
	wall += 400 * DAY;
	assert_in_range(live(&d, &wall, &steady, 3 * DAY), 3, 4);
	wall -= 400 * DAY;
	assert_in_range(live(&d, &wall, &steady, 3 * DAY), 3, 4);
}

static void
test_days_of_before(void **state)
{
	(void)state;
	assert_int_equal(daily_day(0, 0), 0);
	assert_int_equal(daily_day(0, -1), -1);
	assert_int_equal(daily_day(AT, AT - 1), -1);
	assert_int_equal(daily_day(AT, AT), 0);
	/* a steady clock that began anew */
	assert_true(daily_is_due(
		&(struct daily){20000, noon}, AT, noon + DAY, 100));
	assert_false(daily_is_due(&(struct daily){20000, noon}, AT, noon, 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_set_clocks),
		cmocka_unit_test(test_days_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
