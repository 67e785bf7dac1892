/*
 * A program run beside us: what dials, hangs up, or probes.
 *
 * It runs by /bin/sh -c, or without a shell where `argv` is set, in a process
 * group of its own, with nothing open but /dev/null as its input and a pipe
 * for its output, which comes line by line.
 * Ending it means the whole group: SIGTERM, and after CHILD_GRACE_MS SIGKILL.
 *
 * Its first process stays a zombie until child_free, so that the number of its
 * group is nobody else's: what it left running (the program that holds the
 * line) can live on, and is ended by child_free.
 */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include "base/str.h"
#include "net/loop.h"

enum {
	CHILD_GRACE_MS = 3000,
	CHILD_LINE_MAX = 400,  /* what is longer comes in pieces */
	CHILD_LINES_MAX = 200, /* what comes after them is dropped */
};

struct child_conf {
	const char *command; /* for /bin/sh -c; NULL: argv */
	/* The program argv[0], a path, as it is. NULL at its end. */
	const char *const *argv;
	/* All of its environment, NULL at its end. NULL: ours. */
	const char *const *env;
	const char *folder;  /* where it runs; NULL: where we do */
	uint64_t timeout_ms; /* 0: none */
	/* HAS_INPUT: its standard input (child_spawn), borrowed. */
	bool has_input;
	int input;
	/* A line of its output, without its end. NULL: dropped. */
	void (*line)(void *arg, struct str line);
	/*
	 * Once: its first process is gone; where it was told to end, the whole
	 * group. What its first process said was given to `line` before.
	 * GOOD: exit 0, and it was not told to end. HOW: in words.
	 * child_free is legal.
	 */
	void (*ended)(void *arg, bool good, const char *how);
	void *arg;
};

struct child;

/* NULL: it cannot be started, E says why. */
struct child *child_spawn(
	struct loop *loop, const struct child_conf *conf, struct err *e);
/*
 * The same for a program that is a connection: its standard input and output
 * are the other end of *fd_r (given, a socket); the lines are what it says on
 * standard error.
 */
struct child *child_connect(struct loop *loop, const struct child_conf *conf,
	int *fd_r, struct err *e);
/* Tells the group to end; `ended` follows. Twice is fine. */
void child_kill(struct child *c);
/* Ends what is left of the group, without a word. NULL is fine. */
void child_free(struct child *c);
/*
 * The same, but it has WAIT_MS to end by itself: its connection is over, and
 * what is on the way should get there.
 */
void child_leave(struct child *c, uint64_t wait_ms);

#endif
