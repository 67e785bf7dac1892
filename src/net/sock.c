#include "net/sock.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static ssize_t
sock_failed(struct sock *s)
{
	if (errno == EWOULDBLOCK)
		errno = EAGAIN;
	else if (errno != EAGAIN && !s->error)
		s->error = errno;
	return -1;
}

/* Octets that may be read now, at most N. */
static size_t
read_room(struct sock *s, size_t n)
{
	size_t room = s->pace ? pace_room(s->pace, PACE_IN, clock_mono_ms())
			      : SIZE_MAX;

	s->held_in = room == 0;
	if (s->counted && room > s->uncounted)
		room = s->uncounted;
	return n < room ? n : room;
}

static void
note_read(struct sock *s, size_t n)
{
	s->received += n;
	s->uncounted -= s->counted ? n : 0;
	if (s->pace)
		pace_took(s->pace, PACE_IN, n, clock_mono_ms());
}

ssize_t
sock_recv(struct sock *s, void *p, size_t n)
{
	ssize_t got;

	n = read_room(s, n);
	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	do
		got = recv(s->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return sock_failed(s);
	if (got == 0)
		s->eof = true;
	note_read(s, (size_t)got);
	return got;
}

size_t
sock_unacked(const struct sock *s)
{
	int n = 0;

	return ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static size_t
window_room(const struct sock *s)
{
	size_t unacked = s->window ? sock_unacked(s) : 0;

	if (!s->window)
		return SIZE_MAX;
	return unacked < s->window ? s->window - unacked : 0;
}

ssize_t
sock_send(struct sock *s, const void *p, size_t n)
{
	size_t room = window_room(s), pace = SIZE_MAX;
	ssize_t put;

	if (s->pace)
		pace = pace_room(s->pace, PACE_OUT, clock_mono_ms());
	s->full = room == 0;
	s->held_out = pace == 0;
	if (room > pace)
		room = pace;
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (n > room)
		n = room;
	do
		put = send(s->fd, p, n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return sock_failed(s);
	s->sent += (uint64_t)put;
	if (s->pace)
		pace_took(s->pace, PACE_OUT, (size_t)put, clock_mono_ms());
	return put;
}
