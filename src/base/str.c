#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

struct str
str_of(const char *z)
{
	return (struct str){z ? z : "", z ? strlen(z) : 0};
}

struct str
str_skip(struct str s, size_t n)
{
	return (struct str){s.p + n, s.n - n};
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_starts_nocase(a, b);
}

bool
str_starts_nocase(struct str s, struct str prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (lower(s.p[i]) != lower(prefix.p[i]))
			return false;
	return true;
}

struct str
str_cut(struct str s, char c, struct str *rest_r)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	if (!at) {
		*rest_r = (struct str){s.p + s.n, 0};
		return s;
	}
	*rest_r = str_skip(s, (size_t)(at - s.p) + 1);
	return (struct str){s.p, (size_t)(at - s.p)};
}

struct str
str_trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

struct str
str_behind_mark(struct str s)
{
	bool marked = s.n >= 3 && memcmp(s.p, "\xEF\xBB\xBF", 3) == 0;

	return marked ? str_skip(s, 3) : s;
}

bool
str_copy(char *dst, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return s.n < size;
}

bool
str_copyz(char *dst, size_t size, const char *z)
{
	return str_copy(dst, size, str_of(z));
}

char *
str_dup(struct str s)
{
	char *z = xmalloc(s.n + 1);

	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

char *
str_dupz(const char *z)
{
	return str_dup(str_of(z));
}

char *
str_vprintf(const char *fmt, va_list ap)
{
	va_list again;
	int n;
	char *z;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	z = xmalloc((size_t)(n < 0 ? 0 : n) + 1);
	if (n < 0)
		z[0] = '\0';
	else
		vsnprintf(z, (size_t)n + 1, fmt, again);
	va_end(again);
	return z;
}

char *
str_printf(const char *fmt, ...)
{
	va_list ap;
	char *z;

	va_start(ap, fmt);
	z = str_vprintf(fmt, ap);
	va_end(ap);
	return z;
}

void
str_lower(char *z)
{
	for (; *z; z++)
		*z = lower(*z);
}

int
str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
str_u64(struct str s, uint64_t *value_r)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value_r = v;
	return true;
}

bool
str_glob(struct str pat, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.n) {
		if (p < pat.n && pat.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pat.n &&
			   (pat.p[p] == '?' ||
				   lower(pat.p[p]) == lower(s.p[i]))) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pat.n && pat.p[p] == '*')
		p++;
	return p == pat.n;
}

unsigned
str_distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t na = strlen(a), nb = strlen(b);

	if (na > 63 || nb > 63)
		return 64;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned cost = lower(a[i - 1]) != lower(b[j - 1]);
			unsigned best = diagonal + cost;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

static void *
or_abort(void *p)
{
	if (!p) {
		fputs("tidepost: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
xmalloc(size_t n)
{
	return or_abort(malloc(n ? n : 1));
}

void *
xcalloc(size_t count, size_t n)
{
	return or_abort(calloc(count ? count : 1, n ? n : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return or_abort(realloc(p, n ? n : 1));
}
