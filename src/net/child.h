/*
 * A program run beside us, as the loop sees it: what dials, hangs up, probes,
 * is a hook, takes a batch, or is a connection.
 *
 * It is started by another process (net/minder.h): `start` hands the
 * descriptors on. It runs in a process group of its own, with nothing open but
 * its input, /dev/null where it is given none, and a pipe for its output, which
 * comes line by line.
 * Ending it means the whole group: SIGTERM, and after CHILD_GRACE_MS SIGKILL.
 *
 * The number of its group is nobody else's until child_free: what it left
 * running (the program that holds the line) can live on, and is ended by
 * child_free.
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

/* Borrowed by `start`. */
struct child_fds {
	int control; /* for minder_run */
	int output;  /* a pipe, its standard error */
	/*
	 * Its standard input, -1: none; where it is a connection, its standard
	 * output, too, which else is the pipe.
	 */
	int io;
	bool connects;
};

enum child_end {
	CHILD_GOOD,    /* exit 0, and it was not told to end */
	CHILD_FAILED,  /* another exit status */
	CHILD_BROKEN,  /* by a signal, or told to end, or nobody knows */
	CHILD_NOT_RUN, /* it could not be started */
};

typedef void child_ended_fn(void *arg, enum child_end end, const char *how);

struct child_conf {
	/* False: it cannot be started, E says why. */
	bool (*start)(void *arg, const struct child_fds *fds, struct err *e);
	void *start_arg;     /* for that one call */
	uint64_t timeout_ms; /* 0: none */
	/* HAS_INPUT: its standard input (child_spawn), borrowed. */
	bool has_input;
	int input;
	/* A line of its output, without its end. NULL: dropped. */
	void (*line)(void *arg, struct str line);
	/*
	 * Once: its first process is gone; where it was told to end, the whole
	 * group. What its first process said was given to `line` before.
	 * HOW: in words. child_free is legal.
	 */
	child_ended_fn *ended;
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
 * what is on the way should get there. Where it ends within them, ENDED is
 * told; in any case it is called once, in the end, and ARG is its own.
 */
void child_leave(
	struct child *c, uint64_t wait_ms, child_ended_fn *ended, void *arg);

#endif
