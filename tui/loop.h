/*
 * Keys, the daemon's answers, time: what happens while the console is open on
 * a terminal, or while keys are fed to it without one.
 */
#ifndef TUI_LOOP_H
#define TUI_LOOP_H

#include "tui/console.h"

enum {
	LOOP_REFRESH_S = 2,
	LOOP_REFRESH_SLOW_S = 10, /* on a line of up to 9,600 bit/s */
	LOOP_IDLE_OCTETS = 140,	  /* at most, to the terminal, a refresh */
};

/*
 * From now on signals that would end us are remembered for loop_run. Call it
 * before the terminal is opened, which is given back then in any case.
 */
void loop_hold_signals(void);

/*
 * Until the person leaves or a signal ends it, which is returned (0: none).
 * REFRESH_S 0: as the line is fast.
 */
int loop_run(struct console *c, unsigned refresh_s);

/*
 * Feeds KEYS, names with blanks between, and waits after each until all is
 * there. ERR_USAGE: E names what is no key.
 */
enum err_code loop_feed(struct console *c, const char *keys, struct err *e);
/* Waits until nothing is under way any more, but not for ever. */
void loop_settle(struct console *c);

#endif
