#include "link/budget.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { DAY = 86400, HOUR = 3600, NOW = 1767225600 /* 2026-01-01 00:00 */ };

static struct budget_time
at(int64_t s)
{
	return (struct budget_time){NOW + s, (uint64_t)(s + 1000) * 1000};
}

static void
assert_cost(double a, double b)
{
	assert_true(a - b < 1e-6 && b - a < 1e-6);
}

static struct budget_amount
used(const struct budget *b, enum budget_period p, int64_t starts_at)
{
	for (size_t i = 0; i < b->rows_n; i++)
		if (b->rows[i].period == p && b->rows[i].starts_at == starts_at)
			return b->rows[i].used;
	return (struct budget_amount){.seconds = 0};
}

static int64_t
two_east(void *arg, int64_t at)
{
	(void)arg;
	(void)at;
	return 2 * HOUR;
}

static int64_t
five_west(void *arg, int64_t at)
{
	(void)arg;
	(void)at;
	return -5 * HOUR;
}

/* --- single facts --- */

/* Today's budget cannot be had twice by counting days otherwise. */
static void
test_another_zone_frees_nothing(void **state)
{
	static const struct {
		int64_t (*zone)(void *arg, int64_t at);
		int month_starts;
	} others[] = {
		{two_east, 1}, {five_west, 1}, {NULL, 15}, {five_west, 28}};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct budget b;
		struct budget_why why;
		struct budget_conf c = {
			.limit = {[BUDGET_DAY] = {.bytes = 90000},
				[BUDGET_MONTH] = {.bytes = 95000}}};
		const struct budget_need need = {.bytes = 1000, .bps = 9600};

		budget_init(&b, &c);
		budget_begin(&b, at(12 * HOUR));
		budget_charge(&b, 89000, at(12 * HOUR + 1));
		budget_end(&b, at(12 * HOUR + 2));
		c.calendar.offset_s = others[i].zone;
		c.month_starts = others[i].month_starts;
		budget_configure(&b, &c);
		assert_false(budget_may_begin(&b, &need, at(13 * HOUR), &why));
		assert_int_equal(
			budget_left(&b, BUDGET_DAY, 9, at(13 * HOUR)).v.bytes,
			1000);
		budget_begin(&b, at(13 * HOUR));
		budget_charge(&b, 500, at(13 * HOUR + 1));
		assert_int_equal(
			budget_left(&b, BUDGET_MONTH, 9, at(13 * HOUR + 1))
				.v.bytes,
			5500);
		budget_end(&b, at(13 * HOUR + 2));
		/* it is not held against the day after next, nor a month */
		assert_int_equal(
			budget_left(&b, BUDGET_DAY, 9, at(3 * DAY)).v.bytes,
			90000);
		assert_int_equal(
			budget_left(&b, BUDGET_MONTH, 9, at(62 * DAY)).v.bytes,
			95000);
		budget_free(&b);
	}
}

static void
test_time_is_paid_in_whole_steps(void **state)
{
	struct budget b;
	const struct budget_conf c = {.step_s = 20,
		.per_minute = 1.20,
		.per_call = 0.5,
		.per_megabyte = 2.0};

	(void)state;
	budget_init(&b, &c);
	budget_begin(&b, at(0));
	assert_int_equal(b.session.used.seconds, 20);
	assert_cost(b.session.used.cost, 0.5 + 0.4);
	budget_charge(&b, 0, at(20)); /* not yet the second step */
	assert_int_equal(b.session.used.seconds, 20);
	budget_charge(&b, 500000, at(21));
	assert_int_equal(b.session.used.seconds, 40);
	assert_int_equal(b.session.used.bytes, 500000);
	budget_end(&b, at(61));
	assert_int_equal(b.session.used.seconds, 80);
	assert_cost(b.session.used.cost, 0.5 + 4 * 0.4 + 1.0);
	assert_cost(b.session.used.cost, budget_price(&c, 61, 500000));
	assert_int_equal(used(&b, BUDGET_DAY, NOW).seconds, 80);
	assert_int_equal(used(&b, BUDGET_MONTH, NOW).seconds, 80);
	budget_free(&b);
}

