/* Doing things to links: call, hang up, disable, enable, allow. */
#ifndef TUI_LINKACT_H
#define TUI_LINKACT_H

#include "tui/console.h"

/* R about the link NAME; false: R is none of these. NULL: no link in hand. */
bool linkact(struct console *c, enum tui_request r, const char *name);

#endif
