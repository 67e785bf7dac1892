#include "wire/grammar.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* MATCHED octets at the front of IN; -1: no match. */
struct match {
	struct str in;
	int ascii, utf8;
};

typedef bool parser(struct str *in, bool utf8, struct str *part_r);

static bool
literal(struct str *in, bool utf8, struct str *part_r)
{
	(void)utf8;
	return grammar_address_literal(in, part_r);
}

static bool
keyword(struct str *in, bool utf8, struct str *part_r)
{
	(void)utf8;
	return grammar_keyword(in, part_r);
}

static int
match(parser *p, struct str in, bool utf8)
{
	struct str before = in, part = {NULL, 77};

	if (!p(&in, utf8, &part)) {
		assert_ptr_equal(in.p, before.p);
		assert_int_equal(in.n, before.n);
		return -1;
	}
	assert_ptr_equal(part.p, before.p);
	assert_ptr_equal(in.p, before.p + part.n);
	assert_int_equal(in.n, before.n - part.n);
	return (int)part.n;
}

/* Every prefix in memory of exactly its size, for the sanitizer to watch. */
static void
try_prefixes(parser *p, struct str in)
{
	for (size_t n = 0; n <= in.n; n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, in.p, n);
		assert_true(match(p, (struct str){exact, n}, false) <= (int)n);
		assert_true(match(p, (struct str){exact, n}, true) <= (int)n);
		free(exact);
	}
}

static void
run(parser *p, const struct match *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int ascii = match(p, cases[i].in, false);
		int utf8 = match(p, cases[i].in, true);

		if (ascii != cases[i].ascii || utf8 != cases[i].utf8)
			print_error(
				"case %zu: %.*s\n", i, STR_FMT(cases[i].in));
		assert_int_equal(ascii, cases[i].ascii);
		assert_int_equal(utf8, cases[i].utf8);
		try_prefixes(p, cases[i].in);
	}
}

#define RUN(parser, cases) run(parser, cases, sizeof(cases) / sizeof(cases[0]))
#define L63 "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq"

static void
domains(void **state)
{
	static const struct match cases[] = {
		{STR("example.net"), 11, 11},
		{STR("localhost"), 9, 9},
		{STR("a"), 1, 1},
		{STR("3com.com"), 8, 8},
		{STR("xn--bcher-kva.example"), 21, 21},
		{STR("a--b.c"), 6, 6},
		{STR(""), -1, -1},
		{STR("."), -1, -1},
		{STR("-a.b"), -1, -1},
		{STR(".a"), -1, -1},
		{STR("_dmarc.a"), -1, -1},
		/* the longest match, what follows stays */
		{STR("a.b>"), 3, 3},
		{STR("a.b."), 3, 3},
		{STR("a..b"), 1, 1},
		{STR("a-.b"), 1, 1},
		{STR("a.-b"), 1, 1},
		{STR("a.b-"), 3, 3},
		{STR("a_b"), 1, 1},
		{STR("a b"), 1, 1},
		{STR("a\0b"), 1, 1},
		/* RFC 1035 2.3.4, RFC 5321 4.5.3.1.2 */
		{STR(L63 ".a"), 65, 65},
		{STR(L63 "x.a"), -1, -1},
		{STR(L63 "." L63 "." L63 "." L63), 255, 255},
		{STR(L63 "." L63 "." L63 "." L63 ".a"), -1, -1},
		/* U-labels */
		{STR("b\xc3\xbc"
		     "cher.example"),
			1, 15},
		{STR("\xe4\xbe\x8b.jp"), -1, 6},
		{STR("a.\xc3"), 1, 1},
		{STR("\xc3\xbc-"), -1, 2},
		{STR("-\xc3\xbc"), -1, -1},
		{STR("a\xc3\xbc-\xc3\xbc"), 1, 6},
		{STR("a\xe3\x80\x82z"), 1, 1},	   /* U+3002, a full stop */
		{STR("a\xef\xbc\x8ez"), 1, 1},	   /* U+FF0E, likewise */
		{STR("a\xc2\xa0z"), 1, 1},	   /* no-break space */
		{STR("a\xc2\x85z"), 1, 1},	   /* a C1 control */
		{STR("a\xe2\x80\xaez"), 1, 1},	   /* right-to-left */
		{STR("a\xed\xa0\x80z"), 1, 1},	   /* a surrogate */
		{STR("a\xc0\xaez"), 1, 1},	   /* overlong "." */
		{STR("a\xf4\x90\x80\x80z"), 1, 1}, /* above U+10FFFF */
		{STR("a\xf0\x9f\x98\x80z"), 1, 6},
	};

	(void)state;
	RUN(grammar_domain, cases);
	assert_true(grammar_is_domain(STR("a.b"), false));
	assert_false(grammar_is_domain(STR("a.b."), false));
	assert_false(grammar_is_domain(STR(""), true));
	assert_false(grammar_is_domain(STR("\xc3\xbc"), false));
	assert_true(grammar_is_domain(STR("\xc3\xbc"), true));
}

