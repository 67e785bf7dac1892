/*
 * The terminal, and the only place that knows ncurses.
 *
 * Views draw a picture of cells: screen_clear, then screen_put. screen_show
 * sends what differs from the picture before; with a budget it sends at most
 * about so many octets and leaves the rest to the next call, so that a slow
 * line is never busy with what nobody asked for. A screen without a terminal
 * has the same picture, for screen_dump.
 *
 * Text that is put must be clean (faces/text.h): no octet of it can do anything
 * but stand there.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "base/buf.h"
#include "base/err.h"

enum {
	SCREEN_ROWS_MIN = 12,
	SCREEN_COLUMNS_MIN = 40,
	SCREEN_ROWS_MAX = 500,
	SCREEN_COLUMNS_MAX = 1000,
};

/* What a text is; how that looks depends on the terminal. */
enum tone {
	TONE_PLAIN,
	TONE_TITLE, /* the bar at the top */
	TONE_HEAD,  /* names of columns and sections */
	TONE_DIM,
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD,
	TONE_CURSOR, /* the row one acts on */
	TONE_MARK,   /* a marked row */
	TONES_N,
};

/* Keys are characters of Unicode, or these. */
enum {
	KEYS_NONE = -1, /* none came in time */
	KEYS_LOST = -2, /* the terminal is gone */
	KEYS_SPECIAL = 0x200000,
	KEYS_UP,
	KEYS_DOWN,
	KEYS_LEFT,
	KEYS_RIGHT,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_HOME,
	KEYS_END,
	KEYS_INSERT,
	KEYS_DELETE,
	KEYS_BACKSPACE,
	KEYS_F1,
	KEYS_RESIZE,
	KEYS_ENTER = '\r',
	KEYS_TAB = '\t',
	KEYS_ESCAPE = 0x1b,
};

struct screen;

struct screen_options {
	bool terminal;		/* false: no terminal, only the picture */
	unsigned rows, columns; /* then */
	bool no_colour;
};

/* ERR_IO: no terminal, or one that nobody knows. */
enum err_code screen_open(const struct screen_options *options,
	struct screen **screen_r, struct err *e);
/* Gives the terminal back as it was. NULL is fine. */
void screen_close(struct screen *s);

unsigned screen_rows(const struct screen *s);
unsigned screen_columns(const struct screen *s);

/* A new picture begins, empty. */
void screen_clear(struct screen *s);
/*
 * TEXT at a place, filled with blanks up to WIDTH columns, or cut there with
 * "~". What lies beyond the edge is not put.
 */
void screen_put(struct screen *s, unsigned row, unsigned column, unsigned width,
	enum tone tone, struct str text);
/* Where the cursor stands, for a prompt; else it is hidden. */
void screen_cursor(struct screen *s, unsigned row, unsigned column);

/* BUDGET 0: all. False: something was left for the next call. */
bool screen_show(struct screen *s, unsigned budget);
/* All is sent anew: somebody else wrote on the terminal. */
void screen_repaint(struct screen *s);

/* The next key that has come; does not wait. */
int screen_key(struct screen *s);

/* The picture as lines of text, without blanks at their ends. */
void screen_dump(const struct screen *s, struct buf *out);

#endif
