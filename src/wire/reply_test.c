#include "wire/reply.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wire/grammar.h"
#include "wire/limits.h"

static enum reply_result
feed(struct reply_parser *p, struct str in, size_t *taken)
{
	size_t n;
	enum reply_result result = reply_parse(p, in, &n);

	assert_true(n <= in.n);
	*taken += n;
	return result;
}

struct reply_case {
	struct str in;
	size_t left; /* octets behind the reply */
	int code;
	const char *enhanced, *text;
};

static void
expect_done(const struct reply_case *c, size_t a, size_t b)
{
	struct reply_parser p;
	size_t end = c->in.n - c->left, taken = 0;
	enum reply_result result;

	reply_parser_init(&p);
	result = feed(&p, (struct str){c->in.p, a}, &taken);
	if (result == REPLY_MORE)
		result = feed(&p, (struct str){c->in.p + a, b - a}, &taken);
	if (result == REPLY_MORE)
		result = feed(&p, str_skip(c->in, b), &taken);
	assert_int_equal(result, REPLY_DONE);
	assert_int_equal(taken, end);
	assert_int_equal(p.reply.code, c->code);
	assert_string_equal(p.reply.enhanced, c->enhanced);
	assert_string_equal(p.reply.text, c->text);
	reply_parser_free(&p);
}

