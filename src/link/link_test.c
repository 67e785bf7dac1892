#include "link/link.h"

#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { S = 1000, MIN = 60 * S, HOUR = 60 * MIN };

static const struct link_conf reported;
static const struct link_conf dialled = {
	.dials = true, .hangs_up = true, .dial_timeout_ms = 90 * S};
static const struct link_record fresh;

static unsigned
make(struct link *l, const struct link_conf *c, struct link_record r)
{
	return link_init(l, 1, c, &r, false, S);
}

static void
assert_state(const struct link *l, const char *name)
{
	assert_string_equal(link_state_name(l), name);
}

/* --- reported links --- */

static void
test_up_and_down_once_and_twice(void **state)
{
	struct link l;

	(void)state;
	assert_int_equal(make(&l, &reported, fresh), LINK_DO_NOTHING);
	assert_state(&l, "down");
	assert_int_equal(
		link_event(&l, LINK_EV_UP, S), LINK_DO_START | LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_UP, S), LINK_DO_NOTHING);
	assert_int_equal(
		link_event(&l, LINK_EV_DOWN, S), LINK_DO_STOP | LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_DOWN, S), LINK_DO_NOTHING);
	assert_int_equal(link_event(&l, LINK_EV_CALL, S), LINK_DO_NOTHING);
	assert_int_equal(link_why(&l, S), LINK_WHY_NO_DIAL);
}

static void
test_work_and_rest(void **state)
{
	struct link l;

	(void)state;
	assert_int_equal(make(&l, &reported, (struct link_record){.up = true}),
		LINK_DO_START);
	link_event(&l, LINK_EV_WORK, S);
	assert_state(&l, "exchanging");
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S), LINK_DO_IDLE);
	assert_state(&l, "idle");
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S), LINK_DO_NOTHING);
	assert_true(link_is_usable(&l));
	link_event(&l, LINK_EV_WORK, S);
	assert_state(&l, "exchanging");
	assert_int_equal(link_event(&l, LINK_EV_CALL, S), LINK_DO_AGAIN);
}

static void
test_a_disabled_link_remembers_what_is_reported(void **state)
{
	struct link l;

	(void)state;
	make(&l, &reported, (struct link_record){.up = true});
	assert_int_equal(link_event(&l, LINK_EV_DISABLE, S),
		LINK_DO_STOP | LINK_DO_SAVE);
	assert_false(link_is_usable(&l));
	assert_true(link_record(&l).disabled);
	assert_int_equal(link_event(&l, LINK_EV_DOWN, S), LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_UP, S), LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_ENABLE, S),
		LINK_DO_START | LINK_DO_SAVE);
	link_event(&l, LINK_EV_DISABLE, S);
	link_event(&l, LINK_EV_DOWN, S);
	assert_int_equal(link_event(&l, LINK_EV_ENABLE, S), LINK_DO_SAVE);
	assert_state(&l, "down");
}

static void
test_blocks_end_a_session_at_the_next_message(void **state)
{
	struct link l;

	(void)state;
	make(&l, &reported, (struct link_record){.up = true});
	link_event(&l, LINK_EV_WORK, S);
	assert_int_equal(link_event(&l, LINK_EV_BETTER_UP, S), LINK_DO_FINISH);
	assert_int_equal(
		link_event(&l, LINK_EV_WINDOW_SHUT, S), LINK_DO_NOTHING);
	assert_false(link_is_usable(&l));
	assert_int_equal(link_why(&l, S), LINK_WHY_WINDOW);
	assert_int_equal(
		link_event(&l, LINK_EV_BETTER_GONE, S), LINK_DO_NOTHING);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP);
	assert_int_equal(link_event(&l, LINK_EV_WINDOW_OPEN, S), LINK_DO_START);
	/* freed before the sessions have ended: begun again after them */
	link_event(&l, LINK_EV_WORK, S);
	link_event(&l, LINK_EV_BETTER_UP, S);
	link_event(&l, LINK_EV_BETTER_GONE, S);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP | LINK_DO_START);
	/* a cap does not wait for a message */
	link_event(&l, LINK_EV_WORK, S);
	assert_int_equal(link_event(&l, LINK_EV_BUDGET_SPENT, S), LINK_DO_STOP);
	assert_int_equal(link_event(&l, LINK_EV_CALL, S), LINK_DO_NOTHING);
	assert_int_equal(link_why(&l, S), LINK_WHY_BUDGET);
	assert_int_equal(link_event(&l, LINK_EV_BUDGET_FREE, S), LINK_DO_START);
}

