#include "sched/plan.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { BOTH = EXT_PIPELINING | EXT_CHUNKING };

static const struct budget_time now = {1767225600, 5000};

static void
assert_cost(double a, double b)
{
	assert_true(a - b < 1e-6 && b - a < 1e-6);
}

/* The aims of a whole queue, by what the peer offers. */
static void
test_turnarounds(void **state)
{
	struct plan_peer p = {.extensions = BOTH};

	(void)state;
	assert_int_equal(plan_turnarounds(&p, 100, 100), 4);
	p.tls = PLAN_TLS_IMPLICIT;
	p.auth_turns = 1;
	assert_int_equal(plan_turnarounds(&p, 100, 100), 6);
	p.tls = PLAN_TLS_STARTTLS;
	assert_int_equal(plan_turnarounds(&p, 100, 100), 8);
	assert_int_equal(plan_turnarounds(&p, 0, 0), 7);
	p = (struct plan_peer){.extensions = EXT_PIPELINING};
	assert_int_equal(plan_turnarounds(&p, 100, 100), 3 + 101);
	p.extensions = 0; /* MAIL, RCPT twice, DATA, the dot */
	assert_int_equal(plan_turnarounds(&p, 2, 4), 3 + 10);
	p.extensions = EXT_CHUNKING;
	assert_int_equal(plan_turnarounds(&p, 2, 4), 3 + 8);
}

/*
 * By hand: clear text, one message of 1000 octets from a@b.c to d@e.fgh.
 * Sent: EHLO 30, QUIT 6, MAIL 19, RCPT 19, BDAT 16, body 1000: 1090, one
 * segment and its answer 80: 1170. Received: greeting 60, EHLO's 220, two
 * replies of 20, the last 45: 365 and 80: 445. TCP 7 segments: 280. In all
 * 1895 octets; 6317 ms at 2400 bit/s, and 4 turns of 1800 ms.
 */
static void
test_one_message_by_hand(void **state)
{
	const struct budget_conf c = {
		.per_minute = 1.2, .per_call = 0.5, .step_s = 20};
	struct budget b;
	struct plan_link l = {
		.bps = 2400, .rtt_ms = 1800, .budget = &b, .now = now};
	const struct plan_peer p = {.extensions = BOTH};
	const struct plan_row r = {.id = 7,
		.size = 1000,
		.sender = 5,
		.recipients = 7,
		.recipients_n = 1};
	struct plan_item item;
	struct plan_total t;

	(void)state;
	budget_init(&b, &c);
	plan_make(&l, &p, NULL, &r, 1, &item, &t);
	assert_int_equal(t.messages, 1);
	assert_int_equal(t.turnarounds, 4);
	assert_int_equal(t.bytes, 1895);
	assert_int_equal(t.ms, 6317 + 7200);
	assert_cost(t.cost, 0.5 + 0.4);
	assert_int_equal(item.reason, PLAN_GO);
	assert_int_equal(item.bytes, 1000 + 54 + 85);
	/* 1139 octets, and the turn of the flight */
	assert_in_range(item.ms, 1800 + 3796, 1800 + 3798);
	assert_cost(item.cost, 1.2 * (double)item.ms / 60000);
	/* dialling and hanging up are paid */
	l.dial_ms = 30000;
	plan_make(&l, &p, NULL, &r, 1, &item, &t);
	assert_cost(t.cost, 0.5 + 3 * 0.4);
	budget_free(&b);
}

