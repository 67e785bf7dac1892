#include "net/listen.h"

#include "base/log.h"
#include "base/str.h"
#include "net/address.h"
#include "net/loop_private.h"
#include "net/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACCEPT_AT_ONCE = 16,   /* connections per turn of the loop */
	ACCEPT_PAUSE_MS = 500, /* after EMFILE and the like */
	LISTEN_BACKLOG = 1024, /* the kernel cuts it to somaxconn */
};

struct listener {
	int fd;
	struct event ev, retry;
	listen_fn *fn;
	void *arg;
	unsigned port;
	uint32_t window; /* of new connections; 0 any */
	char *path;	 /* Unix only */
	dev_t dev;	 /* of the file at path, to remove no other */
	ino_t ino;
	bool given;	/* fd is not ours to close */
	bool paused;	/* by the owner */
	bool resting;	/* after a failed accept */
	bool in_accept; /* on_accept runs: listener_free must wait for it */
	bool freed;
};

static void
listener_destroy(struct listener *l)
{
	free(l->path);
	free(l);
}

static void
listener_arm(struct listener *l)
{
	if (l->paused || l->resting)
		event_del(&l->ev);
	else
		event_add(&l->ev, NULL);
}

/*
 * Without descriptors or memory a connection stays in the backlog and the
 * listener readable: rest a moment instead of spinning.
 */
static void
listener_rest(struct listener *l, int error)
{
	struct timeval tv = loop_timeval(ACCEPT_PAUSE_MS);

	log_warning("accept-failed", LOG_INT("port", l->port),
		LOG_STR("error", strerror(error)),
		LOG_INT("pause_ms", ACCEPT_PAUSE_MS));
	l->resting = true;
	listener_arm(l);
	event_add(&l->retry, &tv);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	l->resting = false;
	listener_arm(l);
}

/* Errors of one connection, not of the listener (accept(2)). */
static bool
accept_error_passes(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	l->in_accept = true;
	for (int i = 0; i < ACCEPT_AT_ONCE && !l->paused && !l->freed; i++) {
		int new_fd =
			accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (new_fd >= 0) {
			l->fn(l->arg, new_fd);
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (accept_error_passes(errno))
			continue;
		listener_rest(l, errno);
		break;
	}
	l->in_accept = false;
	if (l->freed)
		listener_destroy(l);
}

/* What the errno of bind or listen means to the caller. */
static enum err_code
bind_code(int error)
{
	switch (error) {
	case EADDRINUSE:
		return ERR_LOCKED;
	case EACCES:
	case EPERM:
		return ERR_PERM;
	case EADDRNOTAVAIL:
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EROFS:
		return ERR_READONLY;
	default:
		return ERR_IO;
	}
}

static const char *
bind_words(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "the port is in use by another program: stop that one, "
		       "or choose another port";
	case EACCES:
		return "no permission to use this port: below 1024 start as "
		       "root, or let systemd open it";
	case EADDRNOTAVAIL:
		return "this host has no such address: set one that it has, or "
		       "*";
	default:
		return strerror(error);
	}
}

static struct listener *
listener_new(struct loop *loop, int fd, listen_fn *fn, void *arg)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->fd = fd;
	l->fn = fn;
	l->arg = arg;
	event_assign(&l->ev, loop_base(loop), fd, EV_READ | EV_PERSIST,
		on_accept, l);
	evtimer_assign(&l->retry, loop_base(loop), on_retry, l);
	listener_arm(l);
	return l;
}

/* A bound and listening socket, or -1 and errno. */
static int
tcp_socket(const struct sockaddr_storage *ss, socklen_t len, bool dual)
{
	int fd = socket(
		ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, only = !dual, error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind(fd, (const void *)ss, len) == 0 &&
		listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
tcp_open(const char *address, unsigned port, struct err *e, enum err_code *code)
{
	struct sockaddr_storage ss;
	socklen_t len;
	bool any = strcmp(address, "*") == 0;
	int fd;

	*code = ERR_INVALID;
	if (port > 65535 ||
		!address_from_text(any ? "::" : address, port, &ss, &len)) {
		err_set(e, *code, "%s port %u: not an address and port",
			address, port);
		return -1;
	}
	fd = tcp_socket(&ss, len, any);
	if (fd < 0 && any && address_family_missing(errno) &&
		address_from_text("0.0.0.0", port, &ss, &len))
		fd = tcp_socket(&ss, len, false);
	if (fd < 0) {
		*code = bind_code(errno);
		err_set(e, *code, "%s port %u: %s", address, port,
			bind_words(errno));
	}
	return fd;
}

enum err_code
listen_tcp(struct loop *loop, const char *address, unsigned port, listen_fn *fn,
	void *arg, struct listener **listener_r, struct err *e)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	char text[ADDRESS_TEXT_MAX];
	enum err_code code;
	int fd = tcp_open(address, port, e, &code);

	if (fd < 0)
		return code;
	getsockname(fd, (struct sockaddr *)&ss, &len);
	*listener_r = listener_new(loop, fd, fn, arg);
	(*listener_r)->port = address_text(&ss, text);
	return OK;
}

struct listener *
listen_given(struct loop *loop, int fd, listen_fn *fn, void *arg)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	char text[ADDRESS_TEXT_MAX];
	struct listener *l = listener_new(loop, fd, fn, arg);

	l->given = true;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		l->port = address_text(&ss, text);
	return l;
}