static void
test_a_person_goes_over_window_and_better_link(void **state)
{
	struct link l;

	(void)state;
	make(&l, &reported, fresh);
	link_event(&l, LINK_EV_WINDOW_SHUT, S);
	link_event(&l, LINK_EV_BETTER_UP, S);
	assert_int_equal(link_event(&l, LINK_EV_UP, S), LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_CALL, S), LINK_DO_START);
	link_event(&l, LINK_EV_WORK, S);
	assert_int_equal(
		link_event(&l, LINK_EV_WINDOW_SHUT, S), LINK_DO_NOTHING);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP);
	assert_int_equal(link_event(&l, LINK_EV_AUTO_CALL, S), LINK_DO_NOTHING);
}

/* --- calls --- */

static void
test_a_call(void **state)
{
	struct link l;

	(void)state;
	make(&l, &dialled, fresh);
	assert_int_equal(
		link_event(&l, LINK_EV_CALL, S), LINK_DO_DIAL | LINK_DO_SAVE);
	assert_true(link_record(&l).dialed);
	assert_int_equal(link_wake_ms(&l), 91 * S);
	assert_int_equal(
		link_event(&l, LINK_EV_DIALED, 5 * S), LINK_DO_NOTHING);
	assert_int_equal(link_event(&l, LINK_EV_UP, 9 * S),
		LINK_DO_START | LINK_DO_SAVE);
	assert_int_equal(link_wake_ms(&l), UINT64_MAX);
	link_event(&l, LINK_EV_WORK, 9 * S);
	link_event(&l, LINK_EV_RESULT_GOOD, 10 * S);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, 10 * S),
		LINK_DO_IDLE | LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE);
	assert_state(&l, "hanging-up");
	assert_int_equal(link_event(&l, LINK_EV_DOWN, 11 * S), LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_HUNG_UP, 12 * S), LINK_DO_SAVE);
	assert_state(&l, "down");
	assert_false(link_record(&l).dialed);
	assert_true(link_may_call(&l, 12 * S));
}

static void
test_the_first_connection_completes_a_call(void **state)
{
	struct link l;
	struct link_conf c = dialled;

	(void)state;
	c.connects = true;
	make(&l, &c, fresh);
	link_event(&l, LINK_EV_CALL, S);
	assert_int_equal(link_event(&l, LINK_EV_DIALED, 2 * S), LINK_DO_START);
	link_event(&l, LINK_EV_WORK, 2 * S);
	assert_state(&l, "dialing");
	link_event(&l, LINK_EV_NO_WORK, 3 * S); /* not yet there */
	assert_int_equal(link_wake_ms(&l), 6 * S);
	assert_int_equal(link_event(&l, LINK_EV_TICK, 8 * S), LINK_DO_AGAIN);
	assert_int_equal(
		link_event(&l, LINK_EV_CONNECTED, 9 * S), LINK_DO_SAVE);
	assert_state(&l, "exchanging");
	/* a dialler that stays: tries begin by themselves */
	make(&l, &c, fresh);
	link_event(&l, LINK_EV_CALL, S);
	assert_int_equal(link_event(&l, LINK_EV_TICK, 6 * S), LINK_DO_START);
}

static void
test_a_call_that_fails_waits_longer_each_time(void **state)
{
	static const uint64_t waits[] = {
		5 * MIN, 15 * MIN, HOUR, 4 * HOUR, 4 * HOUR};
	struct link l;
	uint64_t now = S;

	(void)state;
	make(&l, &dialled, fresh);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(link_event(&l, LINK_EV_AUTO_CALL, now),
			LINK_DO_DIAL | LINK_DO_SAVE);
		if (i % 2) { /* it hangs, or ends */
			now += 90 * S;
			assert_int_equal(link_event(&l, LINK_EV_TICK, now),
				LINK_DO_KILL | LINK_DO_HANG_UP | LINK_DO_SAVE);
			link_event(&l, LINK_EV_DIAL_FAILED, now);
		} else {
			assert_int_equal(
				link_event(&l, LINK_EV_DIAL_FAILED, now),
				LINK_DO_HANG_UP | LINK_DO_SAVE);
		}
		link_event(&l, LINK_EV_HUNG_UP, now);
		assert_state(&l, "failed");
		assert_int_equal(link_why(&l, now), LINK_WHY_RETRY);
		now += waits[i] - 1;
		assert_false(link_may_call(&l, now));
		assert_int_equal(link_event(&l, LINK_EV_AUTO_CALL, now++),
			LINK_DO_NOTHING);
		assert_true(link_may_call(&l, now));
	}
	link_event(&l, LINK_EV_AUTO_CALL, now);
	link_event(&l, LINK_EV_DIAL_FAILED, now);
	link_event(&l, LINK_EV_HUNG_UP, now);
	assert_int_equal(link_event(&l, LINK_EV_CALL, now),
		LINK_DO_DIAL | LINK_DO_SAVE); /* a person does not wait */
}

