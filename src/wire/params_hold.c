/* HOLDFOR and HOLDUNTIL of MAIL (RFC 4865). */
#include "wire/params_value.h"

#include <inttypes.h>

enum { HOLD_DIGITS_MAX = 9 };

/* RFC 4865 4.2 item 9: one of the two at most. */
static bool
has_hold(const struct mail_params *p)
{
	return p->hold_for_s > 0 || p->hold_until[0] != '\0';
}

/* future-release-integer: 1 to 999999999 without leading zeros */
enum params_result
params_parse_hold_for(
	struct str value, unsigned offered, struct params_target t)
{
	uint64_t seconds;

	(void)offered;
	if (has_hold(t.mail))
		return PARAMS_REPEATED;
	if (value.n > HOLD_DIGITS_MAX || value.p[0] == '0' ||
		!str_u64(value, &seconds))
		return PARAMS_SYNTAX;
	t.mail->hold_for_s = (int64_t)seconds;
	return PARAMS_OK;
}

void
params_write_hold_for(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->hold_for_s > 0)
		buf_addf(out, " HOLDFOR=%" PRId64, s.mail->hold_for_s);
}

/*
 * Matches the front of *IN with SHAPE, where '0' stands for a digit and a
 * letter for itself in either case.
 */
static bool
skip_shape(struct str *in, const char *shape)
{
	for (; *shape; shape++) {
		char c = in->n > 0 ? in->p[0] : '\0';
		bool right = *shape == '0' ? c >= '0' && c <= '9'
					   : c == *shape || c == (*shape | 32);

		if (!right)
			return false;
		*in = str_skip(*in, 1);
	}
	return true;
}

static unsigned
number(struct str s, size_t at, size_t digits)
{
	unsigned n = 0;

	for (size_t i = at; i < at + digits; i++)
		n = n * 10 + (unsigned)(s.p[i] - '0');
	return n;
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	static const unsigned days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* "2026-11-23T13:00:00Z", with a fraction or not (RFC 3339 5.6, in UTC) */
static bool
is_utc_time(struct str s)
{
	struct str rest = s;
	unsigned month, day;

	if (!skip_shape(&rest, "0000-00-00T00:00:00"))
		return false;
	if (rest.n > 0 && rest.p[0] == '.') {
		if (!skip_shape(&rest, ".0"))
			return false;
		while (skip_shape(&rest, "0"))
			;
	}
	if (!skip_shape(&rest, "Z") || rest.n > 0)
		return false;
	month = number(s, 5, 2);
	day = number(s, 8, 2);
	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days_in_month(number(s, 0, 4), month) &&
	       number(s, 11, 2) <= 23 && number(s, 14, 2) <= 59 &&
	       number(s, 17, 2) <= 60; /* 60: a leap second */
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_to(int64_t year, unsigned month, unsigned day)
{
	int64_t years = year - 1;
	int64_t days = years * 365 + years / 4 - years / 100 + years / 400;

	for (unsigned m = 1; m < month; m++)
		days += days_in_month((unsigned)year, m);
	return days + day - 719163;
}

int64_t
params_hold_until_s(const struct mail_params *p)
{
	struct str s = str_of(p->hold_until);

	if (!is_utc_time(s))
		return 0;
	return days_to(number(s, 0, 4), number(s, 5, 2), number(s, 8, 2)) *
		       86400 +
	       number(s, 11, 2) * 3600 + number(s, 14, 2) * 60 +
	       number(s, 17, 2);
}

enum params_result
params_parse_hold_until(
	struct str value, unsigned offered, struct params_target t)
{
	struct mail_params *p = t.mail;

	(void)offered;
	if (has_hold(p))
		return PARAMS_REPEATED;
	if (!is_utc_time(value) ||
		!str_copy(p->hold_until, sizeof(p->hold_until), value))
		return PARAMS_SYNTAX;
	return PARAMS_OK;
}

void
params_write_hold_until(
	struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->hold_until[0])
		buf_addf(out, " HOLDUNTIL=%s", s.mail->hold_until);
}
