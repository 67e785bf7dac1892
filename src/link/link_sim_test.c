/*
 * A host around the link that does what it is told and checks that all is
 * balanced: sessions started and stopped, lines dialled and hung up.
 */
#include "link/link.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { S = 1000, DAY_S = 86400 };

struct host {
	struct link l;
	struct link_record disk;
	bool running, open, dialling, hanging;
	unsigned dials, hang_ups, starts, stops, ups;
	uint64_t random, now_ms, up_at_ms;
};

static uint64_t
dice(struct host *h, uint64_t below)
{
	h->random = h->random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (h->random >> 33) % below;
}

/* In the order of the bits. */
static void
obey(struct host *h, unsigned commands)
{
	if (commands & LINK_DO_SAVE)
		h->disk = link_record(&h->l);
	if (commands & LINK_DO_KILL)
		h->dialling = h->hanging = false;
	if (commands & LINK_DO_FINISH)
		assert_true(h->running);
	if (commands & LINK_DO_STOP) {
		assert_true(h->running);
		h->running = false;
		h->stops++;
	}
	if (commands & LINK_DO_HANG_UP) {
		assert_true(h->open && !h->hanging && !h->running);
		h->hanging = true;
		h->hang_ups++;
	}
	if (commands & LINK_DO_DIAL) {
		assert_true(!h->open && !h->hanging && !h->running);
		assert_true(h->disk.dialed); /* recorded before it runs */
		h->open = h->dialling = true;
		h->dials++;
	}
	if (commands & LINK_DO_START) {
		assert_true(!h->running);
		h->running = true;
		h->starts++;
	}
	if (commands & LINK_DO_AGAIN)
		assert_true(h->running);
}

static void
event(struct host *h, enum link_event ev)
{
	if (ev == LINK_EV_HUNG_UP)
		h->open = false;
	if (ev == LINK_EV_HUNG_UP || ev == LINK_EV_HANGUP_FAILED)
		h->hanging = false;
	if (ev == LINK_EV_DIALED || ev == LINK_EV_DIAL_FAILED)
		h->dialling = false;
	obey(h, link_event(&h->l, ev, h->now_ms));
	/* A record tells of every line that may be open, always. */
	assert_true(!h->open || h->disk.dialed);
	assert_true(h->running || !link_is_usable(&h->l));
	assert_false(h->running && link_is_usable(&h->l) &&
		     link_record(&h->l).disabled);
	assert_false(h->open && h->l.state.now == LINK_DOWN);
}

static bool
may_happen(const struct host *h, enum link_event ev)
{
	if (ev == LINK_EV_DIALED || ev == LINK_EV_DIAL_FAILED)
		return h->dialling;
	if (ev == LINK_EV_HUNG_UP || ev == LINK_EV_HANGUP_FAILED)
		return h->hanging;
	return ev != LINK_EV_QUIT;
}

static void
begin(struct host *h, const struct link_conf *c, bool other_boot)
{
	unsigned commands =
		link_init(&h->l, 1, c, &h->disk, other_boot, h->now_ms);

	h->running = h->dialling = h->hanging = false;
	if (other_boot && (commands & LINK_DO_HANG_UP))
		h->open = true; /* dial.down may run for nothing */
	obey(h, commands);
}

/* Leaves nothing open behind. */
static void
quit(struct host *h)
{
	event(h, LINK_EV_QUIT);
	for (int i = 0; i < 100 && h->hanging; i++)
		event(h, LINK_EV_HUNG_UP);
	for (int i = 0; i < 100 && h->l.state.now == LINK_HANGING_UP; i++) {
		h->now_ms += 3600 * S;
		event(h, LINK_EV_TICK);
		if (h->hanging)
			event(h, LINK_EV_HUNG_UP);
	}
	assert_false(h->open && h->l.state.now != LINK_DISABLED &&
		     h->l.state.now != LINK_FAILED);
	assert_false(h->running);
	assert_int_equal(h->starts, h->stops);
}

/* Anything in any order, crashes and other boots among it. */
static void
any_order(uint64_t seed, const struct link_conf *c)
{
	struct host h = {.random = seed, .now_ms = S};

	begin(&h, c, false);
	for (int i = 0; i < 200000; i++) {
		enum link_event ev = (enum link_event)dice(&h, LINK_EVENTS_N);

		h.now_ms += dice(&h, 3) ? dice(&h, 500) : dice(&h, 600 * S);
		if (dice(&h, 5000) == 0) { /* a crash */
			h.starts -= h.running;
			begin(&h, c, dice(&h, 2));
		}
		if (may_happen(&h, ev))
			event(&h, ev);
		if (link_wake_ms(&h.l) <= h.now_ms)
			event(&h, LINK_EV_TICK);
	}
	quit(&h);
	assert_true(!c->dials || h.dials > 100);
	assert_true(h.hang_ups >= (c->hangs_up ? h.dials : 0));
	assert_true(h.starts > 100);
}

