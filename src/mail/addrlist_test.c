#include "mail/addrlist.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The addresses of BODY in one line, "bad" behind those before a mistake. */
static void
read_list(struct str body, char out_r[512])
{
	enum addrlist_result result;
	struct mailbox m;
	struct addrlist l;
	size_t n = 0;

	addrlist_init(&l, body);
	out_r[0] = '\0';
	while ((result = addrlist_next(&l, &m)) == ADDRLIST_ONE && n < 400)
		n += (size_t)snprintf(
			out_r + n, 512 - n, "%s%s", n ? " " : "", m.text);
	if (result == ADDRLIST_BAD)
		snprintf(out_r + n, 512 - n, "%sbad", n ? " " : "");
}

struct row {
	const char *body, *addresses;
};

static void
check_rows(const struct row *rows, size_t n)
{
	char found[512];

	for (size_t i = 0; i < n; i++) {
		read_list(str_of(rows[i].body), found);
		if (strcmp(found, rows[i].addresses) != 0)
			print_error("%s\n", rows[i].body);
		assert_string_equal(found, rows[i].addresses);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void
test_plain(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{" ann@x.example\r\n", "ann@x.example"},
		{"<ann@x.example>", "ann@x.example"},
		{" Ann Bee <ann@x.example>\r", "ann@x.example"},
		{"\"Bee, Ann\" <ann@x.example>", "ann@x.example"},
		{"\"Ann <boss@x>\" <ann@x.example>", "ann@x.example"},
		{"John Q. Public <j@x>", "j@x"},
		{"ann@x, Ben <ben@y>,c@z", "ann@x ben@y c@z"},
		{"=?utf-8?q?Ann=2C?= =?utf-8?b?QmVl?= <ann@x>", "ann@x"},
		{"J\xc3\xb6rg <j\xc3\xb6rg@x>", "j\xc3\xb6rg@x"},
		{"J\xf6rg <joerg@x>", "joerg@x"},
		{"Ann\r\n Bee\r\n\t<ann@x>\r\n", "ann@x"},
		{"\"Ann\r\n Bee\" <ann@x>", "ann@x"},
		{"ann@[192.0.2.1]", "ann@[192.0.2.1]"},
		{"Ann@X.Example", "Ann@X.Example"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
test_comments(void **state)
{
	static const struct row rows[] = {
		{"ann@x (Ann Bee)", "ann@x"},
		{"(boss@x) ann@x", "ann@x"},
		{"(a (b (c) d) e) ann@x", "ann@x"},
		{"(a \\) boss@x (\\()) ann@x", "ann@x"},
		{"ann(c)@(d)x(e).(f)example", "ann@x.example"},
		{"Ann (c) Bee (d) < (e) ann@x (f) > (g)", "ann@x"},
		{"ann@x (\"), boss@y, (\")", "ann@x boss@y"},
		{"(no end ann@x", "bad"},
		{"ann@x (\\", "bad"},
		{"ann@x )", "ann@x bad"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
test_quoting(void **state)
{
	static const struct row rows[] = {
		{"\"ann\"@x", "ann@x"},
		{"\"a\\n\\n\"@x", "ann@x"},
		{"\"ann bee\"@x", "\"ann bee\"@x"},
		{"\"a\\\"b\\\\\"@x", "\"a\\\"b\\\\\"@x"},
		{"\"a@b\"@x", "\"a@b\"@x"},
		{"\"a\r\n b\"@x", "\"a b\"@x"},
		{"\"\"@x", "\"\"@x"},
		{"\"a.\"@x", "\"a.\"@x"},
		{"\"a\x01\"@x", "bad"},
		{"\"no end@x", "bad"},
		{"\"no end\\", "bad"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
test_groups(void **state)
{
	static const struct row rows[] = {
		{"crew: ann@x, Ben <ben@x>;", "ann@x ben@x"},
		{"undisclosed:;", ""},
		{"\"the crew\" (all): ann@x; (end), c@y", "ann@x c@y"},
		{"a:a@x;,b:b@x;", "a@x b@x"},
		{"a:,,a@x,;", "a@x"},
		{"crew: ann@x", "ann@x bad"},
		{"crew: other: ann@x;;", "bad"},
		{": ann@x;", "bad"},
		{"ann@x;", "ann@x bad"},
		{";", "bad"},
		{"a:a@x; b@x", "a@x bad"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
test_obsolete(void **state)
{
	static const struct row rows[] = {
		{"ann . bee @ x . example", "ann.bee@x.example"},
		{"\"ann\" . bee@x", "ann.bee@x"},
		{"<@a,@b.example:ann@x>", "ann@x"},
		{"<,, @a , (c) @b : ann@x>", "ann@x"},
		{"<@[192.0.2.1]:ann@x>", "ann@x"},
		{", ann@x,,ben@x,", "ann@x ben@x"},
		{"ann@[ 192.0.2.1 ]", "ann@[192.0.2.1]"},
		{"A. . B <ann@x>", "ann@x"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void
test_bad(void **state)
{
	static const struct row rows[] = {
		{"ann", "bad"},
		{"Ann Bee", "bad"},
		{"<>", "bad"},
		{"<ann>", "bad"},
		{"Ann <ann@x", "bad"},
		{"ann@x>", "ann@x bad"},
		{"ann@x ben@x", "ann@x bad"},
		{"<ann@x> <boss@y>", "ann@x bad"},
		{"<ann@x> boss@y", "ann@x bad"},
		{"ann@x <boss@y>", "ann@x bad"},
		{"ann bee@x", "bad"},
		{"ann@x@y", "ann@x bad"},
		{"ann@x.", "bad"},
		{"ann@.x", "bad"},
		{".ann@x", "bad"},
		{"ann.@x", "bad"},
		{"a..b@x", "bad"},
		{"@x", "bad"},
		{"ann@", "bad"},
		{"ann@x_y", "bad"},
		{"ann\\@x", "bad"},
		{"ann@[1.2.3.4", "bad"},
		{"ann@[1.2.3.4]x", "ann@[1.2.3.4] bad"},
		{"ann@[junk]", "bad"},
		{"<@a ann@x>", "bad"},
		{"<ann@x,ben@x>", "bad"},
		{"a\x01 <ann@x>", "bad"},
		{"a\x7f <ann@x>", "bad"},
		{"j\xf6rg@x", "bad"},
		{".. <ann@x>", "bad"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* An octet of value 0 is not the end of anything. */
static void
test_nul(void **state)
{
	char found[512];

	(void)state;
	read_list(STR("ann@x\0, boss@y"), found);
	assert_string_equal(found, "ann@x bad");
	read_list(STR("\"ann\0\"@x"), found);
	assert_string_equal(found, "bad");
}

static void
test_long(void **state)
{
	enum { MANY = 100000 };
	char local[300], found[512];
	char *deep = xmalloc(2 * MANY + 6);

	(void)state;
	memset(local, 'a', sizeof(local));
	memcpy(local + 64, "@x", 3);
	read_list(str_of(local), found);
	assert_string_equal(found, local);
	memset(local, 'a', sizeof(local));
	memcpy(local + 65, "@x", 3);
	read_list(str_of(local), found);
	assert_string_equal(found, "bad");
	memset(deep, '(', MANY);
	memset(deep + MANY, ')', MANY);
	memcpy(deep + 2L * MANY, "ann@x", 6);
	read_list(str_of(deep), found);
	assert_string_equal(found, "ann@x");
	memset(deep, 'a', 2 * MANY);
	read_list(str_of(deep), found);
	assert_string_equal(found, "bad");
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_obsolete),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
