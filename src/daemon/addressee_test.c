#include "daemon/addressee.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static bool
set(struct addressee *a, const char *recipient, const char *separators)
{
	struct err e = {0};

	return addressee_set(a, recipient, "here.example", separators, &e) ==
	       OK;
}

static void
test_parts(void **state)
{
	static const struct {
		const char *recipient, *separators, *user, *extension, *domain;
	} rows[] = {
		{"Ann@A.Example", "+", "ann", "", "a.example"},
		{"ann+Lists@a.example", "+", "ann", "Lists", "a.example"},
		{"ann+a+b@a.example", "+", "ann", "a+b", "a.example"},
		{"ann-x+y@a.example", "+-", "ann", "x+y", "a.example"},
		{"ann+x@a.example", "", "ann+x", "", "a.example"},
		{"+ann@a.example", "+", "+ann", "", "a.example"},
		{"ann+@a.example", "+", "ann", "", "a.example"},
		{"\"ann smith+x y\"@a.example", "+", "ann smith", "x y",
			"a.example"},
		{"postmaster", "+", "postmaster", "", "here.example"},
		{"\xc3\xa4nne@a.example", "+", "\xc3\xa4nne", "", "a.example"},
	};
	struct addressee a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(set(&a, rows[i].recipient, rows[i].separators));
		assert_string_equal(a.user, rows[i].user);
		assert_string_equal(a.extension, rows[i].extension);
		assert_string_equal(a.domain, rows[i].domain);
		assert_string_equal(a.recipient, rows[i].recipient);
	}
}

static void
test_tricks(void **state)
{
	static const char *const bad[] = {"\"../x\"@a.example",
		"\"..\"@a.example", "\".x\"@a.example", "a/b@a.example",
		"\"a\\\001b\"@a.example", "\"\"@a.example",
		"\".+x\"@a.example"};
	struct addressee a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(set(&a, bad[i], "+"));
}

static void
test_for_path(void **state)
{
	static const char *const none[] = {"\"ann+..\"@a.example",
		"\"ann+../x\"@a.example", "ann+x/y@a.example",
		"\"ann+.x\"@a.example", "ann+@a.example", "ann@a.example",
		"\"ann+x\\\001\"@a.example"};
	struct addressee a;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_true(set(&a, none[i], "+"));
		addressee_for_path(&a);
		assert_string_equal(a.extension, "");
	}
	assert_true(set(&a, "ann+Lists.x@a.example", "+"));
	addressee_for_path(&a);
	assert_string_equal(a.extension, "Lists.x");
}

static void
test_expand(void **state)
{
	static const struct {
		const char *pattern, *text; /* NULL: refused */
	} rows[] = {
		{"/m/{domain}/{user}", "/m/a.example/ann"},
		{"{USER}{extension}", "annx"},
		{"-f {sender} {recipient}", "-f {user} ann+x@a.example"},
		{"plain", "plain"},
		{"", ""},
		{"{home}/Maildir", NULL},
		{"{usr}", NULL},
		{"{user", NULL},
		{"{", NULL},
		{"{user}{user}{user}{user}{user}{user}{user}{user}{user}{user}"
		 "{user}",
			NULL},
	};
	struct addressee a;
	struct addressee_words words = {&a, "{user}", NULL};
	struct buf out;

	(void)state;
	assert_true(set(&a, "ann+x@a.example", "+"));
	buf_init(&out, 32);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok;

		buf_clear(&out);
		ok = addressee_expand(str_of(rows[i].pattern), &words, &out);
		assert_int_equal(ok, rows[i].text != NULL);
		if (ok)
			assert_string_equal(buf_z(&out), rows[i].text);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_tricks),
		cmocka_unit_test(test_for_path),
		cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
