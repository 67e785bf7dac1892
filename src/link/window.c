#include "link/window.h"

#include <ctype.h>

enum {
	DAY_MIN = 24 * 60,
	DAYS = 7,
	ALL_DAYS = (1 << DAYS) - 1,
	CHANGES_MAX = 64, /* of the zone, while a window is looked for */
};

static const char day_names[] = "MonTueWedThuFriSatSun";

/* --- reading --- */

/* 0 Monday to 6; -1: no day. */
static int
day_of(struct str s)
{
	for (int i = 0; i < DAYS; i++)
		if (str_eq_nocase(s, (struct str){day_names + 3 * i, 3}))
			return i;
	return -1;
}

/* "Mon-Fri,Sun" as bits; "Sat-Mon" goes over Sunday. 0: it is none. */
static unsigned
days_of(struct str s)
{
	unsigned days = 0;

	do {
		struct str to, part = str_cut(s, ',', &s);
		struct str from = str_cut(part, '-', &to);
		int first = day_of(from);
		int last = from.n == part.n ? first : day_of(to);

		if (first < 0 || last < 0)
			return 0;
		for (int d = first;; d = (d + 1) % DAYS) {
			days |= 1u << d;
			if (d == last)
				break;
		}
	} while (s.n);
	return days;
}

static bool
two_digits(struct str s, int *n_r)
{
	if (s.n != 2 || !isdigit((unsigned char)s.p[0]) ||
		!isdigit((unsigned char)s.p[1]))
		return false;
	*n_r = (s.p[0] - '0') * 10 + (s.p[1] - '0');
	return true;
}

/* "18:05" in minutes; 24:00 is the end of the day. */
static bool
minutes_of(struct str s, int *minutes_r)
{
	int h, m;
	struct str rest, hours = str_cut(s, ':', &rest);

	if (!two_digits(hours, &h) || !two_digits(rest, &m) || m > 59)
		return false;
	*minutes_r = h * 60 + m;
	return *minutes_r <= DAY_MIN;
}

static enum err_code
bad(struct err *e, struct str text, const char *why)
{
	return err_set(e, ERR_INVALID,
		"window \"%.*s\": %s; it should be like \"06:00-06:20\" or "
		"\"Mon-Fri 18:00-18:20\"",
		STR_FMT(text), why);
}

enum err_code
windows_add(struct windows *w, struct str text, struct err *e)
{
	struct str rest, hours, to, days = str_cut(text, ' ', &rest);
	struct window one = {.days = ALL_DAYS};
	int from_min, to_min;

	hours = rest.n ? str_trim(rest) : text;
	if (rest.n) {
		one.days =
			days.n && days.p[days.n - 1] != ',' ? days_of(days) : 0;
		if (!one.days)
			return bad(e, text, "these are no days");
	}
	if (!minutes_of(str_cut(hours, '-', &to), &from_min) ||
		!minutes_of(to, &to_min) || from_min == DAY_MIN)
		return bad(e, text, "a time is wrong");
	if (from_min == to_min)
		return bad(e, text, "it ends when it begins");
	if (w->n == WINDOWS_MAX)
		return err_set(
			e, ERR_LIMIT, "more than %d windows", (int)WINDOWS_MAX);
	one.from_min = from_min;
	one.length_min = to_min - from_min + (to_min < from_min ? DAY_MIN : 0);
	w->v[w->n++] = one;
	return OK;
}

/* --- asking --- */

/* Seconds from the beginning of W's window of day D to WEEK_S, 0 to a week. */
static int64_t
since_begin(const struct window *w, int d, int64_t week_s)
{
	int64_t s = week_s - ((int64_t)d * DAY_MIN + w->from_min) * 60;

	return s < 0 ? s + CALENDAR_WEEK_S : s;
}

/* The longest that a window open at WEEK_S lasts; 0: none is open. */
static int64_t
open_for(const struct windows *w, int64_t week_s)
{
	int64_t most = 0;

	for (size_t i = 0; i < w->n; i++)
		for (int d = 0; d < DAYS; d++) {
			int64_t left;

			if (!(w->v[i].days & 1u << d))
				continue;
			left = w->v[i].length_min * INT64_C(60) -
			       since_begin(&w->v[i], d, week_s);
			if (left > most)
				most = left;
		}
	return most;
}

bool
windows_inside(const struct windows *w, int64_t week_s)
{
	return w->n == 0 || open_for(w, week_s) > 0;
}

int64_t
windows_until_open(const struct windows *w, int64_t week_s)
{
	int64_t least = CALENDAR_WEEK_S;

	if (windows_inside(w, week_s))
		return 0;
	for (size_t i = 0; i < w->n; i++)
		for (int d = 0; d < DAYS; d++) {
			int64_t s = CALENDAR_WEEK_S -
				    since_begin(&w->v[i], d, week_s);

			if ((w->v[i].days & 1u << d) && s < least)
				least = s;
		}
	return least;
}

int64_t
windows_until_shut(const struct windows *w, int64_t week_s)
{
	int64_t s = 0, more;

	if (w->n == 0)
		return CALENDAR_WEEK_S;
	while (s < CALENDAR_WEEK_S &&
		(more = open_for(w, (week_s + s) % CALENDAR_WEEK_S)) > 0)
		s += more;
	return s < CALENDAR_WEEK_S ? s : CALENDAR_WEEK_S;
}

/* What is asked by the week holds until the zone's offset changes. */
static int64_t
holds_until(const struct calendar *c, int64_t at)
{
	return calendar_change(c, at, at + CALENDAR_WEEK_S);
}

/* From AT on, when one is open; for a window a year is no wait. */
static int64_t
opens_at(const struct windows *w, const struct calendar *c, int64_t at)
{
	for (int i = 0; i < CHANGES_MAX; i++) {
		int64_t until = holds_until(c, at);
		int64_t opens =
			at + windows_until_open(w, calendar_week_second(c, at));

		if (opens < until || until - at >= CALENDAR_WEEK_S)
			return opens;
		at = until;
	}
	return at;
}

/* One is open at AT; when none is any more, 0: always one is. */
static int64_t
shuts_at(const struct windows *w, const struct calendar *c, int64_t at)
{
	for (int i = 0; i < CHANGES_MAX; i++) {
		int64_t week_s = calendar_week_second(c, at);
		int64_t until = holds_until(c, at);
		int64_t lasts = windows_until_shut(w, week_s);

		if (lasts == CALENDAR_WEEK_S)
			return 0;
		if (at + lasts < until || until - at >= CALENDAR_WEEK_S)
			return at + lasts;
		at = until;
		if (!windows_inside(w, calendar_week_second(c, at)))
			return at;
	}
	return at;
}

struct window_times
windows_times(const struct windows *w, const struct calendar *c, int64_t at)
{
	struct window_times t = {.opens = opens_at(w, c, at)};

	t.open = t.opens == at;
	t.shuts = shuts_at(w, c, t.opens);
	return t;
}
