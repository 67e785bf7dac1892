/*
 * Searching the rows of a view for text, a piece at a time, so that keys are
 * answered however many rows there are.
 */
#ifndef TUI_SEARCH_H
#define TUI_SEARCH_H

#include "tui/console.h"

void search_request(struct console *c, enum tui_request r);
/* A piece of work; true: there is more. */
bool search_work(struct console *c);
/* A key came: it goes no further. */
void search_stop(struct console *c);

#endif
