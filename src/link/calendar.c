#include "link/calendar.h"

enum {
	DAY_S = CALENDAR_DAY_S,
	ERA_DAYS = 146097, /* 400 years of the Gregorian calendar */
	ERA_YEARS = 400,
	/* From 0000-03-01, where eras are counted from, to 1970-01-01. */
	EPOCH_DAYS = 719468,
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
offset(const struct calendar *c, int64_t at)
{
	return c && c->offset_s ? c->offset_s(c->arg, at) : 0;
}

int64_t
calendar_local(const struct calendar *c, int64_t at)
{
	return at + offset(c, at);
}

/* The offsets of the day before and after are the only two that may hold. */
int64_t
calendar_utc(const struct calendar *c, int64_t local)
{
	int64_t before = local - offset(c, local - DAY_S);
	int64_t after = local - offset(c, local + DAY_S);

	if (calendar_local(c, before) == local &&
		calendar_local(c, after) == local)
		return before < after ? before : after;
	return calendar_local(c, after) == local ? after : before;
}

int64_t
calendar_week_second(const struct calendar *c, int64_t at)
{
	/* 1970-01-01 was a Thursday */
	int64_t s = calendar_local(c, at) + INT64_C(3) * DAY_S;

	return s - floor_div(s, CALENDAR_WEEK_S) * CALENDAR_WEEK_S;
}

/* First and end as moments; the end is after AT whatever the zone does. */
static int64_t
span(const struct calendar *c, int64_t at, int64_t first, int64_t next,
	int64_t *end_r)
{
	*end_r = calendar_utc(c, next);
	if (*end_r <= at)
		*end_r = at + 1;
	return calendar_utc(c, first);
}

int64_t
calendar_day(const struct calendar *c, int64_t at, int64_t *end_r)
{
	int64_t day = floor_div(calendar_local(c, at), DAY_S);

	return span(c, at, day * DAY_S, (day + 1) * DAY_S, end_r);
}

/*
 * Days since 1970 of a date. A year is counted from March, so that the leap
 * day is its last and months have lengths that one formula gives.
 */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, ERA_YEARS), in_era = y - era * ERA_YEARS;
	int64_t from_march = (month + 9) % 12;
	int64_t of_year = (153 * from_march + 2) / 5 + day - 1;

	return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 +
	       of_year - EPOCH_DAYS;
}

/* Year and month (0 to 11) of a day, as one count of months. */
static int64_t
month_of(int64_t days)
{
	int64_t z = days + EPOCH_DAYS, era = floor_div(z, ERA_DAYS);
	int64_t d = z - era * ERA_DAYS;
	int64_t year = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	int64_t of_year = d - (365 * year + year / 4 - year / 100);
	int64_t from_march = (5 * of_year + 2) / 153;

	return (era * ERA_YEARS + year) * 12 + from_march + 2;
}

/* The day on which month MONTH (counted so) begins. */
static int64_t
month_begin(int64_t month, int starts)
{
	int64_t year = floor_div(month, 12);
	int64_t first = days_of(year, month - year * 12 + 1, 1);
	int64_t next = floor_div(month + 1, 12);
	int64_t length = days_of(next, month + 1 - next * 12 + 1, 1) - first;

	return first + (starts < length ? starts : length) - 1;
}

int64_t
calendar_month(const struct calendar *c, int64_t at, int starts, int64_t *end_r)
{
	int64_t day = floor_div(calendar_local(c, at), DAY_S);
	int64_t month = month_of(day);

	if (day < month_begin(month, starts))
		month--;
	return span(c, at, month_begin(month, starts) * DAY_S,
		month_begin(month + 1, starts) * DAY_S, end_r);
}
