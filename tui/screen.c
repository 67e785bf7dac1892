#include "tui/screen.h"

#include <ncurses.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "faces/text.h"
#include "base/utf8.h"

enum {
	CELL_TEXT_MAX = 23, /* a character and what combines with it */
	/* What a run costs besides its text: moving there, tones on and off. */
	RUN_MOVE = 20,
	RUN_TONE = 16,
	SHOW_END = 8,
	ESCAPE_MS = 300, /* a sequence of three octets at 1,200 baud: 25 ms */
};

struct cell {
	char text[CELL_TEXT_MAX]; /* not terminated */
	unsigned char n;	  /* octets; 0: the rest of a wide character */
	unsigned char tone;
};

struct screen {
	SCREEN *terminal; /* NULL: none */
	unsigned rows, columns;
	struct cell *want, *shown; /* owned; as drawn, and as ncurses has it */
	unsigned next_row;	   /* where a budget ended */
	int cursor_row, cursor_column;
	attr_t attributes[TONES_N];
	short pairs[TONES_N];
};

static const struct cell blank = {.text = " ", .n = 1};

/* --- the picture --- */

static unsigned
within(unsigned n, unsigned least, unsigned most)
{
	return n < least ? least : n > most ? most : n;
}

static void
set_size(struct screen *s, unsigned rows, unsigned columns)
{
	size_t cells;

	s->rows = within(rows, 1, SCREEN_ROWS_MAX);
	s->columns = within(columns, 1, SCREEN_COLUMNS_MAX);
	cells = (size_t)s->rows * s->columns;
	s->want = xrealloc(s->want, cells * sizeof(*s->want));
	s->shown = xrealloc(s->shown, cells * sizeof(*s->shown));
	for (size_t i = 0; i < cells; i++)
		s->want[i] = s->shown[i] = blank;
	s->next_row = 0;
}

static struct cell *
cell_at(struct cell *cells, const struct screen *s, unsigned row,
	unsigned column)
{
	return &cells[(size_t)row * s->columns + column];
}

void
screen_clear(struct screen *s)
{
	for (size_t i = 0; i < (size_t)s->rows * s->columns; i++)
		s->want[i] = blank;
	s->cursor_row = -1;
}

/* One more octet sequence onto the cell before COLUMN: it combines. */
static void
combine(struct screen *s, unsigned row, unsigned column, struct str octets)
{
	struct cell *c;

	while (column-- > 0) {
		c = cell_at(s->want, s, row, column);
		if (c->n == 0)
			continue;
		if (c->n + octets.n <= CELL_TEXT_MAX) {
			memcpy(c->text + c->n, octets.p, octets.n);
			c->n = (unsigned char)(c->n + octets.n);
		}
		return;
	}
}

static void
put_cell(struct screen *s, unsigned row, unsigned column, unsigned wide,
	enum tone tone, struct str octets)
{
	struct cell *c = cell_at(s->want, s, row, column);

	memcpy(c->text, octets.p, octets.n);
	c->n = (unsigned char)octets.n;
	c->tone = (unsigned char)tone;
	if (wide == 2) {
		c = cell_at(s->want, s, row, column + 1);
		c->n = 0;
		c->tone = (unsigned char)tone;
	}
}

/* Columns used of ROOM. */
static unsigned
put_text(struct screen *s, unsigned row, unsigned column, unsigned room,
	enum tone tone, struct str text)
{
	unsigned used = 0;

	while (text.n) {
		uint32_t c = 0;
		size_t n = utf8_next(text, &c);
		struct str octets = {text.p, n ? n : 1};
		unsigned wide = text_columns(octets);

		if (used + wide > room)
			break;
		if (wide == 0)
			combine(s, row, column + used, octets);
		else
			put_cell(s, row, column + used, wide, tone, octets);
		used += wide;
		text = str_skip(text, octets.n);
	}
	return used;
}

void
screen_put(struct screen *s, unsigned row, unsigned column, unsigned width,
	enum tone tone, struct str text)
{
	bool cut;
	unsigned used;

	if (row >= s->rows || column >= s->columns)
		return;
	if (width > s->columns - column)
		width = s->columns - column;
	if (width == 0)
		return;
	cut = text_columns(text) > width;
	used = put_text(s, row, column, width - cut, tone, text);
	if (cut)
		used += put_text(s, row, column + used, 1, tone, STR("~"));
	for (; used < width; used++)
		put_cell(s, row, column + used, 1, tone, STR(" "));
}

