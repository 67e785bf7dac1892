#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/decode.h"
#include "mail/mime.h"

#include <stdio.h>
#include <string.h>

static void
decodes(enum transfer how, const char *in, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	decode_transfer(&out, str_of(in), how);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_quoted_printable(void **state)
{
	(void)state;
	decodes(TRANSFER_QP, "a=3Db=3d=C3=A5", "a=b=\xc3\xa5");
	decodes(TRANSFER_QP,
		"one=\r\ntwo=  \r\nthree=\nfour=", "onetwothreefour");
	/* malformed: as it stands */
	decodes(TRANSFER_QP, "1=2 =ZZ =", "1=2 =ZZ ");
	decodes(TRANSFER_QP, "=4", "=4");
	decodes(TRANSFER_NONE, "=41", "=41");
}

static void
test_base64(void **state)
{
	(void)state;
	decodes(TRANSFER_BASE64, "Zm9v", "foo");
	decodes(TRANSFER_BASE64, "Zm9vYg==", "foob");
	decodes(TRANSFER_BASE64, "Zm\r\n9v Y!mE=", "fooba");
	decodes(TRANSFER_BASE64, "Z", "");
	decodes(TRANSFER_BASE64, "", "");
}

static void
add_piece(void *arg, const char *charset, struct str octets)
{
	buf_addf(arg, "[%s]%.*s", charset, STR_FMT(octets));
}

static void
words(const char *in, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	decode_words(str_of(in), add_piece, &out);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_encoded_words(void **state)
{
	(void)state;
	words("plain", "[]plain");
	words("=?UTF-8?Q?a_b=5F=41?=", "[UTF-8]a b_A");
	words("=?utf-8?b?Zm9v?=", "[utf-8]foo");
	words("=?US-ASCII*en?Q?x?=", "[US-ASCII]x");
	/* RFC 2047 8: blanks between encoded words go, others stay */
	words("=?a?q?1?= \r\n =?a?q?2?=", "[a]1[a]2");
	words("=?a?q?1?= x =?a?q?2?=", "[a]1[] x [a]2");
	words("a\r\n b", "[]a[] b");
	/* no words at all */
	words("=?a?q?1", "[]=?a?q?1");
	words("=?a?x?1?=", "[]=?a?x?1?=");
	words("=?=?=?=", "[]=?=?=?=");
	words("=?", "[]=?");
}

static void
add_part(void *arg, const struct mime_part *p)
{
	buf_addf(arg, "%s%s|%s|%s|%u|%.*s\n", p->nested ? "+" : "", p->type,
		p->charset, p->name, p->alternative, STR_FMT(p->body));
}

static void
walks(const char *in, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	mime_walk(str_of(in), add_part, &out);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_parts(void **state)
{
	(void)state;
	walks("A: b\r\n\r\nbody", "text/plain|||0|body\n");
	walks("", "text/plain|||0|\n");
	walks("Content-Type: TEXT/HTML; charset=\"x\\\"y\" ; name=f\r\n\r\nb",
		"text/html|x\"y|f|0|b\n");
	walks("Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n"
	      "--x\r\n\r\none\r\n--x\t\r\nContent-Type: a/b\r\n\r\ntwo\r\n"
	      "--xy\r\n--x--\r\npost",
		"text/plain|||0|one\na/b|||0|two\r\n--xy\n");
	/* cut off, and without a boundary */
	walks("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none",
		"text/plain|||0|one\n");
	walks("Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\none",
		"multipart/mixed|||0|--x\r\n\r\none\n");
	walks("Content-Type: multipart/alternative; boundary=x\r\n\r\n"
	      "--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--",
		"text/plain|||1|one\ntext/plain|||1|two\n");
	walks("Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nin",
		"+message/rfc822|||0|Subject: s\r\n\r\nin\n"
		"text/plain|||0|in\n");
}

static void
count_part(void *arg, const struct mime_part *p)
{
	(void)p;
	++*(unsigned *)arg;
}

/* Depth and number of parts have an end. */
static void
test_bounds(void **state)
{
	struct buf in;
	unsigned n = 0;

	(void)state;
	buf_init(&in, 0);
	for (int i = 0; i < 100; i++)
		buf_addz(&in, "Content-Type: message/rfc822\r\n\r\n");
	mime_walk(buf_view(&in), count_part, &n);
	assert_int_equal(n, MIME_DEPTH_MAX + 1);
	buf_clear(&in);
	buf_addz(&in, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		buf_addz(&in, "--x\r\n\r\np\r\n");
	n = 0;
	mime_walk(buf_view(&in), count_part, &n);
	assert_int_equal(n, MIME_PARTS_MAX - 1);
	buf_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_encoded_words),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
