#include "net/stream.h"

#include "base/str.h"
#include "net/stream_private.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void
stream_poke(struct stream *s)
{
	struct timeval now = {0, 0};

	if (!s->busy)
		evtimer_add(&s->later, &now);
}

void
stream_fail(struct stream *s, enum stream_end end, const char *why)
{
	if (end != STREAM_EOF)
		s->dead = true;
	/* An EOF that is held back with the input gives way to a failure. */
	if (s->why && (end == STREAM_EOF || s->end != STREAM_EOF ||
			      !(s->tell & TELL_CLOSED)))
		return;
	free(s->why);
	s->end = end;
	s->why = str_dupz(why);
	s->tell |= TELL_CLOSED;
}

static void
ward_end(struct loop_ward *w)
{
	stream_destroy(LIST_ITEM(w, struct stream, ward));
}

static void
set_addresses(struct stream *s)
{
	struct sockaddr_storage peer = {0}, local = {0};
	socklen_t peer_n = sizeof(peer), local_n = sizeof(local);
	int one = 1;

	getpeername(s->sock.fd, (struct sockaddr *)&peer, &peer_n);
	getsockname(s->sock.fd, (struct sockaddr *)&local, &local_n);
	s->peer_port = address_text(&peer, s->peer);
	address_text(&local, s->local);
	if (local.ss_family == AF_INET || local.ss_family == AF_INET6)
		setsockopt(s->sock.fd, IPPROTO_TCP, TCP_NODELAY, &one,
			sizeof(one));
}

struct stream *
stream_new(struct loop *loop, int fd, const struct stream_ops *ops, void *arg)
{
	struct event_base *base = loop_base(loop);
	struct stream *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->ops = ops;
	s->arg = arg;
	s->sock.fd = fd;
	s->read_on = true;
	s->ward.end = ward_end;
	list_init(&s->ward.node);
	buf_init(&s->in, STREAM_INPUT_MAX);
	buf_init(&s->out, 0); /* the owner bounds it by stream_unsent */
	evutil_make_socket_nonblocking(fd);
	set_addresses(s);
	event_assign(
		&s->readable, base, fd, EV_READ | EV_PERSIST, stream_on_io, s);
	event_assign(
		&s->writable, base, fd, EV_WRITE | EV_PERSIST, stream_on_io, s);
	evtimer_assign(&s->later, base, stream_on_io, s);
	evtimer_assign(&s->timer, base, stream_on_timer, s);
	evtimer_assign(&s->wait, base, stream_on_wait, s);
	event_add(&s->readable, NULL);
	return s;
}

void
stream_destroy(struct stream *s)
{
	if (s->gone)
		s->gone(s->gone_arg, s);
	event_del(&s->readable);
	event_del(&s->writable);
	event_del(&s->later);
	event_del(&s->timer);
	event_del(&s->wait);
	list_remove(&s->ward.node);
	tls_conn_free(s->tls);
	close(s->sock.fd);
	pace_release(s->sock.pace);
	buf_free(&s->in);
	buf_free(&s->out);
	free(s->why);
	free(s);
}

void
stream_set_owner(struct stream *s, const struct stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
	if (s->in.len)
		s->tell |= TELL_INPUT;
	stream_poke(s);
}

struct str
stream_view(const struct stream *s)
{
	return buf_view(&s->in);
}

void
stream_consume(struct stream *s, size_t n)
{
	assert(n <= s->in.len);
	buf_consume(&s->in, n);
	stream_poke(s); /* there is room again */
}

void
stream_read_enable(struct stream *s, bool enable)
{
	if (enable && !s->read_on && s->in.len)
		s->tell |= TELL_INPUT;
	s->read_on = enable;
	if (!enable)
		event_del(&s->readable);
	stream_poke(s);
}

void
stream_write(struct stream *s, struct str octets)
{
	if (s->dead || octets.n == 0)
		return;
	buf_adds(&s->out, octets);
	stream_poke(s);
}

size_t
stream_unsent(const struct stream *s)
{
	return s->out.len;
}

