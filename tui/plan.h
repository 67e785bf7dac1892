/* What a call of a link would move, and what it would cost. */
#ifndef TUI_PLAN_H
#define TUI_PLAN_H

#include "tui/console.h"

/* In a sentence or two, for a question. */
void plan_summary(struct console *c, const char *link, struct buf *out);

#endif
