#include "base/zone.h"

#include "base/date.h"

#include <stdlib.h>

enum {
	WEEK_DAYS = 7,
	LAST_WEEK = 5,
	FEBRUARY_28 = 59,
	/* years whose changes are found once, beforehand */
	SPREAD_FROM = 1970,
	SPREAD_TO = 2120,
};

void
zone_clear(struct zone *z)
{
	free(z->changes);
	*z = (struct zone){.first_s = 0};
}

static bool
is_leap(int64_t year)
{
	return date_days(year, 3, 1) - date_days(year, 2, 28) == 2;
}

/* The number of the day in YEAR that D names. */
static int64_t
day_of(const struct zone_date *d, int64_t year)
{
	int64_t first = date_days(year, 1, 1), weekday, next;

	if (d->kind == ZONE_DAY)
		return first + d->n;
	if (d->kind == ZONE_JULIAN)
		return first + d->n - 1 + (d->n > FEBRUARY_28 && is_leap(year));
	first = date_days(year, d->month, 1);
	/* 1970-01-01 was a Thursday */
	weekday = first + 4 - date_floor_div(first + 4, WEEK_DAYS) * WEEK_DAYS;
	first += (d->day - weekday + WEEK_DAYS) % WEEK_DAYS +
		 INT64_C(7) * (d->week - 1);
	next = date_month_begins(date_months(date_days(year, d->month, 1)) + 1);
	return d->week == LAST_WEEK && first >= next ? first - WEEK_DAYS
						     : first;
}

/* The two changes of YEAR, in their order. */
static void
changes_of(const struct zone_rule *r, int64_t year, struct zone_change two_r[2])
{
	struct zone_change begins = {day_of(&r->begins, year) * DATE_DAY_S +
					     r->begins.time_s - r->standard_s,
		r->summer_s};
	struct zone_change ends = {day_of(&r->ends, year) * DATE_DAY_S +
					   r->ends.time_s - r->summer_s,
		r->standard_s};
	bool south = ends.at < begins.at;

	two_r[0] = south ? ends : begins;
	two_r[1] = south ? begins : ends;
}

/*
 * The offset is that of the latest change up to AT, a year's way around. Where
 * summer time ends as the next begins, it never ends.
 */
static int64_t
offset_by_rule(const struct zone_rule *r, int64_t at)
{
	int64_t year =
		date_year(date_floor_div(at + r->standard_s, DATE_DAY_S));
	struct zone_change latest = {INT64_MIN, r->standard_s}, two[2];

	if (r->standard_s == r->summer_s)
		return r->standard_s;
	for (int64_t y = year - 1; y <= year + 1; y++) {
		changes_of(r, y, two);
		for (size_t i = 0; i < 2; i++)
			if (two[i].at <= at &&
				(two[i].at > latest.at ||
					(two[i].at == latest.at &&
						two[i].offset_s ==
							r->summer_s)))
				latest = two[i];
	}
	return latest.offset_s;
}

void
zone_spread(struct zone *z)
{
	int64_t last = z->changes_n ? z->changes[z->changes_n - 1].at : 0;
	int64_t year = date_year(date_floor_div(last, DATE_DAY_S));
	struct zone_change two[2];

	if (!z->has_rule || z->rule.standard_s == z->rule.summer_s ||
		year < SPREAD_FROM || year >= SPREAD_TO)
		return;
	if (z->changes_n == 0)
		z->first_s = offset_by_rule(&z->rule, 0);
	z->changes = xrealloc(
		z->changes, (z->changes_n + 2 * (size_t)(SPREAD_TO - year)) *
				    sizeof(*z->changes));
	for (; year < SPREAD_TO; year++) {
		changes_of(&z->rule, year, two);
		for (size_t i = 0; i < 2; i++)
			if (two[i].at > last) {
				last = two[i].at;
				z->changes[z->changes_n++] =
					(struct zone_change){last,
						offset_by_rule(&z->rule, last)};
			}
	}
}

/* How many changes are not after AT. */
static size_t
changes_until(const struct zone *z, int64_t at)
{
	size_t low = 0, high = z->changes_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->changes[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t
zone_offset_s(const struct zone *z, int64_t at)
{
	size_t n = changes_until(z, at);

	if (n == z->changes_n && z->has_rule)
		return offset_by_rule(&z->rule, at);
	return n ? z->changes[n - 1].offset_s : z->first_s;
}
