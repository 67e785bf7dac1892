#include "net/sock.h"

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

ssize_t
sock_recv(struct sock *s, void *p, size_t n)
{
	ssize_t got;

	do
		got = recv(s->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return sock_failed(s);
	if (got == 0 && n > 0)
		s->eof = true;
	s->received += (uint64_t)got;
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
	size_t room = window_room(s);
	ssize_t put;

	s->full = room == 0;
	if (s->full) {
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
	return put;
}
