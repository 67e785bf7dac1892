/* Zones: reading rules like "CET-1CEST,M3.5.0,M10.5.0/3". */
#include "base/zone.h"

#include <ctype.h>

enum {
	HOUR_S = 3600,
	MINUTE_S = 60,
	OFFSET_HOURS_MAX = 24,
	CHANGE_HOURS_MAX = 167, /* RFC 9636 3.3.1 */
	CHANGE_DEFAULT_S = 2 * HOUR_S,
	NAME_LEAST = 3,
};

/* What is not yet read; WHY: what should stand at its beginning. */
struct reader {
	struct str s;
	const char *why; /* NULL: all is well so far */
};

static bool
fail(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return false;
}

static bool
skip(struct reader *r, char c)
{
	if (r->s.n == 0 || r->s.p[0] != c)
		return false;
	r->s = str_skip(r->s, 1);
	return true;
}

static bool
read_number(struct reader *r, int least, int most, int *n_r)
{
	int n = 0;
	size_t digits = 0;

	while (r->s.n && isdigit((unsigned char)r->s.p[0]) && digits < 3) {
		n = n * 10 + (r->s.p[0] - '0');
		r->s = str_skip(r->s, 1);
		digits++;
	}
	*n_r = n;
	return digits > 0 && n >= least && n <= most;
}

/* "CET", or with angle brackets "<+03>". */
static bool
read_name(struct reader *r)
{
	bool quoted = skip(r, '<');
	size_t n = 0;

	while (n < r->s.n) {
		unsigned char c = (unsigned char)r->s.p[n];

		if (!isalpha(c) &&
			!(quoted && (isdigit(c) || c == '+' || c == '-')))
			break;
		n++;
	}
	r->s = str_skip(r->s, n);
	if (n < NAME_LEAST || (quoted && !skip(r, '>')))
		return fail(r, "a name of three letters or more");
	return true;
}

/* "-1", "5:30", "+3:30:15": seconds. */
static bool
read_time(struct reader *r, int hours_max, int64_t *seconds_r)
{
	bool minus = skip(r, '-');
	int h, m = 0, s = 0;

	if (!minus)
		skip(r, '+');
	if (!read_number(r, 0, hours_max, &h) ||
		(skip(r, ':') &&
			(!read_number(r, 0, 59, &m) ||
				(skip(r, ':') && !read_number(r, 0, 59, &s)))))
		return fail(r, "a time like 2 or 2:30");
	*seconds_r = h * HOUR_S + m * MINUTE_S + s;
	if (minus)
		*seconds_r = -*seconds_r;
	return true;
}

static bool
read_offset(struct reader *r, int64_t *offset_r)
{
	int64_t west;

	if (!read_time(r, OFFSET_HOURS_MAX, &west))
		return false;
	if (west > ZONE_OFFSET_MAX_S || west < -ZONE_OFFSET_MAX_S)
		return fail(r, "a time of at most 24 hours");
	*offset_r = -west;
	return true;
}

static bool
read_day(struct reader *r, struct zone_date *d)
{
	if (skip(r, 'M')) {
		d->kind = ZONE_WEEKDAY;
		return read_number(r, 1, 12, &d->month) && skip(r, '.') &&
		       read_number(r, 1, 5, &d->week) && skip(r, '.') &&
		       read_number(r, 0, 6, &d->day);
	}
	if (skip(r, 'J')) {
		d->kind = ZONE_JULIAN;
		return read_number(r, 1, 365, &d->n);
	}
	d->kind = ZONE_DAY;
	return read_number(r, 0, 365, &d->n);
}

static bool
read_date(struct reader *r, struct zone_date *d)
{
	if (!skip(r, ',') || !read_day(r, d))
		return fail(r, "the day on which summer time begins or ends "
			       "(like ,M3.5.0)");
	d->time_s = CHANGE_DEFAULT_S;
	return !skip(r, '/') || read_time(r, CHANGE_HOURS_MAX, &d->time_s);
}

static bool
read_rule(struct reader *r, struct zone_rule *rule)
{
	if (!read_name(r) || !read_offset(r, &rule->standard_s))
		return false;
	rule->summer_s = rule->standard_s;
	if (r->s.n == 0)
		return true;
	if (!read_name(r))
		return false;
	rule->summer_s += HOUR_S;
	if (r->s.n && r->s.p[0] != ',' && !read_offset(r, &rule->summer_s))
		return false;
	if (rule->summer_s > ZONE_OFFSET_MAX_S)
		return fail(r, "a time of at most 24 hours");
	return read_date(r, &rule->begins) && read_date(r, &rule->ends);
}

enum err_code
zone_parse_rule(struct zone *z, struct str text, struct err *e)
{
	struct reader r = {.s = text};

	*z = (struct zone){.has_rule = true};
	if (text.n > ZONE_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "more than %d octets",
			(int)ZONE_TEXT_MAX);
	if (!read_rule(&r, &z->rule) && r.s.n == 0)
		return err_set(
			e, ERR_INVALID, "%s should stand at its end", r.why);
	if (r.why)
		return err_set(e, ERR_INVALID, "\"%.*s\" should be %s",
			STR_FMT(r.s), r.why);
	if (r.s.n)
		return err_set(e, ERR_INVALID, "\"%.*s\" should not be there",
			STR_FMT(r.s));
	return OK;
}
