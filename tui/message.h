/* The view of one message, as others open it. */
#ifndef TUI_MESSAGE_H
#define TUI_MESSAGE_H

#include "tui/console.h"

struct message_arg {
	int64_t id;
	unsigned n; /* the delivery it was opened for; 0: none in particular */
};

void message_open(struct console *c, int64_t id, unsigned n);

#endif