void
screen_cursor(struct screen *s, unsigned row, unsigned column)
{
	s->cursor_row = (int)(row < s->rows ? row : s->rows - 1);
	s->cursor_column = (int)(column < s->columns ? column : s->columns - 1);
}

void
screen_dump(const struct screen *s, struct buf *out)
{
	for (unsigned row = 0; row < s->rows; row++) {
		size_t begin = out->len, end = begin;

		for (unsigned i = 0; i < s->columns; i++) {
			const struct cell *c = cell_at(s->want, s, row, i);

			buf_add(out, c->text, c->n);
			if (c->n && !(c->n == 1 && c->text[0] == ' '))
				end = out->len;
		}
		out->len = end;
		buf_addz(out, "\n");
	}
}

/* --- showing --- */

static bool
same(const struct cell *a, const struct cell *b)
{
	return a->n == b->n && a->tone == b->tone &&
	       memcmp(a->text, b->text, a->n) == 0;
}

/* Columns from COLUMN on that differ and have one tone; COST_R: octets. */
static unsigned
run_length(const struct screen *s, unsigned row, unsigned column,
	unsigned budget, unsigned *cost_r)
{
	const struct cell *first = cell_at(s->want, s, row, column);
	unsigned i = column;

	*cost_r = RUN_MOVE + (first->tone != TONE_PLAIN ? RUN_TONE : 0);
	for (; i < s->columns; i++) {
		const struct cell *c = cell_at(s->want, s, row, i);

		if (c->tone != first->tone ||
			same(c, cell_at(s->shown, s, row, i)))
			break;
		if (c->n && *cost_r + c->n > budget)
			break;
		*cost_r += c->n;
	}
	return i - column;
}

static void
show_run(struct screen *s, unsigned row, unsigned column, unsigned n)
{
	struct cell *first = cell_at(s->want, s, row, column);
	struct buf text;

	buf_init(&text, 0);
	for (unsigned i = 0; i < n; i++)
		buf_add(&text, first[i].text, first[i].n);
	memcpy(cell_at(s->shown, s, row, column), first, n * sizeof(*first));
	if (s->terminal) {
		attr_set(s->attributes[first->tone], s->pairs[first->tone],
			NULL);
		mvaddnstr((int)row, (int)column, buf_z(&text), (int)text.len);
	}
	buf_free(&text);
}

/* The differences of one row; false: the budget is used up. */
static bool
show_row(struct screen *s, unsigned row, unsigned *budget)
{
	for (unsigned i = 0; i < s->columns;) {
		unsigned n, cost;

		if (same(cell_at(s->want, s, row, i),
			    cell_at(s->shown, s, row, i))) {
			i++;
			continue;
		}
		/* from the front of a wide character */
		while (i && cell_at(s->want, s, row, i)->n == 0)
			i--;
		n = run_length(s, row, i, *budget, &cost);
		if (n == 0 && same(cell_at(s->want, s, row, i),
				      cell_at(s->shown, s, row, i)))
			n = 1;
		if (n == 0)
			return false;
		show_run(s, row, i, n);
		*budget -= cost < *budget ? cost : *budget;
		i += n;
	}
	return true;
}

bool
screen_show(struct screen *s, unsigned budget)
{
	unsigned left = budget ? budget - SHOW_END : UINT32_MAX / 2;
	bool all = true;

	if (budget == 0)
		s->next_row = 0;
	for (unsigned i = 0; all && i < s->rows; i++) {
		all = show_row(s, (s->next_row + i) % s->rows, &left);
		if (!all)
			s->next_row = (s->next_row + i) % s->rows;
	}
	if (!s->terminal)
		return all;
	curs_set(s->cursor_row >= 0);
	if (s->cursor_row >= 0)
		move(s->cursor_row, s->cursor_column);
	refresh();
	return all;
}

void
screen_repaint(struct screen *s)
{
	if (s->terminal)
		clearok(curscr, TRUE);
}

/* --- the terminal --- */