/* Does somebody answer at the Unix socket ADDR? */
static bool
unix_is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive;

	if (fd < 0)
		return true; /* not known: touch nothing */
	/* A full backlog (EAGAIN) belongs to somebody as well. */
	alive = connect(fd, (const void *)addr, sizeof(*addr)) == 0 ||
		(errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return alive;
}

/* Takes the file of a dead daemon out of the way. */
static enum err_code
unix_clear(const struct sockaddr_un *addr, struct err *e)
{
	const char *path = addr->sun_path;
	struct stat st;

	if (lstat(path, &st) != 0)
		return OK; /* bind will say what is wrong, if anything is */
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_EXISTS,
			"%s: there is a file that is no socket: take it away, "
			"or name another path",
			path);
	if (unix_is_alive(addr))
		return err_set(e, ERR_LOCKED,
			"%s: in use by another running program: stop that one, "
			"or name another path",
			path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(
			e, bind_code(errno), "%s: %s", path, strerror(errno));
	return OK;
}

static int
unix_socket(const struct sockaddr_un *addr, unsigned mode)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	/*
	 * The file is made with the socket's mode less the umask, so it is
	 * never open to more than MODE; chmod gives what umask took.
	 */
	if (fchmod(fd, mode) == 0 &&
		bind(fd, (const void *)addr, sizeof(*addr)) == 0 &&
		chmod(addr->sun_path, mode) == 0 &&
		listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

enum err_code
listen_unix(struct loop *loop, const char *path, unsigned mode, listen_fn *fn,
	void *arg, struct listener **listener_r, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct listener *l;
	struct stat st;
	enum err_code code;
	int fd;

	if (!*path || !str_copyz(addr.sun_path, sizeof(addr.sun_path), path))
		return err_set(e, ERR_INVALID,
			"%s: the path of a socket has 1 to %zu octets", path,
			sizeof(addr.sun_path) - 1);
	code = unix_clear(&addr, e);
	if (code != OK)
		return code;
	fd = unix_socket(&addr, mode);
	if (fd < 0)
		return err_set(
			e, bind_code(errno), "%s: %s", path, strerror(errno));
	l = listener_new(loop, fd, fn, arg);
	l->path = str_dupz(path);
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	*listener_r = l;
	return OK;
}

enum err_code
listener_give(struct listener *l, unsigned uid, unsigned gid, struct err *e)
{
	struct stat st;
	enum err_code rc = OK;
	int fd;

	if (!l->path)
		return OK;
	fd = open(l->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
		st.st_dev != l->dev || st.st_ino != l->ino)
		rc = err_set(e, ERR_EXISTS, "%s: it is not our socket any more",
			l->path);
	else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		rc = err_set(e, bind_code(errno), "%s: %s", l->path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

void
listener_window(struct listener *l, uint32_t octets)
{
	if (l->window == octets || l->path)
		return;
	l->window = octets;
	segments_clamp(l->fd, octets);
}

unsigned
listener_port(const struct listener *l)
{
	return l->port;
}

void
listener_pause(struct listener *l, bool pause)
{
	l->paused = pause;
	listener_arm(l);
}

void
listener_free(struct listener *l)
{
	struct stat st;

	if (!l)
		return;
	event_del(&l->ev);
	event_del(&l->retry);
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
		st.st_ino == l->ino)
		unlink(l->path);
	if (!l->given)
		close(l->fd);
	l->freed = true;
	if (!l->in_accept)
		listener_destroy(l);
}

bool
listen_peer_cred(int fd, unsigned *uid_r, unsigned *gid_r)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
		cred.pid <= 0)
		return false;
	*uid_r = cred.uid;
	*gid_r = cred.gid;
	return true;
}
