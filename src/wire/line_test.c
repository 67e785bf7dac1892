#include "wire/line.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { LIMIT = 8 };

/* Writes one mark per line into OUT: "=text|", "!text|" bare, "#|" too long. */
static void
feed(struct line_reader *r, struct str in, struct buf *out)
{
	while (in.n > 0) {
		size_t n;
		enum line_result result = line_read(r, in, &n);

		in = str_skip(in, n);
		if (result == LINE_MORE) {
			assert_int_equal(in.n, 0);
			break;
		}
		assert_false(line_pending(r));
		buf_addz(out, result == LINE_OK	    ? "="
			      : result == LINE_BARE ? "!"
						    : "#");
		buf_adds(out, line_text(r));
		buf_addz(out, "|");
	}
}

static const struct {
	struct str in;
	struct str lines;
	bool pending;
} cases[] = {
	{STR(""), STR(""), false},
	{STR("\r\n"), STR("=|"), false},
	{STR("NOOP\r\n"), STR("=NOOP|"), false},
	{STR("a\r\nb\r\nc"), STR("=a|=b|"), true},
	{STR("a\r"), STR(""), true},
	{STR("\r"), STR(""), true},
	{STR("12345678\r\n"), STR("=12345678|"), false},
	{STR("123456789\r\nx\r\n"), STR("#|=x|"), false},
	{STR("123456789"), STR(""), true},
	{STR("123456789\r\r\nx\r\n"), STR("#|=x|"), false},
	{STR("12345678\r\r\n"), STR("#|"), false},
	{STR("a\nb\r\n"), STR("!a\nb|"), false},
	{STR("a\rb\r\nc\r\n"), STR("!a\rb|=c|"), false},
	{STR("\r\r\n"), STR("!\r|"), false},
	{STR("\n\r\n"), STR("!\n|"), false},
	{STR("\r\n\n\r\n"), STR("=|!\n|"), false},
	{STR("a\0b\r\n"), STR("!a\0b|"), false},
	{STR("a\r\0\n\r\n"), STR("!a\r\0\n|"), false},
	{STR("a\n\r"), STR(""), true},
};

static void
splits_do_not_matter(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t at = 0; at <= cases[i].in.n; at++) {
			struct line_reader r;
			struct buf out;

			line_reader_init(&r, LIMIT);
			buf_init(&out, 0);
			feed(&r, (struct str){cases[i].in.p, at}, &out);
			feed(&r, str_skip(cases[i].in, at), &out);
			assert_true(str_eq(buf_view(&out), cases[i].lines));
			assert_int_equal(line_pending(&r), cases[i].pending);
			line_reader_free(&r);
			buf_free(&out);
		}
	}
}

static void
octet_by_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line_reader r;
		struct buf out;

		line_reader_init(&r, LIMIT);
		buf_init(&out, 0);
		for (size_t at = 0; at < cases[i].in.n; at++)
			feed(&r, (struct str){cases[i].in.p + at, 1}, &out);
		assert_true(str_eq(buf_view(&out), cases[i].lines));
		line_reader_free(&r);
		buf_free(&out);
	}
}

static void
takes_nothing_behind_a_line(void **state)
{
	struct line_reader r;
	size_t n;

	(void)state;
	line_reader_init(&r, LIMIT);
	assert_int_equal(line_read(&r, STR("a\r\nb\r\n"), &n), LINE_OK);
	assert_int_equal(n, 3);
	line_reader_free(&r);
}

static void
memory_of_endless_line_is_bounded(void **state)
{
	static char block[65536];
	struct line_reader r;
	size_t n;

	(void)state;
	memset(block, 'x', sizeof(block));
	line_reader_init(&r, 2048);
	for (int i = 0; i < 1024; i++) {
		struct str s = {block, sizeof(block)};

		assert_int_equal(line_read(&r, s, &n), LINE_MORE);
		assert_int_equal(n, s.n);
		assert_true(r.text.cap <= 4096);
	}
	assert_int_equal(line_read(&r, STR("\r\n"), &n), LINE_TOO_LONG);
	assert_int_equal(line_read(&r, STR("b\r\n"), &n), LINE_OK);
	assert_true(str_eq(line_text(&r), STR("b")));
	line_reader_free(&r);
}

static void
limit_may_change(void **state)
{
	struct line_reader r;
	size_t n;

	(void)state;
	line_reader_init(&r, 2);
	line_read(&r, STR("ab"), &n);
	line_reader_set_limit(&r, 4);
	assert_int_equal(line_read(&r, STR("cd\r\n"), &n), LINE_OK);
	line_reader_set_limit(&r, 2);
	assert_true(str_eq(line_text(&r), STR("abcd")));
	assert_int_equal(line_read(&r, STR("abc\r\n"), &n), LINE_TOO_LONG);
	line_reader_set_limit(&r, 4);
	line_read(&r, STR("abc"), &n);
	line_reader_set_limit(&r, 2);
	assert_true(line_pending(&r));
	assert_int_equal(line_read(&r, STR("\r\n"), &n), LINE_TOO_LONG);
	line_reader_free(&r);
	line_reader_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_do_not_matter),
		cmocka_unit_test(octet_by_octet),
		cmocka_unit_test(takes_nothing_behind_a_line),
		cmocka_unit_test(memory_of_endless_line_is_bounded),
		cmocka_unit_test(limit_may_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
