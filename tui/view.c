#include "tui/view.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "faces/text.h"

enum { GAP = 1 };

/* --- rows --- */

void
row_init(struct row *r)
{
	*r = (struct row){.n = 0};
	for (size_t i = 0; i < VIEW_COLUMNS_MAX; i++)
		buf_init(&r->cells[i], 0);
}

void
row_empty(struct row *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_clear(&r->cells[i]);
	r->n = 0;
	r->tone = TONE_PLAIN;
	r->marked = false;
}

void
row_free(struct row *r)
{
	for (size_t i = 0; i < VIEW_COLUMNS_MAX; i++)
		buf_free(&r->cells[i]);
}

void
row_cell(struct row *r, const char *text)
{
	if (r->n < VIEW_COLUMNS_MAX)
		text_clean(&r->cells[r->n++], str_of(text));
}

void
row_cellf(struct row *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = str_vprintf(fmt, ap);
	va_end(ap);
	row_cell(r, text);
	free(text);
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

bool
text_has(struct str text, struct str word)
{
	for (size_t i = 0; i + word.n <= text.n; i++) {
		size_t k = 0;

		while (k < word.n && same_letter(text.p[i + k], word.p[k]))
			k++;
		if (k == word.n)
			return true;
	}
	return false;
}

bool
row_has(const struct row *r, const char *words)
{
	struct str rest = str_of(words);

	while (rest.n) {
		struct str word = str_cut(rest, ' ', &rest);
		bool found = word.n == 0;

		for (size_t i = 0; i < r->n && !found; i++)
			found = text_has(buf_view(&r->cells[i]), word);
		if (!found)
			return false;
	}
	return true;
}

/* --- views --- */

struct view *
view_new(struct console *c, const struct view_ops *ops, const void *arg,
	struct view *below)
{
	struct view *v = xcalloc(1, sizeof(*v));

	v->ops = ops;
	v->c = c;
	v->below = below;
	v->data = xcalloc(1, ops->data_size ? ops->data_size : 1);
	if (ops->open)
		ops->open(v, arg);
	return v;
}

void
view_free(struct view *v)
{
	while (v) {
		struct view *below = v->below;

		if (v->ops->close)
			v->ops->close(v);
		free(v->data);
		free(v);
		v = below;
	}
}

void
view_row(struct view *v, size_t i, struct row *out)
{
	row_empty(out);
	if (i < v->ops->rows(v))
		v->ops->row(v, i, out);
}

void
view_settle(struct view *v, size_t height)
{
	size_t rows = v->ops->rows(v);
	size_t most = rows > height ? rows - height : 0;

	if (v->cursor >= rows)
		v->cursor = rows ? rows - 1 : 0;
	if (v->top > v->cursor)
		v->top = v->cursor;
	if (height && v->cursor >= v->top + height)
		v->top = v->cursor - height + 1;
	if (v->top > most)
		v->top = most;
}

static void
move_by(struct view *v, size_t n, bool down)
{
	size_t rows = v->ops->rows(v);

	if (down)
		v->cursor = rows - v->cursor > n ? v->cursor + n
			    : rows		 ? rows - 1
						 : 0;
	else
		v->cursor = v->cursor > n ? v->cursor - n : 0;
}

bool
view_move(struct view *v, enum tui_request r, size_t height)
{
	size_t page = height > 1 ? height - 1 : 1;

	view_settle(v, height);
	switch (r) {
	case REQUEST_DOWN:
	case REQUEST_UP:
		move_by(v, 1, r == REQUEST_DOWN);
		break;
	case REQUEST_PAGE_DOWN:
	case REQUEST_PAGE_UP:
		move_by(v, page, r == REQUEST_PAGE_DOWN);
		v->top = r == REQUEST_PAGE_DOWN ? v->top + page
			 : v->top > page	? v->top - page
						: 0;
		break;
	case REQUEST_FIRST:
		v->cursor = 0;
		break;
	case REQUEST_LAST:
		move_by(v, SIZE_MAX / 2, true);
		break;
	default:
		return false;
	}
	view_settle(v, height);
	return true;
}

/* --- columns --- */

static unsigned
needed(const struct view_ops *ops, const unsigned *widths)
{
	unsigned sum = 0;

	for (size_t i = 0; i < ops->columns_n; i++)
		if (widths[i])
			sum += widths[i] + GAP;
	return sum ? sum - GAP : 0;
}

/* Leaves out the column that can be spared most. False: none can. */
static bool
leave_out(const struct view_ops *ops, unsigned *widths)
{
	size_t worst = ops->columns_n;

	for (size_t i = 0; i < ops->columns_n; i++)
		if (widths[i] && ops->columns[i].drop &&
			(worst == ops->columns_n ||
				ops->columns[i].drop >
					ops->columns[worst].drop))
			worst = i;
	if (worst == ops->columns_n)
		return false;
	widths[worst] = 0;
	return true;
}

/* Gives what is left of WIDTH to the columns that can use it. */
static void
share(const struct view_ops *ops, unsigned width, unsigned *widths)
{
	unsigned left = width - needed(ops, widths), flex = 0;

	for (size_t i = 0; i < ops->columns_n; i++)
		flex += widths[i] ? ops->columns[i].flex : 0;
	for (size_t i = 0; i < ops->columns_n && flex; i++) {
		unsigned part;

		if (!widths[i] || !ops->columns[i].flex)
			continue;
		part = left * ops->columns[i].flex / flex;
		widths[i] += part;
		left -= part;
		flex -= ops->columns[i].flex;
	}
}

void
view_widths(const struct view_ops *ops, unsigned width,
	unsigned widths_r[VIEW_COLUMNS_MAX])
{
	for (size_t i = 0; i < ops->columns_n; i++)
		widths_r[i] = ops->columns[i].width;
	while (needed(ops, widths_r) > width && leave_out(ops, widths_r))
		;
	if (needed(ops, widths_r) < width)
		share(ops, width, widths_r);
}
