/* The helper as the daemon sees it: programs, and reading the configuration. */
#include "daemon/helper_private.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ask {
	struct helper *h;
	const struct helper_request *what;
};

static enum err_code
send_packet(struct helper *h, const struct helper_request *q, const int *fds,
	size_t fds_n, struct err *e)
{
	struct buf packet;
	enum err_code rc;

	if (helper_trouble(h))
		return err_set(e, ERR_CLOSED, "%s", helper_trouble(h));
	buf_init(&packet, HELPER_PACKET_MAX);
	rc = helper_request_write(q, &packet, e);
	if (rc == OK && !helper_send(h->programs, buf_view(&packet).p,
				packet.len, fds, fds_n, true))
		rc = errno == EAGAIN
			     ? err_set(e, ERR_BUSY,
				       "the helper that starts programs does "
				       "not answer")
			     : err_set(e, ERR_IO,
				       "the helper that starts programs: %s",
				       strerror(errno));
	buf_free(&packet);
	return rc;
}

/* --- programs --- */

static bool
start(void *arg, const struct child_fds *c, struct err *e)
{
	const struct ask *ask = arg;
	const int fds[HELPER_PROGRAM_FDS] = {c->control, c->output, c->io};
	struct helper_request q = *ask->what;

	q.has_io = c->io >= 0;
	return send_packet(ask->h, &q, fds,
		       HELPER_PROGRAM_FDS - (q.has_io ? 0 : 1), e) == OK;
}

struct child *
helper_spawn(struct helper *h, struct loop *loop,
	const struct helper_request *what, const struct child_conf *conf,
	struct err *e)
{
	struct ask ask = {h, what};
	struct child_conf c = *conf;

	c.start = start;
	c.start_arg = &ask;
	return child_spawn(loop, &c, e);
}

struct child *
helper_connect(struct helper *h, struct loop *loop,
	const struct helper_request *what, const struct child_conf *conf,
	int *fd_r, struct err *e)
{
	struct ask ask = {h, what};
	struct child_conf c = *conf;

	c.start = start;
	c.start_arg = &ask;
	return child_connect(loop, &c, fd_r, e);
}

/* --- the configuration --- */

/* The loop waits meanwhile. False: no answer came in time. */
static bool
wait_answer(int fd, uint64_t wait_ms)
{
	uint64_t now = clock_mono_ms(), until = now + wait_ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = -1;

	for (; n < 0 && now < until; now = clock_mono_ms()) {
		n = poll(&p, 1, (int)(until - now));
		if (n < 0 && errno != EINTR)
			return false;
	}
	return n > 0;
}

/* Nothing, or why not. */
static enum err_code
read_answer(int fd, uint64_t wait_ms, struct err *e)
{
	char why[ERR_TEXT_MAX] = "";
	ssize_t n = -1;

	if (wait_answer(fd, wait_ms))
		n = recv(fd, why, sizeof(why) - 1, MSG_DONTWAIT);
	if (n < 1)
		return err_set(e, ERR_CONFIG,
			"the helper that starts programs does not answer: try "
			"again, or start tidepostd anew");
	why[n] = '\0';
	return why[0] ? err_set(e, ERR_CONFIG, "%s", why) : OK;
}

enum err_code
helper_reload(struct helper *h, uint64_t took_ms, struct err *e)
{
	const struct helper_request q = {.kind = HELPER_RELOAD};
	enum err_code rc;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(e, ERR_IO, "%s", strerror(errno));
	rc = send_packet(h, &q, &fds[1], 1, e);
	close(fds[1]);
	if (rc == OK)
		rc = read_answer(fds[0], HELPER_RELOAD_MS + took_ms * 4, e);
	close(fds[0]);
	return rc;
}

void
helper_adopt(struct helper *h)
{
	const struct helper_request q = {.kind = HELPER_ADOPT};
	struct err e;

	send_packet(h, &q, NULL, 0, &e);
}
