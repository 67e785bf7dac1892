#include "base/date.h"

enum {
	ERA_DAYS = 146097, /* 400 years of the Gregorian calendar */
	ERA_YEARS = 400,
	YEAR_MONTHS = 12,
	/* From 0000-03-01, where eras are counted from, to 1970-01-01. */
	EPOCH_DAYS = 719468,
};

int64_t
date_floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * A year is counted from March, so that the leap day is its last and months
 * have lengths that one formula gives.
 */
int64_t
date_days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = date_floor_div(y, ERA_YEARS);
	int64_t in_era = y - era * ERA_YEARS;
	int64_t from_march = (month + 9) % YEAR_MONTHS;
	int64_t of_year = (153 * from_march + 2) / 5 + day - 1;

	return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 +
	       of_year - EPOCH_DAYS;
}

int64_t
date_months(int64_t days)
{
	int64_t z = days + EPOCH_DAYS, era = date_floor_div(z, ERA_DAYS);
	int64_t d = z - era * ERA_DAYS;
	int64_t year = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	int64_t of_year = d - (365 * year + year / 4 - year / 100);
	int64_t from_march = (5 * of_year + 2) / 153;

	return (era * ERA_YEARS + year) * YEAR_MONTHS + from_march + 2;
}

int64_t
date_month_begins(int64_t months)
{
	int64_t year = date_floor_div(months, YEAR_MONTHS);

	return date_days(year, months - year * YEAR_MONTHS + 1, 1);
}

int64_t
date_year(int64_t days)
{
	return date_floor_div(date_months(days), YEAR_MONTHS);
}
