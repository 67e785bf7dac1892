#include "conf/literal.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
literal_is_name(struct str w)
{
	if (w.n == 0 || !is_letter(w.p[0]) || literal_kind(w) == LITERAL_BOOL)
		return false;
	for (size_t i = 1; i < w.n; i++)
		if (!is_letter(w.p[i]) && !is_digit(w.p[i]) && w.p[i] != '-' &&
			w.p[i] != '_')
			return false;
	return true;
}

/* How many digits of BASE begin W; their value, or UINT64_MAX if too large. */
static size_t
digits(struct str w, unsigned base, uint64_t *value_r)
{
	size_t i = 0;
	uint64_t v = 0;

	for (; i < w.n; i++) {
		int d = str_hex_digit(w.p[i]);

		if (d < 0 || (unsigned)d >= base)
			break;
		if (v > (UINT64_MAX - (unsigned)d) / base)
			v = UINT64_MAX;
		else
			v = v * base + (unsigned)d;
	}
	*value_r = v;
	return i;
}

/* VALUE with SUFFIX behind it; the library takes hexadecimal as unsigned. */
static enum literal
integer(uint64_t value, bool minus, struct str suffix)
{
	uint64_t small = minus ? UINT64_C(1) << 31 : INT32_MAX;
	uint64_t large = minus ? UINT64_C(1) << 63 : INT64_MAX;

	if (suffix.n == 0 && value > small)
		return value > large ? LITERAL_LARGE : LITERAL_CUT;
	if (suffix.n && !str_eq(suffix, STR("L")) && !str_eq(suffix, STR("LL")))
		return LITERAL_NONE;
	return value > large ? LITERAL_LARGE : LITERAL_INT;
}

/* [digits] [ "." [digits] ] [ e [sign] digits ], with a point or an e. */
static bool
is_float(struct str w)
{
	uint64_t ignored;
	size_t before, after = 0, exponent;
	bool point, e;

	before = digits(w, 10, &ignored);
	w = str_skip(w, before);
	point = w.n && w.p[0] == '.';
	if (point) {
		w = str_skip(w, 1);
		after = digits(w, 10, &ignored);
		w = str_skip(w, after);
	}
	if (before + after == 0)
		return false;
	e = w.n && (w.p[0] == 'e' || w.p[0] == 'E');
	if (!e)
		return point && w.n == 0;
	w = str_skip(w, 1);
	if (w.n && (w.p[0] == '+' || w.p[0] == '-'))
		w = str_skip(w, 1);
	exponent = digits(w, 10, &ignored);
	return exponent && exponent == w.n;
}

enum literal
literal_kind(struct str w)
{
	bool sign = w.n && (w.p[0] == '+' || w.p[0] == '-');
	bool minus = sign && w.p[0] == '-';
	uint64_t v;
	size_t n;

	if (str_eq_nocase(w, STR("true")) || str_eq_nocase(w, STR("false")))
		return LITERAL_BOOL;
	if (w.n > 2 && w.p[0] == '0' && (w.p[1] == 'x' || w.p[1] == 'X')) {
		n = digits(str_skip(w, 2), 16, &v);
		return n ? integer(v, false, str_skip(w, 2 + n)) : LITERAL_NONE;
	}
	if (sign)
		w = str_skip(w, 1);
	if (is_float(w))
		return LITERAL_FLOAT;
	n = digits(w, 10, &v);
	return n ? integer(v, minus, str_skip(w, n)) : LITERAL_NONE;
}
