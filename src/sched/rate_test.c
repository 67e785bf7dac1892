#include "sched/rate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_a_burst_then_evenly(void **state)
{
	struct rate *r = rate_new();
	unsigned wait;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_true(rate_take(r, "ann", 60, 1000, &wait));
	assert_false(rate_take(r, "ann", 60, 1000, &wait));
	assert_int_equal(wait, 61);
	assert_true(rate_take(r, "ben", 60, 1000, &wait));
	assert_true(rate_take(r, "ann", 60, 1000 + 61000, &wait));
	assert_false(rate_take(r, "ann", 60, 1000 + 61000, &wait));
	rate_free(r);
}

static void
test_no_limit_and_long_idle(void **state)
{
	struct rate *r = rate_new();
	unsigned wait;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(rate_take(r, "ann", 0, 5, &wait));
	for (int i = 0; i < 3; i++)
		assert_true(rate_take(r, "ann", 3, 5, &wait));
	/* a year later there is one hour's worth, not a year's */
	for (int i = 0; i < 3; i++)
		assert_true(rate_take(r, "ann", 3, 31536000000, &wait));
	assert_false(rate_take(r, "ann", 3, 31536000000, &wait));
	rate_free(r);
}

/* More names than there is room for: memory stays, the newest are kept. */
static void
test_many_names(void **state)
{
	struct rate *r = rate_new();
	char name[32];
	unsigned wait;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "client %u", i);
		assert_true(rate_take(r, name, 1, 1000 + i, &wait));
	}
	assert_false(rate_take(r, "client 4999", 1, 6000, &wait));
	assert_true(rate_take(r, "client 1", 1, 6000, &wait));
	rate_free(r);
}

static void
test_looking_takes_nothing(void **state)
{
	struct rate *r = rate_new();
	unsigned wait;

	(void)state;
	assert_true(rate_has(r, "ann", 1, 1000));
	assert_true(rate_has(r, "ann", 1, 1000));
	assert_true(rate_take(r, "ann", 1, 1000, &wait));
	assert_false(rate_has(r, "ann", 1, 1000));
	assert_true(rate_has(r, "ann", 0, 1000));
	assert_true(rate_has(r, "ben", 1, 1000));
	assert_false(rate_has(r, "ann", 1, 1000 + 3599999));
	assert_true(rate_has(r, "ann", 1, 1000 + 3600000));
	/* and again: it did not refill */
	assert_true(rate_take(r, "ann", 1, 1000 + 3600000, &wait));
	assert_false(rate_has(r, "ann", 1, 1000 + 3600000));
	rate_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_then_evenly),
		cmocka_unit_test(test_no_limit_and_long_idle),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_looking_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
