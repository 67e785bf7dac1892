/* Questions in the last line. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include "tui/console.h"

/* A line is asked for; INPUT stands there already, NULL: nothing. */
void prompt_line(struct console *c, const char *label, const char *input,
	void (*typed)(struct console *c, const char *input),
	void (*answered)(struct console *c, const char *input));
/* Yes or no; answered with "y", or NULL. QUESTION may hold anything. */
void prompt_yes(struct console *c, const char *question,
	void (*answered)(struct console *c, const char *input));
/* The words of the filter of the view in hand. */
void prompt_filter(struct console *c);

/* A key while something is asked. */
void prompt_key(struct console *c, int key);
/* A whole answer at once (--plain); NULL: given up. */
void prompt_answer(struct console *c, const char *input);

#endif
