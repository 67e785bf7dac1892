#include "wire/address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define L50 "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd"
#define D64 "a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a234"

static const struct {
	struct str in;
	bool utf8;
	const char *reverse, *forward; /* NULL: refused */
	struct str rest;
} paths[] = {
	{STR("<a@b>"), false, "a@b", "a@b", STR("")},
	{STR("<a@b.c> SIZE=1"), false, "a@b.c", "a@b.c", STR(" SIZE=1")},
	{STR("<A.b@C.D>x"), false, "A.b@C.D", "A.b@C.D", STR("x")},
	{STR("<>"), false, "", NULL, STR("")},
	{STR("<> RET=FULL"), false, "", NULL, STR(" RET=FULL")},
	{STR("<postmaster>"), false, NULL, "postmaster", STR("")},
	{STR("<PostMaster> X"), false, NULL, "PostMaster", STR(" X")},
	{STR("<postmaster@a>"), false, "postmaster@a", "postmaster@a", STR("")},
	{STR("<postmasters>"), false, NULL, NULL, STR("")},
	{STR("<@a:postmaster>"), false, NULL, NULL, STR("")},
	{STR("<root>"), false, NULL, NULL, STR("")},
	{STR("<a@[127.0.0.1]>"), false, "a@[127.0.0.1]", "a@[127.0.0.1]",
		STR("")},
	{STR("<a@[IPv6:::1]>"), false, "a@[IPv6:::1]", "a@[IPv6:::1]", STR("")},
	{STR("<\"a b\\\"\"@c>"), false, "\"a b\\\"\"@c", "\"a b\\\"\"@c",
		STR("")},
	{STR("<\">\"@c>"), false, "\">\"@c", "\">\"@c", STR("")},
	/* source routes go (RFC 5321 appendix C) */
	{STR("<@x:a@b>"), false, "a@b", "a@b", STR("")},
	{STR("<@x.y,@z:a@b>"), false, "a@b", "a@b", STR("")},
	{STR("<@x,y:a@b>"), false, NULL, NULL, STR("")},
	{STR("<@x,:a@b>"), false, NULL, NULL, STR("")},
	{STR("<@x a@b>"), false, NULL, NULL, STR("")},
	{STR("<@x:>"), false, NULL, NULL, STR("")},
	{STR("<@:a@b>"), false, NULL, NULL, STR("")},
	{STR("<@x:@y:a@b>"), false, NULL, NULL, STR("")},
	/* what is no path */
	{STR(""), false, NULL, NULL, STR("")},
	{STR("a@b"), false, NULL, NULL, STR("")},
	{STR(" <a@b>"), false, NULL, NULL, STR("")},
	{STR("<a@b"), false, NULL, NULL, STR("")},
	{STR("<a@b.>"), false, NULL, NULL, STR("")},
	{STR("<a@.b>"), false, NULL, NULL, STR("")},
	{STR("<a@-b>"), false, NULL, NULL, STR("")},
	{STR("<a@b->"), false, NULL, NULL, STR("")},
	{STR("<a@b_c>"), false, NULL, NULL, STR("")},
	{STR("<a@>"), false, NULL, NULL, STR("")},
	{STR("<@b>"), false, NULL, NULL, STR("")},
	{STR("<a@b@c>"), false, NULL, NULL, STR("")},
	{STR("<a.@b>"), false, NULL, NULL, STR("")},
	{STR("<a b@c>"), false, NULL, NULL, STR("")},
	{STR("< a@b>"), false, NULL, NULL, STR("")},
	{STR("<a@b >"), false, NULL, NULL, STR("")},
	{STR("<a\0@b>"), false, NULL, NULL, STR("")},
	{STR("<a@b\r>"), false, NULL, NULL, STR("")},
	{STR("<<a@b>>"), false, NULL, NULL, STR("")},
	{STR("<a@[127.0.0.1>"), false, NULL, NULL, STR("")},
	/* limits */
	{STR("<" L50 "01234567890123@b>"), false, L50 "01234567890123@b",
		L50 "01234567890123@b", STR("")},
	{STR("<" L50 "012345678901234@b>"), false, NULL, NULL, STR("")},
	{STR("<" L50 "01234567890123@" D64 "." D64 "." D64 "." L50
	     "23456789.a>"),
		false,
		L50 "01234567890123@" D64 "." D64 "." D64 "." L50 "23456789.a",
		L50 "01234567890123@" D64 "." D64 "." D64 "." L50 "23456789.a",
		STR("")},
	{STR("<a@" D64 "." D64 "." D64 "." L50 "23456789.aa>"), false, NULL,
		NULL, STR("")},
	/* RFC 6531 3.3 */
	{STR("<j\xc3\xb8@\xc3\xb8.dk>"), false, NULL, NULL, STR("")},
	{STR("<j\xc3\xb8@\xc3\xb8.dk>"), true, "j\xc3\xb8@\xc3\xb8.dk",
		"j\xc3\xb8@\xc3\xb8.dk", STR("")},
	{STR("<j\xc3@b>"), true, NULL, NULL, STR("")},
};

