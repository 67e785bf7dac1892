#include "mail/ashore.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { APRIL = 1775001600 }; /* 2026-04-01 */

static struct buf out;

static const char *
compose(const struct ashore *a)
{
	buf_free(&out);
	buf_init(&out, 0);
	ashore_compose(a, &out);
	assert_true(out.len <= ASHORE_MAX);
	return buf_z(&out);
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static struct ashore
sample(const struct ashore_item *items, size_t n)
{
	return (struct ashore){.hostname = "mail.shore.example",
		.to = "cap@aurora.example.org",
		.date = "Sun, 1 Mar 2026 06:00:00 +0000",
		.id = 4711,
		.items = items,
		.items_n = n};
}

static struct ashore_item
large(void)
{
	return (struct ashore_item){.from = "eve@shore.example",
		.header = STR("To: you\r\nsubject: Charts\r\n of the"
			      "\r\n\tbay\r\nX: y\r\n\r\nSubject: no\r\n"),
		.size = 3260000,
		.why = "larger than your host takes",
		.until = APRIL};
}

static void
test_all_of_it(void **state)
{
	struct ashore_item item = large();
	struct ashore a = sample(&item, 1);

	(void)state;
	assert_string_equal(compose(&a),
		"From: Mail system <postmaster@mail.shore.example>\r\n"
		"To: <cap@aurora.example.org>\r\n"
		"Subject: 1 message kept ashore\r\n"
		"Date: Sun, 1 Mar 2026 06:00:00 +0000\r\n"
		"Message-ID: <ashore.4711@mail.shore.example>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n"
		"\r\n"
		"Not sent with the rest of your mail:\r\n"
		"\r\n"
		"From: eve@shore.example\r\n"
		"Subject: Charts of the bay\r\n"
		"Size: 3.2 MB\r\n"
		"Why: larger than your host takes\r\n"
		"Until: 2026-04-01\r\n");
}

static void
test_what_is_not_known(void **state)
{
	struct ashore_item item = {.from = "",
		.to = "ann@aurora.example.org",
		.to_more = 2,
		.header = STR("From: x\r\n\r\nSubject: body\r\n"),
		.size = 999,
		.why = "held by the operator"};
	struct ashore a = sample(&item, 1);
	const char *text;

	(void)state;
	a.date = "";
	text = compose(&a);
	assert_null(strstr(text, "Date:"));
	assert_null(strstr(text, "body"));
	assert_non_null(strstr(text, "From: <>, a notice\r\n"));
	assert_non_null(
		strstr(text, "To: ann@aurora.example.org and 2 more\r\n"));
	assert_non_null(strstr(text, "Size: 999 octets\r\n"));
	assert_non_null(strstr(text, "Until: it is released\r\n"));
}

/* No octet of a stranger ends a line, and none is above 7 bit. */
static void
test_hostile_text(void **state)
{
	struct ashore_item item = large();
	struct ashore a = sample(&item, 1);
	const char *text;

	(void)state;
	item.header = STR("Subject: a\rFrom: b\001\033[2J\r\n"
			  "  \xff\xc3\xa4 =?utf-8?q?=0D=0Ax?=\r\n\r\n");
	item.from = "eve\r\nBcc: all@example.org";
	item.why = "said: 452\n.\r\nQUIT";
	text = compose(&a);
	assert_non_null(strstr(text,
		"\r\nSubject: a From: b [2J ??? =?utf-8?q?=0D=0Ax?=\r\n"));
	assert_non_null(strstr(text, "\r\nFrom: eve Bcc: all@example.org\r\n"));
	assert_non_null(strstr(text, "\r\nWhy: said: 452 . QUIT\r\n"));
}

/* The front of a message may be cut anywhere. */
static void
test_cut_headers(void **state)
{
	static const char *const headers[] = {"", "S", "Subject",
		"Subject:", "Subject:\r", "Subject:\r\n", "\r\n", "\n",
		"Subject: x\r\n ", "Subject: x", " Subject: x\r\n",
		"\r\nSubject: x\r\n"};
	struct ashore_item item = large();
	struct ashore a = sample(&item, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		item.header = str_of(headers[i]);
		compose(&a);
	}
}

static void
test_what_does_not_fit_is_counted(void **state)
{
	struct ashore_item items[40];
	struct ashore a = sample(items, 40);
	const char *text, *more;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		items[i] = large();
	a.more = 160;
	text = compose(&a);
	assert_non_null(strstr(text, "Subject: 200 messages kept ashore\r\n"));
	for (const char *p = text; (p = strstr(p, "Why: ")); p++)
		n++;
	assert_true(n > 5);
	more = strstr(text, "\r\nand ");
	assert_non_null(more);
	assert_int_equal(strtoul(more + 6, NULL, 10) + n, 200);
}

static char *
noise(size_t n)
{
	char *text = xmalloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(1 + rand() % 255);
	text[n] = '\0';
	return text;
}

/* Only lines of printable ASCII, whatever comes in, within the limit. */
static void
test_any_input(void **state)
{
	char host[256], to[321];

	(void)state;
	memset(host, 'h', sizeof(host) - 1);
	memset(to, 't', sizeof(to) - 1);
	host[255] = to[320] = '\0';
	srand(2645);
	for (int round = 0; round < 500; round++) {
		struct ashore_item items[20];
		struct ashore a = sample(items, (size_t)(rand() % 21));
		char *text[20][3];

		if (round % 2) {
			a.hostname = host;
			a.to = to;
		}
		a.more = round % 3 ? (size_t)rand() : 0;
		for (int i = 0; i < 20; i++) {
			for (int k = 0; k < 3; k++)
				text[i][k] = noise((size_t)(rand() % 1200));
			memcpy(text[i][1],
				"Subject:", strlen(text[i][1]) < 8 ? 0 : 8);
			items[i] = (struct ashore_item){.from = text[i][0],
				.to = i % 2 ? text[i][2] : NULL,
				.to_more = (unsigned)rand(),
				.header = str_of(text[i][1]),
				.size = (uint64_t)rand() << (rand() % 32),
				.why = text[i][2],
				.until = rand()};
		}
		compose(&a);
		for (size_t i = 0; i < out.len; i++) {
			char c = buf_view(&out).p[i];

			assert_true((c >= ' ' && c <= '~') || c == '\r' ||
				    c == '\n');
			assert_int_equal(c == '\r',
				i + 1 < out.len &&
					buf_view(&out).p[i + 1] == '\n');
		}
		for (int i = 0; i < 60; i++)
			free(text[i / 3][i % 3]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_all_of_it, teardown),
		cmocka_unit_test_teardown(test_what_is_not_known, teardown),
		cmocka_unit_test_teardown(test_hostile_text, teardown),
		cmocka_unit_test_teardown(test_cut_headers, teardown),
		cmocka_unit_test_teardown(
			test_what_does_not_fit_is_counted, teardown),
		cmocka_unit_test_teardown(test_any_input, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
