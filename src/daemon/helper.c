/* The helper as the daemon sees it: its start, its end, letters. */
#include "daemon/helper_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_BUFFER = 512 * 1024 }; /* of the programs' socket */

static const char trouble[] =
	"the helper has ended, which runs programs, dials, and puts mail into "
	"mailboxes of others: start tidepostd anew";

/* --- start and end --- */

static void
close_pair(const int fds[2])
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

enum err_code
helper_start(const struct conf *conf, struct helper **h_r, struct err *e)
{
	int letters[2] = {-1, -1}, programs[2] = {-1, -1}, stop[2] = {-1, -1};
	int kind = SOCK_SEQPACKET | SOCK_CLOEXEC, size = HELPER_BUFFER;
	struct helper *h;
	pid_t pid = -1;

	*h_r = NULL;
	if (socketpair(AF_UNIX, kind, 0, letters) == 0 &&
		socketpair(AF_UNIX, kind, 0, programs) == 0 &&
		pipe2(stop, O_CLOEXEC) == 0)
		pid = fork();
	if (pid < 0) {
		err_set(e, ERR_IO, "cannot start the helper: %s",
			strerror(errno));
		close_pair(letters);
		close_pair(programs);
		close_pair(stop);
		return ERR_IO;
	}
	if (pid == 0) {
		close(letters[0]);
		close(programs[0]);
		close_pair(stop);
		helper_serve(conf, letters[1], programs[1]);
	}
	close(letters[1]);
	close(programs[1]);
	setsockopt(programs[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	h = xcalloc(1, sizeof(*h));
	h->pid = pid;
	h->letters = letters[0];
	h->programs = programs[0];
	memcpy(h->stop, stop, sizeof(stop));
	*h_r = h;
	return OK;
}

const char *
helper_trouble(const struct helper *h)
{
	return atomic_load(&h->lost) ? trouble : NULL;
}

static void
lost(struct helper *h)
{
	if (!atomic_exchange(&h->lost, true))
		log_error("helper-lost", LOG_STR("what", trouble));
}

/* At SIGCHLD: it is our only child. */
static void
look(void *arg)
{
	struct helper *h = arg;

	if (h->ended && waitpid(h->pid, NULL, WNOHANG) == h->pid) {
		void (*ended)(void *) = h->ended;

		h->ended = NULL;
		lost(h);
		ended(h->ended_arg);
	}
}

void
helper_watch(
	struct helper *h, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	h->ended = fn;
	h->ended_arg = arg;
	loop_signal(loop, SIGCHLD, look, h);
	loop_post(loop, look, h); /* it may have ended before */
}

void
helper_stop(struct helper *h)
{
	if (!h || h->stop[1] < 0)
		return;
	close(h->stop[1]);
	h->stop[1] = -1;
	h->ended = NULL;
}

void
helper_free(struct helper *h)
{
	if (!h)
		return;
	helper_stop(h);
	close(h->stop[0]);
	close(h->letters);
	close(h->programs);
	free(h);
}

/* --- letters --- */

bool
helper_has_letters(const struct conf *conf)
{
	return conf->local.deliver == DELIVER_PIPE || conf->local.deliver_as;
}

static void
fill_letter(struct helper_letter *q, const struct letter *l)
{
	memset(q, 0, sizeof(*q));
	q->magic = HELPER_MAGIC;
	q->n = l->n;
	q->id = l->id;
	q->received_at = l->received_at;
	q->size = l->body.size;
	q->again = l->again;
	str_copyz(q->recipient, sizeof(q->recipient), l->to.recipient);
	str_copyz(q->sender, sizeof(q->sender), l->sender);
}

/* Until the end is told, time is over, or the daemon stops. */
static bool
wait_reply(struct helper *h, int fd, uint64_t timeout_ms)
{
	uint64_t until = clock_mono_ms() + HELPER_SLACK_MS + timeout_ms;
	bool stopping = false;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = fd, .events = POLLIN},
			{.fd = stopping ? -1 : h->stop[0], .events = POLLIN},
		};
		uint64_t now = clock_mono_ms();

		if (now >= until)
			return false;
		if (poll(fds, 2, (int)(until - now)) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents)
			return true;
		if (fds[1].revents) {
			stopping = true;
			if (until > now + HELPER_STOP_MS)
				until = now + HELPER_STOP_MS;
		}
	}
}

/* What a process of another user wrote is looked at like any input. */
static bool
read_end(int fd, struct letter_end *end_r)
{
	struct letter_end end;
	ssize_t n = read(fd, &end, sizeof(end));

	if (n != (ssize_t)sizeof(end) ||
		!memchr(end.status, 0, sizeof(end.status)) ||
		!memchr(end.text, 0, sizeof(end.text)) ||
		end.fate > LETTER_REFUSED)
		return false;
	*end_r = end;
	return true;
}

void
helper_deliver(struct helper *h, const struct conf *conf,
	const struct letter *l, int body, struct letter_end *end_r)
{
	uint64_t timeout_ms = (uint64_t)conf->local.timeout_s * 1000;
	struct helper_letter q;
	int fds[2];
	bool sent;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		letter_failed(end_r, LETTER_FAULT, "4.3.0",
			"too many files are open");
		return;
	}
	fill_letter(&q, l);
	sent = helper_send(h->letters, &q, sizeof(q),
		(const int[]){body, fds[1]}, HELPER_LETTER_FDS, false);
	close(fds[1]);
	if (!sent) {
		lost(h);
		letter_failed(end_r, LETTER_FAULT, "4.3.0", "%s", trouble);
	} else if (!wait_reply(h, fds[0], timeout_ms) ||
		   !read_end(fds[0], end_r)) {
		letter_failed(end_r, LETTER_FAULT, "4.3.0",
			"the helper did not say what became of it");
		end_r->doubtful = true;
	}
	close(fds[0]);
}