static void
tls_start(struct stream *s, uint64_t timeout_ms)
{
	struct timeval tv = loop_timeval(timeout_ms);

	s->phase = PHASE_HANDSHAKE;
	s->handshake_ms = timeout_ms;
	event_add(&s->timer, &tv);
	stream_poke(s);
}

/*
 * Octets that came in clear behind STARTTLS would pass for octets of the TLS
 * session (RFC 3207 4.2): an attack, or a peer with a bug.
 */
static bool
tls_may_start(struct stream *s)
{
	assert(!s->tls && s->out.len == 0);
	if (s->in.len == 0)
		return !s->dead;
	stream_fail(s, STREAM_TLS,
		"TLS handshake: the peer sent plain text before it");
	stream_poke(s);
	return false;
}

void
stream_tls_accept(
	struct stream *s, struct tls_server *server, uint64_t timeout_ms)
{
	if (!tls_may_start(s))
		return;
	s->tls = tls_conn_accept(server, &s->sock);
	tls_start(s, timeout_ms);
}

void
stream_tls_connect(struct stream *s, struct tls_client *client,
	const struct tls_policy *policy, uint64_t timeout_ms)
{
	struct err e;

	if (!tls_may_start(s))
		return;
	s->tls = tls_conn_connect(client, policy, &s->sock, &e);
	if (!s->tls) {
		stream_fail(s, STREAM_TLS, e.text);
		stream_poke(s);
		return;
	}
	tls_start(s, timeout_ms);
}

void
stream_set_stall_ms(struct stream *s, uint64_t stall_ms)
{
	unsigned ms = stall_ms < 0x7fffffff ? (unsigned)stall_ms : 0x7fffffff;

	/* Fails on a Unix socket, where nothing is lost on the way. */
	setsockopt(s->sock.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

void
stream_count(struct stream *s, size_t octets)
{
	s->piece = s->leaving = octets;
	s->sock.counted = true;
	if (s->sock.uncounted > octets)
		s->sock.uncounted = octets;
}

void
stream_set_pace(struct stream *s, struct pace *p)
{
	pace_hold(p);
	pace_release(s->sock.pace);
	s->sock.pace = p;
	stream_poke(s);
}

void
stream_on_gone(struct stream *s, stream_gone_fn *fn, void *arg)
{
	s->gone = fn;
	s->gone_arg = arg;
}

void
stream_set_window(struct stream *s, size_t octets)
{
	s->sock.window = octets;
	stream_poke(s);
}

size_t
stream_unacked(const struct stream *s)
{
	return s->out.len + sock_unacked(&s->sock);
}

struct stream_counts
stream_counts(const struct stream *s)
{
	return (struct stream_counts){
		.sent = s->sock.sent,
		.received = s->sock.received,
	};
}

bool
stream_certificate(
	const struct stream *s, struct tls_certificate *certificate_r)
{
	if (!s->tls || !s->tls->has_seen)
		return false;
	*certificate_r = s->tls->seen;
	return true;
}

const char *
stream_peer_address(const struct stream *s)
{
	return s->peer;
}

unsigned
stream_peer_port(const struct stream *s)
{
	return s->peer_port;
}

const char *
stream_local_address(const struct stream *s)
{
	return s->local;
}

int
stream_fd(const struct stream *s)
{
	return s->sock.fd;
}

void
stream_close(struct stream *s, uint64_t linger_ms)
{
	struct timeval tv = loop_timeval(linger_ms);

	if (!s)
		return;
	if (linger_ms > 0 && !s->dead && s->phase == PHASE_OPEN) {
		s->phase = PHASE_FLUSH;
		s->read_on = false;
		loop_adopt(s->loop, &s->ward);
		event_add(&s->timer, &tv);
		stream_poke(s);
		return;
	}
	if (s->tls && s->out.len == 0)
		tls_conn_bye(s->tls);
	s->phase = PHASE_GONE;
	if (!s->busy)
		stream_destroy(s);
}
