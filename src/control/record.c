#include "control/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One block of memory: the key, a NUL, the value, a NUL. */
struct record_field {
	char *key; /* owned */
	const char *value;
};

void
record_init(struct record *r)
{
	*r = (struct record){0};
	buf_init(&r->line, RECORD_LINE_MAX);
}

void
record_clear(struct record *r)
{
	for (size_t i = 0; i < r->fields_n; i++)
		free(r->fields[i].key);
	r->fields_n = 0;
	r->too_long = false;
	buf_clear(&r->line);
}

void
record_free(struct record *r)
{
	record_clear(r);
	free(r->fields);
	buf_free(&r->line);
	record_init(r);
}

static bool
key_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

static bool
key_valid(struct str key)
{
	if (key.n == 0 || key.n > RECORD_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (!key_octet(key.p[i]))
			return false;
	return true;
}

/* Octets that stand for themselves in a value. */
static bool
plain_octet(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%';
}

static size_t
encoded_length(struct str value)
{
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++)
		n += plain_octet((unsigned char)value.p[i]) ? 1 : 3;
	return n;
}

static void
encode_value(struct buf *line, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (plain_octet(c))
			buf_add(line, &value.p[i], 1);
		else
			buf_addf(line, "%%%02X", c);
	}
}

/* A new field with room for a value of VALUE_N octets; the room is given. */
static char *
field_new(struct record *r, struct str key, size_t value_n)
{
	struct record_field *f;
	char *block = xmalloc(key.n + 1 + value_n + 1);

	if (r->fields_n == r->fields_cap) {
		r->fields_cap = r->fields_cap ? r->fields_cap * 2 : 16;
		r->fields =
			xrealloc(r->fields, r->fields_cap * sizeof(*r->fields));
	}
	memcpy(block, key.p, key.n);
	block[key.n] = '\0';
	f = &r->fields[r->fields_n++];
	f->key = block;
	f->value = block + key.n + 1;
	return block + key.n + 1;
}

void
record_add(struct record *r, const char *key, const char *value)
{
	struct str k = str_of(key), v = str_of(value);
	size_t need = k.n + 2 + encoded_length(v);
	char *copy;

	assert(key_valid(k));
	if (!value)
		return;
	if (need > buf_room(&r->line) || r->fields_n >= RECORD_FIELDS_MAX) {
		r->too_long = true;
		return;
	}
	if (r->fields_n)
		buf_addz(&r->line, " ");
	buf_adds(&r->line, k);
	buf_addz(&r->line, "=");
	encode_value(&r->line, v);
	copy = field_new(r, k, v.n);
	memcpy(copy, v.p, v.n);
	copy[v.n] = '\0';
}

void
record_addf(struct record *r, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		record_add(r, key, text);
	else
		r->too_long = true;
	free(text);
}

void
record_add_int(struct record *r, const char *key, int64_t value)
{
	record_addf(r, key, "%" PRId64, value);
}

const char *
record_get_nth(const struct record *r, const char *key, size_t i)
{
	for (size_t at = 0; at < r->fields_n; at++)
		if (strcmp(r->fields[at].key, key) == 0 && i-- == 0)
			return r->fields[at].value;
	return NULL;
}

const char *
record_get(const struct record *r, const char *key)
{
	return record_get_nth(r, key, 0);
}

bool
record_at(const struct record *r, size_t i, const char **key_r,
	const char **value_r)
{
	if (i >= r->fields_n)
		return false;
	*key_r = r->fields[i].key;
	*value_r = r->fields[i].value;
	return true;
}

bool
record_get_int(const struct record *r, const char *key, int64_t *value_r)
{
	struct str s = str_of(record_get(r, key));
	bool negative = s.n && s.p[0] == '-';
	uint64_t v;

	if (!str_u64(negative ? str_skip(s, 1) : s, &v) || v > INT64_MAX)
		return false;
	*value_r = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

/* The octet that "%XX" at the front of S stands for; -1: malformed or NUL. */
static int
decode_escape(struct str s)
{
	int high, low;

	if (s.n < 3)
		return -1;
	high = str_hex_digit(s.p[1]);
	low = str_hex_digit(s.p[2]);
	if (high < 0 || low < 0 || (high | low) == 0)
		return -1;
	return high * 16 + low;
}

/* OUT has room for S.n + 1 octets. */
static bool
decode_value(struct str s, char *out)
{
	while (s.n) {
		if (*s.p == '%') {
			int c = decode_escape(s);

			if (c < 0)
				return false;
			*out++ = (char)c;
			s = str_skip(s, 3);
		} else if (plain_octet((unsigned char)*s.p)) {
			*out++ = *s.p;
			s = str_skip(s, 1);
		} else {
			return false;
		}
	}
	*out = '\0';
	return true;
}

static bool
parse_field(struct record *r, struct str field)
{
	struct str value;
	struct str key = str_cut(field, '=', &value);

	if (key.n == field.n || !key_valid(key) ||
		r->fields_n >= RECORD_FIELDS_MAX)
		return false;
	return decode_value(value, field_new(r, key, value.n));
}

bool
record_parse(struct record *r, struct str line)
{
	record_clear(r);
	if (!buf_adds(&r->line, line))
		return false;
	/* A field is at least "k="; one behind the last blank must follow. */
	do {
		struct str field = str_cut(line, ' ', &line);

		if (!parse_field(r, field) ||
			(line.n == 0 && field.p + field.n != line.p)) {
			record_clear(r);
			return false;
		}
	} while (line.n);
	return true;
}
