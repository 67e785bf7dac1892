#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sched/refusals.h"

#include <stdio.h>
#include <string.h>

static void
test_share(void **state)
{
	struct refusals r = {.answered = 0};

	(void)state;
	assert_int_equal(refusals_chance(&r, "ben@shore.example"), 0);
	assert_false(r.changed);
	for (int i = 0; i < 10; i++)
		refusals_answered(&r, i % 5 == 0);
	assert_true(r.changed);
	assert_int_equal(refusals_chance(&r, "ben@shore.example"), 100);
	for (int i = 0; i < 5000; i++) /* it fades */
		refusals_answered(&r, false);
	assert_true(r.answered < REFUSALS_ANSWERED_MAX);
	assert_int_equal(refusals_chance(&r, "ben@shore.example"), 0);
	for (int i = 0; i < 5000; i++)
		refusals_answered(&r, true);
	assert_in_range(refusals_chance(&r, ""), 950, 1000);
}

static void
test_recipients(void **state)
{
	struct refusals r = {.answered = 0};
	char z[32];

	(void)state;
	refusals_recipient(&r, "dead@shore.example", 421);
	refusals_recipient(&r, "dead@shore.example", 452);
	refusals_recipient(&r, "dead@shore.example", 552);
	refusals_recipient(&r, "dead@shore.example", 0);
	refusals_recipient(&r, "dead@shore.example", 250);
	assert_false(r.changed);
	refusals_recipient(&r, "Dead@Shore.Example", 550);
	assert_int_equal(
		refusals_chance(&r, "dead@shore.example"), REFUSALS_AGAIN);
	assert_int_equal(refusals_chance(&r, "ben@shore.example"), 0);
	refusals_recipient(&r, "ben@shore.example", 450);
	assert_int_equal(
		refusals_chance(&r, "ben@shore.example"), REFUSALS_AGAIN);
	refusals_recipient(&r, "dead@shore.example", 251);
	assert_int_equal(refusals_chance(&r, "dead@shore.example"), 0);
	for (unsigned i = 0; i < REFUSALS_MARKS_MAX; i++) {
		snprintf(z, sizeof(z), "%u@shore.example", i);
		refusals_recipient(&r, z, 550);
		refusals_recipient(&r, z, 550);
	}
	assert_int_equal(r.marks_n, REFUSALS_MARKS_MAX);
	assert_int_equal(refusals_chance(&r, "ben@shore.example"), 0);
	assert_int_equal(
		refusals_chance(&r, "0@shore.example"), REFUSALS_AGAIN);
}

static void
test_price(void **state)
{
	(void)state;
	assert_false(refusals_is_dear(UINT64_MAX, 0, 0));
	assert_true(refusals_is_dear(UINT64_MAX, 1000, UINT64_MAX / 2));
	assert_false(refusals_is_dear(2048, 1000, 2048));
	assert_true(refusals_is_dear(2049, 1000, 2048));
	assert_true(refusals_is_dear(6000, 600, 2048));
	assert_false(refusals_is_dear(100000, 20, 2048));
}

static void
test_kept(void **state)
{
	char text[REFUSALS_TEXT_MAX], again[REFUSALS_TEXT_MAX], z[32];
	struct refusals r = {.answered = 0}, s;

	(void)state;
	refusals_answered(&r, true);
	for (unsigned i = 0; i < REFUSALS_MARKS_MAX + 3; i++) {
		snprintf(z, sizeof(z), "%u@shore.example", i);
		refusals_recipient(&r, z, 550);
	}
	refusals_write(&r, text);
	refusals_read(&s, str_of(text));
	refusals_write(&s, again);
	assert_string_equal(text, again);
	assert_false(s.changed);
	assert_int_equal(refusals_chance(&s, z), REFUSALS_AGAIN);
	refusals_read(&s, STR(""));
	assert_int_equal(s.answered + s.refused + s.marks_n, 0);
	refusals_read(&s, STR("1 2 00000000000000zz 1 0000000000000007"));
	assert_int_equal(s.answered + s.refused, 0);
	assert_int_equal(s.marks_n, 1);
	refusals_read(&s, STR("501 2"));
	assert_int_equal(s.answered, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_price),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