static void
test_a_step_belongs_to_the_day_it_began_in(void **state)
{
	struct budget b;
	const struct budget_conf c = {.step_s = 60};

	(void)state;
	budget_init(&b, &c);
	budget_begin(&b, at(DAY - 90)); /* steps begin at -90, -30, 30, 90 */
	budget_end(&b, at(DAY + 100));
	assert_int_equal(used(&b, BUDGET_DAY, NOW).seconds, 120);
	assert_int_equal(used(&b, BUDGET_DAY, NOW + DAY).seconds, 120);
	assert_int_equal(used(&b, BUDGET_MONTH, NOW).seconds, 240);
	/* nobody looked for three days */
	budget_begin(&b, at(10 * DAY));
	budget_end(&b, at(13 * DAY));
	for (int64_t d = 10; d < 13; d++)
		assert_int_equal(
			used(&b, BUDGET_DAY, NOW + d * DAY).seconds, DAY);
	budget_free(&b);
}

static void
test_what_is_left_and_the_reserve(void **state)
{
	struct budget b;
	struct budget_left l;
	struct budget_why why;
	const struct budget_conf c = {
		.limit = {[BUDGET_SESSION] = {.seconds = 900, .bytes = 200000},
			[BUDGET_DAY] = {.seconds = 3600, .cost = 40},
			[BUDGET_MONTH] = {.cost = 600}},
		.reserve_s = 300,
		.reserve_min_priority = 6,
		.per_minute = 1.2,
		.step_s = 20,
		.hangup_s = 10};
	struct budget_need need = {
		.bytes = 1000, .bps = 2400, .rtt_ms = 1800, .priority = 0};

	(void)state;
	budget_init(&b, &c);
	l = budget_left(&b, BUDGET_SESSION, 0, at(0));
	assert_int_equal(l.v.seconds, 600);
	assert_true(l.has_bytes && !l.has_cost);
	assert_int_equal(
		budget_left(&b, BUDGET_SESSION, 6, at(0)).v.seconds, 900);
	l = budget_left(&b, BUDGET_DAY, 0, at(0));
	assert_int_equal(l.v.seconds, 3300);
	assert_cost(l.v.cost, 40 - 6);
	l = budget_left_least(&b, 9, at(0));
	assert_int_equal(l.v.seconds, 900);
	assert_cost(l.v.cost, 40);
	assert_int_equal(budget_time_ms(&b, 0, at(0)), 590000);
	budget_begin(&b, at(0));
	assert_true(budget_may_begin(&b, &need, at(0), &why));
	budget_charge(&b, 0, at(590));
	assert_false(budget_may_begin(&b, &need, at(590), &why));
	assert_int_equal(why.period, BUDGET_SESSION);
	assert_int_equal(why.kind, BUDGET_TIME);
	need.priority = 6;
	assert_true(budget_may_begin(&b, &need, at(590), &why));
	assert_false(budget_is_spent(&b, at(889), &why));
	budget_charge(&b, 0, at(890));
	assert_true(budget_is_spent(&b, at(890), &why));
	assert_string_equal(
		budget_why_text(why), "the time of this session is used up");
	budget_free(&b);
}

static void
test_octets_and_money(void **state)
{
	struct budget b;
	struct budget_why why;
	const struct budget_conf c = {
		.limit = {[BUDGET_DAY] = {.bytes = 100000, .cost = 1.0}},
		.per_megabyte = 20.0};
	struct budget_need need = {.bps = 9600, .rtt_ms = 100};

	(void)state;
	budget_init(&b, &c);
	need.bytes = 50000 - BUDGET_STOP_OCTETS; /* money is less than octets */
	assert_true(budget_may_begin(&b, &need, at(0), &why));
	need.bytes++;
	assert_false(budget_may_begin(&b, &need, at(0), &why));
	assert_int_equal(why.kind, BUDGET_COST);
	budget_allow(&b, &(struct budget_amount){.cost = 5}, at(0));
	need.bytes = 100000 - BUDGET_STOP_OCTETS;
	assert_true(budget_may_begin(&b, &need, at(0), &why));
	need.bytes++;
	assert_false(budget_may_begin(&b, &need, at(0), &why));
	assert_int_equal(why.kind, BUDGET_BYTES);
	assert_string_equal(budget_why_text(why), "today's bytes are used up");
	/* 100,000 octets less the reserve at 1200 octets a second */
	assert_in_range(budget_until_cap_ms(&b, 9600, at(0)), 81626, 81628);
	assert_int_equal(budget_time_ms(&b, 0, at(0)), INT64_MAX);
	budget_free(&b);
}

