#include "control/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	CONNECT_SECONDS = 10, /* the daemon's backlog may be full */
	SEND_MS = 30000,
	READ_BYTES = 16384,
};

struct control_client {
	int fd;
	struct buf in;	/* octets received, not yet taken as records */
	size_t scanned; /* of these, known to hold no newline */
};

static enum err_code
connect_error(const char *path, int error, struct err *e)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTDIR:
		return err_set(e, ERR_CLOSED,
			"the daemon is not running (%s: %s): start tidepostd",
			path, strerror(error));
	case EACCES:
	case EPERM:
		return err_set(e, ERR_PERM, "%s: %s", path, strerror(error));
	case EAGAIN:
		return err_set(e, ERR_BUSY,
			"%s: the daemon does not answer; its log may say why",
			path);
	default:
		return err_set(e, ERR_IO, "%s: %s", path, strerror(error));
	}
}

/* Connects FD; the send timeout bounds the wait of a Unix connect. */
static int
connect_within(int fd, const struct sockaddr_un *to)
{
	struct timeval limit = {.tv_sec = CONNECT_SECONDS};
	int flags;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

enum err_code
control_connect(
	const char *run_dir, struct control_client **client_r, struct err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int n = snprintf(
		to.sun_path, sizeof(to.sun_path), "%s/control", run_dir);
	int fd, error;

	*client_r = NULL;
	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return err_set(e, ERR_INVALID,
			"run_dir \"%s\" is too long for a socket (%zu octets)",
			run_dir, sizeof(to.sun_path) - sizeof("/control"));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, ERR_IO, "socket: %s", strerror(errno));
	if (connect_within(fd, &to) < 0) {
		error = errno;
		close(fd);
		return connect_error(to.sun_path, error, e);
	}
	*client_r = xcalloc(1, sizeof(**client_r));
	(*client_r)->fd = fd;
	buf_init(&(*client_r)->in, RECORD_LINE_MAX + 1 + READ_BYTES);
	return OK;
}

/* Waits for EVENTS until DEADLINE (0: for ever). */
static enum err_code
wait_for(int fd, short events, uint64_t deadline_ms, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = clock_mono_ms();
		int left = -1, n;

		if (deadline_ms)
			left = now >= deadline_ms ? 0
			       : deadline_ms - now > INT32_MAX
				       ? INT32_MAX
				       : (int)(deadline_ms - now);
		n = poll(&p, 1, left);
		if (n > 0)
			return OK;
		if (n == 0 && clock_mono_ms() >= deadline_ms)
			return err_set(e, ERR_TIMEOUT,
				"the daemon does not answer; its log may say "
				"why");
		if (n < 0 && errno != EINTR)
			return err_set(e, ERR_IO, "poll: %s", strerror(errno));
	}
}

static enum err_code
send_all(int fd, struct str s, uint64_t deadline_ms, struct err *e)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		enum err_code code;

		if (n >= 0) {
			s = str_skip(s, (size_t)n);
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return err_set(e, ERR_CLOSED,
				"the daemon went away; its log may say why");
		if (errno != EAGAIN && errno != EINTR)
			return err_set(e, ERR_IO, "control socket: %s",
				strerror(errno));
		code = wait_for(fd, POLLOUT, deadline_ms, e);
		if (code != OK)
			return code;
	}
	return OK;
}

enum err_code
control_send(
	struct control_client *c, const struct record *request, struct err *e)
{
	uint64_t deadline_ms = clock_mono_ms() + SEND_MS;
	enum err_code code;

	if (request->too_long)
		return err_set(e, ERR_LIMIT,
			"too much for one request (%d octets at most)",
			RECORD_LINE_MAX);
	code = send_all(c->fd, buf_view(&request->line), deadline_ms, e);
	if (code != OK)
		return code;
	return send_all(c->fd, STR("\n"), deadline_ms, e);
}

/* Takes the first line out of what has come. False: none is whole yet. */
static bool
take_line(struct control_client *c, struct record *record_r, bool *valid_r)
{
	struct str in = buf_view(&c->in);
	struct str fresh = str_skip(in, c->scanned);
	const char *end = fresh.n ? memchr(fresh.p, '\n', fresh.n) : NULL;
	size_t n;

	c->scanned = end ? 0 : in.n;
	if (!end)
		return false;
	n = (size_t)(end - in.p);
	*valid_r = record_parse(record_r, (struct str){in.p, n});
	buf_consume(&c->in, n + 1);
	return true;
}

static enum err_code
read_some(struct control_client *c, struct err *e)
{
	char data[READ_BYTES];
	ssize_t n = recv(c->fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return OK;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return err_set(e, ERR_CLOSED,
			"the daemon went away; its log may say why");
	if (n < 0)
		return err_set(
			e, ERR_IO, "control socket: %s", strerror(errno));
	if (!buf_add(&c->in, data, (size_t)n))
		return err_set(e, ERR_LIMIT, "the daemon's answer is too long");
	return OK;
}

enum err_code
control_receive(struct control_client *c, struct record *record_r, bool *last_r,
	uint64_t timeout_ms, struct err *e)
{
	uint64_t deadline_ms = timeout_ms ? clock_mono_ms() + timeout_ms : 0;
	enum err_code code = OK;
	bool valid;

	*last_r = false;
	while (!take_line(c, record_r, &valid)) {
		if (c->in.len > RECORD_LINE_MAX)
			return err_set(e, ERR_LIMIT,
				"the daemon's answer is too long");
		code = wait_for(c->fd, POLLIN, deadline_ms, e);
		if (code == OK)
			code = read_some(c, e);
		if (code != OK)
			return code;
	}
	if (!valid)
		return err_set(e, ERR_CORRUPT,
			"the daemon's answer is not a record; is it of another "
			"version? Start it anew");
	*last_r = record_get(record_r, "end") != NULL;
	return OK;
}

size_t
control_take_rest(struct control_client *c, char *out, size_t size)
{
	size_t n = c->in.len < size ? c->in.len : size;

	memcpy(out, buf_view(&c->in).p, n);
	buf_consume(&c->in, n);
	c->scanned = 0;
	return n;
}

int
control_fd(const struct control_client *c)
{
	return c->fd;
}

void
control_close(struct control_client *c)
{
	if (!c)
		return;
	close(c->fd);
	buf_free(&c->in);
	free(c);
}