static void
one_call(struct link *l, enum link_event result, unsigned *commands_r)
{
	link_event(l, LINK_EV_UP, S);
	link_event(l, LINK_EV_WORK, S);
	*commands_r = link_event(l, result, S);
	link_event(l, LINK_EV_NO_WORK, S);
	link_event(l, LINK_EV_HUNG_UP, S);
}

static void
test_two_bad_results_stop_automatic_calls(void **state)
{
	struct link l;
	unsigned commands;

	(void)state;
	make(&l, &dialled, fresh);
	link_event(&l, LINK_EV_CALL, S);
	one_call(&l, LINK_EV_RESULT_BAD, &commands);
	assert_int_equal(commands, LINK_DO_NOTHING);
	link_event(&l, LINK_EV_AUTO_CALL, S + 5 * MIN);
	one_call(&l, LINK_EV_RESULT_GOOD, &commands);
	link_event(&l, LINK_EV_AUTO_CALL, S);
	one_call(&l, LINK_EV_RESULT_BAD, &commands);
	assert_int_equal(commands, LINK_DO_NOTHING);
	link_event(&l, LINK_EV_AUTO_CALL, S + 5 * MIN);
	assert_state(&l, "dialing");
	one_call(&l, LINK_EV_RESULT_BAD, &commands);
	assert_int_equal(commands, LINK_DO_STUCK | LINK_DO_SAVE);
	assert_true(link_record(&l).stuck);
	assert_false(link_may_call(&l, UINT64_C(1000) * HOUR));
	assert_int_equal(link_why(&l, 0), LINK_WHY_STUCK);
	/* over a restart too */
	make(&l, &dialled, link_record(&l));
	assert_false(link_may_call(&l, UINT64_C(1000) * HOUR));
	assert_int_equal(link_configure(&l, &dialled), LINK_DO_SAVE);
	assert_true(link_may_call(&l, S));
	make(&l, &dialled, (struct link_record){.stuck = true});
	assert_int_equal(
		link_event(&l, LINK_EV_CALL, S), LINK_DO_DIAL | LINK_DO_SAVE);
	assert_false(link_record(&l).stuck);
}

static void
test_what_ends_a_call_hangs_up(void **state)
{
	static const struct {
		enum link_event ev;
		unsigned commands;
	} ends[] = {
		{LINK_EV_DOWN, LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE},
		{LINK_EV_HANGUP, LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE},
		{LINK_EV_DISABLE,
			LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE},
		{LINK_EV_QUIT, LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE},
		{LINK_EV_BUDGET_SPENT,
			LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE},
		{LINK_EV_BUDGET_REACHED, LINK_DO_FINISH},
	};
	struct link l;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		make(&l, &dialled, fresh);
		link_event(&l, LINK_EV_CALL, S);
		link_event(&l, LINK_EV_DIALED, S);
		link_event(&l, LINK_EV_UP, S);
		link_event(&l, LINK_EV_WORK, S);
		assert_int_equal(
			link_event(&l, ends[i].ev, S), ends[i].commands);
	}
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE);
	/* asked for again meanwhile: after the line is free */
	link_event(&l, LINK_EV_BUDGET_FREE, S);
	assert_int_equal(link_event(&l, LINK_EV_CALL, S), LINK_DO_NOTHING);
	assert_int_equal(link_event(&l, LINK_EV_HUNG_UP, S),
		LINK_DO_SAVE | LINK_DO_DIAL);
}

