/*
 * Lines of text with a tone, wrapped to a width: what views without columns
 * are made of. A line may be about a thing that can be opened.
 */
#ifndef TUI_PAGE_H
#define TUI_PAGE_H

#include "tui/view.h"

enum page_about { ABOUT_NOTHING, ABOUT_LINK, ABOUT_ROUTE, ABOUT_MESSAGE };

enum { PAGE_LINES_MAX = 20000, PAGE_NAME_MAX = 255 };

struct page_line; /* private */
struct page_piece;

struct page {
	struct page_line *lines; /* owned */
	size_t lines_n, lines_cap;
	struct page_piece *pieces; /* owned; the rows on the screen */
	size_t pieces_n, pieces_cap;
};

void page_free(struct page *p);
void page_clear(struct page *p);

/*
 * A line; what of it does not fit is indented by INDENT. Any text: it is
 * cleaned here. Beyond PAGE_LINES_MAX lines are dropped.
 */
void page_add(struct page *p, enum tone tone, unsigned indent, struct str text);
void page_addf(struct page *p, enum tone tone, unsigned indent, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* What the last line is about. */
void page_about(
	struct page *p, enum page_about about, const char *name, int64_t id);

/* Wraps all lines anew; WIDTH 0: not at all. */
void page_wrap(struct page *p, unsigned width);
/* The row of the screen, after page_wrap. */
void page_row(const struct page *p, size_t i, struct row *out);
/* What row I is about. */
enum page_about page_what(
	const struct page *p, size_t i, const char **name_r, int64_t *id_r);

#endif
