#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "faces/text.h"

static const char gap[] = "  ";
static const unsigned gap_n = sizeof(gap) - 1;

struct table {
	FILE *to;
	const struct table_column *columns;
	size_t n;
	struct buf cells[TABLE_PAGE * TABLE_COLUMNS_MAX];    /* clean */
	enum colour colours[TABLE_PAGE * TABLE_COLUMNS_MAX]; /* of them */
	unsigned widths[TABLE_COLUMNS_MAX];
	bool hidden[TABLE_COLUMNS_MAX];
	size_t cells_n; /* held */
	size_t rows;
	bool started; /* the titles are out, the widths are settled */
};

/* A line that is being made; a part of it may have a colour. */
struct line {
	struct buf text;
	size_t from, to; /* the part */
	enum colour colour;
};

struct table *
table_new(FILE *to, const struct table_column *columns, size_t n)
{
	struct table *t = xcalloc(1, sizeof(*t));

	assert(n > 0 && n <= TABLE_COLUMNS_MAX);
	t->to = to;
	t->columns = columns;
	t->n = n;
	return t;
}

static void
add_to_page(struct table *t, const char *text, enum colour colour)
{
	struct buf *cell = &t->cells[t->cells_n];

	t->colours[t->cells_n++] = colour;
	buf_clear(cell);
	text_clean(cell, str_of(text && *text ? text : "-"));
	if (t->cells_n % t->n == 0)
		t->rows++;
	if (t->cells_n == t->n * TABLE_PAGE)
		table_flush(t);
}

void
table_cell(struct table *t, const char *text)
{
	add_to_page(t, text, COLOUR_PLAIN);
}

void
table_state(struct table *t, const char *text)
{
	add_to_page(t, text, colour_of_state(text));
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = str_vprintf(fmt, ap);
	va_end(ap);
	table_cell(t, text);
	free(text);
}

static unsigned
row_width(const struct table *t)
{
	unsigned width = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!t->hidden[i])
			width += t->widths[i] + gap_n;
	return width - gap_n;
}

/* Leaves out the last column that can be spared. False: none can. */
static bool
spare(struct table *t)
{
	for (size_t i = t->n; i-- > 0;)
		if (t->columns[i].spare && !t->hidden[i]) {
			t->hidden[i] = true;
			return true;
		}
	return false;
}

/* Takes one column off the widest that may be cut. False: none may. */
static bool
narrow(struct table *t)
{
	size_t widest = t->n;

	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].cut && !t->hidden[i] &&
			t->widths[i] > TABLE_LEAST &&
			(widest == t->n || t->widths[i] > t->widths[widest]))
			widest = i;
	if (widest == t->n)
		return false;
	t->widths[widest]--;
	return true;
}

static void
settle_widths(struct table *t)
{
	unsigned room = text_terminal_columns();

	for (size_t i = 0; i < t->n; i++)
		t->widths[i] = text_columns(str_of(t->columns[i].title));
	for (size_t i = 0; i < t->cells_n; i++) {
		unsigned width = text_columns(buf_view(&t->cells[i]));

		if (width > t->widths[i % t->n])
			t->widths[i % t->n] = width;
	}
	while (room && row_width(t) > room && (spare(t) || narrow(t)))
		;
}

static void
add_blanks(struct buf *line, unsigned n)
{
	while (n--)
		buf_addz(line, " ");
}

static void
add_cell(const struct table *t, size_t column, struct str text,
	enum colour colour, struct line *l)
{
	struct buf *line = &l->text;
	unsigned width = t->widths[column];
	unsigned columns = text_columns(text);
	bool cut = columns > width && text_on_terminal();
	unsigned pad;

	if (t->hidden[column])
		return;
	if (cut) {
		text = text_front(text, width - 1);
		columns = text_columns(text) + 1;
	}
	pad = columns < width ? width - columns : 0;
	if (t->columns[column].right)
		add_blanks(line, pad);
	if (colour != COLOUR_PLAIN) {
		l->colour = colour;
		l->from = line->len;
		l->to = line->len + text.n;
	}
	buf_adds(line, text);
	if (cut)
		buf_addz(line, "~");
	if (!t->columns[column].right && column + 1 < t->n)
		add_blanks(line, pad);
	if (column + 1 < t->n)
		buf_addz(line, gap);
}

static struct str
part(struct str s, size_t from, size_t to)
{
	to = to < s.n ? to : s.n;
	return from < to ? (struct str){s.p + from, to - from}
			 : (struct str){s.p + to, 0};
}

/* A terminal too narrow for the rest cuts the line itself. */
static void
print_line(const struct table *t, struct line *l)
{
	struct str view = buf_view(&l->text);

	if (text_on_terminal())
		view = text_front(view, text_terminal_columns());
	while (view.n && view.p[view.n - 1] == ' ')
		view.n--;
	colour_print(t->to, COLOUR_PLAIN, part(view, 0, l->from));
	colour_print(t->to, l->colour, part(view, l->from, l->to));
	colour_print(t->to, COLOUR_PLAIN, part(view, l->to, view.n));
	fputc('\n', t->to);
	buf_clear(&l->text);
	l->from = l->to = 0;
	l->colour = COLOUR_PLAIN;
}

void
table_flush(struct table *t)
{
	struct line line = {.colour = COLOUR_PLAIN};

	assert(t->cells_n % t->n == 0);
	if (t->cells_n == 0)
		return;
	buf_init(&line.text, 0);
	if (!t->started) {
		settle_widths(t);
		for (size_t i = 0; i < t->n; i++)
			add_cell(t, i, str_of(t->columns[i].title),
				COLOUR_PLAIN, &line);
		print_line(t, &line);
		t->started = true;
	}
	for (size_t i = 0; i < t->cells_n; i++) {
		add_cell(t, i % t->n, buf_view(&t->cells[i]), t->colours[i],
			&line);
		if ((i + 1) % t->n == 0)
			print_line(t, &line);
	}
	t->cells_n = 0;
	buf_free(&line.text);
	fflush(t->to);
}

size_t
table_rows(const struct table *t)
{
	return t->rows;
}

void
table_end(struct table *t)
{
	if (!t)
		return;
	table_flush(t);
	for (size_t i = 0; i < TABLE_PAGE * TABLE_COLUMNS_MAX; i++)
		buf_free(&t->cells[i]);
	free(t);
}
