#include "net/dial.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/address.h"
#include "net/loop_private.h"
#include "net/segments.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define RESOLV_CONF "/etc/resolv.conf" /* resolv.conf(5) */

enum {
	DIAL_ADDRESSES_MAX = 16,  /* of one host; more are not tried */
	DIAL_WHY_MAX = 480,	  /* all failures of one dial in words */
	DIAL_SHARE_MIN_MS = 1000, /* an address has at least this long */
};

struct place {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* A name being looked up. Shared by the dial and the helper's job. */
struct lookup {
	struct dial *dial; /* NULL once the dial is gone; loop thread only */
	char *host;
	unsigned port;
	int error; /* of getaddrinfo */
	int sys_error;
	size_t places_n;
	struct place places[DIAL_ADDRESSES_MAX];
};

struct dial {
	uint32_t window; /* 0: as the system likes */
	struct loop *loop;
	char *host, *interface; /* interface may be NULL */
	struct place from;	/* len 0: any */
	unsigned port;
	uint64_t timeout_ms, deadline_ms;
	dial_fn *fn;
	void *arg;
	struct lookup *lookup; /* while the look-up runs */
	struct place places[DIAL_ADDRESSES_MAX];
	size_t places_n, next;
	int fd; /* of the attempt in hand, or -1 */
	struct event ev;
	struct event timer;
	struct buf why;	    /* failures so far, "; " between them */
	enum err_code code; /* of the first failure */
};

static void dial_next(struct dial *d);

static void
attempt_end(struct dial *d)
{
	if (d->fd < 0)
		return;
	event_del(&d->ev);
	close(d->fd);
	d->fd = -1;
}

void
dial_cancel(struct dial *d)
{
	if (!d)
		return;
	if (d->lookup)
		d->lookup->dial = NULL; /* freed when the helper is done */
	attempt_end(d);
	event_del(&d->timer);
	buf_free(&d->why);
	free(d->interface);
	free(d->host);
	free(d);
}

static void
dial_note(struct dial *d, enum err_code code, const char *words)
{
	if (d->why.len == 0)
		d->code = code;
	else if (buf_room(&d->why) >= strlen(words) + 2)
		buf_addz(&d->why, "; ");
	buf_addz(&d->why, words); /* as many as there is room for */
}

/* Tells the caller and ends. FD is given, or -1. */
static void
dial_finish(struct dial *d, int fd)
{
	dial_fn *fn = d->fn;
	void *arg = d->arg;
	struct buf why = d->why;
	enum err_code code = fd >= 0 ? OK : d->code;

	buf_init(&d->why, DIAL_WHY_MAX);
	dial_cancel(d);
	fn(arg, fd, code, fd >= 0 ? "" : buf_z(&why));
	buf_free(&why);
}

static void
place_words(const struct place *p, char *out_r, size_t size)
{
	char text[ADDRESS_TEXT_MAX];
	unsigned port = address_text(&p->ss, text);

	snprintf(out_r, size, "%s port %u", text, port);
}

/* The attempt at the address before `next` failed with errno ERROR. */
static void
attempt_failed(struct dial *d, int error)
{
	char place[96], words[256];
	enum err_code code = ERR_IO;

	place_words(&d->places[d->next - 1], place, sizeof(place));
	switch (error) {
	case ECONNREFUSED:
		code = ERR_CLOSED;
		snprintf(words, sizeof(words), "connection refused by %s",
			place);
		break;
	case ETIMEDOUT:
		code = ERR_TIMEOUT;
		snprintf(words, sizeof(words), "no answer from %s", place);
		break;
	case EACCES:
	case EPERM:
		code = ERR_PERM;
		snprintf(words, sizeof(words),
			"this host may not connect to %s", place);
		break;
	default:
		snprintf(words, sizeof(words), "cannot reach %s: %s", place,
			strerror(error));
		break;
	}
	dial_note(d, code, words);
	attempt_end(d);
}

static uint64_t
dial_left_ms(const struct dial *d)
{
	uint64_t now = clock_mono_ms();

	return now < d->deadline_ms ? d->deadline_ms - now : 0;
}

static void
dial_timer(struct dial *d, uint64_t delay_ms)
{
	struct timeval tv = loop_timeval(delay_ms);

	evtimer_add(&d->timer, &tv);
}

static void
on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0) {
		event_del(&d->ev);
		d->fd = -1;
		dial_finish(d, fd);
		return;
	}
	attempt_failed(d, error);
	dial_next(d);
}

