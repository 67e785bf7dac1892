#include "link/calendar.h"

#include "base/date.h"

enum { DAY_S = CALENDAR_DAY_S };

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

int64_t
calendar_change(const struct calendar *c, int64_t at, int64_t until)
{
	int64_t was = offset(c, at), before = at, from;

	do {
		from = before;
		before = until - from > DAY_S ? from + DAY_S : until;
	} while (before < until && offset(c, before) == was);
	if (offset(c, before) == was)
		return until;
	while (before - from > 1) {
		int64_t middle = from + (before - from) / 2;

		if (offset(c, middle) == was)
			from = middle;
		else
			before = middle;
	}
	return before;
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
	if (calendar_local(c, before) == local)
		return before;
	if (calendar_local(c, after) == local)
		return after;
	return calendar_change(c, local - DAY_S, local + DAY_S);
}

int64_t
calendar_week_second(const struct calendar *c, int64_t at)
{
	/* 1970-01-01 was a Thursday */
	int64_t s = calendar_local(c, at) + INT64_C(3) * DAY_S;

	return s - date_floor_div(s, CALENDAR_WEEK_S) * CALENDAR_WEEK_S;
}

/* Moments at which the I-th day, or month that begins on day ARG, begins. */
typedef int64_t begins_at(const struct calendar *c, int64_t i, int arg);

static int64_t
day_begins(const struct calendar *c, int64_t day, int none)
{
	(void)none;
	return calendar_utc(c, day * DAY_S);
}

static int64_t
month_begins(const struct calendar *c, int64_t month, int starts)
{
	int64_t first = date_month_begins(month);
	int64_t length = date_month_begins(month + 1) - first;

	return calendar_utc(
		c, (first + (starts < length ? starts : length) - 1) * DAY_S);
}

/*
 * The span AT is in, which is near the I-th. Where clocks go back over
 * midnight, what comes again is of the day that has begun.
 */
static int64_t
span(const struct calendar *c, int64_t at, begins_at *begins, int64_t i,
	int arg, int64_t *end_r)
{
	while (begins(c, i, arg) > at)
		i--;
	while (begins(c, i + 1, arg) <= at)
		i++;
	*end_r = begins(c, i + 1, arg);
	return begins(c, i, arg);
}

int64_t
calendar_day(const struct calendar *c, int64_t at, int64_t *end_r)
{
	int64_t day = date_floor_div(calendar_local(c, at), DAY_S);

	return span(c, at, day_begins, day, 0, end_r);
}

int64_t
calendar_month(const struct calendar *c, int64_t at, int starts, int64_t *end_r)
{
	int64_t day = date_floor_div(calendar_local(c, at), DAY_S);

	return span(c, at, month_begins, date_months(day), starts, end_r);
}
