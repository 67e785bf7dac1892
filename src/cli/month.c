#include "cli/month.h"

#include <time.h>

static int64_t
month_start(int year, int month)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = 1};

	return timegm(&tm);
}

static void
month_borders(int year, int month, int64_t *from_r, int64_t *to_r)
{
	*from_r = month_start(year, month);
	*to_r = month_start(year, month + 1); /* timegm carries the year */
}

bool
month_parse(struct str s, int64_t *from_r, int64_t *to_r)
{
	uint64_t year, month;

	if (s.n != 7 || s.p[4] != '-' ||
		!str_u64((struct str){s.p, 4}, &year) ||
		!str_u64(str_skip(s, 5), &month) || year < 1970 || month < 1 ||
		month > 12)
		return false;
	month_borders((int)year, (int)month - 1, from_r, to_r);
	return true;
}

void
month_of(int64_t wall_s, int64_t *from_r, int64_t *to_r)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	month_borders(tm.tm_year + 1900, tm.tm_mon, from_r, to_r);
}

void
month_text(int64_t wall_s, char out_r[MONTH_TEXT_MAX])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out_r, MONTH_TEXT_MAX, "%Y-%m", &tm);
}