static void
address_literals(void **state)
{
	static const struct match cases[] = {
		{STR("[127.0.0.1]"), 11, 11},
		{STR("[255.255.255.255]>"), 17, 17},
		{STR("[001.02.3.040]"), 14, 14},
		{STR("[256.0.0.1]"), -1, -1},
		{STR("[0001.0.0.1]"), -1, -1},
		{STR("[1.2.3]"), -1, -1},
		{STR("[1.2.3.]"), -1, -1},
		{STR("[1.2.3.4.]"), -1, -1},
		{STR("[1.2.3.4.5]"), -1, -1},
		{STR("[1..3.4]"), -1, -1},
		{STR("[+1.2.3.4]"), -1, -1},
		{STR("[ 1.2.3.4]"), -1, -1},
		{STR("[1.2.3.4"), -1, -1},
		{STR("1.2.3.4]"), -1, -1},
		{STR("[]"), -1, -1},
		{STR("["), -1, -1},
		{STR("[1.2.3.4\0]"), -1, -1},
		{STR("[IPv6:::1]"), 10, 10},
		{STR("[ipv6:::]"), 9, 9},
		{STR("[IPv6:2001:db8::192.0.2.1]"), 26, 26},
		{STR("[IPv6:1:2:3:4:5:6:7:8]"), 22, 22},
		{STR("[IPv6:1:2:3:4:5:6:1.2.3.4]"), 26, 26},
		{STR("[IPv6:1:2:3:4:5:6::]"), 20, 20},
		{STR("[IPv6:1:2:3:4:5:6:7::]"), -1, -1},
		{STR("[IPv6:::2:3:4:5:6:7]"), 20, 20},
		{STR("[IPv6:::2:3:4:5:6:7:8]"), -1, -1},
		{STR("[IPv6:1:2:3:4::1.2.3.4]"), 23, 23},
		{STR("[IPv6:1:2:3:4:5::1.2.3.4]"), -1, -1},
		{STR("[IPv6:1:2:3:4:5:6:7]"), -1, -1},
		{STR("[IPv6:1:2:3:4:5:6:7:8:9]"), -1, -1},
		{STR("[IPv6:1::2::3]"), -1, -1},
		{STR("[IPv6:12345::]"), -1, -1},
		{STR("[IPv6:::g]"), -1, -1},
		{STR("[IPv6:::1%lo]"), -1, -1},
		{STR("[IPv6:::1.2.3.256]"), -1, -1},
		{STR("[IPv6:::1\0]"), -1, -1},
		{STR("[IPv6:]"), -1, -1},
		{STR("[IPv6:0000:0000:0000:0000:0000:ffff:192.168.100.100]"),
			52, 52},
		{STR("[IPv6:0000:0000:0000:0000:0000:ffff:0192.168.100.100]"),
			-1, -1},
		{STR("[::1]"), -1, -1},
		{STR("[x400:a@b]"), 10, 10},
		{STR("[-x:y]"), 6, 6},
		{STR("[x-:y]"), -1, -1},
		{STR("[x:]"), -1, -1},
		{STR("[:y]"), -1, -1},
		{STR("[x_y:z]"), -1, -1},
		{STR("[x:a[b]"), -1, -1},
		{STR("[x:a\\b]"), -1, -1},
		{STR("[x:a b]"), -1, -1},
		{STR("[x:\xc3\xbc]"), -1, -1},
		{STR("[x:" L63 "." L63 "." L63 "." L63 "]"), -1, -1},
	};

	(void)state;
	RUN(literal, cases);
	assert_true(grammar_is_address_literal(STR("[127.0.0.1]")));
	assert_false(grammar_is_address_literal(STR("[127.0.0.1]x")));
}

