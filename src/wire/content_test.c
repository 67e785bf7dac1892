#include "wire/dot.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { LIMIT = 6 };

static void
faults_in_every_split(void **state)
{
	static const struct {
		struct str in;
		enum content_fault fault;
		uint64_t line;
	} cases[] = {
		{STR(""), CONTENT_OK, 0},
		{STR("a: b\r\n\r\n.\r\n"), CONTENT_OK, 0},
		{STR("123456\r\n123456"), CONTENT_OK, 0},
		{STR("a\r\n1234567\r\n"), CONTENT_LONG_LINE, 2},
		{STR("1234567"), CONTENT_LONG_LINE, 1},
		{STR("123456\r"), CONTENT_BARE_CR, 1},
		{STR("1234567\n"), CONTENT_LONG_LINE, 1},
		{STR("12\n34567\r\n"), CONTENT_BARE_LF, 1},
		{STR("a\r\nb\r\nc\rd\r\n"), CONTENT_BARE_CR, 3},
		{STR("a\r\r\n"), CONTENT_BARE_CR, 1},
		{STR("a\n.\n"), CONTENT_BARE_LF, 1},
		{STR("\r\n\n"), CONTENT_BARE_LF, 2},
		{STR("a\r\n\0\n"), CONTENT_NUL, 2},
		{STR("\r\0"), CONTENT_BARE_CR, 1},
		{STR("a\n\r\n\r"), CONTENT_BARE_LF, 1},
		{STR("a\r\n\r"), CONTENT_BARE_CR, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str in = cases[i].in;

		for (size_t at = 0; at <= in.n; at++) {
			struct content_check c;

			content_check_init(&c, LIMIT);
			content_check_feed(&c, (struct str){in.p, at});
			content_check_feed(&c, str_skip(in, at));
			content_check_end(&c);
			assert_int_equal(c.fault, cases[i].fault);
			assert_int_equal(c.fault_line, cases[i].line);
			assert_int_equal(c.size_bytes, in.n);
		}
	}
}

static void
eight_bit_in_header_or_body(void **state)
{
	static const struct {
		struct str in;
		bool anywhere, header;
	} cases[] = {
		{STR("a: b\r\n\r\nc\r\n"), false, false},
		{STR("a: b\r\n\r\n\xe6\r\n"), true, false},
		{STR("a: \xe6\r\n\r\nc\r\n"), true, true},
		{STR("\r\n\xe6\r\n"), true, false},
		{STR("a\r\n\n\xe6"), true, true},
		{STR("\x7f\r\n"), false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str in = cases[i].in;

		for (size_t at = 0; at <= in.n; at++) {
			struct content_check c;

			content_check_init(&c, 998);
			content_check_feed(&c, (struct str){in.p, at});
			content_check_feed(&c, str_skip(in, at));
			content_check_end(&c);
			assert_int_equal(c.has_8bit, cases[i].anywhere);
			assert_int_equal(c.has_8bit_header, cases[i].header);
		}
	}
}

static void
limit_is_of_the_line_without_crlf(void **state)
{
	struct content_check c;
	char line[1000];

	(void)state;
	memset(line, 'x', sizeof(line));
	content_check_init(&c, 998);
	content_check_feed(&c, (struct str){line, 998});
	content_check_feed(&c, STR("\r\n"));
	assert_int_equal(c.fault, CONTENT_OK);
	content_check_feed(&c, (struct str){line, 999});
	assert_int_equal(c.fault, CONTENT_LONG_LINE);
	assert_int_equal(c.fault_line, 2);
	content_check_init(&c, 0);
	content_check_feed(&c, (struct str){line, sizeof(line)});
	assert_int_equal(c.fault, CONTENT_OK);
}

static void
faults_have_words(void **state)
{
	(void)state;
	assert_string_equal(content_fault_text(CONTENT_BARE_CR), "bare CR");
	assert_string_equal(content_fault_text(CONTENT_BARE_LF), "bare LF");
	assert_string_equal(content_fault_text(CONTENT_NUL), "NUL octet");
	assert_string_equal(content_fault_text(CONTENT_LONG_LINE),
		"a line longer than the limit");
	assert_string_equal(content_fault_text(CONTENT_OK), "nothing wrong");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_in_every_split),
		cmocka_unit_test(eight_bit_in_header_or_body),
		cmocka_unit_test(limit_is_of_the_line_without_crlf),
		cmocka_unit_test(faults_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
