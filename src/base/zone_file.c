/* Zones: reading the files of the time zone database (TZif, RFC 9636 3). */
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEADER = 44,
	COUNTS_AT = 20,
	TYPE_OCTETS = 6, /* offset, is it summer time, name */
	VERSION_1 = '\0',
	VERSION_2 = '2',
};

struct counts {
	uint32_t is_utc, is_standard, leaps, times, types, chars;
};

static uint64_t
big_endian(const char *p, size_t octets)
{
	uint64_t n = 0;

	for (size_t i = 0; i < octets; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

/* 3.1: the header; what follows it stays in *s. */
static bool
read_header(struct str *s, char *version_r, struct counts *c)
{
	uint32_t *const counts[] = {&c->is_utc, &c->is_standard, &c->leaps,
		&c->times, &c->types, &c->chars};

	if (s->n < HEADER || memcmp(s->p, "TZif", 4) != 0)
		return false;
	*version_r = s->p[4];
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		*counts[i] = (uint32_t)big_endian(s->p + COUNTS_AT + 4 * i, 4);
	*s = str_skip(*s, HEADER);
	return *version_r == VERSION_1 || *version_r >= VERSION_2;
}

/* 3.2: octets of a data block whose times have TIME_OCTETS. */
static uint64_t
block_octets(const struct counts *c, size_t time_octets)
{
	return (uint64_t)c->times * (time_octets + 1) +
	       (uint64_t)c->types * TYPE_OCTETS + c->chars +
	       (uint64_t)c->leaps * (time_octets + 4) + c->is_standard +
	       c->is_utc;
}

static bool
read_offset(const char *types, const struct counts *c, size_t type,
	int64_t *offset_r)
{
	if (type >= c->types)
		return false;
	*offset_r =
		(int32_t)(uint32_t)big_endian(types + type * TYPE_OCTETS, 4);
	return *offset_r <= ZONE_OFFSET_MAX_S &&
	       *offset_r >= -ZONE_OFFSET_MAX_S;
}

static enum err_code
read_changes(struct zone *z, const char *times, const struct counts *c,
	size_t time_octets, struct err *e)
{
	const char *which = times + c->times * time_octets;
	const char *types = which + c->times;

	if (!read_offset(types, c, 0, &z->first_s))
		return err_set(e, ERR_INVALID, "an offset is wrong");
	z->changes = xcalloc(c->times, sizeof(*z->changes));
	for (size_t i = 0; i < c->times; i++) {
		struct zone_change *to = &z->changes[i];
		uint64_t at = big_endian(times + i * time_octets, time_octets);

		to->at = time_octets == 4 ? (int32_t)(uint32_t)at : (int64_t)at;
		if (i && to->at <= z->changes[i - 1].at)
			return err_set(
				e, ERR_INVALID, "its changes are not in order");
		if (!read_offset(
			    types, c, (unsigned char)which[i], &to->offset_s))
			return err_set(e, ERR_INVALID, "an offset is wrong");
		z->changes_n = i + 1;
	}
	return OK;
}

static enum err_code
read_block(struct zone *z, struct str *s, const struct counts *c,
	size_t time_octets, struct err *e)
{
	uint64_t octets = block_octets(c, time_octets);
	const char *p = s->p;

	if (octets > s->n)
		return err_set(e, ERR_INVALID, "it is cut off");
	if (c->times > ZONE_CHANGES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d changes",
			(int)ZONE_CHANGES_MAX);
	if (c->leaps)
		return err_set(e, ERR_INVALID,
			"it counts leap seconds, which clocks here do not");
	*s = str_skip(*s, (size_t)octets);
	return read_changes(z, p, c, time_octets, e);
}

/* 3.3: the rule for what comes after the last change; it may be empty. */
static enum err_code
read_footer(struct zone *z, struct str s, struct err *e)
{
	struct zone rule;
	struct str text, rest;
	enum err_code rc;

	if (s.n < 2 || s.p[0] != '\n' || !memchr(s.p + 1, '\n', s.n - 1))
		return err_set(e, ERR_INVALID, "it is cut off");
	text = str_cut(str_skip(s, 1), '\n', &rest);
	if (text.n == 0)
		return OK;
	rc = zone_parse_rule(&rule, text, e);
	z->has_rule = rc == OK;
	z->rule = rule.rule;
	return rc;
}

static enum err_code
read_all(struct zone *z, struct str s, struct err *e)
{
	struct counts c;
	char version;
	enum err_code rc;

	if (!read_header(&s, &version, &c))
		return err_set(e, ERR_INVALID, "it is no zone file");
	if (version == VERSION_1)
		return read_block(z, &s, &c, 4, e);
	if (block_octets(&c, 4) > s.n)
		return err_set(e, ERR_INVALID, "it is cut off");
	s = str_skip(s, (size_t)block_octets(&c, 4));
	if (!read_header(&s, &version, &c) || version == VERSION_1)
		return err_set(e, ERR_INVALID, "it is cut off");
	rc = read_block(z, &s, &c, 8, e);
	return rc == OK ? read_footer(z, s, e) : rc;
}

enum err_code
zone_parse_file(struct zone *z, struct str octets, struct err *e)
{
	enum err_code rc;

	*z = (struct zone){.first_s = 0};
	rc = read_all(z, octets, e);
	if (rc != OK)
		zone_clear(z);
	return rc;
}
