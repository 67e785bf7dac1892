#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/helper_request.h"

#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"one", "", "three", NULL};
static const struct helper_request sample = {.kind = HELPER_ROUTE,
	.has_io = true,
	.name = "uucp",
	.command = "uux - 'sys!rmail' {}",
	.words = words,
	.words_n = 3};

static struct str
packet_of(const struct helper_request *q, struct buf *out)
{
	struct err e;

	buf_clear(out);
	assert_int_equal(helper_request_write(q, out, &e), OK);
	return buf_view(out);
}

static bool
reads(struct str s)
{
	struct helper_request q;
	struct err e = {0};
	bool ok = helper_request_read(s, &q, &e) == OK;

	if (ok)
		helper_request_clear(&q);
	else
		assert_true(e.text[0]);
	return ok;
}

static void
test_there_and_back(void **state)
{
	struct helper_request q;
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(
		helper_request_read(packet_of(&sample, &out), &q, &e), OK);
	assert_int_equal(q.kind, HELPER_ROUTE);
	assert_true(q.has_io);
	assert_string_equal(q.name, "uucp");
	assert_string_equal(q.command, sample.command);
	assert_int_equal(q.words_n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(q.words[i], words[i]);
	assert_null(q.words[3]);
	helper_request_clear(&q);
	helper_request_clear(&q);
	buf_free(&out);
}

/* Cut anywhere, or longer by an octet, it is none. */
static void
test_truncated(void **state)
{
	struct buf out;
	struct str s;

	(void)state;
	buf_init(&out, 0);
	s = packet_of(&sample, &out);
	for (size_t n = 0; n < s.n; n++) {
		char *copy = xmalloc(n + 1); /* its end is memory's end */

		memcpy(copy, s.p, n);
		assert_false(reads((struct str){copy, n}));
		free(copy);
	}
	buf_add(&out, "x", 1);
	assert_false(reads(buf_view(&out)));
	buf_free(&out);
}

static void
change(struct buf *out, size_t at, unsigned char octet)
{
	packet_of(&sample, out);
	out->data[out->start + at] = (char)octet;
	assert_false(reads(buf_view(out)));
}

static void
test_malformed(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	change(&out, 0, 0);		 /* no magic */
	change(&out, 4, HELPER_KINDS_N); /* no kind */
	change(&out, 4, 255);
	change(&out, 5, 2);   /* neither yes nor no */
	change(&out, 6, 4);   /* more words than are there */
	change(&out, 6, 2);   /* fewer */
	change(&out, 7, 255); /* far more than may be */
	buf_free(&out);
}

static void
test_limits(void **state)
{
	char *longest = xmalloc(HELPER_PACKET_MAX + 1);
	struct helper_request q = sample;
	struct buf out;
	struct err e;

	(void)state;
	memset(longest, 'x', HELPER_PACKET_MAX);
	longest[HELPER_PACKET_MAX] = '\0';
	buf_init(&out, 0);
	q.command = longest;
	assert_int_equal(helper_request_write(&q, &out, &e), ERR_LIMIT);
	q = sample;
	q.words_n = HELPER_WORDS_MAX + 1;
	assert_int_equal(helper_request_write(&q, &out, &e), ERR_LIMIT);
	q = sample;
	longest[HELPER_NAME_MAX + 1] = '\0';
	q.name = longest;
	assert_false(reads(packet_of(&q, &out)));
	longest[HELPER_NAME_MAX] = '\0';
	assert_true(reads(packet_of(&q, &out)));
	longest[HELPER_NAME_MAX] = 'x';
	assert_false(reads((struct str){longest, HELPER_PACKET_MAX + 1}));
	buf_free(&out);
	free(longest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
