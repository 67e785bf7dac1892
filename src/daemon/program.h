/*
 * Giving a letter to a program: no shell, a process group of its own, the
 * message on standard input, a deadline. Its exit status says what became of
 * it (sysexits.h). Forks, so it is for processes with one thread.
 */
#ifndef DAEMON_PROGRAM_H
#define DAEMON_PROGRAM_H

#include "daemon/letter.h"

enum {
	PROGRAM_ARGS_MAX = 64,
	PROGRAM_TEXT_MAX = 16384,  /* octets of all arguments, and of the
				      environment */
	PROGRAM_OUTPUT_MAX = 2000, /* octets of its output that are kept */
	PROGRAM_GRACE_MS = 3000,   /* from SIGTERM to SIGKILL */
};

struct program {
	const char *command; /* "/path/program -f {sender} {user}" */
	const char *home;    /* it runs there; "" in "/" */
	const char *login;   /* as whom it runs */
	const char *shell;
	int input; /* the message */
	int watch; /* whose other end is closed, it must end */
	uint64_t timeout_ms;
};

/* Blocking. */
void program_run(const struct program *p, const struct letter *l,
	struct letter_end *end_r);

#endif