static void
test_allowed_once(void **state)
{
	struct budget b;
	const struct budget_conf c = {
		.limit = {[BUDGET_SESSION] = {.seconds = 60},
			[BUDGET_DAY] = {.seconds = 60},
			[BUDGET_MONTH] = {.seconds = 60}}};
	const struct budget_amount more = {.seconds = 30};

	(void)state;
	budget_init(&b, &c);
	budget_begin(&b, at(0));
	budget_allow(&b, &more, at(0));
	assert_int_equal(budget_time_ms(&b, 9, at(0)), 90000);
	budget_end(&b, at(70));
	assert_int_equal(budget_time_ms(&b, 9, at(70)), 20000);
	/* tomorrow's budget is what it was, the month's is what is left of it
	 */
	assert_int_equal(budget_left(&b, BUDGET_DAY, 9, at(DAY)).v.seconds, 60);
	assert_int_equal(
		budget_left(&b, BUDGET_MONTH, 9, at(DAY)).v.seconds, 20);
	assert_int_equal(
		budget_left(&b, BUDGET_SESSION, 9, at(DAY)).v.seconds, 60);
	budget_free(&b);
}

/* Tomorrow was reached once by a wrong clock and is half used. */
static void
test_the_next_day_counts_too(void **state)
{
	struct budget b;
	const struct budget_conf c = {
		.limit = {[BUDGET_DAY] = {.seconds = 60}}};
	const struct budget_row tomorrow = {.period = BUDGET_DAY,
		.starts_at = NOW + DAY,
		.used = {.seconds = 40}};

	(void)state;
	budget_init(&b, &c);
	budget_load(&b, &tomorrow);
	assert_int_equal(budget_time_ms(&b, 9, at(DAY - 30)), 30000 + 20000);
	assert_int_equal(budget_time_ms(&b, 9, at(DAY - 61)), 60000);
	budget_free(&b);
}

static void
test_rows_are_given_once_and_read_back(void **state)
{
	struct budget b, again;
	struct budget_row row, session = {.starts_at = 0};
	const struct budget_conf c = {
		.limit = {[BUDGET_DAY] = {.seconds = 600}}};
	int n = 0;

	(void)state;
	budget_init(&b, &c);
	budget_init(&again, &c);
	budget_begin(&b, at(0));
	budget_charge(&b, 777, at(30));
	while (budget_dirty(&b, &row)) {
		if (row.period == BUDGET_SESSION)
			session = row;
		else
			budget_load(&again, &row);
		n++;
	}
	assert_int_equal(n, 3);
	/* a crash; 100 s later it goes on, another clock of the machine */
	budget_resume(
		&again, &session, 50, (struct budget_time){NOW + 130, 77});
	assert_int_equal(again.session.used.seconds, 130);
	assert_int_equal(used(&again, BUDGET_DAY, NOW).bytes, 827);
	assert_int_equal(used(&again, BUDGET_DAY, NOW).seconds, 130);
	budget_end(&again, (struct budget_time){NOW + 131, 1077});
	assert_int_equal(used(&again, BUDGET_DAY, NOW).seconds, 131);
	while (budget_dirty(&again, &row))
		assert_int_not_equal(row.period, BUDGET_SESSION);
	/* years later by a wrong clock: a day at most */
	budget_resume(&again, &session, 0,
		(struct budget_time){NOW + 3000 * DAY, 77});
	assert_int_equal(again.session.used.seconds, 30 + DAY);
	budget_free(&b);
	budget_free(&again);
}

