/*
 * The same views, a line at a time: for screen readers, for terminals that can
 * do nothing, for scripts of a person. What is typed is the name of a request
 * (or its key), with the number of a row behind it; a number alone opens a row.
 */
#ifndef TUI_PLAIN_H
#define TUI_PLAIN_H

#include "tui/console.h"

/* Until the person leaves or the input ends. */
void plain_run(struct console *c);

#endif
