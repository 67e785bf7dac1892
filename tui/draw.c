#include "tui/draw.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "faces/text.h"

enum {
	LAST_LINES = 2,	     /* hints, and what is said or asked */
	ASKED_LINES_MAX = 5, /* a question may go over so many */
	FOOT_FROM_ROWS = 10, /* below, no lines about the row in hand */
	FULL_FOOT_ROWS = 20,
	HOST_FROM_COLUMNS = 72,
};

static unsigned
foot_lines(const struct console *c)
{
	unsigned rows = screen_rows(c->screen);

	if (!c->view->ops->foot || rows < FOOT_FROM_ROWS)
		return 0;
	return rows < FULL_FOOT_ROWS ? VIEW_FOOT_MAX - 1u : VIEW_FOOT_MAX;
}

size_t
draw_height(const struct console *c)
{
	unsigned used, rows;

	if (!c->screen)
		return 1;
	rows = screen_rows(c->screen);
	used = 1 + (c->view->ops->columns ? 1u : 0) + foot_lines(c) +
	       LAST_LINES;
	return rows > used ? rows - used : 1;
}

unsigned
draw_width(const struct console *c)
{
	return c->screen ? screen_columns(c->screen) : 0;
}

/* --- the bar --- */

/* What keeps us from knowing all; "": nothing. */
static const char *
trouble(const struct console *c)
{
	if (!c->asked_once)
		return "asking";
	if (c->daemon_why[0])
		return c->denied ? "NO ACCESS" : "NO ANSWER";
	if (!console_running(c))
		return "NOT RUNNING";
	return "";
}

static void
right_end(const struct console *c, struct buf *out)
{
	char time[CLOCK_TEXT_MAX];
	const char *word = trouble(c);

	clock_rfc3339(console_now(), time);
	if (screen_columns(c->screen) >= HOST_FROM_COLUMNS)
		text_clean(out, str_of(c->conf->hostname));
	buf_addf(out, "%s%s%s%.5sZ ", out->len ? "  " : " ", word,
		*word ? "  " : "", strchr(time, 'T') + 1);
}

static void
draw_bar(struct console *c)
{
	unsigned columns = screen_columns(c->screen), wide;
	struct buf raw, left, right;

	buf_init(&raw, 0);
	buf_init(&left, 0);
	buf_init(&right, 0);
	buf_addf(&raw, " %s", c->view->ops->name);
	if (c->view->ops->title) {
		buf_addz(&raw, "  ");
		c->view->ops->title(c->view, &raw);
	}
	text_clean(&left, buf_view(&raw));
	right_end(c, &right);
	wide = text_columns(buf_view(&right));
	if (wide + 1 > columns)
		wide = columns - 1;
	screen_put(
		c->screen, 0, 0, columns - wide, TONE_TITLE, buf_view(&left));
	screen_put(c->screen, 0, columns - wide, wide, TONE_TITLE,
		buf_view(&right));
	buf_free(&raw);
	buf_free(&left);
	buf_free(&right);
}

/* --- rows --- */

/* TEXT at the right end of its cell. */
static void
put_right(struct screen *s, unsigned row, unsigned column, unsigned width,
	enum tone tone, struct str text)
{
	unsigned wide = text_columns(text);
	unsigned pad = wide < width ? width - wide : 0;

	screen_put(s, row, column, pad, tone, STR(""));
	screen_put(s, row, column + pad, width - pad, tone, text);
}

static void
draw_cells(struct console *c, unsigned line, const unsigned *widths,
	const struct row *r, enum tone tone)
{
	const struct view_ops *ops = c->view->ops;
	unsigned column = 0;

	/* the whole line has the tone, the gaps too */
	screen_put(
		c->screen, line, 0, screen_columns(c->screen), tone, STR(""));
	for (size_t i = 0; i < ops->columns_n && i < r->n; i++) {
		struct str text = buf_view(&r->cells[i]);

		if (!widths[i])
			continue;
		if (ops->columns[i].right)
			put_right(
				c->screen, line, column, widths[i], tone, text);
		else
			screen_put(
				c->screen, line, column, widths[i], tone, text);
		column += widths[i] + 1;
	}
}

static void
draw_titles(struct console *c, unsigned line, const unsigned *widths)
{
	const struct view_ops *ops = c->view->ops;
	struct row titles;

	row_init(&titles);
	for (size_t i = 0; i < ops->columns_n; i++)
		row_cell(&titles, ops->columns[i].title);
	draw_cells(c, line, widths, &titles, TONE_HEAD);
	row_free(&titles);
}

