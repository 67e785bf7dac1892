/*
 * Everything one can ask the console for: one list, from which come the
 * meaning of each key, the help, the words of --plain, and the check of
 * tidepost-console(1).
 *
 * X(id, name, keys, where, help): KEYS are names of keys with blanks between;
 * WHERE says in which views they mean this. A key of the view in hand wins
 * over one of all views.
 */
#ifndef TUI_REQUEST_H
#define TUI_REQUEST_H

#include "base/str.h"

enum {
	IN_OVERVIEW = 1 << 0,
	IN_QUEUE = 1 << 1,
	IN_MESSAGE = 1 << 2,
	IN_LINKS = 1 << 3,
	IN_LINK = 1 << 4,
	IN_PLAN = 1 << 5,
	IN_CUSTOMERS = 1 << 6,
	IN_LOG = 1 << 7,
	IN_HELP = 1 << 8,
	IN_ALL = (1 << 9) - 1,
	IN_LISTS = IN_QUEUE | IN_LINKS | IN_PLAN | IN_CUSTOMERS | IN_LOG,
	ON_MAIL = IN_QUEUE | IN_MESSAGE,
	ON_LINKS = IN_OVERVIEW | IN_LINKS | IN_LINK | IN_PLAN,
};

/* clang-format off */
#define REQUESTS(X) \
	X(OVERVIEW, "overview", "1", IN_ALL, "the node at a glance") \
	X(QUEUE, "queue", "2", IN_ALL, "what waits, and why") \
	X(LINKS, "links", "3", IN_ALL, "links, their history and plans") \
	X(CUSTOMERS, "customers", "4", IN_ALL, "whose mail is held here") \
	X(LOG, "log", "5", IN_ALL, "what happened, and happens") \
	X(HELP, "help", "? F1", IN_ALL, "this page") \
	X(NEXT_VIEW, "next-view", "Tab", IN_ALL, "the next of the views above") \
	X(BACK, "back", "q Left h Esc", IN_ALL, \
		"back to the view before; from the first one out") \
	X(QUIT, "quit", "Q", IN_ALL, "out") \
	X(DOWN, "down", "j Down", IN_ALL, "a row down") \
	X(UP, "up", "k Up", IN_ALL, "a row up") \
	X(PAGE_DOWN, "page-down", "PgDn ^F", IN_ALL, "a page down") \
	X(PAGE_UP, "page-up", "PgUp ^B", IN_ALL, "a page up") \
	X(FIRST, "first", "g Home", IN_ALL, "the first row") \
	X(LAST, "last", "G End", IN_ALL, "the last row") \
	X(OPEN, "open", "Enter Right l", IN_ALL, "open what the row is about") \
	X(SEARCH, "search", "/", IN_ALL, "search for text; n goes on") \
	X(SEARCH_NEXT, "search-next", "n", IN_ALL, "the next place found") \
	X(SEARCH_BACK, "search-back", "N", IN_ALL, "the one before") \
	X(FILTER, "filter", "f", IN_LISTS, \
		"show only rows with these words, as you type") \
	X(REFRESH, "refresh", "R", IN_ALL, "look again now") \
	X(REDRAW, "redraw", "^L", IN_ALL, "draw the screen anew") \
	X(UNDO, "undo", "z", IN_ALL, "take the last action back") \
	X(HOLD, "hold", "H", ON_MAIL, "keep it back until it is released") \
	X(RELEASE, "release", "r", ON_MAIL, "let held mail go") \
	X(RETRY, "retry", "y", ON_MAIL, "deferred mail is due now") \
	X(DELETE, "delete", "d Del", ON_MAIL, \
		"take it out; nobody is told, it can be undeleted") \
	X(UNDELETE, "undelete", "u", ON_MAIL, "bring deleted mail back") \
	X(RETURN, "return", "b", ON_MAIL, \
		"give up: the sender gets a notice") \
	X(PRIORITY, "priority", "p", ON_MAIL, \
		"-9 to 9, or bulk, low, normal, urgent, flash") \
	X(MARK, "mark", "t Space Ins", IN_QUEUE, "mark the row, or not") \
	X(MARK_ALL, "mark-all", "T", IN_QUEUE, "mark all rows shown") \
	X(UNMARK_ALL, "unmark-all", "U", IN_QUEUE, "no marks any more") \
	X(SORT, "sort", "s", IN_QUEUE, "sort by the next column") \
	X(SORT_REVERSE, "sort-reverse", "S", IN_QUEUE, \
		"the other way round") \
	X(WHICH, "which", "w", IN_QUEUE, \
		"all, or only ready, deferred, held, active, deleted") \
	X(SHOW_MODE, "show-mode", "v", IN_MESSAGE, \
		"text, whole header, or raw") \
	X(MESSAGE_LOG, "message-log", "L", ON_MAIL, "the log of this message") \
	X(CALL, "call", "c", ON_LINKS, \
		"dial the link and exchange mail; says first what it costs") \
	X(HANGUP, "hang-up", "x", ON_LINKS, "end the call") \
	X(DISABLE, "disable", "X", ON_LINKS, \
		"no use of the link until it is enabled") \
	X(ENABLE, "enable", "e", ON_LINKS, "end disable") \
	X(ALLOW, "allow", "a", ON_LINKS, "raise today's budget, once") \
	X(PLAN, "plan", "p", ON_LINKS, "what a call would move, and its cost") \
	X(LOG_MESSAGE, "only-message", "m", IN_LOG, \
		"only what is about this row's message; again: all") \
	X(LOG_SESSION, "only-session", "s", IN_LOG, \
		"only what is about this row's session; again: all")
/* clang-format on */

enum tui_request {
	REQUEST_NONE,
#define REQUEST_ENUM(id, name, keys, where, help) REQUEST_##id,
	REQUESTS(REQUEST_ENUM)
#undef REQUEST_ENUM
		REQUESTS_N,
};

struct request_row {
	const char *name, *keys;
	unsigned where;
	const char *help;
};

/* Of each request; that of REQUEST_NONE is empty. */
extern const struct request_row request_rows[REQUESTS_N];

/* What KEY (screen.h) means in the view whose bit IN is. */
enum tui_request request_of_key(int key, unsigned in);
/* The request of this name; REQUEST_NONE: there is none. */
enum tui_request request_of_name(struct str name);

/* "^F", "PgDn", "j" to a key; KEYS_NONE: no such key. */
int key_of_name(struct str name);

#endif
