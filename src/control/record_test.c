#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *value, *encoded;
} values[] = {
	{"", "k="},
	{"plain", "k=plain"},
	{"a=b", "k=a=b"},
	{"two words", "k=two%20words"},
	{"100%", "k=100%25"},
	{"line\nend\r\t", "k=line%0Aend%0D%09"},
	{"\x7f\x80\xff", "k=%7F%80%FF"},
	{"b\xc3\xbc", "k=b%C3%BC"},
};

static void
test_values_survive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct record made, read;

		record_init(&made);
		record_init(&read);
		record_add(&made, "k", values[i].value);
		assert_string_equal(buf_z(&made.line), values[i].encoded);
		assert_string_equal(record_get(&made, "k"), values[i].value);
		assert_true(record_parse(&read, buf_view(&made.line)));
		assert_string_equal(record_get(&read, "k"), values[i].value);
		record_free(&made);
		record_free(&read);
	}
}

static const struct {
	const char *line;
	bool good;
} lines[] = {
	{"a=1", true},
	{"a=", true},
	{"a=1 b=2 a=3", true},
	{"a-b_9=x", true},
	{"a=%c3%A9", true},
	{"", false},
	{" ", false},
	{"a", false},
	{"=1", false},
	{"a=1 ", false},
	{" a=1", false},
	{"a=1  b=2", false},
	{"A=1", false},
	{"a=\t", false},
	{"a=\x80", false},
	{"a=\x7f", false},
	{"a=%", false},
	{"a=%4", false},
	{"a=%4g", false},
	{"a=%00", false},
	{"a=1\n", false},
	{"a=1 b=% 2", false},
};

static void
test_lines(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		bool good = record_parse(&r, str_of(lines[i].line));

		if (good != lines[i].good)
			fail_msg("line \"%s\"", lines[i].line);
		assert_true(good || r.fields_n == 0);
	}
	record_free(&r);
}

static void
test_nul_octet_is_refused(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	assert_false(record_parse(&r, (struct str){"a=1\0b", 5}));
	record_free(&r);
}

static void
test_repeated_keys(void **state)
{
	struct record r;
	const char *key, *value;

	(void)state;
	record_init(&r);
	assert_true(record_parse(&r, STR("id=1 x=y id=2.1")));
	assert_string_equal(record_get(&r, "id"), "1");
	assert_string_equal(record_get_nth(&r, "id", 1), "2.1");
	assert_null(record_get_nth(&r, "id", 2));
	assert_null(record_get(&r, "absent"));
	assert_true(record_at(&r, 1, &key, &value));
	assert_string_equal(key, "x");
	assert_string_equal(value, "y");
	assert_false(record_at(&r, 3, &key, &value));
	record_free(&r);
}

static const struct {
	const char *line;
	bool good;
	int64_t value;
} numbers[] = {
	{"n=0", true, 0},
	{"n=-9", true, -9},
	{"n=9223372036854775807", true, INT64_MAX},
	{"n=9223372036854775808", false, 0},
	{"n=", false, 0},
	{"n=-", false, 0},
	{"n=1x", false, 0},
	{"n=+1", false, 0},
	{"m=1", false, 0},
};

static void
test_numbers(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		int64_t value = 0;

		assert_true(record_parse(&r, str_of(numbers[i].line)));
		assert_int_equal(
			record_get_int(&r, "n", &value), numbers[i].good);
		assert_int_equal(value, numbers[i].value);
	}
	record_clear(&r);
	record_add_int(&r, "n", INT64_MIN + 1);
	assert_string_equal(buf_z(&r.line), "n=-9223372036854775807");
	record_free(&r);
}

static void
test_too_long_is_noticed(void **state)
{
	char *big = malloc(RECORD_LINE_MAX + 2);
	struct record r;

	(void)state;
	memset(big, 'x', RECORD_LINE_MAX + 1);
	memcpy(big, "k=", 2);
	big[RECORD_LINE_MAX + 1] = '\0';
	record_init(&r);
	assert_false(record_parse(&r, str_of(big)));
	big[RECORD_LINE_MAX] = '\0';
	assert_true(record_parse(&r, str_of(big)));
	record_add(&r, "more", "x");
	assert_true(r.too_long);
	record_clear(&r);
	assert_false(r.too_long);
	for (size_t i = 0; i <= RECORD_FIELDS_MAX; i++)
		record_add(&r, "a", "1");
	assert_true(r.too_long);
	assert_int_equal(r.fields_n, RECORD_FIELDS_MAX);
	record_free(&r);
	free(big);
}

static void
test_null_adds_nothing(void **state)
{
	struct record r;

	(void)state;
	protocol_request(&r, VERB_STATUS, NULL);
	record_addf(&r, "name", "%s-%d", "two words", 2);
	assert_string_equal(buf_z(&r.line), "verb=status name=two%20words-2");
	protocol_end(&r, 65, NULL, -1);
	assert_string_equal(buf_z(&r.line), "end=65");
	protocol_end(&r, 0, "3 held", 3);
	assert_string_equal(buf_z(&r.line), "end=0 text=3%20held count=3");
	record_free(&r);
}

static const struct {
	const char *text;
	bool good;
	int64_t id;
	unsigned n;
} ids[] = {
	{"4711", true, 4711, 0},
	{"4711.2", true, 4711, 2},
	{"9223372036854775807.1", true, INT64_MAX, 1},
	{"9223372036854775808", false, 0, 0},
	{"0", false, 0, 0},
	{"4711.0", false, 0, 0},
	{"4711.", false, 0, 0},
	{".1", false, 0, 0},
	{"-1", false, 0, 0},
	{"4711.4294967296", false, 0, 0},
	{"4711.2.3", false, 0, 0},
	{"x", false, 0, 0},
	{"", false, 0, 0},
};

static void
test_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		int64_t id = 0;
		unsigned n = 0;
		char text[PROTOCOL_ID_TEXT_MAX];

		assert_int_equal(
			protocol_id_parse(str_of(ids[i].text), &id, &n),
			ids[i].good);
		assert_int_equal(id, ids[i].id);
		assert_int_equal(n, ids[i].n);
		if (!ids[i].good)
			continue;
		protocol_id_format(id, n, text);
		assert_string_equal(text, ids[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_survive),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nul_octet_is_refused),
		cmocka_unit_test(test_repeated_keys),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_too_long_is_noticed),
		cmocka_unit_test(test_null_adds_nothing),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
