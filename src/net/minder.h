/*
 * The process beside a program (net/child.h): it starts it, tells how it ended,
 * and sends its group what it is asked to. It is forked by a helper that may do
 * what the daemon itself may not any more.
 *
 * Its first process stays a zombie until the minder ends, so the number of its
 * group is nobody else's. Once told to end it, the minder stays no longer than
 * what it ends. When the other end of CONTROL is closed without a
 * word, whoever asked is dead: the program is left to itself.
 */
#ifndef NET_MINDER_H
#define NET_MINDER_H

#include "net/spawn.h"

#include <stdint.h>

/* What it is told, an octet each. */
enum {
	MINDER_TERM = 't', /* SIGTERM to the group */
	MINDER_KILL = 'k', /* SIGKILL to the group */
	MINDER_END = 'e',  /* likewise, and the minder ends */
};

enum { MINDER_TEXT_MAX = 200 };

/* What it tells, once. */
struct minder_report {
	int32_t status;		   /* as of waitpid() */
	char why[MINDER_TEXT_MAX]; /* it could not be started; "" it was */
};

/*
 * In a process of one thread. CONTROL is a SOCK_SEQPACKET; those of S are
 * closed once the program has them.
 */
void minder_run(const struct spawn *s, int control) __attribute__((noreturn));
/* For who cannot even try. */
void minder_refuse(int control, const char *why);

#endif
