/* What cannot be read at all: each with its place and a guess. */
#include "conf/testing.h"

static const struct testing_case cases[] = {
	{"limits = { line = 20K; };",
		{{ERROR, 2, 19,
			"the value 20K must stand in quotes: \"20K\""}}},
	{"spool = sqlite:/var/x.db;",
		{{ERROR, 2, 9,
			"the value sqlite:/var/x.db must stand in quotes: \"sqlite:/var/x.db\""}}},
	{"relay = { networks = [ 10.0.0.0/8 ]; };",
		{{ERROR, 2, 24,
			"the value 10.0.0.0/8 must stand in quotes: \"10.0.0.0/8\""}}},
	{"local = { domains = [ \"a.example\", ]; };",
		{{ERROR, 2, 34, "a comma before ] is too many here"}}},
	{"peers = ( { name = \"a\"; }, );",
		{{ERROR, 2, 26, "a comma before ) is too many here"}}},
	{"user = \"abc;\nhooks = \"/x\";\nlimits = { line = 20K; };",
		{{ERROR, 2, 8, "a quote opened in line 2 is never closed"},
			{ERROR, 4, 19,
				"the value 20K must stand in quotes: \"20K\""}}},
	{"limits = { recipients = 3000000000; };",
		{{ERROR, 2, 25,
			"the number 3000000000 is outside -2147483648 to 2147483647: write 3000000000L"}}},
	{"limits = { recipients = -2147483649; };",
		{{ERROR, 2, 25,
			"the number -2147483649 is outside -2147483648 to 2147483647: write -2147483649L"}}},
	{"limits = { recipients = 0xFFFFFFFF; };",
		{{ERROR, 2, 25,
			"the number 0xFFFFFFFF is outside -2147483648 to 2147483647: write 0xFFFFFFFFL"}}},
	{"limits = { recipients = 99999999999999999999L; };",
		{{ERROR, 2, 25,
			"the number 99999999999999999999L is too large"}}},
	{"limits = { recipients = 5;",
		{{ERROR, 2, 10,
			"the { opened in line 2 is never closed with }"}}},
	{"limits = { recipients = 5; );",
		{{ERROR, 2, 28,
			"the { opened in line 2 is still open: } is missing before this )"}}},
	{"peers = ( { name = \"a\"; );",
		{{ERROR, 2, 25,
			"the { opened in line 2 is still open: } is missing before this )"}}},
	{"user = \"a\"; }",
		{{ERROR, 2, 13,
			"this } closes nothing: there is no open bracket before it, take it away"}}},
	{"user = \"a\"; user = \"b\";",
		{{ERROR, 2, 13,
			"user is set twice here, first in line 2: take one away"}}},
	{"user = \"a\";;", {{ERROR, 2, 12, "one ; is too many here"}}},
	{"user \"a\";", {{ERROR, 2, 1, "after the name user a = is missing"}}},
	{"user = ;", {{ERROR, 2, 8, "a value is missing before this ;"}}},
	{"user =", {{ERROR, 2, 1, "the file ends where a value is missing"}}},
	{"= \"a\";",
		{{ERROR, 2, 1,
			"the name of a setting should stand here, not ="}}},
	{"12 = \"a\";",
		{{ERROR, 2, 1,
			"the name of a setting should stand here, not 12"}}},
	{"true = 1;",
		{{ERROR, 2, 1,
			"the name of a setting should stand here, not true"}}},
	{"queue = { retry = \"5m\", \"15m\"; };",
		{{ERROR, 2, 25,
			"the name of a setting should stand here; several values stand in [ ]"}}},
	{"queue = { retry = [ \"5m\" \"15m\" ]; };",
		{{ERROR, 2, 26, "a comma is missing before this string"}}},
	{"queue = { retry = [ \"5m\"; \"15m\" ]; };",
		{{ERROR, 2, 25,
			"items of a list are parted by a comma, not by ;"}}},
	{"routes = ( { match = \"*\"; } { match = \"x\"; } );",
		{{ERROR, 2, 29, "a comma is missing before {"}}},
	{"routes = ( match = \"*\" );",
		{{ERROR, 2, 18,
			"a list holds values without names: a group of settings stands in { }"}}},
	{"routes = [ { match = \"*\"; } ];",
		{{ERROR, 2, 12,
			"[ ] hold plain values only: write ( ) around groups"}}},
	{"user = \"a\\x00b\";",
		{{ERROR, 2, 8, "a string cannot hold the octet \\x00"}}},
	{"a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a=1;};};};};};};};};};};};};};};};};};",
		{{ERROR, 2, 51, "brackets are nested more than 16 deep"}}},
	{"/* open",
		{{ERROR, 2, 1,
			"the comment opened here with /* is never closed with */"}}},
	{"@include nothing",
		{{ERROR, 2, 1,
			"@include wants a file name in quotes behind it"}}},
	{"@include \"/no/such\"",
		{{ERROR, 2, 1,
			"the included file /no/such: there is no such file"}}},
	{"@include \"\"",
		{{ERROR, 2, 10, "this is no name of a file to include"}}},
	{"user = @x;",
		{{ERROR, 2, 8, "the value @x must stand in quotes: \"@x\""}}},
	{"relay = { networks = [ \"a\", 1 ]; };",
		{{ERROR, 2, 29, "mismatched element type in array"}}},
};

static void
test_cases(void **state)
{
	(void)state;
	testing_cases(cases, sizeof(cases) / sizeof(*cases));
}

/* An octet that ends a string early, in the file itself. */
static void
test_nul(void **state)
{
	static const char text[] = "hostname = \"a\0b\";\n";
	char *name = testing_file(text, sizeof(text) - 1);
	struct complaints out;
	struct conf *c;

	(void)state;
	conf_load(name, &c, &out);
	assert_null(c);
	assert_int_equal(out.n, 1);
	assert_string_equal(
		out.v[0].text, "there is a NUL octet in this string");
	complaints_free(&out);
	testing_remove(name);
}

/* What the library refuses or cuts, and we make up for. */
static void
test_lenient(void **state)
{
	static const char *const texts[] = {
		"hostname = \"a.example\"; # no line end behind this",
		"hostname = \"a.example\";\r\nlimits = { line = 999; };\r\n",
		"hostname = \"a.\" \"example\"",
		"hostname : \"a.example\", user = \"x\" run_dir = \"/x\"",
		"// a\n/* b\n c */ hostname = // d\n\t\"a.example\";",
		"hostname = \"a.example\"; limits = { recipients = +10L; };",
		"hostname = \"a.example\"; limits = { recipients = 0x10; };",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct complaints out;
		struct conf *c;

		testing_load(texts[i], &c, &out);
		assert_int_equal(out.n, 0);
		assert_string_equal(c->hostname, "a.example");
		conf_free(c);
		complaints_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_lenient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
