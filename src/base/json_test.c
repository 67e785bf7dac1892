/* The faces are no library, so their tests take the file itself in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.c"

#include <stdlib.h>
#include <string.h>

/* What the object with one member is printed as. */
static const char *
printed(const char *value)
{
	static char text[1024];
	FILE *to = tmpfile();
	struct json j;
	size_t n;

	json_init(&j);
	json_begin(&j);
	json_text(&j, "k", value);
	json_print(&j, to);
	json_free(&j);
	rewind(to);
	n = fread(text, 1, sizeof(text) - 1, to);
	text[n] = '\0';
	fclose(to);
	return text;
}

static const struct {
	const char *value, *expect;
} texts[] = {
	{NULL, "null"},
	{"", "\"\""},
	{"plain", "\"plain\""},
	{"a\"b\\c", "\"a\\\"b\\\\c\""},
	{"line\nend\r\t", "\"line\\nend\\u000d\\u0009\""},
	{"\x1b[2J", "\"\\u001b[2J\""},
	{"\x7f", "\"\\u007f\""},
	{"b\xc3\xbc", "\"b\xc3\xbc\""},
	{"\xe2\x9a\x93 \xf0\x9f\x9a\xa2", "\"\xe2\x9a\x93 \xf0\x9f\x9a\xa2\""},
	{"\xc2\x9b", "\"\\u009b\""},
	{"\xe2\x80\xae", "\"\\u202e\""},
	{"\xff", "\"\\ufffd\""},
	{"\xc3", "\"\\ufffd\""},
	{"\xc3(", "\"\\ufffd(\""},
	{"\xc0\x80", "\"\\ufffd\\ufffd\""},
	{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	{"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
};

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char expect[200];

		snprintf(expect, sizeof(expect), "{\"k\":%s}\n",
			texts[i].expect);
		assert_string_equal(printed(texts[i].value), expect);
	}
}

static void
test_levels_and_commas(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_begin(&j);
	json_array(&j, "empty");
	json_end(&j);
	json_lines(&j, "lines", "a\nb");
	json_object(&j, "o");
	json_null(&j, "n");
	json_bool(&j, "t", true);
	json_int(&j, "i", -5);
	json_end(&j);
	json_uint(&j, "u", UINT64_MAX);
	json_word(&j, "w", "");
	json_time(&j, "z", 0);
	json_time(&j, "e", 86400);
	json_end(&j);
	assert_string_equal(buf_z(&j.out),
		"{\"empty\":[],\"lines\":[\"a\",\"b\"],"
		"\"o\":{\"n\":null,\"t\":true,\"i\":-5},"
		"\"u\":18446744073709551615,\"w\":null,\"z\":null,"
		"\"e\":\"1970-01-02T00:00:00Z\"}");
	json_free(&j);
}

static void
test_numbers_with_fractions(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_begin(&j);
	json_real(&j, "a", 1.5);
	json_real(&j, "b", -0.0);
	json_real(&j, "c", (double)INFINITY);
	json_real(&j, "d", (double)NAN);
	json_real(&j, "e", 1e300);
	json_end(&j);
	assert_string_equal(buf_z(&j.out),
		"{\"a\":1.5,\"b\":-0,\"c\":null,\"d\":null,\"e\":1e+300}");
	json_free(&j);
}

static void
test_one_object_after_the_other(void **state)
{
	FILE *to = tmpfile();
	char text[64] = "";
	struct json j;

	(void)state;
	json_init(&j);
	for (int i = 0; i < 2; i++) {
		json_begin(&j);
		json_array(&j, "a");
		json_int(&j, NULL, i);
		json_int(&j, NULL, i);
		json_print(&j, to); /* closes both */
	}
	json_free(&j);
	rewind(to);
	assert_true(fread(text, 1, sizeof(text) - 1, to) > 0);
	assert_string_equal(text, "{\"a\":[0,0]}\n{\"a\":[1,1]}\n");
	fclose(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_levels_and_commas),
		cmocka_unit_test(test_numbers_with_fractions),
		cmocka_unit_test(test_one_object_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
