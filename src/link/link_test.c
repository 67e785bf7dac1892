#include "link/link.h"

#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_up_and_down_once_and_twice(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, 1, false, false);
	assert_string_equal(link_state_name(&l), "down");
	assert_int_equal(
		link_event(&l, LINK_EV_UP), LINK_DO_START | LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_UP), LINK_DO_NOTHING);
	assert_int_equal(
		link_event(&l, LINK_EV_DOWN), LINK_DO_STOP | LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_DOWN), LINK_DO_NOTHING);
}

static void
test_work_and_rest(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, 1, false, true);
	link_event(&l, LINK_EV_WORK);
	assert_string_equal(link_state_name(&l), "exchanging");
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK), LINK_DO_IDLE);
	assert_string_equal(link_state_name(&l), "idle");
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK), LINK_DO_NOTHING);
	assert_true(link_is_usable(&l));
	link_event(&l, LINK_EV_WORK);
	assert_string_equal(link_state_name(&l), "exchanging");
}

static void
test_a_disabled_link_remembers_what_is_reported(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, 1, false, true);
	assert_int_equal(
		link_event(&l, LINK_EV_DISABLE), LINK_DO_STOP | LINK_DO_SAVE);
	assert_false(link_is_usable(&l));
	assert_int_equal(link_event(&l, LINK_EV_DOWN), LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_UP), LINK_DO_SAVE);
	assert_int_equal(
		link_event(&l, LINK_EV_ENABLE), LINK_DO_START | LINK_DO_SAVE);
	link_event(&l, LINK_EV_DISABLE);
	link_event(&l, LINK_EV_DOWN);
	assert_int_equal(link_event(&l, LINK_EV_ENABLE), LINK_DO_SAVE);
	assert_string_equal(link_state_name(&l), "down");
}

/* Starts and stops are balanced, whatever comes in whatever order. */
static void
test_any_order_of_events(void **state)
{
	struct link l;
	int running = 0;

	(void)state;
	srand(7);
	link_init(&l, 1, false, false);
	for (int i = 0; i < 100000; i++) {
		unsigned cmd = link_event(
			&l, (enum link_event)(rand() % (LINK_EV_NO_WORK + 1)));

		running += (cmd & LINK_DO_START) != 0;
		running -= (cmd & LINK_DO_STOP) != 0 && running > 0;
		assert_int_equal(running, link_is_usable(&l));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_and_down_once_and_twice),
		cmocka_unit_test(test_work_and_rest),
		cmocka_unit_test(
			test_a_disabled_link_remembers_what_is_reported),
		cmocka_unit_test(test_any_order_of_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
