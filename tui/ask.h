/*
 * One request to the daemon whose answer is awaited while the console goes on:
 * nothing here waits longer than a moment, however slow the daemon is.
 */
#ifndef TUI_ASK_H
#define TUI_ASK_H

#include "control/client.h"
#include "faces/request.h"

struct ask;

/* One answer before the end. */
typedef void ask_each(void *arg, const struct record *r);
/*
 * The end. CODE not OK: there was no answer, E says why (ERR_TIMEOUT: for too
 * long); else STATUS is that of a face, TEXT may be NULL, COUNT below 0: none.
 */
typedef void ask_done(void *arg, enum err_code code, const struct err *e,
	int status, const char *text, int64_t count);

struct ask_conf {
	const char *run_dir;
	const struct request *request; /* read here, not kept */
	uint64_t patience_ms;
	ask_each *each; /* NULL: nobody */
	ask_done *done;
	void *arg;
};

/* ERR_CLOSED: no daemon; then DONE is not called. */
enum err_code ask_begin(
	const struct ask_conf *conf, struct ask **ask_r, struct err *e);
/* Takes what has come; true: it is done, DONE was called and ASK is freed. */
bool ask_step(struct ask *ask);
int ask_fd(const struct ask *ask);
/* Forgets it; DONE is not called. NULL is fine. */
void ask_drop(struct ask *ask);

#endif
