/*
 * Doing things to mail: a question that says what will happen, the work in one
 * transaction (by the daemon, or on the spool itself where none runs), and how
 * it is taken back.
 */
#ifndef TUI_ACT_H
#define TUI_ACT_H

#include "tui/console.h"

/*
 * Asks about R (REQUEST_HOLD and the like) for TARGETS, which are given. NAME:
 * what to call a single one, "4711.1 to ben@shore.example".
 */
void act_ask(struct console *c, enum tui_request r, struct target *targets,
	size_t n, const char *name);
/* Asks whether the last one shall be taken back. */
void act_undo(struct console *c);

/* Is R one of these? */
bool act_is(enum tui_request r);

void job_free(struct job *job); /* NULL is fine */

#endif
