#include "net/minder.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct minder {
	pid_t pid; /* and of its group */
	int control;
	bool told;
	bool ends; /* it was told MINDER_TERM */
};

static void
tell(int control, const char *why, int status)
{
	struct minder_report r = {.status = status};
	ssize_t n;

	str_copyz(r.why, sizeof(r.why), why);
	n = send(control, &r, sizeof(r), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n; /* nobody is there any more */
}

void
minder_refuse(int control, const char *why)
{
	tell(control, why[0] ? why : "refused", 0);
}

/* Looks without taking: the number of the group stays ours. */
static void
look_for_exit(struct minder *m)
{
	siginfo_t info = {0};

	if (m->told ||
		waitid(P_PID, (id_t)m->pid, &info,
			WEXITED | WNOWAIT | WNOHANG) < 0 ||
		info.si_pid != m->pid)
		return;
	m->told = true;
	tell(m->control, "",
		info.si_code == CLD_EXITED ? info.si_status << 8
					   : info.si_status);
}

/*
 * What the program left comes to us, who are told when it ends. True: none of
 * it runs any more. Where nobody can say, it does.
 */
static bool
is_left_alone(const struct minder *m)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	bool alone = children != NULL;
	int pid;

	while (alone && fscanf(children, "%d", &pid) == 1)
		alone = pid == m->pid || waitpid(pid, NULL, WNOHANG) == pid;
	if (children)
		fclose(children);
	return alone;
}

/* False: it is over. */
static bool
obey(struct minder *m)
{
	char word = 0;
	ssize_t n = recv(m->control, &word, 1, MSG_DONTWAIT);

	/* what the other end did not read comes as an error before its words */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNRESET;
	if (n == 0)
		return false;
	m->ends = m->ends || word == MINDER_TERM;
	if (word == MINDER_TERM)
		kill(-m->pid, SIGTERM);
	else
		kill(-m->pid, SIGKILL);
	return word != MINDER_END;
}

static void
close_fds(const struct spawn *s)
{
	const int fds[] = {s->in, s->out, s->err};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] > STDERR_FILENO)
			close(fds[i]); /* the same one twice does no harm */
}

void
minder_run(const struct spawn *s, int control)
{
	struct minder m = {.control = control};
	sigset_t inside;
	int fault;

	spawn_keeper_signals(&inside);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fault = spawn_start(s, &m.pid);
	if (fault) {
		minder_refuse(control, strerror(fault));
		_exit(0);
	}
	close_fds(s);
	for (;;) {
		struct pollfd p = {.fd = control, .events = POLLIN};
		int n;

		look_for_exit(&m);
		if (m.told && m.ends && is_left_alone(&m))
			_exit(0);
		n = ppoll(&p, 1, NULL, &inside);
		if (n > 0 && !obey(&m))
			_exit(0);
	}
}
