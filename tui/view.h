/*
 * A view is one const table: what it is called, its columns, and a few
 * functions that say how many rows it has and what stands in one. The rest
 * (moving, drawing, searching, --plain) is the same for all and stands in
 * view.c and draw.c.
 *
 * Views with columns are lists; views without have one cell a row, a line of
 * text. Rows are asked for by number when they are about to be seen, so a view
 * need not hold them.
 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include "tui/request.h"
#include "tui/screen.h"

struct console;

enum {
	VIEW_COLUMNS_MAX = 12,
	VIEW_FOOT_MAX = 3,     /* lines about the row in hand */
	VIEW_FILTER_MAX = 200, /* octets, as many as can be typed */
};

struct view_column {
	const char *title;
	unsigned width; /* columns of the screen it has at least */
	unsigned flex;	/* its share of what is left; 0: none */
	unsigned drop;	/* the highest is left out first; 0: never */
	bool right;	/* aligned */
};

struct row {
	struct buf cells[VIEW_COLUMNS_MAX];
	size_t n;
	enum tone tone;
	bool marked;
};

struct view {
	const struct view_ops *ops;
	struct console *c;
	struct view *below; /* where back leads; owned */
	void *data;	    /* of the ops' data_size, zero at first; owned */
	size_t top, cursor; /* the first row seen, the row in hand */
	char filter[VIEW_FILTER_MAX + 1];
};

/* Where NULL is allowed the view has nothing to do there. */
struct view_ops {
	const char *name;
	unsigned in; /* its bit in the requests */
	size_t data_size;
	const struct view_column *columns; /* NULL: lines of text */
	size_t columns_n;
	/* ARG: what was opened, for views about one thing. */
	void (*open)(struct view *v, const void *arg); /* may be NULL */
	void (*close)(struct view *v);		       /* may be NULL */
	/* The facts may have changed; WIDTH columns are there for lines. */
	void (*load)(struct view *v, unsigned width);
	/* A little work in the background; true: there is more. NULL */
	bool (*work)(struct view *v);
	size_t (*rows)(const struct view *v);
	/* Rows FIRST to FIRST + N are about to be asked for. NULL */
	void (*prepare)(struct view *v, size_t first, size_t n);
	void (*row)(struct view *v, size_t i, struct row *out);
	/* What the bar at the top says of it, behind the name. NULL */
	void (*title)(const struct view *v, struct buf *out);
	/* What is said below the list about the row in hand, in a few lines. */
	void (*foot)(struct view *v, struct buf *out);
	/* The words of v->filter are others. NULL: it cannot be filtered. */
	void (*filter)(struct view *v);
	/* The view's own requests; false: not its own. NULL */
	bool (*request)(struct view *v, enum tui_request r);
	/* Keys worth a word in the last but one line: "H hold  r release". */
	const char *hints;
};

extern const struct view_ops overview_view;
extern const struct view_ops queue_view;   /* arg: a route, or NULL */
extern const struct view_ops message_view; /* arg: struct message_arg */
extern const struct view_ops links_view;
extern const struct view_ops link_view; /* arg: a link's name */
extern const struct view_ops plan_view; /* arg: a link's name */
extern const struct view_ops customers_view;
extern const struct view_ops log_view;	/* arg: int64_t, a message; NULL */
extern const struct view_ops help_view; /* arg: the view it is about */

/* --- rows --- */

void row_init(struct row *r);
void row_empty(struct row *r); /* empty, to be filled again */
void row_free(struct row *r);
/* The next cell: any text, which is cleaned here. NULL: empty. */
void row_cell(struct row *r, const char *text);
void row_cellf(struct row *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --- all views --- */

struct view *view_new(struct console *c, const struct view_ops *ops,
	const void *arg, struct view *below);
void view_free(struct view *v); /* with all that are below; NULL is fine */

/* Row I, prepared and asked for. */
void view_row(struct view *v, size_t i, struct row *out);
/* Does a cell of R hold all the words of WORDS, in any case? */
bool row_has(const struct row *r, const char *words);
/* Does TEXT hold WORD, letters of ASCII in any case? */
bool text_has(struct str text, struct str word);

/* Keeps cursor and top among the rows, HEIGHT of which are seen. */
void view_settle(struct view *v, size_t height);
/* Moves the cursor; HEIGHT: rows of a page. False: R does not move. */
bool view_move(struct view *v, enum tui_request r, size_t height);

/* Widths of the columns that fit into WIDTH; 0: left out. */
void view_widths(const struct view_ops *ops, unsigned width,
	unsigned widths_r[VIEW_COLUMNS_MAX]);

#endif
