#include "net/given.h"

#include "base/str.h"
#include "net/address.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	FIRST_FD = 3,
	NAME_MAX_OCTETS = 64,
	WHERE_MAX = 128, /* the path of a Unix socket fits */
};

struct given {
	int fd;
	bool is_unix, used;
	unsigned port;
	char name[NAME_MAX_OCTETS];
	char where[WHERE_MAX]; /* address or path */
};

static struct given all[GIVEN_MAX];
static size_t all_n;

static bool
is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int yes = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	       yes;
}

/* False: not a socket that we know how to serve. */
static bool
describe(struct given *g)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);

	if (!is_listening(g->fd) ||
		getsockname(g->fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	g->is_unix = ss.ss_family == AF_UNIX;
	if (g->is_unix)
		return str_copyz(g->where, sizeof(g->where),
			((const struct sockaddr_un *)(const void *)&ss)
				->sun_path);
	if (ss.ss_family != AF_INET && ss.ss_family != AF_INET6)
		return false;
	g->port = address_text(&ss, g->where);
	return true;
}

static void
take(int fd, struct str name)
{
	struct given g = {.fd = fd};

	str_copy(g.name, sizeof(g.name), name);
	if (!describe(&g))
		return; /* whoever gave it knows why */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	all[all_n++] = g;
}

static bool
is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;

	return pid && str_u64(str_of(pid), &n) && n == (uint64_t)getpid();
}

size_t
given_look(void)
{
	const char *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	struct str rest = str_of(names ? names : ""), name;
	uint64_t n = 0;

	if (!is_for_us() || !count || !str_u64(str_of(count), &n))
		n = 0;
	for (uint64_t i = 0; i < n && i < GIVEN_MAX; i++) {
		name = str_cut(rest, ':', &rest);
		take(FIRST_FD + (int)i, name);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return all_n;
}

static bool
is_any(const char *where)
{
	return strcmp(where, "::") == 0 || strcmp(where, "0.0.0.0") == 0;
}

static bool
fits(const struct given *g, const char *address, unsigned port,
	const char *name)
{
	if (g->is_unix)
		return false;
	if (port == 0)
		return strcmp(g->name, name) == 0;
	if (g->port != port)
		return false;
	return strcmp(address, "*") == 0 ? is_any(g->where)
					 : strcmp(g->where, address) == 0;
}

int
given_tcp(const char *address, unsigned port, const char *name)
{
	for (size_t i = 0; i < all_n; i++)
		if (fits(&all[i], address, port, name)) {
			all[i].used = true;
			return all[i].fd;
		}
	return -1;
}

int
given_unix(const char *path)
{
	for (size_t i = 0; i < all_n; i++)
		if (all[i].is_unix && strcmp(all[i].where, path) == 0) {
			all[i].used = true;
			return all[i].fd;
		}
	return -1;
}

void
given_close(void)
{
	for (size_t i = 0; i < all_n; i++)
		close(all[i].fd);
	all_n = 0;
}

void
given_each_unused(
	void (*fn)(void *arg, const char *name, const char *where), void *arg)
{
	char text[WHERE_MAX + 16];

	for (size_t i = 0; i < all_n; i++) {
		const struct given *g = &all[i];

		if (g->used)
			continue;
		if (g->is_unix)
			str_copyz(text, sizeof(text), g->where);
		else
			snprintf(text, sizeof(text), "%s port %u", g->where,
				g->port);
		fn(arg, g->name, text);
	}
}
