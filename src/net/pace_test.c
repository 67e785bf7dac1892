#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/pace.h"

static void
test_none(void **state)
{
	struct pace *p = pace_new(0);

	(void)state;
	assert_true(pace_room(NULL, PACE_OUT, 5) == SIZE_MAX);
	assert_true(pace_room(p, PACE_IN, 5) == SIZE_MAX);
	pace_took(p, PACE_IN, 100000, 5);
	assert_true(pace_room(p, PACE_IN, 5) == SIZE_MAX);
	assert_int_equal(pace_wait_ms(p, PACE_IN, 5), 0);
	assert_null(pace_hold(NULL));
	pace_release(NULL);
	pace_release(p);
}

/* 300 octets a second: a piece, and what it owes with its head. */
static void
test_owes(void **state)
{
	struct pace *p = pace_new(2400);

	(void)state;
	assert_int_equal(pace_room(p, PACE_OUT, 1000), 300);
	pace_took(p, PACE_OUT, 20, 1000);
	assert_int_equal(pace_room(p, PACE_OUT, 1000), 0);
	assert_int_equal(pace_wait_ms(p, PACE_OUT, 1000), 200);
	assert_int_equal(pace_room(p, PACE_IN, 1000), 300); /* its own */
	assert_int_equal(pace_room(p, PACE_OUT, 1199), 0);
	assert_int_equal(pace_wait_ms(p, PACE_OUT, 1199), 1);
	assert_int_equal(pace_room(p, PACE_OUT, 1200), 300);
	/* nothing is saved up, and a clock that stands still gives nothing */
	assert_int_equal(pace_room(p, PACE_OUT, 1000000), 300);
	pace_took(p, PACE_OUT, 300, 1000000);
	assert_int_equal(pace_room(p, PACE_OUT, 1000000), 0);
	assert_int_equal(pace_room(p, PACE_OUT, 999999), 0);
	pace_release(p);
}

/* Over an hour the rate holds to the octet, heads with it. */
static uint64_t
moved_in_an_hour(uint64_t bps)
{
	struct pace *p = pace_new(bps);
	uint64_t octets = 0, now = 7;

	while (now < 7 + 3600000) {
		size_t n = pace_room(p, PACE_IN, now);

		if (n == 0) {
			now += pace_wait_ms(p, PACE_IN, now);
			continue;
		}
		pace_took(p, PACE_IN, n, now);
		octets += n + 40 * ((n + 1447) / 1448);
	}
	pace_release(p);
	return octets;
}

static void
test_the_rate_holds(void **state)
{
	static const uint64_t rates[] = {300, 1200, 64000, 2000000, 100000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t most = rates[i] * 3600 / 8;
		uint64_t n = moved_in_an_hour(rates[i]);

		assert_true(n <= most + most / 1000 + 300);
		assert_true(n >= most * 9 / 10);
	}
}

static void
test_extremes_and_changes(void **state)
{
	struct pace *p = pace_new(1), *q;

	(void)state;
	assert_int_equal(pace_room(p, PACE_OUT, 1), PACE_PIECE_MIN);
	pace_took(p, PACE_OUT, SIZE_MAX, 1);
	assert_int_equal(pace_room(p, PACE_OUT, UINT32_MAX), 0);
	pace_set(p, UINT64_C(1000000000000));
	assert_int_equal(pace_room(p, PACE_OUT, UINT64_MAX), 1 << 30);
	pace_set(p, 0);
	assert_true(pace_room(p, PACE_OUT, 1) == SIZE_MAX);
	q = pace_hold(p);
	pace_release(p);
	assert_true(pace_room(q, PACE_OUT, 1) == SIZE_MAX);
	pace_release(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_owes),
		cmocka_unit_test(test_the_rate_holds),
		cmocka_unit_test(test_extremes_and_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
