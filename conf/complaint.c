#include "conf/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EXCERPT_MAX = 160,   /* octets of a line that are shown */
	EXCERPT_BEFORE = 60, /* of them before the caret, in a longer line */
};

static char *text_of(const char *fmt, va_list ap)
	__attribute__((format(printf, 1, 0)));

static char *
text_of(const char *fmt, va_list ap)
{
	char *z = NULL;

	if (vasprintf(&z, fmt, ap) < 0)
		return str_dupz("out of memory");
	return z;
}

void
complain(struct complaints *c, enum complaint_kind kind, const struct place *at,
	const char *fmt, ...)
{
	const struct source *s = at ? at->source : NULL;
	struct complaint *it;
	va_list ap;

	if (kind == COMPLAINT_ERROR)
		c->errors++;
	if (c->n >= COMPLAINTS_MAX)
		return;
	c->v = xrealloc(c->v, (c->n + 1) * sizeof(*c->v));
	it = &c->v[c->n++];
	*it = (struct complaint){.kind = kind};
	it->file = str_dupz(s ? s->file : "");
	if (s && at->line) {
		it->line = at->line;
		it->column = at->column;
		it->source = str_dup(source_line(s, at->line));
	}
	va_start(ap, fmt);
	it->text = text_of(fmt, ap);
	va_end(ap);
}

static void
complaint_clear(struct complaint *it)
{
	free(it->file);
	free(it->source);
	free(it->text);
}

void
complaints_free(struct complaints *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		complaint_clear(&c->v[i]);
	free(c->v);
	*c = (struct complaints){0};
}

static int
compare(const struct complaint *a, const struct complaint *b, const char *first)
{
	int by_file = strcmp(a->file, b->file);

	if (by_file && strcmp(a->file, first) == 0)
		return -1;
	if (by_file && strcmp(b->file, first) == 0)
		return 1;
	if (by_file)
		return by_file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

/* Stable; there are never many. */
void
complaints_sort(struct complaints *c, const char *first)
{
	for (size_t i = 1; i < c->n; i++) {
		struct complaint it = c->v[i];
		size_t j = i;

		for (; j && compare(&c->v[j - 1], &it, first) > 0; j--)
			c->v[j] = c->v[j - 1];
		c->v[j] = it;
	}
}

/* Control octets would play with the terminal of whoever reads this. */
static void
add_harmless(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char o = (unsigned char)s.p[i];

		if ((o < 0x20 && o != '\t') || o == 0x7f)
			buf_addz(out, "?");
		else
			buf_add(out, &s.p[i], 1);
	}
}

/* One blank for each character before the caret; a tab stays a tab. */
static void
add_caret(struct buf *out, struct str before)
{
	for (size_t i = 0; i < before.n; i++) {
		unsigned char o = (unsigned char)before.p[i];

		if (o == '\t')
			buf_addz(out, "\t");
		else if ((o & 0xc0) != 0x80)
			buf_addz(out, " ");
	}
	buf_addz(out, "^\n");
}

static void
add_excerpt(struct buf *out, const struct complaint *c)
{
	struct str line = str_of(c->source);
	size_t before = c->column ? c->column - 1 : 0;
	size_t cut = 0;

	if (before > line.n)
		before = line.n;
	if (line.n > EXCERPT_MAX && before > EXCERPT_BEFORE)
		cut = before - EXCERPT_BEFORE;
	line = str_skip(line, cut);
	before -= cut;
	if (line.n > EXCERPT_MAX)
		line.n = EXCERPT_MAX;
	buf_addz(out, "    ");
	add_harmless(out, line);
	buf_addz(out, "\n");
	if (c->column) {
		buf_addz(out, "    ");
		add_caret(out, (struct str){line.p, before});
	}
}

void
complaint_format(const struct complaint *c, struct buf *out)
{
	if (c->file[0])
		buf_addf(out, "%s:", c->file);
	if (c->line)
		buf_addf(out, "%u:", c->line);
	if (c->file[0])
		buf_addz(out, " ");
	buf_addf(out, "%s: ", c->kind == COMPLAINT_ERROR ? "error" : "warning");
	add_harmless(out, str_of(c->text));
	buf_addz(out, "\n");
	if (c->source)
		add_excerpt(out, c);
}
