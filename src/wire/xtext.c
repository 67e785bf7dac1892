#include "wire/xtext.h"

/* RFC 3461 4: upper case only. -1: not a digit. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_xchar(char c)
{
	return c >= 33 && c <= 126 && c != '+' && c != '=';
}

/* Octets of the xchar or hexchar at the front of S, and what it stands for. */
static size_t
decode_one(struct str s, char *c_r)
{
	int high, low;

	if (is_xchar(s.p[0])) {
		*c_r = s.p[0];
		return 1;
	}
	if (s.n < 3 || s.p[0] != '+')
		return 0;
	high = hex_value(s.p[1]);
	low = hex_value(s.p[2]);
	if (high < 0 || low < 0)
		return 0;
	*c_r = (char)(high * 16 + low);
	return 3;
}

/* Octets of S decoded; false: malformed. */
static bool
measure(struct str s, size_t *n_r)
{
	*n_r = 0;
	while (s.n > 0) {
		char c;
		size_t n = decode_one(s, &c);

		if (n == 0)
			return false;
		s = str_skip(s, n);
		(*n_r)++;
	}
	return true;
}

bool
xtext_valid(struct str s)
{
	size_t n;

	return measure(s, &n);
}

bool
xtext_decode(struct str s, struct buf *out)
{
	size_t n;

	if (!measure(s, &n) || n > buf_room(out))
		return false;
	while (s.n > 0) {
		char c = 0;

		s = str_skip(s, decode_one(s, &c));
		buf_add(out, &c, 1);
	}
	return true;
}

bool
xtext_encode(struct str s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += is_xchar(s.p[i]) ? 1 : 3;
	if (n > buf_room(out))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (is_xchar(s.p[i]))
			buf_add(out, s.p + i, 1);
		else
			buf_addf(out, "+%02X", (unsigned char)s.p[i]);
	}
	return true;
}
