#include "mail/header.h"
#include "mail/trace.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct trace_received
received(void)
{
	return (struct trace_received){.helo = "client.example",
		.address = "192.0.2.7",
		.account = "",
		.hostname = "aurora.example.org",
		.extended = true,
		.tls_version = "TLSv1.3",
		.tls_cipher = "TLS_AES_256_GCM_SHA384",
		.id = 4711,
		.recipient = "bob@example.net",
		.date = "Mon, 2 Mar 2026 06:00:00 +0000"};
}

static void
test_received(void **state)
{
	struct trace_received t = received();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	trace_received_add(&t, &b);
	assert_string_equal(buf_z(&b),
		"Received: from client.example ([192.0.2.7])\r\n"
		"\tby aurora.example.org with ESMTP id 4711\r\n"
		"\tfor <bob@example.net>;\r\n"
		"\tMon, 2 Mar 2026 06:00:00 +0000\r\n");
	buf_free(&b);
}

/* A name given by a client must not make a field of its own. */
static void
test_received_cannot_be_forged(void **state)
{
	struct trace_received t = received();
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	t.helo = "x\r\nBcc: all@example.org\r\n (evil; \"y\")";
	t.address = "2001:db8::1";
	trace_received_add(&t, &b);
	assert_null(strstr(buf_z(&b), "\r\nBcc"));
	assert_non_null(strstr(buf_z(&b), "[IPv6:2001:db8::1]"));
	assert_null(strchr(strchr(buf_z(&b), ':') + 1, '"'));
	buf_free(&b);
}

static void
test_with_types(void **state)
{
	struct trace_received t = received();

	(void)state;
	assert_string_equal(trace_with(&t), "ESMTP");
	t.tls = true;
	assert_string_equal(trace_with(&t), "ESMTPS");
	t.authenticated = true;
	assert_string_equal(trace_with(&t), "ESMTPSA");
	t.utf8 = true;
	assert_string_equal(trace_with(&t), "UTF8SMTPSA");
	t = received();
	t.extended = false;
	assert_string_equal(trace_with(&t), "SMTP");
	t.lmtp = true;
	assert_string_equal(trace_with(&t), "LMTP");
}

static const char header[] = "Received: a\r\n\tReceived: folded\r\n"
			     "received : b\r\nSubject: Received: no\r\n"
			     "RECEIVED: c\r\n\r\nReceived: body\r\n";

static void
test_header_scan_at_every_split(void **state)
{
	size_t n = sizeof(header) - 1;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct header_scan h;

		header_scan_init(&h);
		header_scan_feed(&h, (struct str){header, cut});
		header_scan_feed(&h, (struct str){header + cut, n - cut});
		assert_int_equal(h.received_n, 3);
		assert_true(h.ended);
		assert_int_equal(
			h.size, strstr(header, "\r\n\r\n") + 4 - header);
	}
}

static void
test_header_asks(void **state)
{
	static const char text[] =
		"Received: a\r\nlist-ID :\r\n <crew\r\n\t.ship>  \r\n"
		"X-Flag: no\r\nX-Flag: YES\r\nX-Flags: maybe\r\n"
		"Empty:\r\nLong: @\r\nLast: one\r\n\r\nIn-Body: x\r\n";
	static const struct {
		const char *name, *value;
		bool found;
	} rows[] = {
		{"List-Id", "", true},
		{"List-Id", "<crew*.SHIP>", true},
		{"List-Id", "crew", false},
		{"x-flag", "yes", true},
		{"X-Flag", "maybe", false},
		{"X-Fla", "", false},
		{"Empty", "", true},
		{"Empty", "?*", false},
		{"Last", "one", true},
		{"In-Body", "", false},
		{"Long", "@", true},
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct header_ask asks[N];
		struct header_catch c = {.asks = asks, .asks_n = N};
		struct header_scan h;

		for (size_t i = 0; i < N; i++)
			asks[i] = (struct header_ask){str_of(rows[i].name),
				str_of(rows[i].value), false};
		header_scan_init(&h);
		h.catch = &c;
		header_scan_feed(&h, (struct str){text, cut});
		header_scan_feed(&h, (struct str){text + cut, n - cut});
		header_scan_end(&h);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(asks[i].found, rows[i].found);
	}
}

/* A message may end in its header; a value may be longer than is kept. */
static void
test_header_asks_to_the_end(void **state)
{
	struct header_ask asks[] = {{STR("Long"), STR("xx*"), false},
		{STR("Long"), STR("*y"), false}, {STR("Z"), STR("z"), false}};
	struct header_catch c = {.asks = asks, .asks_n = 3};
	struct header_scan h;

	(void)state;
	header_scan_init(&h);
	h.catch = &c;
	header_scan_feed(&h, STR("Long: "));
	for (size_t i = 0; i < 3 * HEADER_VALUE_MAX; i++)
		header_scan_feed(&h, STR("x"));
	header_scan_feed(&h, STR("y\r\nZ: z"));
	header_scan_end(&h);
	assert_true(asks[0].found);
	assert_false(asks[1].found);
	assert_true(asks[2].found);
}

static void
test_header_scan_of_odd_messages(void **state)
{
	static const struct {
		const char *text;
		unsigned received;
		bool ended;
	} rows[] = {
		{"", 0, false},
		{"\r\n", 0, true},
		{"no colon at all\r\n\r\n", 0, true},
		{"Received:\r\n\r\n", 1, true},
		{"Receive", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct header_scan h;

		header_scan_init(&h);
		header_scan_feed(&h, str_of(rows[i].text));
		assert_int_equal(h.received_n, rows[i].received);
		assert_int_equal(h.ended, rows[i].ended);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_received_cannot_be_forged),
		cmocka_unit_test(test_with_types),
		cmocka_unit_test(test_header_scan_at_every_split),
		cmocka_unit_test(test_header_scan_of_odd_messages),
		cmocka_unit_test(test_header_asks),
		cmocka_unit_test(test_header_asks_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
