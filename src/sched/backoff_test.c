#include "sched/backoff.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const int64_t retry[] = {300, 900, 3600};
static const struct backoff_rule rule = {
	.retry_s = retry, .retry_n = 3, .expire_after_s = 2 * 86400};

enum { NOW = 1800000000 };

static void
test_delays_follow_the_list_and_repeat_the_last(void **state)
{
	static const int64_t want[] = {300, 900, 3600, 3600, 3600};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct backoff_facts f = {.attempts = i,
			.days_attempted = i ? 1 : 0,
			.last_attempt = i ? NOW - 10 : 0,
			.now = NOW,
			.clock_trusted = true,
			.day_counts = true};
		int64_t next;

		assert_true(backoff_next(&rule, &f, &next));
		assert_int_equal(next, NOW + want[i]);
	}
}

/* A message waits a month at sea: only the days of trying count. */
static void
test_expiry_counts_days_really_tried(void **state)
{
	struct backoff_facts f = {.attempts = 40,
		.days_attempted = 1,
		.last_attempt = NOW - 30 * 86400,
		.now = NOW,
		.clock_trusted = true,
		.day_counts = true};
	int64_t next;

	(void)state;
	assert_true(backoff_next(&rule, &f, &next)); /* the second day */
	f.days_attempted = 2;
	assert_false(backoff_next(&rule, &f, &next)); /* the third */
	f.last_attempt = NOW; /* the second day goes on */
	assert_true(backoff_next(&rule, &f, &next));
}

static void
test_nothing_expires_without_a_clock(void **state)
{
	struct backoff_facts f = {.attempts = 100,
		.days_attempted = 1000,
		.last_attempt = 5,
		.now = NOW,
		.clock_trusted = false};
	int64_t next;

	(void)state;
	assert_true(backoff_next(&rule, &f, &next));
}

/* Set back and forth, a clock makes no days. */
static void
test_a_clock_that_was_set_makes_no_days(void **state)
{
	struct backoff_facts f = {.attempts = 9,
		.days_attempted = 2,
		.last_attempt = NOW - 86400,
		.now = NOW,
		.clock_trusted = true};
	int64_t next;

	(void)state;
	assert_true(backoff_next(&rule, &f, &next));
	f.last_attempt = NOW + 4000 * 86400LL;
	assert_true(backoff_next(&rule, &f, &next));
	f.day_counts = true;
	assert_false(backoff_next(&rule, &f, &next));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_delays_follow_the_list_and_repeat_the_last),
		cmocka_unit_test(test_expiry_counts_days_really_tried),
		cmocka_unit_test(test_nothing_expires_without_a_clock),
		cmocka_unit_test(test_a_clock_that_was_set_makes_no_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