/* Binds FD to the interface and address wanted. False: noted, no use. */
static bool
attempt_bind(struct dial *d, int fd)
{
	int one = 1;
	char words[256];

	if (d->interface &&
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, d->interface,
			(socklen_t)strlen(d->interface)) != 0) {
		snprintf(words, sizeof(words), "interface %.64s: %s",
			d->interface,
			errno == ENODEV ? "there is none of this name"
					: strerror(errno));
		dial_note(d, errno == EPERM ? ERR_PERM : ERR_NOTFOUND, words);
		return false;
	}
	if (d->from.len == 0)
		return true;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const void *)&d->from.ss, d->from.len) != 0) {
		char text[ADDRESS_TEXT_MAX];

		address_text(&d->from.ss, text);
		snprintf(words, sizeof(words), "from address %s: %s", text,
			errno == EADDRNOTAVAIL ? "this host does not have it"
					       : strerror(errno));
		dial_note(d, ERR_NOTFOUND, words);
		return false;
	}
	return true;
}

/* Starts with one address. False: it failed at once, and that is noted. */
static bool
attempt_start(struct dial *d, const struct place *p)
{
	int fd = socket(
		p->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		attempt_failed(d, errno);
		return false;
	}
	if (!attempt_bind(d, fd)) {
		close(fd);
		d->next = d->places_n; /* the others would fail as well */
		return false;
	}
	d->fd = fd;
	if (d->window)
		segments_window(fd, d->window);
	event_assign(&d->ev, loop_base(d->loop), fd, EV_WRITE, on_connected, d);
	if (connect(fd, (const void *)&p->ss, p->len) != 0 &&
		errno != EINPROGRESS) {
		attempt_failed(d, errno);
		return false;
	}
	event_add(&d->ev, NULL);
	return true;
}

/*
 * Goes on with the next address. Each has an equal share of the time that is
 * left, so that a dead first one does not use up all of it.
 */
static void
dial_next(struct dial *d)
{
	while (d->next < d->places_n) {
		size_t left_n = d->places_n - d->next;
		uint64_t left_ms = dial_left_ms(d);
		uint64_t share_ms = left_ms / left_n;
		const struct place *p = &d->places[d->next];

		if (left_ms == 0 && d->why.len)
			break;
		if (share_ms < DIAL_SHARE_MIN_MS)
			share_ms = left_ms < DIAL_SHARE_MIN_MS
					   ? left_ms
					   : DIAL_SHARE_MIN_MS;
		d->next++;
		if (attempt_start(d, p)) {
			dial_timer(d, share_ms);
			return;
		}
	}
	dial_finish(d, -1);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	char words[256];

	(void)fd;
	(void)what;
	if (d->fd >= 0) {
		attempt_failed(d, ETIMEDOUT);
		dial_next(d);
	} else if (d->lookup) {
		snprintf(words, sizeof(words),
			"no answer to the look-up of %.160s", d->host);
		dial_note(d, ERR_BUSY, words);
		dial_finish(d, -1);
	} else if (d->why.len) {
		dial_finish(d, -1); /* a wrong bind address */
	} else {
		dial_next(d);
	}
}

static int
lookup_try(struct lookup *l, int flags, struct addrinfo **found_r)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICSERV | flags,
		.ai_socktype = SOCK_STREAM,
	};
	char service[16];

	snprintf(service, sizeof(service), "%u", l->port);
	return getaddrinfo(l->host, service, &hints, found_r);
}