static void
test_prices_change_with_the_next_session(void **state)
{
	struct budget b;
	struct budget_conf c = {.step_s = 60, .per_minute = 1};

	(void)state;
	budget_init(&b, &c);
	budget_begin(&b, at(0));
	c.step_s = 1;
	c.per_minute = 2;
	c.limit[BUDGET_DAY].cost = 7;
	budget_configure(&b, &c);
	budget_charge(&b, 0, at(90));
	assert_int_equal(b.session.used.seconds, 120);
	assert_cost(b.session.used.cost, 2);
	assert_cost(budget_left(&b, BUDGET_DAY, 9, at(90)).v.cost, 5);
	budget_end(&b, at(90));
	budget_begin(&b, at(100));
	assert_int_equal(b.session.used.seconds, 1);
	budget_free(&b);
}

static void
test_rows_are_bounded(void **state)
{
	struct budget b;
	const struct budget_conf c = {.step_s = 1};

	(void)state;
	budget_init(&b, &c);
	for (int64_t d = 0; d < 2 * BUDGET_ROWS_MAX; d++) {
		budget_begin(&b, at(d * DAY));
		budget_end(&b, at(d * DAY + 5));
		assert_int_equal(
			used(&b, BUDGET_DAY, NOW + d * DAY).seconds, 5);
	}
	assert_int_equal(b.rows_n, BUDGET_ROWS_MAX);
	budget_free(&b);
}

/* --- a simulated year --- */

struct world {
	struct budget b;
	struct budget_conf c;
	uint64_t random, mono_ms;
	int64_t true_ms, wrong_s; /* how far the wall clock is off */
	bool steps;		  /* the wall clock is set now and then */
	unsigned messages, cut, sessions, full;
};

static uint64_t
dice(struct world *w, uint64_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (w->random >> 33) % below;
}

static struct budget_time
now_of(const struct world *w)
{
	return (struct budget_time){w->true_ms / 1000 + w->wrong_s, w->mono_ms};
}

static void
pass(struct world *w, uint64_t ms)
{
	w->true_ms += (int64_t)ms;
	w->mono_ms += ms;
	if (w->steps && dice(w, 400) == 0)
		w->wrong_s =
			dice(w, 2) ? 0 : (int64_t)dice(w, 80 * DAY) - 40 * DAY;
}

static void
check_amount(const struct budget_amount *limit, const struct budget_row *r)
{
	if (limit->seconds)
		assert_true(
			r->used.seconds <= limit->seconds + r->extra.seconds);
	if (limit->bytes)
		assert_true(r->used.bytes <= limit->bytes + r->extra.bytes);
	if (limit->cost > 0)
		assert_true(r->used.cost <= limit->cost + r->extra.cost + 1e-5);
}

static void
check(struct world *w)
{
	check_amount(&w->c.limit[BUDGET_SESSION], &w->b.session);
	for (size_t i = 0; i < w->b.rows_n; i++)
		check_amount(&w->c.limit[w->b.rows[i].period], &w->b.rows[i]);
}

/* Octets at the true rate, or until the budget says stop. False: stopped. */
static bool
move(struct world *w, uint64_t bytes, uint64_t bps)
{
	struct budget_why why;

	while (bytes) {
		int64_t cap = budget_until_cap_ms(&w->b, bps, now_of(w));
		uint64_t ms = 1 + dice(w, 1500);
		uint64_t n;

		if ((int64_t)ms > cap)
			ms = cap > 0 ? (uint64_t)cap : 0;
		n = bps * ms / 8000;
		n = n < bytes ? n : bytes;
		pass(w, ms);
		budget_charge(&w->b, n, now_of(w));
		bytes -= n;
		if (budget_is_spent(&w->b, now_of(w), &why))
			return false;
		if (ms == 0)
			return false;
	}
	return true;
}

static void
hang_up(struct world *w)
{
	pass(w, dice(w, (uint64_t)w->c.hangup_s * 1000 + 1));
	budget_charge(&w->b, dice(w, BUDGET_STOP_OCTETS + 1), now_of(w));
	budget_end(&w->b, now_of(w));
	check(w);
	w->sessions++;
}