static void
replies_in_every_split(void **state)
{
	static const struct reply_case cases[] = {
		{STR("250\r\n"), 0, 250, "", ""},
		{STR("250 \r\n"), 0, 250, "", ""},
		{STR("250 OK\r\n"), 0, 250, "", "OK"},
		{STR("250 OK\r\n354 go\r\n"), 8, 250, "", "OK"},
		{STR("250-\r\n250\r\n"), 0, 250, "", "\n"},
		{STR("250-a\r\n250-b\r\n250 c\r\n"), 0, 250, "", "a\nb\nc"},
		{STR("550 5.7.1 no\r\n"), 0, 550, "5.7.1", "no"},
		{STR("550 5.7.1\tno\r\n"), 0, 550, "5.7.1", "no"},
		{STR("550 5.7.1\r\n"), 0, 550, "5.7.1", ""},
		{STR("550 5.123.456  x\r\n"), 0, 550, "5.123.456", " x"},
		{STR("550-5.7.1 a\r\n550 5.7.1 b\r\n"), 0, 550, "5.7.1",
			"a\nb"},
		{STR("550-5.7.1 a\r\n550 5.7.2 b\r\n"), 0, 550, "5.7.1",
			"a\n5.7.2 b"},
		{STR("550-5.7.1 a\r\n550 b\r\n"), 0, 550, "5.7.1", "a\nb"},
		{STR("550-a\r\n550 5.7.1 b\r\n"), 0, 550, "", "a\n5.7.1 b"},
		{STR("451 4.3.0 x\r\n"), 0, 451, "4.3.0", "x"},
		{STR("550 4.7.1 x\r\n"), 0, 550, "", "4.7.1 x"},
		{STR("334 3.1.1 x\r\n"), 0, 334, "", "3.1.1 x"},
		{STR("250 2.1 x\r\n"), 0, 250, "", "2.1 x"},
		{STR("250 2.1.0.0 x\r\n"), 0, 250, "", "2.1.0.0 x"},
		{STR("250 2.1234.0 x\r\n"), 0, 250, "", "2.1234.0 x"},
		{STR("250 2..0 x\r\n"), 0, 250, "", "2..0 x"},
		{STR("250 2.1.0x\r\n"), 0, 250, "", "2.1.0x"},
		{STR("571 5.7.1 x\r\n"), 0, 571, "5.7.1", "x"},
		{STR("250 a\tb\x01\x1b[2J\x7f\r\n"), 0, 250, "", "a b??[2J?"},
		{STR("250 a\0b\r\n"), 0, 250, "", "a?b"},
		{STR("250 a\rb\r\r\n"), 0, 250, "", "a?b?"},
		{STR("250 j\xc3\xb8\xc3 \xff\xc2\x9bz\r\n"), 0, 250, "",
			"j\xc3\xb8? ???z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t a = 0; a <= cases[i].in.n; a++)
			for (size_t b = a; b <= cases[i].in.n; b++)
				expect_done(&cases[i], a, b);
}

static void
prefixes_are_not_replies(void **state)
{
	struct str in = STR("250-2.1.0 a\r\n250-b\r\n250 c\r\n");

	(void)state;
	for (size_t n = 0; n < in.n; n++) {
		struct reply_parser p;
		size_t taken = 0;

		reply_parser_init(&p);
		assert_int_equal(
			feed(&p, (struct str){in.p, n}, &taken), REPLY_MORE);
		assert_int_equal(taken, n);
		reply_parser_free(&p);
	}
}

static void
what_is_no_reply(void **state)
{
	static const struct {
		struct str in;
		const char *why;
	} cases[] = {
		{STR("\r\n"), "a line without a reply code"},
		{STR("25\r\n"), "a line without a reply code"},
		{STR("SSH-2.0-x\r\n"), "a line without a reply code"},
		{STR("S"), "a line without a reply code"},
		{STR("\x15\x03\x01"), "a line without a reply code"},
		{STR("199 x\r\n"), "a line without a reply code"},
		{STR("600 x\r\n"), "a line without a reply code"},
		{STR("2500 x\r\n"), "a line without a reply code"},
		{STR("250\tx\r\n"), "a line without a reply code"},
		{STR("250-a\r\n\r\n"), "a line without a reply code"},
		{STR("250-a\r\nb\r\n"), "a line without a reply code"},
		{STR("250-a\r\n251 b\r\n"),
			"lines of one reply with different codes"},
		{STR("250 a\n"), "a reply line with a bare LF"},
		{STR("250 a\n250 b\r\n"), "a reply line with a bare LF"},
		{STR("250-a\n250 b\r\n"), "a reply line with a bare LF"},
		{STR("250\n"), "a reply line with a bare LF"},
		{STR("\n"), "a line without a reply code"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t at = 0; at <= cases[i].in.n; at++) {
			struct str in = cases[i].in;
			enum reply_result result;
			struct reply_parser p;
			size_t taken = 0;

			reply_parser_init(&p);
			result = feed(&p, (struct str){in.p, at}, &taken);
			if (result == REPLY_MORE)
				result = feed(&p, str_skip(in, at), &taken);
			assert_int_equal(result, REPLY_BAD);
			assert_string_equal(p.reply.text, cases[i].why);
			reply_parser_free(&p);
		}
	}
}

static void
endless_line_ends_soon(void **state)
{
	static char block[65536];
	struct reply_parser p;
	enum reply_result result = REPLY_MORE;
	size_t taken = 0;

	(void)state;
	memset(block, '2', sizeof(block));
	reply_parser_init(&p);
	for (int i = 0; i < 1024 && result == REPLY_MORE; i++)
		result = feed(
			&p, (struct str){block + i, (size_t)(i + 1)}, &taken);
	assert_int_equal(result, REPLY_BAD);
	assert_true(taken <= 2 * WIRE_REPLY_LINE_MAX);
	assert_true(p.line.text.cap <= 2 * WIRE_REPLY_LINE_MAX);
	reply_parser_free(&p);
	reply_parser_init(&p);
	taken = 0;
	assert_int_equal(feed(&p, (struct str){block, sizeof(block)}, &taken),
		REPLY_BAD);
	assert_string_equal(p.reply.text, "a reply line above the limit");
	reply_parser_free(&p);
	reply_parser_free(NULL);
}

static void
endless_reply_ends(void **state)
{
	struct reply_parser p;
	enum reply_result result = REPLY_MORE;
	size_t taken = 0;

	(void)state;
	reply_parser_init(&p);
	while (result == REPLY_MORE && taken < 2 * WIRE_REPLY_MAX)
		result = feed(&p, STR("250-and so on\r\n"), &taken);
	assert_int_equal(result, REPLY_BAD);
	assert_true(taken <= WIRE_REPLY_MAX + 16);
	assert_string_equal(p.reply.text, "a reply above the limit");
	reply_parser_free(&p);
}

static void
parser_starts_anew(void **state)
{
	struct str in = STR("550-5.7.1 a\r\n550 5.7.1 b\r\n250 c\r\n");
	struct reply_parser p;
	size_t taken = 0;

	(void)state;
	reply_parser_init(&p);
	assert_int_equal(feed(&p, in, &taken), REPLY_DONE);
	assert_int_equal(reply_class(&p.reply), 5);
	in = str_skip(in, taken);
	assert_int_equal(feed(&p, in, &taken), REPLY_DONE);
	assert_int_equal(p.reply.code, 250);
	assert_string_equal(p.reply.enhanced, "");
	assert_string_equal(p.reply.text, "c");
	assert_int_equal(p.total, 7);
	reply_parser_free(&p);
}

/* A first line is cut, a later one that does not fit is left out whole. */
static void
long_texts_are_bounded(void **state)
{
	struct reply_parser p;
	size_t taken = 0;
	struct buf in;

	(void)state;
	buf_init(&in, 0);
	buf_addz(&in, "250-");
	for (int i = 0; i < 449; i++)
		buf_addz(&in, "\xc3\xb8");
	buf_addz(&in, "x\r\n250 SIZE 1000\r\n");
	reply_parser_init(&p);
	assert_int_equal(feed(&p, buf_view(&in), &taken), REPLY_DONE);
	assert_int_equal(strlen(p.reply.text), 899);
	buf_clear(&in);
	buf_addz(&in, "250 x");
	for (int i = 0; i < 600; i++)
		buf_addz(&in, "\xc3\xb8");
	buf_addz(&in, "\r\n");
	assert_int_equal(feed(&p, buf_view(&in), &taken), REPLY_DONE);
	assert_int_equal(strlen(p.reply.text), 899);
	assert_true(grammar_is_utf8(str_of(p.reply.text)));
	reply_parser_free(&p);
	buf_free(&in);
}

static void
replies_are_written(void **state)
{
	static const struct {
		int code;
		const char *enhanced, *text;
		struct str wire;
		const char *line;
	} cases[] = {
		{250, "2.0.0", "ok", STR("250 2.0.0 ok\r\n"), "250 2.0.0 ok"},
		{250, "", "ok", STR("250 ok\r\n"), "250 ok"},
		{250, "", "", STR("250 \r\n"), "250"},
		{250, "2.0.0", "", STR("250 2.0.0\r\n"), "250 2.0.0"},
		{550, "5.7.1", "a\nb", STR("550-5.7.1 a\r\n550 5.7.1 b\r\n"),
			"550 5.7.1 a b"},
		{250, "", "a\n\n", STR("250-a\r\n250-\r\n250 \r\n"), "250 a  "},
		{354, "", "go", STR("354 go\r\n"), "354 go"},
		{334, "3.0.0", "abc=", STR("334 abc=\r\n"), "334 3.0.0 abc="},
		{250, "", "a\r\x01\t.", STR("250 a?? .\r\n"), "250 a?? ."},
		{250, "", "\xc3\xb8\xff", STR("250 \xc3\xb8?\r\n"),
			"250 \xc3\xb8?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply r;
		struct buf out;
		char line[64];

		buf_init(&out, 0);
		reply_set(&r, cases[i].code, cases[i].enhanced, "%s",
			cases[i].text);
		reply_write(&r, &out);
		assert_true(str_eq(buf_view(&out), cases[i].wire));
		reply_one_line(&r, line, sizeof(line));
		assert_string_equal(line, cases[i].line);
		buf_free(&out);
	}
}

static void
one_line_is_cut_between_characters(void **state)
{
	struct reply r;
	char line[9];

	(void)state;
	reply_set(&r, 250, "", "abc\xc3\xb8");
	reply_one_line(&r, line, sizeof(line));
	assert_string_equal(line, "250 abc");
	reply_one_line(&r, line, 1);
	assert_string_equal(line, "");
}

/* RFC 5321 4.5.3.1.5: 512 octets; a parser has the same words again. */
static void
long_lines_are_folded(void **state)
{
	static const char word[] = "p\xc3\xb8lse ", solid[] = "\xe4\xbe\x8b";
	const char *const fill[] = {word, solid};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[REPLY_TEXT_MAX + 1] = "";
		struct str rest, line;
		struct reply r;
		struct buf out;

		while (strlen(text) + 8 < sizeof(text))
			strcat(text, fill[i]);
		reply_set(&r, 550, "5.1.1", "%s", text);
		buf_init(&out, 0);
		reply_write(&r, &out);
		for (rest = buf_view(&out); rest.n > 0;) {
			line = str_cut(rest, '\n', &rest);
			assert_true(line.n < 512);
			assert_true(grammar_is_utf8(line));
			assert_true(line.p[line.n - 1] == '\r');
			assert_int_equal(line.p[3], rest.n > 0 ? '-' : ' ');
			assert_int_equal(memcmp(line.p + 4, "5.1.1 ", 6), 0);
		}
		buf_clear(&out);
		r.code = 334;
		reply_write(&r, &out);
		assert_int_equal(out.len, 4 + strlen(text) + 2);
		buf_free(&out);
	}
}

static void
written_whole_or_not(void **state)
{
	struct reply r;
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	reply_set(&r, 250, "", "aaaaaa\nbbbbbb");
	reply_write(&r, &out);
	assert_int_equal(out.len, 0);
	reply_set(&r, 250, "", "%0*d", 2000, 7);
	assert_int_equal(strlen(r.text), REPLY_TEXT_MAX);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_in_every_split),
		cmocka_unit_test(prefixes_are_not_replies),
		cmocka_unit_test(what_is_no_reply),
		cmocka_unit_test(endless_line_ends_soon),
		cmocka_unit_test(endless_reply_ends),
		cmocka_unit_test(parser_starts_anew),
		cmocka_unit_test(long_texts_are_bounded),
		cmocka_unit_test(replies_are_written),
		cmocka_unit_test(one_line_is_cut_between_characters),
		cmocka_unit_test(long_lines_are_folded),
		cmocka_unit_test(written_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