static void
expect_path(struct str in, enum path_kind kind, bool utf8, const char *text,
	struct str rest)
{
	struct mailbox m = {.text = "before"};
	const char *why = NULL;
	struct str s = in;

	if (!address_path(&s, kind, utf8, &m, &why)) {
		if (text)
			print_error("%.*s: %s\n", STR_FMT(in), why);
		assert_null(text);
		assert_non_null(why);
		assert_ptr_equal(s.p, in.p);
		assert_int_equal(s.n, in.n);
		assert_string_equal(m.text, "before");
		return;
	}
	if (!text)
		print_error("%.*s: taken\n", STR_FMT(in));
	assert_non_null(text);
	assert_string_equal(m.text, text);
	assert_true(str_eq(s, rest));
}

static void
paths_are_taken_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		expect_path(paths[i].in, PATH_REVERSE, paths[i].utf8,
			paths[i].reverse, paths[i].rest);
		expect_path(paths[i].in, PATH_FORWARD, paths[i].utf8,
			paths[i].forward, paths[i].rest);
	}
}

/* No proper prefix of a path is a path, and none is read beyond its end. */
static void
every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct str in = paths[i].in;
		size_t end = in.n - paths[i].rest.n;

		for (size_t n = 0; n < end; n++) {
			char *exact = malloc(n ? n : 1);
			struct str s = {exact, n};

			memcpy(exact, in.p, n);
			expect_path(s, PATH_FORWARD, true, NULL, STR(""));
			expect_path(s, PATH_REVERSE, true, NULL, STR(""));
			free(exact);
		}
	}
}

static void
parts_of_a_mailbox(void **state)
{
	struct str s = STR("<Postmaster>");
	const char *why;
	struct mailbox m;

	(void)state;
	assert_true(address_parse(STR("\"a@b\"@c.d"), false, &m));
	assert_int_equal(m.local_n, 5);
	assert_true(str_eq(mailbox_local(&m), STR("\"a@b\"")));
	assert_true(str_eq(mailbox_domain(&m), STR("c.d")));
	assert_false(mailbox_is_null(&m));
	assert_true(address_path(&s, PATH_FORWARD, false, &m, &why));
	assert_true(str_eq(mailbox_local(&m), STR("Postmaster")));
	assert_int_equal(mailbox_domain(&m).n, 0);
	s = STR("<>");
	assert_true(address_path(&s, PATH_REVERSE, false, &m, &why));
	assert_true(mailbox_is_null(&m));
	assert_int_equal(mailbox_local(&m).n, 0);
	assert_int_equal(mailbox_domain(&m).n, 0);
	assert_false(address_parse(STR("a@b>"), false, &m));
	assert_false(address_parse(STR("<a@b>"), false, &m));
	assert_false(address_parse(STR("a"), false, &m));
	assert_false(address_parse(STR(""), false, &m));
	assert_false(address_parse(STR("@x:a@b"), false, &m));
}

static struct mailbox
mailbox_of(const char *path)
{
	struct str s = str_of(path);
	enum path_kind kind = s.n == 2 ? PATH_REVERSE : PATH_FORWARD;
	struct mailbox m;
	const char *why;

	assert_true(address_path(&s, kind, true, &m, &why));
	return m;
}

