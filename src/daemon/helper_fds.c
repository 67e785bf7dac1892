/* Packets with descriptors, between the daemon and its helper. */
#include "daemon/helper_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)];
};

bool
helper_send(int socket, const void *p, size_t n, const int *fds, size_t fds_n,
	bool dont_wait)
{
	struct iovec io = {(void *)(uintptr_t)p, n};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
	union control control;
	struct cmsghdr *c;
	ssize_t sent;

	if (fds_n) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
	}
	do
		sent = sendmsg(socket, &m,
			MSG_NOSIGNAL | (dont_wait ? MSG_DONTWAIT : 0));
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

/* The kernel hands over no more of them than there is space for. */
static void
take_fds(struct msghdr *m, int fds_r[HELPER_FDS_MAX], size_t *n_r)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes;
			at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (*n_r < HELPER_FDS_MAX)
				fds_r[(*n_r)++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t
helper_receive(int socket, void *p, size_t size, int fds_r[HELPER_FDS_MAX],
	size_t *fds_n_r)
{
	union control control;
	struct iovec io = {p, size};
	struct msghdr m = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*fds_n_r = 0;
	if (n < 0)
		return n;
	take_fds(&m, fds_r, fds_n_r);
	if (!(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	errno = EBADMSG;
	return -1;
}
