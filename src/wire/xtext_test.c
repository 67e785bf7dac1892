#include "wire/xtext.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void
decodes_by_rfc_3461(void **state)
{
	static const struct {
		struct str in, out;
		bool valid;
	} cases[] = {
		{STR(""), STR(""), true},
		{STR("abc"), STR("abc"), true},
		{STR("+41"), STR("A"), true},
		{STR("a+2Bb+3D+20"), STR("a+b= "), true},
		{STR("+00"), STR("\0"), true},
		{STR("!~<>"), STR("!~<>"), true},
		{STR("+2b"), STR(""), false},
		{STR("+"), STR(""), false},
		{STR("a+4"), STR(""), false},
		{STR("+G1"), STR(""), false},
		{STR("a=b"), STR(""), false},
		{STR("a b"), STR(""), false},
		{STR("a\tb"), STR(""), false},
		{STR("a\x7f"), STR(""), false},
		{STR("\xc3\xa6"), STR(""), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 0);
		assert_int_equal(xtext_valid(cases[i].in), cases[i].valid);
		assert_int_equal(
			xtext_decode(cases[i].in, &out), cases[i].valid);
		assert_true(str_eq(buf_view(&out), cases[i].out));
		buf_free(&out);
	}
}

static void
all_octets_round_trip(void **state)
{
	struct buf coded, plain;
	char all[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	buf_init(&coded, 0);
	buf_init(&plain, 0);
	assert_true(xtext_encode((struct str){all, sizeof(all)}, &coded));
	assert_true(xtext_valid(buf_view(&coded)));
	assert_true(xtext_decode(buf_view(&coded), &plain));
	assert_int_equal(plain.len, sizeof(all));
	assert_memory_equal(buf_view(&plain).p, all, sizeof(all));
	buf_free(&coded);
	buf_free(&plain);
}

static void
what_does_not_fit_is_refused_whole(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 3);
	assert_false(xtext_encode(STR("a="), &out));
	assert_int_equal(out.len, 0);
	assert_true(xtext_encode(STR("="), &out));
	buf_clear(&out);
	assert_false(xtext_decode(STR("abc+41"), &out));
	assert_int_equal(out.len, 0);
	assert_true(xtext_decode(STR("ab+41"), &out));
	buf_free(&out);
}

static void
every_prefix(void **state)
{
	struct str in = STR("a+41+2Bz");

	(void)state;
	for (size_t n = 0; n <= in.n; n++) {
		char *exact = malloc(n ? n : 1);
		bool cut = n == 2 || n == 3 || n == 5 || n == 6;

		memcpy(exact, in.p, n);
		assert_int_equal(xtext_valid((struct str){exact, n}), !cut);
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_by_rfc_3461),
		cmocka_unit_test(all_octets_round_trip),
		cmocka_unit_test(what_does_not_fit_is_refused_whole),
		cmocka_unit_test(every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
