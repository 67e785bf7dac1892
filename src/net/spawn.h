/*
 * Starting a program: the one place where it is done. It runs in a process
 * group of its own, with signals as at the start of the world, and with nothing
 * open but its standard input, output and error.
 */
#ifndef NET_SPAWN_H
#define NET_SPAWN_H

#include <signal.h>
#include <sys/types.h>

struct spawn {
	const char *const *argv; /* argv[0] a path; NULL at its end */
	const char *const *env;	 /* all of it, NULL at its end; NULL: ours */
	const char *folder;	 /* where it runs; NULL: where we do */
	int in, out, err;	 /* borrowed; IN -1: /dev/null */
};

/* 0, or errno. *pid_r is the number of its group, too. */
int spawn_start(const struct spawn *s, pid_t *pid_r);

/*
 * For a process that does nothing but keep others: the daemon says when it is
 * over, by closing, and a Ctrl-C or a service manager that signals all of us
 * must not come before it. SIGCHLD is blocked but in INSIDE_R, for ppoll.
 */
void spawn_keeper_signals(sigset_t *inside_r);

#endif
