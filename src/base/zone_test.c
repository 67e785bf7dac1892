/* What zones are read from, when it is not as it should be. */
#include "base/zone.h"

#include "base/date.h"

#include <stdlib.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { HOUR = 3600, FILE_MAX = 4096 };

/* --- a file, made up --- */

struct made {
	char octets[FILE_MAX];
	size_t n;
};

static void
put(struct made *m, uint64_t value, size_t octets)
{
	while (octets--)
		m->octets[m->n++] = (char)(value >> 8 * octets);
}

static void
put_header(struct made *m, char version, uint32_t leaps, uint32_t times,
	uint32_t types)
{
	memcpy(m->octets + m->n, "TZif", 4);
	m->n += 4;
	put(m, (unsigned char)version, 1);
	for (int i = 0; i < 15; i++)
		put(m, 0, 1);
	put(m, 0, 4);
	put(m, 0, 4);
	put(m, leaps, 4);
	put(m, times, 4);
	put(m, types, 4);
	put(m, 4, 4); /* one name */
}

static void
put_types(struct made *m, int64_t offset)
{
	put(m, (uint64_t)offset, 4);
	put(m, 0, 2);
	put(m, (uint64_t)(offset + HOUR), 4);
	put(m, 1, 1);
	put(m, 0, 1);
	put(m, 0x58585800, 4); /* XXX */
}

/* Two changes, at 1000 and at SECOND, to type WHICH; then RULE. */
static void
make(struct made *m, int64_t second, unsigned which, int64_t offset,
	const char *rule)
{
	m->n = 0;
	put_header(m, '2', 0, 0, 1);
	put(m, 0, 6);
	put(m, 0x58585800, 4);
	put_header(m, '2', 0, 2, 2);
	put(m, 1000, 8);
	put(m, (uint64_t)second, 8);
	put(m, 1, 1);
	put(m, which, 1);
	put_types(m, offset);
	for (const char *p = rule; *p; p++)
		put(m, (unsigned char)*p, 1);
}

static enum err_code
parse(const struct made *m, struct zone *z, struct err *e)
{
	return zone_parse_file(z, (struct str){m->octets, m->n}, e);
}

static void
test_file(void **state)
{
	struct made m;
	struct zone z;
	struct err e;

	(void)state;
	make(&m, 2000, 0, 2 * HOUR, "\nXXX-3\n");
	assert_int_equal(parse(&m, &z, &e), OK);
	assert_int_equal(zone_offset_s(&z, INT64_MIN / 2), 2 * HOUR);
	assert_int_equal(zone_offset_s(&z, 999), 2 * HOUR);
	assert_int_equal(zone_offset_s(&z, 1000), 3 * HOUR);
	assert_int_equal(zone_offset_s(&z, 2000), 3 * HOUR); /* the rule */
	zone_clear(&z);
	make(&m, 2000, 0, 2 * HOUR, "\n\n");
	assert_int_equal(parse(&m, &z, &e), OK);
	assert_int_equal(zone_offset_s(&z, INT64_MAX / 2), 2 * HOUR);
	zone_clear(&z);
}

static void
test_bad_files(void **state)
{
	static const struct {
		int64_t second;
		unsigned which;
		int64_t offset;
		const char *rule, *why;
	} bads[] = {
		{1000, 0, 0, "\n\n", "not in order"},
		{-5, 0, 0, "\n\n", "not in order"},
		{2000, 2, 0, "\n\n", "an offset is wrong"},
		{2000, 0, ZONE_OFFSET_MAX_S + 1, "\n\n", "an offset is wrong"},
		{2000, 0, 0, "", "cut off"},
		{2000, 0, 0, "\n", "cut off"},
		{2000, 0, 0, "\nXXX-3", "cut off"},
		{2000, 0, 0, "\nXXX\n", "a time like 2"},
	};
	struct made m;
	struct zone z;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		make(&m, bads[i].second, bads[i].which, bads[i].offset,
			bads[i].rule);
		assert_int_equal(parse(&m, &z, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, bads[i].why));
		assert_null(z.changes);
	}
}