static void
set_tones(struct screen *s, bool colour)
{
	static const struct {
		attr_t plain; /* without colour */
		attr_t attributes;
		short foreground; /* -1: the terminal's own */
	} looks[TONES_N] = {
		[TONE_PLAIN] = {A_NORMAL, A_NORMAL, -1},
		[TONE_TITLE] = {A_REVERSE, A_REVERSE, -1},
		[TONE_HEAD] = {A_BOLD, A_BOLD, -1},
		[TONE_DIM] = {A_NORMAL, A_NORMAL, COLOR_CYAN},
		[TONE_GOOD] = {A_NORMAL, A_NORMAL, COLOR_GREEN},
		[TONE_WARN] = {A_BOLD, A_NORMAL, COLOR_YELLOW},
		[TONE_BAD] = {A_BOLD, A_BOLD, COLOR_RED},
		[TONE_CURSOR] = {A_REVERSE, A_REVERSE, -1},
		[TONE_MARK] = {A_BOLD, A_BOLD, COLOR_YELLOW},
	};

	for (short i = 0; i < TONES_N; i++) {
		bool own = looks[i].foreground < 0;

		s->attributes[i] =
			colour ? looks[i].attributes : looks[i].plain;
		if (colour && !own &&
			init_pair(i, looks[i].foreground, -1) == OK)
			s->pairs[i] = i;
	}
}

static enum err_code
open_terminal(struct screen *s, bool no_colour, struct err *e)
{
	const char *type = getenv("TERM");
	int rows, columns;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ERR_IO,
			"this is no terminal; --plain works without one");
	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal)
		return err_set(e, ERR_IO,
			"nothing is known of a terminal \"%.40s\" (TERM); "
			"--plain works on any",
			type ? type : "");
	if (!tigetstr("cup") || !tigetstr("clear"))
		return err_set(e, ERR_IO,
			"a terminal \"%.40s\" (TERM) cannot move its cursor; "
			"--plain works on any",
			type ? type : "");
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	if (!no_colour && has_colors() && start_color() == 0 &&
		use_default_colors() == 0)
		set_tones(s, true);
	else
		set_tones(s, false);
	getmaxyx(stdscr, rows, columns);
	set_size(s, (unsigned)rows, (unsigned)columns);
	return OK;
}

enum err_code
screen_open(const struct screen_options *options, struct screen **screen_r,
	struct err *e)
{
	struct screen *s = xcalloc(1, sizeof(*s));
	enum err_code code = OK;

	s->cursor_row = -1;
	if (options->terminal)
		code = open_terminal(s, options->no_colour, e);
	else
		set_size(s, options->rows, options->columns);
	if (code != OK) {
		screen_close(s);
		s = NULL;
	}
	*screen_r = s;
	return code;
}

void
screen_close(struct screen *s)
{
	if (!s)
		return;
	if (s->terminal) {
		curs_set(1);
		endwin();
		delscreen(s->terminal);
	}
	free(s->want);
	free(s->shown);
	free(s);
}

unsigned
screen_rows(const struct screen *s)
{
	return s->rows;
}

unsigned
screen_columns(const struct screen *s)
{
	return s->columns;
}

/* --- keys --- */

static int
special_key(struct screen *s, wint_t c)
{
	static const struct {
		int curses, ours;
	} keys[] = {
		{KEY_UP, KEYS_UP},
		{KEY_DOWN, KEYS_DOWN},
		{KEY_LEFT, KEYS_LEFT},
		{KEY_RIGHT, KEYS_RIGHT},
		{KEY_PPAGE, KEYS_PAGE_UP},
		{KEY_NPAGE, KEYS_PAGE_DOWN},
		{KEY_HOME, KEYS_HOME},
		{KEY_END, KEYS_END},
		{KEY_IC, KEYS_INSERT},
		{KEY_DC, KEYS_DELETE},
		{KEY_BACKSPACE, KEYS_BACKSPACE},
		{KEY_F(1), KEYS_F1},
		{KEY_ENTER, KEYS_ENTER},
	};
	int rows, columns;

	if (c == KEY_RESIZE) {
		getmaxyx(stdscr, rows, columns);
		erase();
		clearok(curscr, TRUE);
		set_size(s, (unsigned)rows, (unsigned)columns);
		return KEYS_RESIZE;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if ((wint_t)keys[i].curses == c)
			return keys[i].ours;
	return KEYS_SPECIAL; /* one that means nothing */
}

int
screen_key(struct screen *s)
{
	wint_t c;
	int got;

	if (!s->terminal)
		return KEYS_NONE;
	got = get_wch(&c);
	if (got == ERR)
		return KEYS_NONE;
	if (got == KEY_CODE_YES)
		return special_key(s, c);
	if (c == '\n')
		return KEYS_ENTER;
	if (c == 0x7f || c == 0x08)
		return KEYS_BACKSPACE;
	return (int)c;
}