static void
draw_row(struct console *c, unsigned line, const unsigned *widths,
	const struct row *r, bool in_hand)
{
	enum tone tone = in_hand     ? TONE_CURSOR
			 : r->marked ? TONE_MARK
				     : r->tone;

	if (c->view->ops->columns)
		draw_cells(c, line, widths, r, tone);
	else
		screen_put(c->screen, line, 0, screen_columns(c->screen), tone,
			buf_view(&r->cells[0]));
}

static void
draw_rows(struct console *c, unsigned line, size_t height)
{
	struct view *v = c->view;
	unsigned widths[VIEW_COLUMNS_MAX] = {0};
	struct row row;

	view_widths(v->ops, screen_columns(c->screen), widths);
	if (v->ops->columns)
		draw_titles(c, line++, widths);
	if (v->ops->prepare)
		v->ops->prepare(v, v->top, height);
	row_init(&row);
	for (size_t i = 0; i < height && v->top + i < v->ops->rows(v); i++) {
		view_row(v, v->top + i, &row);
		draw_row(c, line + (unsigned)i, widths, &row,
			v->top + i == v->cursor);
	}
	row_free(&row);
}

/* Octets of TEXT for one row, and *SKIP_R blanks behind them. */
static size_t
line_of(struct str text, unsigned columns, size_t *skip_r)
{
	size_t n = text_front(text, columns).n, at = n;

	*skip_r = 0;
	if (n == text.n)
		return n;
	while (at && text.p[at] != ' ')
		at--;
	if (at == 0)
		return n ? n : 1;
	*skip_r = 1;
	return at;
}

static void
draw_foot(struct console *c, unsigned line)
{
	unsigned lines = foot_lines(c), columns = screen_columns(c->screen);
	struct buf raw, clean;
	struct str text;

	if (lines == 0)
		return;
	buf_init(&raw, 0);
	buf_init(&clean, 0);
	c->view->ops->foot(c->view, &raw);
	text_clean(&clean, buf_view(&raw));
	text = buf_view(&clean);
	for (unsigned i = 0; i < lines && text.n; i++) {
		size_t skip, n = line_of(text, columns, &skip);

		if (i + 1 == lines)
			n = text.n; /* what does not fit is cut */
		screen_put(c->screen, line + i, 0, columns, TONE_DIM,
			(struct str){text.p, n});
		text = str_skip(text, n + skip);
	}
	buf_free(&raw);
	buf_free(&clean);
}

/* --- the last lines --- */

/* TEXT upward from the last row, over as many as it needs. */
static void
draw_text(struct console *c, enum tone tone, struct str text, bool cursor)
{
	unsigned rows = screen_rows(c->screen), n = 0;
	unsigned columns = screen_columns(c->screen);
	struct str lines[ASKED_LINES_MAX];
	unsigned column;

	while (text.n && n < ASKED_LINES_MAX) {
		size_t skip, octets = line_of(text, columns - 1, &skip);

		lines[n++] = (struct str){text.p, octets};
		text = str_skip(text, octets + skip);
	}
	for (unsigned i = 0; i < n && n <= rows; i++)
		screen_put(c->screen, rows - n + i, 0, columns, tone, lines[i]);
	if (!cursor)
		return;
	column = n ? text_columns(lines[n - 1]) : 0;
	screen_cursor(c->screen, rows - 1, column);
}

static void
draw_prompt(struct console *c)
{
	const struct prompt *p = &c->prompt;
	struct buf text;

	buf_init(&text, 0);
	if (p->yes_no)
		buf_addf(&text, "%s %s ", p->question, p->label);
	else
		buf_addf(&text, "%s %s", p->label, p->input);
	draw_text(c, TONE_HEAD, buf_view(&text), true);
	buf_free(&text);
}

static void
draw_last(struct console *c)
{
	unsigned rows = screen_rows(c->screen);
	const char *hints = c->view->ops->hints;

	if (rows > LAST_LINES)
		screen_put(c->screen, rows - LAST_LINES, 0,
			screen_columns(c->screen), TONE_HEAD,
			str_of(hints ? hints : ""));
	if (c->prompt.label)
		draw_prompt(c);
	else if (c->searching.view)
		draw_text(c, TONE_DIM, STR("searching ..."), false);
	else if (c->work)
		draw_text(c, TONE_DIM, STR("working ..."), false);
	else
		draw_text(c, c->note_tone, str_of(c->note), false);
}

void
draw(struct console *c)
{
	size_t height = draw_height(c);
	unsigned columns = c->view->ops->columns ? 1 : 0;

	screen_clear(c->screen);
	view_settle(c->view, height);
	draw_bar(c);
	draw_rows(c, 1, height);
	draw_foot(c, 1 + columns + (unsigned)height);
	draw_last(c);
}
