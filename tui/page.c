#include "tui/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "faces/text.h"

struct page_line {
	char *text; /* clean; owned */
	enum tone tone;
	unsigned indent;
	enum page_about about;
	char *name; /* owned; NULL */
	int64_t id;
};

struct page_piece {
	size_t line;
	size_t offset, n; /* octets of its text */
	unsigned indent;
};

void
page_clear(struct page *p)
{
	for (size_t i = 0; i < p->lines_n; i++) {
		free(p->lines[i].text);
		free(p->lines[i].name);
	}
	p->lines_n = 0;
	p->pieces_n = 0;
}

void
page_free(struct page *p)
{
	page_clear(p);
	free(p->lines);
	free(p->pieces);
	*p = (struct page){0};
}

void
page_add(struct page *p, enum tone tone, unsigned indent, struct str text)
{
	struct buf clean;

	if (p->lines_n >= PAGE_LINES_MAX)
		return;
	if (p->lines_n == p->lines_cap) {
		p->lines_cap = p->lines_cap ? p->lines_cap * 2 : 64;
		p->lines = xrealloc(p->lines, p->lines_cap * sizeof(*p->lines));
	}
	buf_init(&clean, 0);
	text_clean(&clean, text);
	p->lines[p->lines_n++] = (struct page_line){
		.text = str_dup(buf_view(&clean)),
		.tone = tone,
		.indent = indent,
	};
	buf_free(&clean);
}

void
page_addf(struct page *p, enum tone tone, unsigned indent, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = str_vprintf(fmt, ap);
	va_end(ap);
	page_add(p, tone, indent, str_of(text));
	free(text);
}

void
page_about(struct page *p, enum page_about about, const char *name, int64_t id)
{
	struct page_line *line;

	if (p->lines_n == 0 || p->lines_n == PAGE_LINES_MAX)
		return;
	line = &p->lines[p->lines_n - 1];
	free(line->name);
	line->about = about;
	line->name = name ? str_dupz(name) : NULL;
	line->id = id;
}

static void
add_piece(struct page *p, const struct page_piece *piece)
{
	if (p->pieces_n == p->pieces_cap) {
		p->pieces_cap = p->pieces_cap ? p->pieces_cap * 2 : 64;
		p->pieces =
			xrealloc(p->pieces, p->pieces_cap * sizeof(*p->pieces));
	}
	p->pieces[p->pieces_n++] = *piece;
}

/* Octets of REST that go into a row of ROOM columns, at a blank if there is. */
static size_t
fitting(struct str rest, unsigned room)
{
	size_t n = text_front(rest, room).n, blank = n;

	if (n == rest.n)
		return n;
	while (blank > 0 && rest.p[blank] != ' ')
		blank--;
	if (blank > 0)
		return blank;
	return n ? n : 1;
}

static void
wrap_line(struct page *p, size_t i, unsigned width)
{
	struct str rest = str_of(p->lines[i].text);
	struct page_piece piece = {.line = i};

	do {
		unsigned room = width > piece.indent ? width - piece.indent : 1;

		piece.n = width ? fitting(rest, room) : rest.n;
		add_piece(p, &piece);
		rest = str_skip(rest, piece.n);
		piece.offset += piece.n;
		while (rest.n && rest.p[0] == ' ') {
			rest = str_skip(rest, 1);
			piece.offset++;
		}
		piece.indent = p->lines[i].indent;
		if (piece.indent > width / 2)
			piece.indent = width / 2;
	} while (rest.n);
}

void
page_wrap(struct page *p, unsigned width)
{
	p->pieces_n = 0;
	for (size_t i = 0; i < p->lines_n; i++)
		wrap_line(p, i, width);
}

void
page_row(const struct page *p, size_t i, struct row *out)
{
	const struct page_piece *piece = &p->pieces[i];
	const struct page_line *line = &p->lines[piece->line];

	out->tone = line->tone;
	row_cellf(out, "%*s%.*s", (int)piece->indent, "", (int)piece->n,
		line->text + piece->offset);
}

enum page_about
page_what(const struct page *p, size_t i, const char **name_r, int64_t *id_r)
{
	const struct page_line *line;

	*name_r = NULL;
	*id_r = 0;
	if (i >= p->pieces_n)
		return ABOUT_NOTHING;
	line = &p->lines[p->pieces[i].line];
	*name_r = line->name;
	*id_r = line->id;
	return line->about;
}