/* At every octet: an error, never a read behind the end. */
static void
test_cut_files(void **state)
{
	struct made m;
	struct zone z;
	struct err e;

	(void)state;
	make(&m, 2000, 0, HOUR, "\nXXX-3\n");
	for (size_t n = 0; n < m.n; n++) {
		char *exact = xmalloc(n + 1);

		memcpy(exact, m.octets, n);
		assert_int_equal(
			zone_parse_file(&z, (struct str){exact, n}, &e),
			ERR_INVALID);
		free(exact);
	}
}

static void
test_large_counts(void **state)
{
	struct made m = {.n = 0};
	struct zone z;
	struct err e;

	(void)state;
	put_header(&m, '2', UINT32_MAX, UINT32_MAX, UINT32_MAX);
	assert_int_equal(parse(&m, &z, &e), ERR_INVALID);
	make(&m, 2000, 0, 0, "\n\n");
	m.octets[44 + 10 + 28 + 3] = 1; /* a leap second more than there is */
	assert_int_equal(parse(&m, &z, &e), ERR_INVALID);
	assert_int_equal(zone_parse_file(&z, STR("TZif3"), &e), ERR_INVALID);
	assert_int_equal(zone_parse_file(&z, STR(""), &e), ERR_INVALID);
}

static void
test_bad_rules(void **state)
{
	static const char *const bads[] = {"", "X", "XX-1", "<+1-1", "XXX",
		"XXX25", "XXX1:60", "XXX1:", "XXX-", "XXX1XXX",
		"XXX1YYY,M3.5.0", "XXX1YYY,M13.1.0,M1.1.0",
		"XXX1YYY,M1.6.0,M2.1.0", "XXX1YYY,M1.1.7,M2.1.0",
		"XXX1YYY,J0,J1", "XXX1YYY,366,1", "XXX1YYY,J1/168,J2",
		"XXX1YYY,M1.1.0,M2.1.0 ", "XXX-24YYY,M1.1.0,M2.1.0",
		"XXX1YYY,M1.1,M2.1.0", "XXX1YYY,,", "XXX1234"};
	char large[ZONE_TEXT_MAX + 2];
	struct zone z;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++)
		if (zone_parse_rule(&z, str_of(bads[i]), &e) != ERR_INVALID)
			fail_msg("taken: %s", bads[i]);
	memset(large, 'X', sizeof(large));
	assert_int_equal(
		zone_parse_rule(&z, (struct str){large, sizeof(large)}, &e),
		ERR_LIMIT);
}

/* RFC 9636 3.3.1: summer time all the year. */
static void
test_summer_that_never_ends(void **state)
{
	struct zone z;
	struct err e;

	(void)state;
	assert_int_equal(
		zone_parse_rule(&z, STR("XXX3EDT4,0/0,J365/23"), &e), OK);
	for (int spread = 0; spread < 2; spread++) {
		for (int64_t at = 0; at < INT64_C(2000000000); at += 99999)
			assert_int_equal(zone_offset_s(&z, at), -4 * HOUR);
		zone_spread(&z);
	}
	zone_clear(&z);
}

static void
test_dates(void **state)
{
	(void)state;
	assert_int_equal(date_days(1970, 1, 1), 0);
	assert_int_equal(date_days(2000, 3, 1), 11017);
	assert_int_equal(date_days(1969, 12, 31), -1);
	for (int64_t day = -800000; day < 800000; day += 11) {
		int64_t month = date_months(day);

		assert_true(date_month_begins(month) <= day);
		assert_true(date_month_begins(month + 1) > day);
		assert_int_equal(date_year(day), date_floor_div(month, 12));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_cut_files),
		cmocka_unit_test(test_large_counts),
		cmocka_unit_test(test_bad_rules),
		cmocka_unit_test(test_summer_that_never_ends),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
