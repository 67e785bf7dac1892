#include "mail/submit.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct submit_facts facts = {
	.sender = "ann@x.example",
	.hostname = "aurora.example.org",
	.id = 4711,
	.now_s = 1800000000,
	.date = "Mon, 2 Mar 2026 06:00:00 +0000",
};

#define DATE "Date: Mon, 2 Mar 2026 06:00:00 +0000\r\n"
#define FROM "From: <ann@x.example>\r\n"
#define ID "Message-ID: <4711.1800000000@aurora.example.org>\r\n"

static bool
is_ann(void *arg, const struct mailbox *address)
{
	(void)arg;
	return strncmp(address->text, "ann@", 4) == 0;
}

/* The message as it goes on, or the refusal; cut in two at CUT. */
static void
pass(struct str message, size_t cut, struct buf *out)
{
	struct str parts[2] = {{message.p, cut}, str_skip(message, cut)};
	struct buf body;
	struct submit s;
	struct reply r;

	submit_init(&s);
	buf_init(&body, 0);
	for (size_t i = 0; i < 2; i++) {
		size_t n = submit_feed(&s, parts[i]);

		assert_true(n == parts[i].n || s.state == SUBMIT_DONE);
		buf_adds(&body, str_skip(parts[i], n));
	}
	submit_end(&s);
	if (submit_judge(&s, "ann", is_ann, NULL, &r)) {
		submit_added(&s, &facts, out);
		buf_adds(out, buf_view(&s.header));
		buf_adds(out, buf_view(&body));
	} else {
		buf_addf(out, "%d %s %s", r.code, r.enhanced, r.text);
	}
	submit_free(&s);
	buf_free(&body);
}

static void
check_at_every_split(struct str message, struct str expected)
{
	for (size_t cut = 0; cut <= message.n; cut++) {
		struct buf out;

		buf_init(&out, 0);
		pass(message, cut, &out);
		if (!str_eq(buf_view(&out), expected))
			print_error("cut at %zu:\n%s\n", cut, buf_z(&out));
		assert_true(str_eq(buf_view(&out), expected));
		buf_free(&out);
	}
}

/* What stands in front of the message when it passes. */
static void
check_added(const char *message, const char *added)
{
	char *expected = str_printf("%s%s", added, message);

	check_at_every_split(str_of(message), str_of(expected));
	free(expected);
}

static void
check_refused(const char *message, const char *reply)
{
	check_at_every_split(str_of(message), str_of(reply));
}