static void
session(struct world *w)
{
	struct budget_need need = {.bytes = 400, .bps = 2400, .rtt_ms = 1800};
	struct budget_why why;

	if (!budget_may_begin(&w->b, &need, now_of(w), &why)) {
		w->full++;
		return;
	}
	budget_begin(&w->b, now_of(w));
	for (uint64_t n = dice(w, 60); n; n--) {
		need.bytes = 200 + dice(w, 20) * dice(w, 3000);
		need.priority = (int)dice(w, 10);
		if (!budget_may_begin(&w->b, &need, now_of(w), &why))
			continue;
		/* the line is mostly as good as it should be */
		if (!move(w, need.bytes, 600 + dice(w, 2400))) {
			w->cut++;
			break;
		}
		w->messages++;
	}
	hang_up(w);
}

static int64_t
summer_time(void *arg, int64_t when)
{
	(void)arg;
	return when % (364 * DAY) / DAY < 182 ? 2 * HOUR : -3 * HOUR;
}

static void
a_year(uint64_t seed, bool steps)
{
	static const int starts[] = {1, 15, 28, 29, 30, 31};
	static const int64_t step_s[] = {1, 6, 20, 60, 180};
	struct world w = {.random = seed * 7919 + 1, .steps = steps};
	bool month_border = false;

	w.true_ms = (NOW + 2 * 365 * (int64_t)DAY) * 1000; /* a leap year */
	w.mono_ms = 5000;
	w.c = (struct budget_conf){
		.limit = {[BUDGET_SESSION] = {.seconds = 600 +
							 (int64_t)dice(&w, 900),
				  .bytes = 20000 + dice(&w, 200000)},
			[BUDGET_DAY] = {.seconds = 1800,
				.cost = dice(&w, 2) ? 20.5 : 0},
			[BUDGET_MONTH] = {.bytes = 3000000,
				.cost = 251.3,
				.seconds = dice(&w, 2) ? 40001 : 0}},
		.month_starts = starts[dice(&w, 6)],
		.step_s = step_s[dice(&w, 5)],
		.per_minute = (double)dice(&w, 200) / 100,
		.per_megabyte = (double)dice(&w, 3000) / 100,
		.per_call = (double)dice(&w, 100) / 100,
		.reserve_s = 120,
		.reserve_min_priority = 6,
		.hangup_s = 1 + (int64_t)dice(&w, 30),
		.calendar = {.offset_s = dice(&w, 2) ? summer_time : NULL},
	};
	budget_init(&w.b, &w.c);
	while (w.true_ms < (NOW + 3 * 365 * (int64_t)DAY) * 1000) {
		size_t rows = w.b.rows_n;

		session(&w);
		month_border |= w.b.rows_n > rows + 1;
		if (dice(&w, 50) == 0)
			budget_allow(&w.b,
				&(struct budget_amount){
					.seconds = 60, .cost = 0.5},
				now_of(&w));
		pass(&w, dice(&w, 12 * HOUR) * 1000 / (1 + dice(&w, 20)));
	}
	/* It was a real year: much moved, and caps were met. */
	assert_true(w.sessions > 30);
	assert_true(w.messages > 200);
	assert_true(w.cut > 0);
	assert_true(w.full > 100);
	assert_true(month_border);
	budget_free(&w.b);
}

static void
test_never_exceeded_in_a_year(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 3; seed++)
		a_year(seed, false);
}

static void
test_never_exceeded_by_clock_steps(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 103; seed++)
		a_year(seed, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_zone_frees_nothing),
		cmocka_unit_test(test_time_is_paid_in_whole_steps),
		cmocka_unit_test(test_a_step_belongs_to_the_day_it_began_in),
		cmocka_unit_test(test_what_is_left_and_the_reserve),
		cmocka_unit_test(test_octets_and_money),
		cmocka_unit_test(test_allowed_once),
		cmocka_unit_test(test_the_next_day_counts_too),
		cmocka_unit_test(test_rows_are_given_once_and_read_back),
		cmocka_unit_test(test_prices_change_with_the_next_session),
		cmocka_unit_test(test_rows_are_bounded),
		cmocka_unit_test(test_never_exceeded_in_a_year),
		cmocka_unit_test(test_never_exceeded_by_clock_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
