/* Zones by name, laid beside the C library's. */
#include "conf/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define TAB "/usr/share/zoneinfo/zone1970.tab"

enum { HOUR = 3600, DAY = 24 * HOUR, YEAR = 365 * DAY };

static void
compare(const char *name, bool spread, int64_t from, int64_t to, int64_t step)
{
	struct zone z;
	struct err e;

	if (timezone_find(name, &z, &e) != OK)
		fail_msg("%s: %s", name, e.text);
	if (spread)
		zone_spread(&z);
	setenv("TZ", name, 1);
	tzset();
	for (int64_t at = from; at < to; at += step) {
		time_t t = (time_t)at;
		struct tm tm;

		assert_non_null(localtime_r(&t, &tm));
		if (zone_offset_s(&z, at) != tm.tm_gmtoff)
			fail_msg("%s at %lld: %lld, not %ld", name,
				(long long)at, (long long)zone_offset_s(&z, at),
				tm.tm_gmtoff);
	}
	zone_clear(&z);
}

/* From 1960 to 2100, at hours of all times of day. */
static void
test_all_zones(void **state)
{
	FILE *f = fopen(TAB, "re");
	char line[512], name[100];
	int zones = 0;

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#' &&
			sscanf(line, "%*s\t%*s\t%99s", name) == 1) {
			compare(name, zones % 2, INT64_C(-10) * YEAR,
				INT64_C(130) * YEAR,
				11 * DAY + 7 * HOUR + 1234);
			zones++;
		}
	fclose(f);
	assert_true(zones > 250);
}

/* Each half hour of twelve years around where files end. */
static void
test_each_half_hour(void **state)
{
	static const char *const names[] = {"Europe/Oslo", "America/St_Johns",
		"Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca",
		"Asia/Kathmandu", "Pacific/Apia", "Etc/GMT+5", "UTC"};

	(void)state;
	if (access(TAB, R_OK) != 0)
		skip();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		compare(names[i], true, INT64_C(1957000000),
			INT64_C(2336000000), 1800);
}

static void
test_rules(void **state)
{
	static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
		"<-03>3<-02>,M10.3.0/0,M2.3.0/0",
		"AEST-10AEDT,M10.1.0,M4.1.0/3",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"IST-2IDT,M3.4.4/26,M10.5.0", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
		"EET-2EEST,J60/2:30,J301", "EET-2EEST,59/2:30,300/1:00:30",
		"UTC0", "<+0545>-5:45", "XXX-24", "EST5EDT,M3.2.0,M11.1.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		for (int spread = 0; spread < 2; spread++)
			compare(rules[i], spread, INT64_C(1767225600),
				INT64_C(1900000000), 1801);
}

static void
test_bad_names(void **state)
{
	static const struct {
		const char *name, *why;
	} bads[] = {
		{"", "there is no such zone"},
		{"Europe/Olso", "there is no such zone"},
		{"Europe", "it is no file"},
		{"../../etc/passwd", "there is no such zone"},
		{"/etc/localtime", "there is no such zone"},
		{"Europe/../Europe/Oslo", "there is no such zone"},
		{"zone1970.tab", "0.tab\" should be"},
		{"tzdata", "there is no such zone"},
		{"CET-1CEST", "the day on which summer time begins"},
		{"CET-25", "a time like 2"},
		{"CET-1CEST,M3.5.0,M10.5.0/3x", "should not be there"},
	};
	struct zone z;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		assert_int_not_equal(timezone_find(bads[i].name, &z, &e), OK);
		if (!strstr(e.text, bads[i].why))
			fail_msg("%s: %s", bads[i].name, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_zones),
		cmocka_unit_test(test_each_half_hour),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_bad_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
