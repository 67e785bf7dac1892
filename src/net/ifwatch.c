#include "net/ifwatch.h"

#include "net/loop_private.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DATAGRAM_MAX = 32768, /* the kernel writes no larger ones */
	DATAGRAMS_AT_ONCE = 16,
};

struct ifwatch {
	int fd;
	struct event ev;
	ifwatch_fn *fn;
	void *arg;
};

/* One datagram. False: none waits now, or the socket is of no more use. */
static bool
read_one(struct ifwatch *w)
{
	char octets[DATAGRAM_MAX];
	struct sockaddr_nl from = {.nl_pid = 0};
	struct iovec iov = {octets, sizeof(octets)};
	struct msghdr msg = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1};
	struct rtnl_change change;
	enum rtnl_what what;
	struct str rest;
	ssize_t n = recvmsg(w->fd, &msg, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 && errno != ENOBUFS) {
		event_del(&w->ev);
		w->fn(w->arg, RTNL_END, NULL);
		return false;
	}
	if (n <= 0 || (msg.msg_flags & MSG_TRUNC)) { /* some were lost */
		w->fn(w->arg, RTNL_ALL, NULL);
		return true;
	}
	if (from.nl_pid != 0)
		return true; /* not of the kernel */
	rest = (struct str){octets, (size_t)n};
	while ((what = rtnl_next(&rest, &change)) != RTNL_END)
		w->fn(w->arg, what, what == RTNL_ALL ? NULL : &change);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < DATAGRAMS_AT_ONCE && read_one(arg); i++)
		;
}

struct ifwatch *
ifwatch_new(struct loop *loop, ifwatch_fn *fn, void *arg)
{
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
		.nl_groups =
			RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		NETLINK_ROUTE);
	struct ifwatch *w;

	if (fd < 0)
		return NULL;
	if (bind(fd, (struct sockaddr *)&groups, sizeof(groups)) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	event_assign(&w->ev, loop_base(loop), fd, EV_READ | EV_PERSIST,
		on_readable, w);
	event_add(&w->ev, NULL);
	return w;
}

void
ifwatch_free(struct ifwatch *w)
{
	if (!w)
		return;
	event_del(&w->ev);
	close(w->fd);
	free(w);
}
