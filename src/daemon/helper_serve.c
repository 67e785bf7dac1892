/* The helper process: takes requests, has a process of its own do each. */
#include "daemon/helper_private.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_EVERY_MS = 1000 };

static void
on_child(int signo)
{
	(void)signo;
}

/*
 * The daemon says when it is over, by closing; a Ctrl-C or a service manager
 * that signals all of us must not come before it.
 */
static void
set_signals(sigset_t *inside_r)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction child = {.sa_handler = on_child};
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, inside_r);
	sigdelset(inside_r, SIGCHLD);
}

/* The descriptors that came with a packet; all are closed unless it is two. */
static bool
take_fds(struct msghdr *m, int fds_r[HELPER_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes;
			at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (n < HELPER_FDS)
				fds_r[n++] = fd;
			else
				close(fd);
		}
	}
	if (n == HELPER_FDS && !(m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return true;
	while (n > 0)
		close(fds_r[--n]);
	return false;
}

/* False: nothing that can be worked on. *over_r: the daemon is gone. */
static bool
take_request(
	int fd, struct helper_request *q, int fds_r[HELPER_FDS], bool *over_r)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * HELPER_FDS)];
	} control;
	struct iovec io = {q, sizeof(*q)};
	struct msghdr m = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

	*over_r = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
	if (n <= 0 || !take_fds(&m, fds_r))
		return false;
	if (n == (ssize_t)sizeof(*q) && q->magic == HELPER_MAGIC &&
		memchr(q->recipient, 0, sizeof(q->recipient)) &&
		memchr(q->sender, 0, sizeof(q->sender)))
		return true;
	log_error("helper-request-malformed", LOG_INT("octets", n));
	close(fds_r[0]);
	close(fds_r[1]);
	return false;
}

static unsigned
reap(unsigned running)
{
	while (running > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		running--;
	return running;
}

static bool
begin(const struct conf *conf, int fd, const struct helper_request *q,
	const int fds[HELPER_FDS])
{
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		helper_work(conf, q, fds[0], fds[1]);
	}
	if (pid < 0)
		log_error(
			"helper-cannot-fork", LOG_STR("why", strerror(errno)));
	close(fds[0]);
	close(fds[1]);
	return pid > 0;
}

void
helper_serve(const struct conf *conf, int fd)
{
	const struct timespec every = {REAP_EVERY_MS / 1000, 0};
	struct helper_request q;
	unsigned running = 0;
	bool over = false;
	sigset_t inside;
	int fds[HELPER_FDS];

	set_signals(&inside);
	prctl(PR_SET_NAME, "tidepost-helper");
	while (!over) {
		struct pollfd p = {.fd = running < HELPER_AT_ONCE ? fd : -1,
			.events = POLLIN};
		int n = ppoll(&p, 1, &every, &inside);

		running = reap(running);
		if (n > 0 && take_request(fd, &q, fds, &over))
			running += begin(conf, fd, &q, fds);
	}
	_exit(0);
}
