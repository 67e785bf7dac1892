#include "daemon/helper_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct helper {
	const struct conf *conf; /* borrowed; it knows no other */
	int fd;
	int stop[2]; /* the first is readable once the daemon stops */
	_Atomic bool lost;
};

bool
helper_is_needed(const struct conf *conf)
{
	return conf->local.deliver == DELIVER_PIPE || conf->local.deliver_as;
}

enum err_code
helper_start(const struct conf *conf, struct helper **h_r, struct err *e)
{
	struct helper *h;
	int fds[2];
	pid_t pid;

	*h_r = NULL;
	if (!helper_is_needed(conf))
		return OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ||
		(pid = fork()) < 0)
		return err_set(e, ERR_IO, "cannot start the helper: %s",
			strerror(errno));
	if (pid == 0) {
		close(fds[0]);
		helper_serve(conf, fds[1]);
	}
	close(fds[1]);
	h = xcalloc(1, sizeof(*h));
	h->conf = conf;
	h->fd = fds[0];
	if (pipe2(h->stop, O_CLOEXEC) < 0) {
		close(h->fd);
		free(h);
		return err_set(e, ERR_IO, "cannot start the helper: %s",
			strerror(errno));
	}
	*h_r = h;
	return OK;
}

/* --- does it still fit? --- */

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
same_domains(const struct conf *a, const struct conf *b)
{
	if (a->local.domains.n != b->local.domains.n)
		return false;
	for (size_t i = 0; i < a->local.domains.n; i++)
		if (strcmp(a->local.domains.v[i], b->local.domains.v[i]) != 0)
			return false;
	return true;
}

/* All that the helper reads of a configuration. */
static bool
same_for_helper(const struct conf *a, const struct conf *b)
{
	return a->local.deliver == b->local.deliver &&
	       same_text(a->local.deliver_to, b->local.deliver_to) &&
	       same_text(a->local.deliver_as, b->local.deliver_as) &&
	       same_text(a->local.separators, b->local.separators) &&
	       same_text(a->hostname, b->hostname) &&
	       same_text(a->user, b->user) &&
	       a->local.quota == b->local.quota &&
	       a->local.min_uid == b->local.min_uid &&
	       a->local.timeout_s == b->local.timeout_s && same_domains(a, b);
}

bool
helper_agrees(const struct helper *h, const struct conf *next, struct err *e)
{
	if (!helper_is_needed(next) || (h && same_for_helper(h->conf, next)))
		return true;
	err_set(e, ERR_CONFIG,
		"hostname, user or the group local changed, and mail is put "
		"into mailboxes by a helper that was started with the old "
		"ones: start tidepostd anew");
	return false;
}

/* --- asking --- */

static void
fill_request(struct helper_request *q, const struct letter *l)
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

static bool
send_request(struct helper *h, struct helper_request *q, int body, int reply)
{
	int fds[HELPER_FDS] = {body, reply};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(fds))];
	} control;
	struct iovec io = {q, sizeof(*q)};
	struct msghdr m = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	struct cmsghdr *c;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	do
		n = sendmsg(h->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*q);
}

/* Until the end is told, time is over, or the daemon stops. */
static bool
wait_reply(struct helper *h, int fd)
{
	uint64_t until = clock_mono_ms() + HELPER_SLACK_MS +
			 (uint64_t)h->conf->local.timeout_s * 1000;
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

static void
lost(struct helper *h, struct letter_end *end_r)
{
	if (!atomic_exchange(&h->lost, true))
		log_error("helper-lost",
			LOG_STR("what", "no mail is put into mailboxes until "
					"tidepostd is started anew"));
	letter_failed(end_r, LETTER_FAULT, "4.3.0",
		"the helper that puts mail into mailboxes has ended: start "
		"tidepostd anew");
}

void
helper_deliver(struct helper *h, const struct letter *l, int body,
	struct letter_end *end_r)
{
	struct helper_request q;
	int fds[2];

	if (!h || pipe2(fds, O_CLOEXEC) < 0) {
		letter_failed(end_r, LETTER_FAULT, "4.3.0",
			h ? "too many files are open"
			  : "the helper was not started: start tidepostd anew");
		return;
	}
	fill_request(&q, l);
	if (!send_request(h, &q, body, fds[1])) {
		close(fds[1]);
		lost(h, end_r);
	} else {
		close(fds[1]);
		if (!wait_reply(h, fds[0]) || !read_end(fds[0], end_r)) {
			letter_failed(end_r, LETTER_FAULT, "4.3.0",
				"the helper did not say what became of it");
			end_r->doubtful = true;
		}
	}
	close(fds[0]);
}

/* --- the end --- */

void
helper_stop(struct helper *h)
{
	if (h && h->stop[1] >= 0) {
		close(h->stop[1]);
		h->stop[1] = -1;
	}
}

void
helper_free(struct helper *h)
{
	if (!h)
		return;
	helper_stop(h);
	close(h->stop[0]);
	close(h->fd);
	free(h);
}
