/* Time zones, from a file or as rules, and the days and months in them. */
#include "base/zone.h"
#include "link/calendar.h"
#include "tests/fuzz/fuzz.h"

static int64_t
offset(void *zone, int64_t at)
{
	int64_t s = zone_offset_s(zone, at);

	FUZZ_CHECK(s >= -ZONE_OFFSET_MAX_S && s <= ZONE_OFFSET_MAX_S);
	return s;
}

static void
check_days(struct zone *z)
{
	struct calendar c = {offset, z};
	/* some moments of 2026 to 2031, and one far away */
	static const int64_t ats[] = {1767225600, 1774746000, 1792890001,
		1800000000, 1830297599, 1924991999, 5000000000};

	for (size_t i = 0; i < sizeof(ats) / sizeof(*ats); i++) {
		int64_t at = ats[i], end, next, was = offset(z, at);

		FUZZ_CHECK(calendar_day(&c, at, &end) <= at && at < end);
		FUZZ_CHECK(calendar_month(&c, at, 31, &end) <= at && at < end);
		next = calendar_change(&c, at, at + CALENDAR_WEEK_S);
		FUZZ_CHECK(next > at && next <= at + CALENDAR_WEEK_S);
		FUZZ_CHECK(
			next == at + CALENDAR_WEEK_S || offset(z, next) != was);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	struct zone z;
	struct err e;

	if (zone_parse_file(&z, s, &e) != OK &&
		zone_parse_rule(&z, s, &e) != OK)
		return 0;
	check_days(&z);
	zone_spread(&z);
	check_days(&z);
	zone_clear(&z);
	return 0;
}