static void
local_parts(void **state)
{
	static const struct match cases[] = {
		{STR("a"), 1, 1},
		{STR("a.b@c"), 3, 3},
		{STR("!#$%&'*+-/=?^_`{|}~"), 19, 19},
		{STR(""), -1, -1},
		{STR("."), -1, -1},
		{STR(".a"), -1, -1},
		{STR("a."), 1, 1},
		{STR("a..b"), 1, 1},
		{STR("a b"), 1, 1},
		{STR("a\0b"), 1, 1},
		{STR("a(b)"), 1, 1},
		{STR("@"), -1, -1},
		{STR("\"\""), 2, 2},
		{STR("\"a b\"@c"), 5, 5},
		{STR("\"a@b\""), 5, 5},
		{STR("\"a\\\"b\""), 6, 6},
		{STR("\"\\\\\""), 4, 4},
		{STR("\"\\a\\ \\~\""), 8, 8},
		{STR("\"<>[]:;,.\""), 10, 10},
		{STR("\"a"), -1, -1},
		{STR("\"a\\\""), -1, -1},
		{STR("\""), -1, -1},
		{STR("\"a\tb\""), -1, -1},
		{STR("\"\\\t\""), -1, -1},
		{STR("\"a\rb\""), -1, -1},
		{STR("\"a\0b\""), -1, -1},
		{STR("\"\\\0\""), -1, -1},
		{STR("\"\x7f\""), -1, -1},
		{STR("\"\\\x7f\""), -1, -1},
		{STR("\"a\"b"), 3, 3},
		/* RFC 5321 4.5.3.1.1, quotes counted */
		{STR(L63 "x@"), 64, 64},
		{STR(L63 "xy"), -1, -1},
		{STR("\"" L63 "\""), -1, -1},
		/* RFC 6531 3.3 */
		{STR("j\xc3\xb8rgen"), 1, 7},
		{STR("\xe4\xbe\x8b"), -1, 3},
		{STR("\"j\xc3\xb8 x\""), -1, 7},
		{STR("\"\\\xc3\xb8\""), -1, -1},
		{STR("a\xc3"), 1, 1},
		{STR("\"\xc3\""), -1, -1},
		{STR("a\xff"), 1, 1},
		{STR("a.\xed\xbf\xbf"), 1, 1},
	};

	(void)state;
	RUN(grammar_local_part, cases);
}

static void
keywords_and_values(void **state)
{
	static const struct match keywords[] = {
		{STR("SIZE=1"), 4, 4},
		{STR("8BITMIME"), 8, 8},
		{STR("MT-PRIORITY"), 11, 11},
		{STR("X-"), 2, 2},
		{STR("-X"), -1, -1},
		{STR(""), -1, -1},
		{STR("=1"), -1, -1},
		{STR("\xc3\xb8"), -1, -1},
	};
	static const struct match values[] = {
		{STR("100 X"), 3, 3},
		{STR("!~<>"), 4, 4},
		{STR("a=b"), 1, 1},
		{STR("a\x7f"), 1, 1},
		{STR("a\0"), 1, 1},
		{STR(""), -1, -1},
		{STR("="), -1, -1},
		{STR(" "), -1, -1},
		{STR("\t"), -1, -1},
		{STR("a\xc3\xb8z"), 1, 4},
		{STR("a\xc3z"), 1, 1},
	};

	(void)state;
	RUN(keyword, keywords);
	RUN(grammar_value, values);
}

static void
utf8_is_well_formed(void **state)
{
	static const struct {
		struct str in;
		bool utf8, ascii;
	} cases[] = {
		{STR(""), true, true},
		{STR("a\0\x7f"), true, true},
		{STR("\xc2\x80"), true, false},
		{STR("\xdf\xbf\xe0\xa0\x80"), true, false},
		{STR("\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true, false},
		{STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true, false},
		{STR("\x80"), false, false},
		{STR("\xbf"), false, false},
		{STR("\xc0\x80"), false, false},
		{STR("\xc1\xbf"), false, false},
		{STR("\xc2"), false, false},
		{STR("\xc2\x41"), false, false},
		{STR("\xe0\x9f\xbf"), false, false},
		{STR("\xe0\xa0"), false, false},
		{STR("\xed\xa0\x80"), false, false},
		{STR("\xed\xbf\xbf"), false, false},
		{STR("\xf0\x8f\xbf\xbf"), false, false},
		{STR("\xf4\x90\x80\x80"), false, false},
		{STR("\xf5\x80\x80\x80"), false, false},
		{STR("\xf8\x88\x80\x80\x80"), false, false},
		{STR("\xff"), false, false},
		{STR("ok\xe2\x82"), false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(grammar_is_utf8(cases[i].in), cases[i].utf8);
		assert_int_equal(grammar_is_ascii(cases[i].in), cases[i].ascii);
	}
	assert_int_equal(grammar_utf8_octets(STR("\xe2\x82\xac z")), 3);
	assert_int_equal(grammar_utf8_octets(STR("")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
		cmocka_unit_test(address_literals),
		cmocka_unit_test(local_parts),
		cmocka_unit_test(keywords_and_values),
		cmocka_unit_test(utf8_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
