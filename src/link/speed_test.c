#include "link/octets.h"
#include "link/speed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void
test_configured_values_win(void **state)
{
	struct speed s;

	(void)state;
	speed_init(&s, 2400, 1800);
	speed_moved(&s, 100000, 1000);
	speed_turned(&s, 10);
	assert_int_equal(speed_bps(&s), 2400);
	assert_int_equal(speed_rtt_ms(&s), 1800);
	assert_true(speed_is_known(&s));
}

static void
test_the_middle_of_the_last_nine(void **state)
{
	struct speed s;

	(void)state;
	speed_init(&s, 0, 0);
	assert_false(speed_is_known(&s));
	assert_int_equal(speed_bps(&s), SPEED_DEFAULT_BPS);
	speed_moved(&s, 1999, 5000); /* too little to tell */
	speed_moved(&s, 50000, 199);
	speed_turned(&s, 0);
	assert_false(speed_is_known(&s));
	for (unsigned i = 1; i <= 9; i++) {
		speed_moved(&s, 3000 * i, 10000);
		speed_turned(&s, 100 * i);
	}
	assert_int_equal(speed_bps(&s), 12000);
	assert_int_equal(speed_rtt_ms(&s), 500);
	speed_moved(&s, 100000000, 1000); /* one burst changes little */
	speed_turned(&s, 500000);
	assert_int_equal(speed_bps(&s), 14400);
	assert_int_equal(speed_rtt_ms(&s), 600);
	for (unsigned i = 0; i < 5; i++) /* a lasting change is followed */
		speed_moved(&s, 3000, 10000);
	assert_int_equal(speed_bps(&s), 2400);
}

/* What is kept is what is read, in the same order. */
static void
test_kept(void **state)
{
	char text[SPEED_TEXT_MAX], again[SPEED_TEXT_MAX];
	struct speed s, t;

	(void)state;
	speed_init(&s, 0, 0);
	speed_init(&t, 0, 0);
	speed_write(&s, text);
	assert_string_equal(text, ";");
	for (unsigned i = 1; i <= 11; i++)
		speed_moved(&s, 3000 * i, 10000);
	speed_turned(&s, 700);
	speed_write(&s, text);
	speed_read(&t, str_of(text));
	speed_write(&t, again);
	assert_string_equal(text, again);
	assert_int_equal(speed_bps(&t), speed_bps(&s));
	speed_moved(&t, 3000, 10000);
	speed_moved(&s, 3000, 10000);
	assert_int_equal(speed_bps(&t), speed_bps(&s));
	assert_int_equal(speed_known_rtt_ms(&t), 700);
	speed_read(&t, STR("2400 x -1 0 99999999999999999999999;600001 5"));
	assert_int_equal(speed_bps(&t), 2400);
	assert_int_equal(speed_known_rtt_ms(&t), 5);
	speed_read(&t, STR(""));
	assert_false(speed_is_known(&t));
	assert_int_equal(speed_known_rtt_ms(&t), 0);
	for (unsigned i = 0; i < SPEED_SAMPLES;
		i++) { /* the longest there is */
		s.bps.v[i] = UINT64_MAX;
		s.rtt_ms.v[i] = SPEED_RTT_MAX_MS;
	}
	s.bps.n = s.rtt_ms.n = SPEED_SAMPLES;
	speed_write(&s, text);
	assert_true(strlen(text) < SPEED_TEXT_MAX);
}

static void
test_the_fastest_and_what_we_may_use(void **state)
{
	struct speed s;

	(void)state;
	speed_init(&s, 0, 0);
	assert_int_equal(speed_fastest_bps(&s), 0);
	s.most_bps = 1200;
	assert_int_equal(speed_fastest_bps(&s), 1200);
	assert_int_equal(speed_bps(&s), 1200);
	s.most_bps = 6000;
	assert_int_equal(speed_bps(&s), SPEED_DEFAULT_BPS);
	speed_moved(&s, 3000, 10000);
	speed_moved(&s, 6000, 10000);
	speed_moved(&s, 3000, 10000);
	assert_int_equal(speed_fastest_bps(&s), 4800);
	assert_int_equal(speed_bps(&s), 2400);
	s.set_bps = 9600;
	assert_int_equal(speed_bps(&s), 6000);
	assert_int_equal(speed_fastest_bps(&s), 6000);
	s.most_bps = 0;
	assert_int_equal(speed_fastest_bps(&s), 9600);
}

static void
test_extremes(void **state)
{
	struct speed s;

	(void)state;
	speed_init(&s, 0, 0);
	speed_moved(&s, UINT64_MAX, 1000);
	assert_false(speed_is_known(&s));
	speed_moved(&s, 2000, UINT64_MAX);
	assert_int_equal(speed_bps(&s), 1);
	assert_int_equal(speed_ms(2400, 300), 1000);
	assert_int_equal(speed_ms(2400, 301), 1004);
	assert_int_equal(speed_ms(1000000, 0), 0);
	assert_true(speed_ms(1, UINT64_MAX) > UINT64_MAX / 2);
}

/* By hand: 3000 octets are 3 segments and 2 empty ones back. */
static void
test_octets_on_the_wire(void **state)
{
	(void)state;
	assert_int_equal(octets_wire(0, false), 0);
	assert_int_equal(octets_wire(0, true), 0);
	assert_int_equal(octets_wire(1, false), 1 + 2 * 40);
	assert_int_equal(octets_wire(1448, false), 1448 + 2 * 40);
	assert_int_equal(octets_wire(3000, false), 3000 + 5 * 40);
	assert_int_equal(octets_wire(3000, true), 3022 + 5 * 40);
	/* 16385 octets: two records, 12 segments, 6 empty ones. */
	assert_int_equal(octets_wire(16385, true), 16385 + 44 + 18 * 40);
}

static void
test_octets_of_an_envelope(void **state)
{
	struct octets_mail m = {.sender = 5,
		.recipients = 7,
		.recipients_n = 1,
		.size = 1000,
		.chunking = true};

	(void)state;
	/* MAIL FROM:<a@b.c>, RCPT TO:<d@e.fgh>, BDAT 1000 LAST, CRLF each */
	assert_int_equal(octets_mail_sent(&m), 19 + 19 + 16 + 1000);
	assert_int_equal(octets_mail_received(&m), 2 * 20 + 45);
	m.has_size = m.reset = m.has_body = m.has_priority = true;
	assert_int_equal(
		octets_mail_sent(&m), 19 + 19 + 16 + 1000 + 10 + 6 + 14 + 15);
	m.chunking = false; /* DATA and a dot */
	assert_int_equal(
		octets_mail_sent(&m), 19 + 19 + 9 + 1000 + 10 + 6 + 14 + 15);
	assert_int_equal(octets_mail_received(&m), 4 * 20 + 45);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured_values_win),
		cmocka_unit_test(test_the_middle_of_the_last_nine),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_the_fastest_and_what_we_may_use),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_octets_on_the_wire),
		cmocka_unit_test(test_octets_of_an_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