static void
test_what_stays_and_why(void **state)
{
	const struct budget_conf c = {
		.limit = {[BUDGET_DAY] = {.bytes = 60000}}};
	const struct plan_row rows[] = {
		{.id = 1, .size = 5000, .recipients_n = 1},
		{.id = 2, .size = 30000, .recipients_n = 1},
		{.id = 3, .size = 1000, .priority = -5, .recipients_n = 1},
		{.id = 4, .size = 1000, .needs_8bit = true, .recipients_n = 1},
		{.id = 5, .size = 1000, .needs_utf8 = true, .recipients_n = 1},
		{.id = 6, .size = 1000, .reason = PLAN_RULE_HOLD},
		{.id = 7, .size = 19000, .recipients_n = 1},
		{.id = 8, .size = 19500, .recipients_n = 1},
		{.id = 9, .size = 19000, .recipients_n = 1},
		{.id = 10, .size = 6000, .recipients_n = 1},
	};
	static const char *const want[] = {"", "size", "priority",
		"no-8bitmime", "no-smtputf8", "rule-hold", "", "", "budget",
		""};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	struct budget b;
	const struct plan_link l = {.bps = 9600,
		.rtt_ms = 600,
		.budget = &b,
		.now = now,
		.max_size = 20000,
		.has_min_priority = true,
		.min_priority = -2};
	const struct plan_peer p = {.extensions = BOTH | EXT_SIZE};
	struct plan_item items[N];
	struct plan_total t;

	(void)state;
	budget_init(&b, &c);
	plan_make(&l, &p, NULL, rows, N, items, &t);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(items[i].id, rows[i].id);
		assert_string_equal(plan_reason_name(items[i].reason), want[i]);
	}
	assert_int_equal(t.messages, 4);
	assert_int_equal(t.stay, 6);
	assert_true(t.bytes < 60000 - BUDGET_STOP_OCTETS);
	budget_free(&b);
}

static void
test_the_reserve_is_for_urgent_mail(void **state)
{
	const struct budget_conf c = {
		.limit = {[BUDGET_SESSION] = {.seconds = 120}},
		.reserve_s = 100,
		.reserve_min_priority = 4};
	const struct plan_row rows[] = {
		{.id = 1, .size = 3000, .priority = 4, .recipients_n = 1},
		{.id = 2, .size = 3000, .priority = 0, .recipients_n = 1},
	};
	struct budget b;
	const struct plan_link l = {
		.bps = 2400, .rtt_ms = 1800, .budget = &b, .now = now};
	const struct plan_peer p = {.extensions = BOTH};
	struct plan_item items[2];
	struct plan_total t;

	(void)state;
	budget_init(&b, &c);
	plan_make(&l, &p, NULL, rows, 2, items, &t);
	assert_int_equal(items[0].reason, PLAN_GO);
	assert_int_equal(items[1].reason, PLAN_BUDGET);
	budget_free(&b);
}

static void
test_tls_and_what_comes_in(void **state)
{
	const struct budget_conf c = {.per_megabyte = 10};
	const struct plan_inbound in = {
		.sessions = 4, .messages = 3, .bytes = 30000};
	struct budget b;
	const struct plan_link l = {
		.bps = 2400, .rtt_ms = 1800, .budget = &b, .now = now};
	struct plan_peer p = {.extensions = BOTH, .tls = PLAN_TLS_IMPLICIT};
	struct plan_total full, resumed;

	(void)state;
	budget_init(&b, &c);
	plan_make(&l, &p, &in, NULL, 0, NULL, &full);
	p.resumes = true;
	plan_make(&l, &p, &in, NULL, 0, NULL, &resumed);
	/* full: 620 in 1 segment, 4200 in 3; resumed: 720 and 620, 1 each */
	assert_int_equal(full.bytes - resumed.bytes,
		(620 + 80 + 4200 + 5 * 40) - (720 + 80 + 620 + 80));
	p.tls_sent = 500;
	p.tls_received = 300; /* as it was the last time */
	plan_make(&l, &p, &in, NULL, 0, NULL, &full);
	assert_int_equal(resumed.bytes - full.bytes, 220 + 320);
	assert_int_equal(full.inbound_messages, 3);
	assert_int_equal(full.inbound_ms, 100000);
	assert_cost(full.inbound_cost, 0.3);
	assert_int_equal(full.messages, 0);
	budget_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turnarounds),
		cmocka_unit_test(test_one_message_by_hand),
		cmocka_unit_test(test_what_stays_and_why),
		cmocka_unit_test(test_the_reserve_is_for_urgent_mail),
		cmocka_unit_test(test_tls_and_what_comes_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