static void
test_hanging_up_is_tried_again(void **state)
{
	static const uint64_t waits[] = {10 * S, 30 * S, 2 * MIN, 10 * MIN};
	struct link l;
	uint64_t now = S;

	(void)state;
	make(&l, &dialled, fresh);
	link_event(&l, LINK_EV_CALL, now);
	link_event(&l, LINK_EV_DIAL_FAILED, now);
	for (size_t i = 0; i < 4; i++) {
		if (i == 1) { /* it hangs */
			now += LINK_HANGUP_TIMEOUT_MS;
			assert_int_equal(link_event(&l, LINK_EV_TICK, now),
				LINK_DO_KILL);
		}
		link_event(&l, LINK_EV_HANGUP_FAILED, now);
		assert_int_equal(link_wake_ms(&l), now + waits[i]);
		now += waits[i];
		assert_int_equal(
			link_event(&l, LINK_EV_TICK, now), LINK_DO_HANG_UP);
	}
	assert_int_equal(link_event(&l, LINK_EV_HANGUP_FAILED, now),
		LINK_DO_STUCK | LINK_DO_SAVE);
	assert_state(&l, "failed");
	assert_int_equal(link_why(&l, now), LINK_WHY_NOT_HUNG_UP);
	assert_false(link_may_call(&l, now + 100 * HOUR));
	/* a person's call hangs up first, then dials */
	assert_int_equal(link_event(&l, LINK_EV_CALL, now),
		LINK_DO_HANG_UP | LINK_DO_SAVE);
	assert_int_equal(link_event(&l, LINK_EV_HUNG_UP, now),
		LINK_DO_SAVE | LINK_DO_DIAL);
}

static void
test_a_dialler_without_a_program_to_hang_up(void **state)
{
	struct link l;
	struct link_conf c = {.dials = true, .dial_timeout_ms = S};

	(void)state;
	make(&l, &c, fresh);
	link_event(&l, LINK_EV_CALL, S);
	link_event(&l, LINK_EV_UP, S);
	link_event(&l, LINK_EV_WORK, S);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP | LINK_DO_KILL | LINK_DO_SAVE);
	assert_state(&l, "hanging-up");
	assert_int_equal(link_event(&l, LINK_EV_DIAL_FAILED, S), LINK_DO_SAVE);
	assert_state(&l, "down");
	/* it ends by itself: the line is lost */
	link_event(&l, LINK_EV_CALL, S);
	link_event(&l, LINK_EV_UP, S);
	assert_int_equal(link_event(&l, LINK_EV_DIAL_FAILED, S),
		LINK_DO_STOP | LINK_DO_SAVE);
	assert_state(&l, "down");
}

static void
test_after_a_crash_and_another_boot(void **state)
{
	const struct link_record dialing = {.dialed = true};
	const struct link_record calling = {.dialed = true, .up = true};
	const struct link_record up = {.up = true};
	struct link l;

	(void)state;
	/* the same boot: the line may be open; one in use is used on */
	assert_int_equal(
		make(&l, &dialled, dialing), LINK_DO_HANG_UP | LINK_DO_SAVE);
	assert_int_equal(make(&l, &dialled, calling), LINK_DO_START);
	link_event(&l, LINK_EV_WORK, S);
	assert_int_equal(link_event(&l, LINK_EV_NO_WORK, S),
		LINK_DO_IDLE | LINK_DO_STOP | LINK_DO_HANG_UP | LINK_DO_SAVE);
	assert_int_equal(make(&l, &dialled, up), LINK_DO_START);
	/* another boot: down, and dial.down runs once */
	assert_int_equal(link_init(&l, 1, &dialled, &up, true, S),
		LINK_DO_HANG_UP | LINK_DO_SAVE);
	link_event(&l, LINK_EV_HUNG_UP, S);
	assert_state(&l, "down");
	assert_int_equal(
		link_init(&l, 1, &reported, &up, true, S), LINK_DO_NOTHING);
	assert_state(&l, "down");
	/* disabled while the line was open */
	assert_int_equal(
		make(&l, &dialled,
			(struct link_record){.disabled = true, .dialed = true}),
		LINK_DO_HANG_UP | LINK_DO_SAVE);
	link_event(&l, LINK_EV_HUNG_UP, S);
	assert_state(&l, "disabled");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_and_down_once_and_twice),
		cmocka_unit_test(test_work_and_rest),
		cmocka_unit_test(
			test_a_disabled_link_remembers_what_is_reported),
		cmocka_unit_test(test_blocks_end_a_session_at_the_next_message),
		cmocka_unit_test(
			test_a_person_goes_over_window_and_better_link),
		cmocka_unit_test(test_a_call),
		cmocka_unit_test(test_the_first_connection_completes_a_call),
		cmocka_unit_test(test_a_call_that_fails_waits_longer_each_time),
		cmocka_unit_test(test_two_bad_results_stop_automatic_calls),
		cmocka_unit_test(test_what_ends_a_call_hangs_up),
		cmocka_unit_test(test_hanging_up_is_tried_again),
		cmocka_unit_test(test_a_dialler_without_a_program_to_hang_up),
		cmocka_unit_test(test_after_a_crash_and_another_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
