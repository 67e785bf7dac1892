/* The picture: bar, columns, rows, what is said of the row in hand, the last
 * lines. */
#ifndef TUI_DRAW_H
#define TUI_DRAW_H

#include "tui/console.h"

/* Rows of the view in hand that are seen at a time. */
size_t draw_height(const struct console *c);
/* Columns for lines of text; 0: they are not wrapped. */
unsigned draw_width(const struct console *c);

/* Makes the picture of C's screen anew. */
void draw(struct console *c);

#endif
