/* The words in quotes, good and bad. */
#include "conf/values.h"
#include "conf/literal.h"
#include "conf/testing.h"

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t octets; /* -1: refused */
	} cases[] = {
		{"0", 0},
		{"1", 1},
		{"20K", 20480},
		{"20k", 20480},
		{"4M", 4 << 20},
		{"2G", INT64_C(2) << 30},
		{"1T", INT64_C(1) << 40},
		{"8388607T", INT64_C(8388607) << 40},
		{"8388608T", -1},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775808", -1},
		{"99999999999999999999", -1},
		{"", -1},
		{"K", -1},
		{"20 K", -1},
		{"20KB", -1},
		{"-1", -1},
		{"1.5M", -1},
		{" 1", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t v = 0;
		bool ok = conf_parse_size(str_of(cases[i].text), &v);

		assert_int_equal(ok, cases[i].octets >= 0);
		if (ok)
			assert_int_equal(v, cases[i].octets);
	}
}

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{"0", 0},
		{"0s", 0},
		{"1800ms", 1800},
		{"90s", 90000},
		{"15m", 900000},
		{"4h", 14400000},
		{"5d", 432000000},
		{"1h30m", 5400000},
		{"1m1ms", 60001},
		{"90", -1},
		{"1h30", -1},
		{"", -1},
		{"s", -1},
		{"1x", -1},
		{"1M", -1},
		{"1 h", -1},
		{"-1s", -1},
		{"106751991167d", 106751991167 * INT64_C(86400000)},
		{"106751991168d", -1},
		{"106751991167d106751991167d", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t v = 0;
		bool ok = conf_parse_duration_ms(str_of(cases[i].text), &v);

		assert_int_equal(ok, cases[i].ms >= 0);
		if (ok)
			assert_int_equal(v, cases[i].ms);
	}
}

static void
test_priorities(void **state)
{
	static const struct {
		const char *text;
		int priority; /* 99: refused */
	} cases[] = {
		{"bulk", -5},
		{"low", -2},
		{"normal", 0},
		{"Urgent", 4},
		{"flash", 8},
		{"-9", -9},
		{"9", 9},
		{"+3", 3},
		{"10", 99},
		{"-10", 99},
		{"", 99},
		{"-", 99},
		{"urgently", 99},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int v = 99;
		bool ok = conf_parse_priority(str_of(cases[i].text), &v);

		assert_int_equal(ok, cases[i].priority != 99);
		assert_int_equal(v, cases[i].priority);
	}
}

static void
test_texts(void **state)
{
	char text[VALUE_TEXT_MAX];

	(void)state;
	value_size_text(50 << 20, text);
	assert_string_equal(text, "50M");
	value_size_text(1537, text);
	assert_string_equal(text, "1537");
	value_size_text(0, text);
	assert_string_equal(text, "0");
	value_duration_text(90000, text);
	assert_string_equal(text, "90s");
	value_duration_text(86400000, text);
	assert_string_equal(text, "1d");
	value_duration_text(1500, text);
	assert_string_equal(text, "1500ms");
}

static void
test_pins(void **state)
{
	static const char hex[] = "sha256:FFfe02030405060708090a0b0c0d0e0f"
				  "101112131415161718191a1b1c1d1e1f";
	static const char base64[] =
		"sha256://4CAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	static const char not_hex[] = "sha256:zzfe02030405060708090a0b0c0d"
				      "0e0f101112131415161718191a1b1c1d1e1f";
	static const char *const bad[] = {"", "sha256:", "sha1:00", not_hex,
		"sha256://4CAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
		"sha256://4CAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=="};
	unsigned char a[VALUE_PIN_SIZE], b[VALUE_PIN_SIZE];

	(void)state;
	assert_true(value_pin(str_of(hex), a));
	assert_int_equal(a[0], 0xff);
	assert_int_equal(a[31], 0x1f);
	assert_true(value_pin(str_of(base64), b));
	assert_memory_equal(a, b, sizeof(a));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(value_pin(str_of(bad[i]), a));
}

static void
test_windows(void **state)
{
	static const char *const good[] = {"06:00-06:20", "Mon 00:00-24:00",
		"Mon-Fri 18:00-18:20", "sat,SUN 22:00-02:00",
		"Mon,Wed-Fri 01:00-02:00", "Mon-Fri  18:00-18:20"};
	static const char *const bad[] = {"", "6:00-7:00", "06:00", "06:00-",
		"06:00-06:00", "06:00-24:01", "24:00-06:00", "06:60-07:00",
		"Mon", "Mon-", "Mon- 06:00-07:00", "Mon, 06:00-07:00",
		"Moon 06:00-07:00", ", 06:00-07:00", "06:00-07:00 Mon",
		"06:00-07:00x", "06:00 - 07:00"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(value_window(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(value_window(str_of(bad[i])));
}

static void
test_networks(void **state)
{
	static const char *const good[] = {"10.0.0.0/8", "192.0.2.1", "::1/128",
		"fd00::/8", "192.168.7.20/32", "10.0.0.0/1"};
	static const char *const bad[] = {"", "/8", "10.0.0.0/", "10.0.0/8",
		"10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8",
		"host.example", "10.0.0.0/8 "};
	bool open = true;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(value_network(str_of(good[i]), &open));
		assert_false(open);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(value_network(str_of(bad[i]), &open));
	assert_true(value_network(STR("0.0.0.0/0"), &open));
	assert_true(open);
}

static void
test_literals(void **state)
{
	static const struct {
		const char *text;
		enum literal kind;
	} cases[] = {
		{"true", LITERAL_BOOL},
		{"FALSE", LITERAL_BOOL},
		{"0", LITERAL_INT},
		{"-2147483648", LITERAL_INT},
		{"2147483647", LITERAL_INT},
		{"2147483648", LITERAL_CUT},
		{"2147483648L", LITERAL_INT},
		{"9223372036854775807LL", LITERAL_INT},
		{"9223372036854775808L", LITERAL_LARGE},
		{"-9223372036854775808L", LITERAL_INT},
		{"0x7fffffff", LITERAL_INT},
		{"0x80000000", LITERAL_CUT},
		{"0xffffffffffffffffL", LITERAL_LARGE},
		{"1.5", LITERAL_FLOAT},
		{"-.5", LITERAL_FLOAT},
		{"5.", LITERAL_FLOAT},
		{"1e3", LITERAL_FLOAT},
		{"1.e-3", LITERAL_FLOAT},
		{"", LITERAL_NONE},
		{".", LITERAL_NONE},
		{"-", LITERAL_NONE},
		{"e3", LITERAL_NONE},
		{"1e", LITERAL_NONE},
		{"0x", LITERAL_NONE},
		{"1l", LITERAL_NONE},
		{"1.5L", LITERAL_NONE},
		{"1.2.3", LITERAL_NONE},
		{"20K", LITERAL_NONE},
		{"yes", LITERAL_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
			literal_kind(str_of(cases[i].text)), cases[i].kind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
