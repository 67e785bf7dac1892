#include "cli/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One direction. */
struct way {
	int from, to;
	bool ended; /* nothing more comes */
	size_t at, n;
	char octets[RELAY_BUFFER];
};

static bool
wants_input(const struct way *w)
{
	return !w->ended && w->n == 0;
}

/* False: the input failed. */
static bool
take_in(struct way *w)
{
	ssize_t n = read(w->from, w->octets, sizeof(w->octets));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	w->at = 0;
	w->n = n > 0 ? (size_t)n : 0;
	w->ended = n <= 0;
	return n >= 0 || errno == ECONNRESET || errno == EIO;
}

/* False: nobody takes it any more. */
static bool
give_out(struct way *w)
{
	size_t most = w->n < RELAY_WRITE_MAX ? w->n : RELAY_WRITE_MAX;
	ssize_t n = write(w->to, w->octets + w->at, most);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->at += (size_t)n;
	w->n -= (size_t)n;
	return true;
}

/* The events of one descriptor, where any are wanted; else it is left out. */
static struct pollfd
ask(int fd, bool wanted, short events)
{
	return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

/* One round. False: ERR_TIMEOUT or errno says why it ends. */
static bool
move(struct way *in, struct way *out, int wait_ms)
{
	struct pollfd p[] = {
		ask(in->from, wants_input(in), POLLIN),
		ask(in->to, in->n > 0, POLLOUT),
		ask(out->from, wants_input(out), POLLIN),
		ask(out->to, out->n > 0, POLLOUT),
	};
	int n = poll(p, 4, wait_ms);

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		errno = ETIMEDOUT;
		return false;
	}
	if (p[0].revents && !take_in(in))
		return false;
	/* The daemon may be gone already; its last words are not. */
	if (p[1].revents && !give_out(in))
		in->n = 0;
	if (p[2].revents && !take_in(out))
		return false;
	return !p[3].revents || give_out(out);
}

enum err_code
relay_run(int socket, const char *first, size_t first_n, struct err *e)
{
	static struct way in, out; /* large */
	bool told = false;

	in = (struct way){.from = STDIN_FILENO, .to = socket};
	out = (struct way){.from = socket, .to = STDOUT_FILENO};
	if (first_n > sizeof(out.octets))
		return err_set(e, ERR_LIMIT, "too much came at once");
	memcpy(out.octets, first, first_n);
	out.n = first_n;
	while (!out.ended || out.n) {
		if (in.ended && in.n == 0 && !told) {
			shutdown(socket, SHUT_WR);
			told = true;
		}
		if (!move(&in, &out, out.ended ? RELAY_LAST_MS : -1))
			return err_set(e, ERR_CLOSED, "the line is gone: %s",
				strerror(errno));
	}
	return OK;
}