static void
test_any_order_of_events(void **state)
{
	static const struct link_conf confs[] = {
		{.dials = false},
		{.dials = true, .hangs_up = true, .dial_timeout_ms = 90 * S},
		{.dials = true,
			.hangs_up = true,
			.connects = true,
			.dial_timeout_ms = 30 * S},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			any_order(seed, &confs[i]);
}

/* Time passes; whatever the link waits for comes. */
static void
pass(struct host *h, uint64_t ms)
{
	uint64_t until = h->now_ms + ms;

	while (link_wake_ms(&h->l) <= until) {
		if (link_wake_ms(&h->l) > h->now_ms)
			h->now_ms = link_wake_ms(&h->l);
		event(h, LINK_EV_TICK);
	}
	h->now_ms = until;
}

/*
 * The line toggles every 1 to 60 s for a month. It is used, but less often
 * than it came up, and only after it stayed up; hook calls are balanced.
 */
static void
test_a_month_of_flapping(void **state)
{
	static const struct link_conf c;
	struct host h = {.random = 4711, .now_ms = S};
	uint64_t end = S + UINT64_C(30) * DAY_S * S;
	unsigned early = 0;

	(void)state;
	begin(&h, &c, false);
	while (h.now_ms < end) {
		unsigned starts = h.starts;
		uint64_t lasts = (1 + dice(&h, 60)) * S;

		event(&h, LINK_EV_UP);
		h.ups++;
		early += h.starts != starts;
		pass(&h, lasts / 2);
		event(&h, LINK_EV_UP); /* twice changes nothing */
		if (h.running && dice(&h, 2)) {
			event(&h, LINK_EV_WORK);
			event(&h, LINK_EV_NO_WORK);
		}
		pass(&h, lasts - lasts / 2);
		if (lasts > DAMPING_LONGEST_MS)
			assert_true(h.running);
		event(&h, LINK_EV_DOWN);
		assert_false(h.running);
		event(&h, LINK_EV_DOWN);
		pass(&h, (1 + dice(&h, 60)) * S);
	}
	assert_int_equal(h.starts, h.stops);
	assert_true(h.ups > 30000);
	assert_true(h.starts < h.ups * 6 / 10);
	assert_true(h.starts > h.ups * 3 / 10);
	assert_true(early < 200);
	/* a quiet hour, and it is trusted at once again */
	pass(&h, 3600 * S);
	event(&h, LINK_EV_UP);
	assert_true(h.running);
}

/* The same line, dialled: never two dial.up without a dial.down between. */
static void
test_a_month_of_calls_that_drop(void **state)
{
	static const struct link_conf c = {
		.dials = true, .hangs_up = true, .dial_timeout_ms = 20 * S};
	struct host h = {.random = 99, .now_ms = S};
	uint64_t end = S + UINT64_C(30) * DAY_S * S;

	(void)state;
	begin(&h, &c, false);
	while (h.now_ms < end) {
		if (dice(&h, 20) == 0)
			event(&h, LINK_EV_CALL);
		event(&h, LINK_EV_AUTO_CALL);
		if (h.dialling && dice(&h, 4))
			event(&h, dice(&h, 4) ? LINK_EV_DIALED
					      : LINK_EV_DIAL_FAILED);
		if (h.open && !h.hanging && dice(&h, 4))
			event(&h, LINK_EV_UP);
		pass(&h, (1 + dice(&h, 60)) * S);
		if (h.running && dice(&h, 2))
			event(&h, LINK_EV_WORK);
		event(&h, dice(&h, 2) ? LINK_EV_DOWN : LINK_EV_NO_WORK);
		if (h.hanging)
			event(&h, dice(&h, 5) ? LINK_EV_HUNG_UP
					      : LINK_EV_HANGUP_FAILED);
		pass(&h, (1 + dice(&h, 60)) * S);
	}
	quit(&h);
	assert_true(h.dials > 1000);
	assert_true(h.hang_ups >= h.dials);
	assert_int_equal(h.starts, h.stops);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order_of_events),
		cmocka_unit_test(test_a_month_of_flapping),
		cmocka_unit_test(test_a_month_of_calls_that_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