/* On a helper thread. */
static void
lookup_work(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo *found = NULL;

	l->error = lookup_try(l, AI_ADDRCONFIG, &found);
	/*
	 * AI_ADDRCONFIG does not count loopback addresses: on a host without
	 * any other, names of loopback would not be found.
	 */
	if (l->error != 0 && l->error != EAI_AGAIN)
		l->error = lookup_try(l, 0, &found);
	l->sys_error = errno;
	if (l->error != 0)
		return;
	for (struct addrinfo *a = found; a && l->places_n < DIAL_ADDRESSES_MAX;
		a = a->ai_next) {
		struct place *p = &l->places[l->places_n];

		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		memcpy(&p->ss, a->ai_addr, a->ai_addrlen);
		p->len = a->ai_addrlen;
		l->places_n++;
	}
	freeaddrinfo(found);
}

static void
lookup_free(void *arg)
{
	struct lookup *l = arg;

	if (l->dial)
		l->dial->lookup = NULL;
	free(l->host);
	free(l);
}

static void
lookup_failed(struct dial *d, int error, int sys_error)
{
	bool blind = access(RESOLV_CONF, R_OK) != 0;
	char words[256];
	enum err_code code = ERR_IO;

	switch (error) {
	case 0:
	case EAI_NONAME:
	case EAI_NODATA:
		code = ERR_NOTFOUND;
		snprintf(words, sizeof(words), "no such host: %.200s", d->host);
		break;
	case EAI_AGAIN:
		code = ERR_BUSY;
		snprintf(words, sizeof(words),
			"no name server answered for %.160s%s%s", d->host,
			blind ? "; " RESOLV_CONF ": " : "",
			blind ? strerror(errno) : "");
		break;
	default:
		snprintf(words, sizeof(words), "look-up of %.160s: %s", d->host,
			error == EAI_SYSTEM ? strerror(sys_error)
					    : gai_strerror(error));
		break;
	}
	dial_note(d, code, words);
}

/* Keeps the addresses of the family that the bind address has. */
static void
dial_take_places(struct dial *d, const struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->from.len == 0 ||
			d->from.ss.ss_family == places[i].ss.ss_family)
			d->places[d->places_n++] = places[i];
	if (n && !d->places_n)
		dial_note(d, ERR_NOTFOUND,
			d->from.ss.ss_family == AF_INET
				? "the host has no IPv4 address"
				: "the host has no IPv6 address");
}

static void
lookup_done(void *arg)
{
	struct lookup *l = arg;
	struct dial *d = l->dial;

	if (d) {
		event_del(&d->timer);
		if (l->places_n == 0)
			lookup_failed(d, l->error, l->sys_error);
		dial_take_places(d, l->places, l->places_n);
	}
	lookup_free(l);
	if (d)
		dial_next(d);
}

static void
dial_lookup(struct dial *d, struct pool *pool)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->dial = d;
	l->host = str_dupz(d->host);
	l->port = d->port;
	d->lookup = l;
	dial_timer(d, d->timeout_ms);
	pool_submit_droppable(pool, lookup_work, lookup_done, lookup_free, l);
}

struct dial *
dial_start(struct loop *loop, struct pool *pool, const struct dial_conf *conf,
	dial_fn *fn, void *arg)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	struct place literal;

	assert(conf->port > 0 && conf->port < 65536);
	d->loop = loop;
	d->host = str_dupz(conf->host);
	d->window = conf->window;
	d->interface = conf->interface ? str_dupz(conf->interface) : NULL;
	d->port = conf->port;
	d->timeout_ms = conf->timeout_ms;
	d->deadline_ms = clock_mono_ms() + conf->timeout_ms;
	d->fn = fn;
	d->arg = arg;
	d->fd = -1;
	buf_init(&d->why, DIAL_WHY_MAX);
	evtimer_assign(&d->timer, loop_base(loop), on_time, d);
	if (conf->address && !address_from_text(conf->address, 0, &d->from.ss,
				     &d->from.len)) {
		dial_note(d, ERR_INVALID, "the address to dial from is none");
		dial_timer(d, 0);
	} else if (address_from_text(
			   d->host, d->port, &literal.ss, &literal.len)) {
		dial_take_places(d, &literal, 1);
		dial_timer(d, 0); /* never from inside this call */
	} else {
		dial_lookup(d, pool);
	}
	return d;
}

int
dial_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int error, fd;

	if (!str_copyz(to.sun_path, sizeof(to.sun_path), path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
