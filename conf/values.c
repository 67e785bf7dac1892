#include "conf/values.h"
#include "conf/conf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t each;
};

/* Largest first: the texts are made with the first that leaves no rest. */
static const struct unit sizes[] = {
	{"T", INT64_C(1) << 40},
	{"G", INT64_C(1) << 30},
	{"M", INT64_C(1) << 20},
	{"K", INT64_C(1) << 10},
	{"", 1},
};
static const struct unit durations[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

static const struct {
	const char *name;
	int priority;
} priorities[] = {
	{"bulk", -5}, {"low", -2}, {"normal", 0}, {"urgent", 4}, {"flash", 8}};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str
take_digits(struct str *s)
{
	struct str d = {s->p, 0};

	while (d.n < s->n && is_digit(s->p[d.n]))
		d.n++;
	*s = str_skip(*s, d.n);
	return d;
}

bool
conf_parse_size(struct str s, uint64_t *octets_r)
{
	uint64_t n;
	struct str d = take_digits(&s);

	if (!str_u64(d, &n))
		return false;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t each = (uint64_t)sizes[i].each;

		if (!str_eq_nocase(s, str_of(sizes[i].name)))
			continue;
		if (n > INT64_MAX / each)
			return false;
		*octets_r = n * each;
		return true;
	}
	return false;
}

/* A number with its unit off the front of S. */
static bool
take_duration(struct str *s, int64_t *ms_r)
{
	struct str d = take_digits(s), u = *s;
	uint64_t n;

	if (!str_u64(d, &n))
		return false;
	for (u.n = 0; u.n < s->n && !is_digit(s->p[u.n]);)
		u.n++;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		if (!str_eq(u, str_of(durations[i].name)))
			continue;
		if (n > (uint64_t)(INT64_MAX / durations[i].each))
			return false;
		*ms_r = (int64_t)n * durations[i].each;
		*s = str_skip(*s, u.n);
		return true;
	}
	return false;
}

bool
conf_parse_duration_ms(struct str s, int64_t *ms_r)
{
	int64_t sum = 0, part;

	if (s.n == 0)
		return false;
	if (str_eq(s, STR("0"))) {
		*ms_r = 0;
		return true;
	}
	while (s.n) {
		if (!take_duration(&s, &part) || part > INT64_MAX - sum)
			return false;
		sum += part;
	}
	*ms_r = sum;
	return true;
}

bool
conf_parse_priority(struct str s, int *priority_r)
{
	bool minus = s.n && s.p[0] == '-';

	for (size_t i = 0; i < sizeof(priorities) / sizeof(*priorities); i++) {
		if (str_eq_nocase(s, str_of(priorities[i].name))) {
			*priority_r = priorities[i].priority;
			return true;
		}
	}
	if (minus || (s.n && s.p[0] == '+'))
		s = str_skip(s, 1);
	if (s.n != 1 || !is_digit(s.p[0]))
		return false;
	*priority_r = minus ? '0' - s.p[0] : s.p[0] - '0';
	return true;
}

static void
unit_text(const struct unit *units, int64_t n, char out_r[VALUE_TEXT_MAX])
{
	while (units->each > 1 && (n == 0 || n % units->each))
		units++;
	snprintf(out_r, VALUE_TEXT_MAX, "%lld%s", (long long)(n / units->each),
		n ? units->name : "");
}

void
value_size_text(int64_t octets, char out_r[VALUE_TEXT_MAX])
{
	unit_text(sizes, octets, out_r);
}

void
value_duration_text(int64_t ms, char out_r[VALUE_TEXT_MAX])
{
	unit_text(durations, ms, out_r);
}

static bool
pin_hex(struct str s, unsigned char *pin_r)
{
	for (size_t i = 0; i < VALUE_PIN_SIZE; i++) {
		int high = str_hex_digit(s.p[2 * i]),
		    low = str_hex_digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		pin_r[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* S without padding; 43 letters hold 32 octets and two bits of nothing. */
static bool
pin_base64(struct str s, unsigned char *pin_r)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(all, s.p[i]) : NULL;

		if (!at)
			return false;
		bits = (bits << 6 | (unsigned)(at - all)) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		pin_r[n++] = (unsigned char)(bits >> have);
	}
	return n == VALUE_PIN_SIZE;
}

bool
value_pin(struct str s, unsigned char pin_r[VALUE_PIN_SIZE])
{
	if (!str_starts_nocase(s, STR("sha256:")))
		return false;
	s = str_skip(s, strlen("sha256:"));
	if (s.n == 2 * VALUE_PIN_SIZE)
		return pin_hex(s, pin_r);
	if (s.n == 44 && s.p[43] == '=')
		s.n--;
	return s.n == 43 && pin_base64(s, pin_r);
}

/* "18:05" in minutes; 24:00 is the end of the day. */
static bool
take_clock(struct str *s, unsigned *minutes_r)
{
	uint64_t h, m;
	struct str d = take_digits(s);

	if (d.n != 2 || !str_u64(d, &h) || s->n == 0 || s->p[0] != ':')
		return false;
	*s = str_skip(*s, 1);
	d = take_digits(s);
	if (d.n != 2 || !str_u64(d, &m) || m > 59 || h * 60 + m > 24 * 60)
		return false;
	*minutes_r = (unsigned)(h * 60 + m);
	return true;
}

static bool
is_day(struct str s)
{
	static const char days[] = "MonTueWedThuFriSatSun";

	for (size_t i = 0; i < 7; i++)
		if (str_eq_nocase(s, (struct str){days + 3 * i, 3}))
			return true;
	return false;
}

/* "Mon-Fri", "Sat,Sun" */
static bool
is_days(struct str s)
{
	struct str part, first;

	if (s.n == 0 || s.p[s.n - 1] == ',' || s.p[s.n - 1] == '-')
		return false;
	while (s.n) {
		part = str_cut(s, ',', &s);
		first = str_cut(part, '-', &part);
		if (!is_day(first) || (part.n && !is_day(part)))
			return false;
	}
	return true;
}

bool
value_clock(struct str s, unsigned *minutes_r)
{
	return take_clock(&s, minutes_r) && s.n == 0 && *minutes_r < 24 * 60;
}

bool
value_window(struct str s)
{
	unsigned from, to;
	struct str rest, days = str_cut(s, ' ', &rest);

	if (rest.n) {
		if (!is_days(days))
			return false;
		s = str_trim(rest);
	}
	if (!take_clock(&s, &from) || s.n == 0 || s.p[0] != '-')
		return false;
	s = str_skip(s, 1);
	return take_clock(&s, &to) && s.n == 0 && from != to && from < 24 * 60;
}

/* 4 or 6, the family of the address S; 0: it is none. */
static int
family(struct str s)
{
	char z[INET6_ADDRSTRLEN];
	unsigned char ignored[sizeof(struct in6_addr)];

	if (memchr(s.p, '\0', s.n) || !str_copy(z, sizeof(z), s))
		return 0;
	if (inet_pton(AF_INET, z, ignored) == 1)
		return 4;
	return inet_pton(AF_INET6, z, ignored) == 1 ? 6 : 0;
}

bool
value_address(struct str s)
{
	return family(s) != 0;
}

bool
value_network(struct str s, bool *open_r)
{
	struct str bits, address = str_cut(s, '/', &bits);
	bool slash = address.n < s.n;
	int kind = family(address);
	uint64_t n = 1;

	if (slash && !str_u64(bits, &n))
		return false;
	*open_r = n == 0;
	return kind && n <= (kind == 4 ? 32 : 128);
}