static void
test_added(void **state)
{
	static const struct {
		const char *message, *added;
	} rows[] = {
		{"Subject: x\r\n\r\nFrom: boss@x\r\n", DATE FROM ID},
		{"From: ann@x\r\nDate: now\r\nMessage-ID: <1@x>\r\n\r\nb\r\n",
			""},
		{"FROM: ann@x\r\ndate: now\r\nmessage-id: <1@x>\r\n\r\n", ""},
		{"From : ann@x\r\nDate\t: now\r\nMessage-ID \t : <1@x>\r\n\r\n",
			""},
		{"From: ann@x\r\n\r\nDate: in the body\r\n", DATE ID},
		{"From:\r\n ann@x\r\nSubject:\r\n\tDate: folded\r\n\r\n",
			DATE ID},
		{"X-From: boss@x\r\nFromage: Brie\r\nFro: m\r\n\r\n",
			DATE FROM ID},
		{"Resent-From: boss@x\r\nResent-Date: now\r\n\r\n",
			DATE FROM ID},
		{"Subject: Gr\xc3\xbc\xc3\x9f\x65\r\n\r\n", DATE FROM ID},
		/* no empty line behind it, not even a line end */
		{"From: ann@x\r\n", DATE ID},
		{"From: ann@x", DATE ID},
		{"From: ann@x\r\n ", DATE ID},
		/* an empty header is one all the same */
		{"\r\nbody\r\n", DATE FROM ID},
		{"\r\n", DATE FROM ID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_added(rows[i].message, rows[i].added);
}

/* RFC 5322 2.1: the added fields need an empty line behind them. */
static void
test_headless(void **state)
{
	static const char *const rows[] = {
		"",
		"Hello\r\n",
		"Hello",
		"From",
		"Hello there: x\r\nFrom: boss@x\r\n\r\n",
		" folded: at once\r\nFrom: boss@x\r\n\r\n",
		": nameless\r\nFrom: boss@x\r\n\r\n",
		"From boss@x Sun Mar  1 06:00:00 2026\r\nFrom: boss@x\r\n\r\n",
		">From boss@x\r",
		"Gr\xc3\xbc\xc3\x9f\x65: x\r\n\r\n",
		"\n\nFrom: boss@x\r\n\r\n",
		"\rFrom: boss@x\r\n\r\n",
		"F\rrom: boss@x\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_added(rows[i], DATE FROM ID "\r\n");
	check_at_every_split(STR("\0: x"), STR(DATE FROM ID "\r\n\0: x"));
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *message, *reply;
	} rows[] = {
		{"From: boss@x\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"fROM \t:\r\n\tThe Boss\r\n <boss@x>\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"From: ann@x, boss@x\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"From: all: ann@x, boss@x;\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"From: =?utf-8?q?ann=40x?= <boss@x>\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"From: b\xc3\xb6ss@x\r\n\r\n",
			"550 5.7.1 ann may not send as <b??ss@x> (From)"},
		{"Subject: x\r\nFrom: boss@x",
			"550 5.7.1 ann may not send as <boss@x> (From)"},
		{"From: ann@x\r\nSender: boss@x\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (Sender)"},
		{"Sender: boss@x\r\n\r\n",
			"550 5.7.1 ann may not send as <boss@x> (Sender)"},
		{"From: ann\r\n\r\n",
			"550 5.6.0 From cannot be read: not a list of "
			"addresses"},
		{"From:\r\n\r\n",
			"550 5.6.0 From cannot be read: no address in it"},
		{"From: nobody:;\r\n\r\n",
			"550 5.6.0 From cannot be read: no address in it"},
		{"From: ann@x\r\nSender: <>\r\n\r\n",
			"550 5.6.0 Sender cannot be read: not a list of "
			"addresses"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_refused(rows[i].message, rows[i].reply);
}

static void
test_twice(void **state)
{
	static const char *const fields[] = {
		"From", "Sender", "Date", "Message-ID"};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *message = str_printf("%s: ann@x\r\n%s : ann@x\r\n\r\n",
			fields[i], fields[i]);
		char *reply = str_printf(
			"550 5.6.0 More than one %s in the header", fields[i]);

		check_refused(message, reply);
		free(message);
		free(reply);
	}
}

static void
test_broken_header(void **state)
{
	(void)state;
	check_refused("From: ann@x\r\nHello\r\nFrom: boss@x\r\n\r\n",
		"550 5.6.0 Neither a field nor folded text in line 2 of the "
		"header");
	check_refused("From: ann@x\r\n\tfolded\r\n: x\r\n\r\n",
		"550 5.6.0 Neither a field nor folded text in line 3 of the "
		"header");
	check_refused("From: ann@x\r\nSubject",
		"550 5.6.0 Neither a field nor folded text in line 2 of the "
		"header");
	check_refused("Subject: x\nFrom: boss@x\r\n\r\n",
		"550 5.6.0 Bare CR, bare LF or NUL in line 1 of the header");
	check_refused("Subject: x\r\n\nFrom: boss@x\r\n\r\n",
		"550 5.6.0 Bare CR, bare LF or NUL in line 2 of the header");
	check_refused("Subject: x\rFrom: boss@x\r\n\r\n",
		"550 5.6.0 Bare CR, bare LF or NUL in line 1 of the header");
	check_at_every_split(STR("X: x\r\nFrom\0: boss@x\r\n\r\n"),
		STR("550 5.6.0 Bare CR, bare LF or NUL in line 2 of the "
		    "header"));
}

/* A header of SIZE octets in OUT as it passes or is refused. */
static void
pass_large(size_t size, struct buf *out)
{
	struct buf message;

	buf_init(&message, 0);
	buf_addz(&message, "From: ann@x\r\nX: ");
	while (message.len < size - 4)
		buf_addz(&message, "x");
	buf_addz(&message, "\r\n\r\n");
	pass(buf_view(&message), 1000, out);
	buf_free(&message);
}

static void
test_too_large(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	pass_large(SUBMIT_HEADER_MAX, &out);
	assert_true(str_starts_nocase(buf_view(&out), STR(DATE ID "From: a")));
	buf_clear(&out);
	pass_large(SUBMIT_HEADER_MAX + 1, &out);
	assert_string_equal(buf_z(&out),
		"552 5.3.4 Header too large, more than 262144 octets");
	buf_free(&out);
}

/* RFC 5322 leaves their number open; we do not. */
static void
test_many_addresses(void **state)
{
	struct buf message, out;

	(void)state;
	buf_init(&message, 0);
	buf_init(&out, 0);
	buf_addz(&message, "From: ann@x");
	for (size_t i = 1; i < SUBMIT_ADDRESSES_MAX; i++)
		buf_addz(&message, ",\r\n ann@x");
	pass(buf_view(&message), 0, &out);
	assert_true(str_starts_nocase(buf_view(&out), STR("Date:")));
	buf_clear(&out);
	buf_addz(&message, ",\r\n ann@x");
	pass(buf_view(&message), 0, &out);
	assert_string_equal(buf_z(&out),
		"550 5.6.0 From cannot be read: too many addresses");
	buf_free(&out);
	buf_free(&message);
}

static void
test_null_sender_and_no_clock(void **state)
{
	struct submit_facts none = facts;
	struct submit s;
	struct buf out;

	(void)state;
	none.sender = none.date = "";
	buf_init(&out, 0);
	submit_init(&s);
	submit_end(&s);
	submit_added(&s, &none, &out);
	assert_string_equal(buf_z(&out), ID "\r\n");
	submit_free(&s);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_headless),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_broken_header),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_null_sender_and_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
