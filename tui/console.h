/*
 * The console as a whole: what it knows of the node, the views that are open,
 * what it says in its last line, the question it asks there.
 *
 * Facts at rest come from the spool, opened to look at, never with a
 * transaction open longer than one look; facts in flight come from the daemon.
 * Where it does not run, the spool alone is shown, and the bar at the top says
 * so.
 */
#ifndef TUI_CONSOLE_H
#define TUI_CONSOLE_H

#include "outlook/facts.h"
#include "tui/ask.h"
#include "tui/undo.h"
#include "tui/view.h"

enum {
	CONSOLE_NOTE_MAX = 400,
	CONSOLE_INPUT_MAX = VIEW_FILTER_MAX,
	CONSOLE_PATIENCE_MS = 10000, /* for the state of the node */
	CONSOLE_ACT_MS = 60000,	     /* for an action, PROTOCOL_SILENCE_MS */
};

/* What the last line asks; see prompt.h. */
struct prompt {
	const char *label; /* NULL: nothing is asked */
	char question[CONSOLE_NOTE_MAX];
	char input[CONSOLE_INPUT_MAX + 1];
	char before[CONSOLE_INPUT_MAX + 1]; /* what is there when given up */
	bool yes_no;			    /* one key is the answer */
	/* As it is typed; NULL: nobody looks. */
	void (*typed)(struct console *c, const char *input);
	/* INPUT NULL: given up. */
	void (*answered)(struct console *c, const char *input);
};

/* A search under way (search.h). */
struct searching {
	const struct view *view; /* NULL: none */
	size_t at, left;
	bool back;
};

struct console {
	const char *conf_option;
	struct conf *conf;
	struct spool *spool; /* NULL: not there; SPOOL_WHY says why */
	char spool_why[ERR_TEXT_MAX];
	struct facts facts;
	int64_t pid;		       /* of the daemon; 0: none runs */
	bool asked_once;	       /* the facts are there */
	bool denied;		       /* the daemon may not be asked */
	char daemon_why[ERR_TEXT_MAX]; /* it does not answer; "": it does */
	struct ask *status;	       /* under way; NULL */
	struct facts coming;	       /* its answers so far */
	struct ask *work;	       /* an action under way; NULL */
	struct job *job;	       /* which (act.h) */
	struct asked *asked;	       /* about a link (linkact.c); owned */
	struct screen *screen;	       /* NULL: --plain */
	struct view *view;	       /* on top; owned with those below */
	struct prompt prompt;
	char note[CONSOLE_NOTE_MAX];
	enum tone note_tone;
	char search[CONSOLE_INPUT_MAX + 1];
	struct searching searching;
	struct undo_stack undo;
	uint64_t changes; /* rises when an action may have changed the queue */
	bool quit;
	bool dirty; /* a key was pressed: all is to be shown at once */
};

/* ERR_CONFIG: the configuration is bad, and that was printed. */
enum err_code console_init(struct console *c, const char *conf_option);
void console_free(struct console *c);

/* Says TEXT in the last line. */
void console_say(struct console *c, enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Says E's words as a failure of WHAT. */
void console_fail(struct console *c, const char *what, const struct err *e);

/* Asks the daemon for the state of the node, or looks itself. */
void console_refresh(struct console *c);
/*
 * Sends REQUEST, an action; DONE is called with the console when it is carried
 * out, which is when c->work is to be NULL again. ERR_CLOSED: no daemon.
 */
enum err_code console_work(struct console *c, const struct request *request,
	ask_done *done, struct err *e);
/* Takes answers that have come. True: something was there. */
bool console_step(struct console *c);

/* Runs FN on the spool; false: it cannot, and that was said. */
bool console_read(struct console *c, spool_fn *fn, void *arg);

/* Opens a view above the one in hand. */
void console_open(
	struct console *c, const struct view_ops *ops, const void *arg);
/* Opens one of the main views, with none below. */
void console_show(struct console *c, const struct view_ops *ops);
void console_back(struct console *c);
/* What R means: to the view in hand, else to all. */
void console_request(struct console *c, enum tui_request r);

/* Seconds for people: never below the floor of the clock. */
int64_t console_now(void);
bool console_running(const struct console *c);

#endif