static void
equal_mailboxes(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{"<a@b>", "<a@b>", true},
		{"<a@b.C>", "<a@B.c>", true},
		{"<a@b>", "<A@b>", false},
		{"<a@b>", "<a@c>", false},
		{"<ab@c>", "<a@c>", false},
		{"<\"a\"@b>", "<a@b>", true},
		{"<\"\\a\"@b>", "<a@b>", true},
		{"<\"a b\"@b>", "<\"a\\ b\"@b>", true},
		{"<\"a\\\\b\"@b>", "<\"ab\"@b>", false},
		{"<\"\"@b>", "<a@b>", false},
		{"<>", "<>", true},
		{"<>", "<a@b>", false},
		{"<>", "<postmaster>", false},
		{"<postmaster>", "<PostMaster>", true},
		{"<postmaster>", "<postmaster@a>", false},
		{"<a@[IPv6:::A]>", "<a@[ipv6:::a]>", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailbox a = mailbox_of(cases[i].a);
		struct mailbox b = mailbox_of(cases[i].b);

		assert_int_equal(mailbox_eq(&a, &b), cases[i].equal);
		assert_int_equal(mailbox_eq(&b, &a), cases[i].equal);
	}
}

static void
plain_local_parts(void **state)
{
	static const struct {
		const char *path, *plain;
	} cases[] = {
		{"<a.b@c>", "a.b"},
		{"<\"a b\"@c>", "a b"},
		{"<\"\\\"\\\\\"@c>", "\"\\"},
		{"<\"\"@c>", ""},
		{"<postmaster>", "postmaster"},
		{"<>", ""},
	};
	char out[WIRE_LOCAL_PART_MAX + 1];
	struct mailbox m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].plain);

		m = mailbox_of(cases[i].path);
		assert_true(mailbox_local_plain(&m, out, sizeof(out)));
		assert_string_equal(out, cases[i].plain);
		assert_true(mailbox_local_plain(&m, out, n + 1));
		if (n > 0)
			assert_false(mailbox_local_plain(&m, out, n));
	}
}

static void
patterns(void **state)
{
	static const struct {
		struct str pattern;
		const char *path;
		bool matches;
	} cases[] = {
		{STR("*"), "<a@b>", true},
		{STR("*"), "<>", true},
		{STR("*"), "<postmaster>", true},
		{STR("b.c"), "<a@B.C>", true},
		{STR("b.c"), "<a@x.b.c>", false},
		{STR("b.c"), "<a@b.c.d>", false},
		{STR(".b.c"), "<a@x.B.c>", true},
		{STR(".b.c"), "<a@y.x.b.c>", true},
		{STR(".b.c"), "<a@b.c>", false},
		{STR(".b.c"), "<a@xb.c>", false},
		{STR("A@b"), "<a@B>", true},
		{STR("a@b"), "<\"a\"@b>", true},
		{STR("\"a b\"@c"), "<\"a\\ b\"@c>", true},
		{STR("a@b"), "<aa@b>", false},
		{STR("a@b"), "<a@c>", false},
		{STR("a@b"), "<a@x.b>", false},
		{STR("[127.0.0.1]"), "<a@[127.0.0.1]>", true},
		{STR(""), "<a@b>", false},
		{STR(""), "<>", false},
		{STR(""), "<postmaster>", false},
		{STR("."), "<a@b>", false},
		{STR("postmaster"), "<postmaster>", false},
		{STR("a@"), "<a@b>", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailbox m = mailbox_of(cases[i].path);

		assert_int_equal(
			address_match(cases[i].pattern, &m), cases[i].matches);
	}
}

static void
test_completed(void **state)
{
	static const struct {
		const char *path, *want; /* NULL: malformed */
	} cases[] = {
		{"<ann>", "ann@shore.example"},
		{"<\"a b\">", "\"a b\"@shore.example"},
		{"<ann@x.example>", "ann@x.example"},
		{"<postmaster>", "postmaster"},
		{"<ann@>", NULL},
		{"<a b>", NULL},
		{"<ann", NULL},
		{"<>", NULL},
		{"ann", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str in = str_of(cases[i].path), home;
		struct mailbox m;
		const char *why;
		bool good;

		home = STR("shore.example");
		good = address_path_complete(
			&in, PATH_FORWARD, false, home, &m, &why);
		assert_int_equal(good, cases[i].want != NULL);
		if (good) {
			assert_string_equal(m.text, cases[i].want);
			assert_int_equal(in.n, 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_taken_or_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(parts_of_a_mailbox),
		cmocka_unit_test(equal_mailboxes),
		cmocka_unit_test(plain_local_parts),
		cmocka_unit_test(patterns),
		cmocka_unit_test(test_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
