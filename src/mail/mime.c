#include "mail/mime.h"

#include <string.h>

#include "mail/header.h"

struct walk {
	mime_each *each;
	void *arg;
	unsigned parts_n;
	unsigned alternatives;
};

struct str
mime_header(struct str message, struct str *body_r)
{
	struct str rest = message, field, header;

	while (header_field_next(&rest, &field))
		;
	header = (struct str){message.p, message.n - rest.n};
	str_cut(rest, '\n', body_r); /* the empty line */
	return header;
}

/* --- Content-Type and its parameters --- */

static void
copy_front(char *out, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	memcpy(out, s.p, n);
	out[n] = '\0';
}

/* A value with or without quotes at the front of *S, which moves behind it. */
static void
take_value(struct str *s, char *out, size_t size)
{
	size_t n = 0, i = 0;
	bool quoted = s->n && s->p[0] == '"';

	for (i = quoted; i < s->n; i++) {
		char c = s->p[i];

		if (quoted ? c == '"' : c == ';')
			break;
		if (quoted && c == '\\' && i + 1 < s->n)
			c = s->p[++i];
		if (n + 1 < size && c != '\r' && c != '\n')
			out[n++] = c;
	}
	while (!quoted && n && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	out[n] = '\0';
	str_cut(str_skip(*s, i), ';', s);
}

static struct str
skip_space(struct str s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s = str_skip(s, 1);
	return s;
}

/* Parameter NAME of FIELD ("text/plain; charset=utf-8"); "": there is none. */
static void
parameter(struct str field, struct str name, char *out, size_t size)
{
	struct str rest;

	out[0] = '\0';
	str_cut(field, ';', &rest);
	while (rest.n) {
		struct str key = skip_space(rest), value;
		char *to = out;
		char ignored[1];

		key = str_trim(str_cut(key, '=', &value));
		value = skip_space(value);
		if (!str_eq_nocase(key, name))
			to = ignored;
		take_value(&value, to, to == out ? size : sizeof(ignored));
		if (to == out)
			return;
		rest = value;
	}
}

static void
read_type(struct mime_part *p, struct str field)
{
	struct str rest;
	struct str type = str_trim(skip_space(str_cut(field, ';', &rest)));

	while (type.n && strchr("\r\n", type.p[type.n - 1]))
		type.n--;
	copy_front(p->type, sizeof(p->type), str_trim(type));
	str_lower(p->type);
	if (!strchr(p->type, '/'))
		strcpy(p->type, "text/plain");
}

void
mime_read_header(struct mime_part *p)
{
	struct str type = header_find(p->header, STR("Content-Type"));
	struct str how =
		header_find(p->header, STR("Content-Transfer-Encoding"));
	struct str line, rest;

	read_type(p, type);
	parameter(type, STR("charset"), p->charset, sizeof(p->charset));
	parameter(header_find(p->header, STR("Content-Disposition")),
		STR("filename"), p->name, sizeof(p->name));
	if (!p->name[0])
		parameter(type, STR("name"), p->name, sizeof(p->name));
	line = str_cut(skip_space(how), '\r', &rest);
	p->how = decode_transfer_name(str_cut(line, '\n', &rest));
}

void
mime_parameter(struct str header, struct str name, char *out, size_t size)
{
	parameter(header_find(header, STR("Content-Type")), name, out, size);
}

/* --- the walk --- */

static void walk_part(
	struct walk *w, struct str part, unsigned depth, unsigned alternative);

bool
mime_is_boundary(struct str line, struct str boundary, bool *last_r)
{
	struct str rest;

	if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
		memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return false;
	rest = str_skip(line, boundary.n + 2);
	*last_r = rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-';
	if (*last_r)
		rest = str_skip(rest, 2);
	while (rest.n && strchr(" \t\r", rest.p[0]) && rest.p[0])
		rest = str_skip(rest, 1);
	return rest.n == 0;
}

/* What stands before the line end that belongs to the boundary. */
static struct str
without_end(const char *from, const char *to)
{
	size_t n = (size_t)(to - from);

	if (n && from[n - 1] == '\n')
		n--;
	if (n && from[n - 1] == '\r')
		n--;
	return (struct str){from, n};
}

static void
walk_multipart(struct walk *w, const struct mime_part *p, struct str boundary,
	unsigned depth)
{
	unsigned alternative = 0;
	const char *from = NULL;
	struct str rest = p->body;
	bool last = false;

	if (strcmp(p->type, "multipart/alternative") == 0)
		alternative = ++w->alternatives;
	while (rest.n && !last) {
		struct str line = str_cut(rest, '\n', &rest);

		if (!mime_is_boundary(line, boundary, &last))
			continue;
		if (from)
			walk_part(w, without_end(from, line.p), depth + 1,
				alternative);
		from = rest.p;
	}
	if (from && !last) /* cut off */
		walk_part(w, without_end(from, rest.p), depth + 1, alternative);
}

static void
walk_part(struct walk *w, struct str part, unsigned depth, unsigned alternative)
{
	struct mime_part p = {.alternative = alternative};
	char boundary[MIME_BOUNDARY_MAX + 2];
	bool deeper = depth < MIME_DEPTH_MAX;

	if (w->parts_n++ >= MIME_PARTS_MAX)
		return;
	p.header = mime_header(part, &p.body);
	mime_read_header(&p);
	mime_parameter(p.header, STR("boundary"), boundary, sizeof(boundary));
	if (deeper && strncmp(p.type, "multipart/", 10) == 0 && boundary[0]) {
		walk_multipart(w, &p, str_of(boundary), depth);
	} else if (deeper && strcmp(p.type, "message/rfc822") == 0 &&
		   p.how == TRANSFER_NONE) {
		struct str inner = p.body, body;

		p.nested = true;
		p.header = mime_header(inner, &body);
		w->each(w->arg, &p);
		walk_part(w, inner, depth + 1, alternative);
	} else {
		w->each(w->arg, &p);
	}
}

void
mime_walk(struct str message, mime_each *each, void *arg)
{
	struct walk w = {.each = each, .arg = arg};

	walk_part(&w, message, 0, 0);
}
