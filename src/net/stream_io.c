/* Moving octets, and telling the owner about it. */
#include "net/stream_private.h"

#include "base/clock.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	READ_CHUNK = 16384,	 /* one TLS record */
	PLAIN_WRITE_MAX = 65536, /* handed to the kernel in one call */
	MOVES_AT_ONCE = 16,	 /* reads or writes before others have a turn */
	ROUNDS_AT_ONCE = 8,	 /* write, tell, write what that brought, ... */
	ACKS_LOOK_MS = 50, /* no event tells that octets were acknowledged */
};

static void
sock_fail(struct stream *s)
{
	enum stream_end end =
		s->sock.error == ETIMEDOUT ? STREAM_TIMEOUT : STREAM_RESET;

	stream_fail(s, end,
		end == STREAM_TIMEOUT
			? "the peer acknowledged nothing for too long"
			: strerror(s->sock.error));
}

/* The first of n octets that TLS or the socket gave, or why there are none. */
static enum tls_step
raw_read(struct stream *s, void *p, size_t n, size_t *n_r)
{
	ssize_t got;

	if (s->tls)
		return tls_conn_read(s->tls, p, n, n_r);
	got = sock_recv(&s->sock, p, n);
	*n_r = got > 0 ? (size_t)got : 0;
	if (got > 0)
		return TLS_OK;
	if (got == 0)
		return TLS_EOF;
	return s->sock.error ? TLS_SOCKET : TLS_WANT_READ;
}

/* A record is of no use to the peer before its last octet. */
static size_t
record_max(const struct stream *s)
{
	size_t window = s->sock.window;

	return window && window < TLS_RECORD_MAX ? window : TLS_RECORD_MAX;
}

/* A write that has to wait is repeated with no fewer octets than before. */
static enum tls_step
record_write(struct stream *s, struct str v, size_t *n_r)
{
	size_t most = record_max(s);
	enum tls_step step;

	if (v.n > most)
		v.n = most;
	if (v.n < s->record)
		v.n = s->record;
	step = tls_conn_write(s->tls, v.p, v.n, n_r);
	s->record = step == TLS_OK ? 0 : v.n;
	return step;
}

static enum tls_step
raw_write(struct stream *s, struct str v, size_t *n_r)
{
	ssize_t put;

	if (s->tls)
		return record_write(s, v, n_r);
	put = sock_send(
		&s->sock, v.p, v.n < PLAIN_WRITE_MAX ? v.n : PLAIN_WRITE_MAX);
	*n_r = put > 0 ? (size_t)put : 0;
	if (put > 0)
		return TLS_OK;
	return s->sock.error ? TLS_SOCKET : TLS_WANT_WRITE;
}

/* STEP ended the flow of octets (it is none of OK and WANT_*). */
static void
flow_ended(struct stream *s, enum tls_step step)
{
	if (step == TLS_SOCKET)
		sock_fail(s);
	else
		stream_fail(s, STREAM_TLS, tls_conn_why(s->tls));
}

static bool
may_read(const struct stream *s)
{
	return s->phase == PHASE_OPEN && s->read_on && !s->eof && !s->dead &&
	       s->in.len < STREAM_INPUT_MAX;
}

/* Before reading: the owner has counted what was read before. */
static void
count_begin(struct stream *s)
{
	s->sock.held_in = false;
	if (s->sock.counted)
		s->sock.uncounted = s->piece;
}

static void
count_end(struct stream *s)
{
	if (s->sock.counted && s->sock.uncounted < s->piece)
		s->tell |= TELL_MOVED;
}

/* True: more may be there, but others have their turn now. */
static bool
fill(struct stream *s)
{
	char chunk[READ_CHUNK];

	s->in_wants_out = false;
	for (int i = 0; i < MOVES_AT_ONCE && may_read(s); i++) {
		size_t room = STREAM_INPUT_MAX - s->in.len, n;
		enum tls_step step = raw_read(
			s, chunk, room < READ_CHUNK ? room : READ_CHUNK, &n);

		if (step == TLS_OK) {
			buf_add(&s->in, chunk, n);
			s->tell |= TELL_INPUT;
			continue;
		}
		if (step == TLS_WANT_WRITE)
			s->in_wants_out = true;
		else if (step == TLS_EOF) {
			s->eof = true;
			stream_fail(s, STREAM_EOF,
				"the peer closed the connection");
		} else if (step != TLS_WANT_READ)
			flow_ended(s, step);
		return false;
	}
	return may_read(s);
}

/*
 * The peer went while we were sending: what it said before is still in the
 * socket ("554 too large") and worth more than the error.
 */
static void
write_failed(struct stream *s, enum tls_step step)
{
	buf_free(&s->out);
	if (!s->tls)
		fill(s);
	flow_ended(s, step);
}

/* Hands output to the kernel. False: it takes no more now. */
static bool
flush(struct stream *s)
{
	s->out_wants_in = false;
	for (int i = 0; i < MOVES_AT_ONCE && s->out.len && !s->dead; i++) {
		size_t n;
		enum tls_step step = raw_write(s, buf_view(&s->out), &n);

		if (step == TLS_OK) {
			buf_consume(&s->out, n);
			if (s->out.len == 0)
				s->tell |= TELL_DRAINED;
			continue;
		}
		if (step == TLS_WANT_READ)
			s->out_wants_in = true;
		else if (step != TLS_WANT_WRITE)
			write_failed(s, step);
		return false;
	}
	return true;
}

static void
handshake(struct stream *s)
{
	enum tls_step step = tls_conn_handshake(s->tls);

	s->out_wants_in = s->in_wants_out = false;
	switch (step) {
	case TLS_OK:
		event_del(&s->timer);
		s->phase = PHASE_OPEN;
		s->tell |= TELL_TLS_UP;
		break;
	case TLS_WANT_READ:
		s->out_wants_in = true;
		break;
	case TLS_WANT_WRITE:
		s->in_wants_out = true;
		break;
	default:
		event_del(&s->timer);
		if (s->sock.error == ETIMEDOUT)
			sock_fail(s);
		else
			stream_fail(s, STREAM_TLS, tls_conn_why(s->tls));
		break;
	}
}

/*
 * Everything is sent. Closing now, with input of the peer unread, would reset
 * the connection and might take our last words from the peer: say that we
 * are done, and read until the peer is done too.
 */
static void
say_goodbye(struct stream *s)
{
	if (s->tls)
		tls_conn_bye(s->tls);
	shutdown(s->sock.fd, SHUT_WR);
	s->phase = s->eof || s->dead ? PHASE_GONE : PHASE_DISCARD;
}

static void
discard(struct stream *s)
{
	char chunk[READ_CHUNK];
	ssize_t got = 1;

	/* What a counted stream may not read any more is not waited for. */
	if (s->sock.counted)
		s->sock.uncounted = s->leaving;
	for (int i = 0; i < MOVES_AT_ONCE && got > 0; i++)
		got = sock_recv(&s->sock, chunk, sizeof(chunk));
	if (s->sock.counted)
		s->leaving = s->sock.uncounted;
	if (got == 0 || s->sock.error || (s->sock.counted && !s->leaving))
		s->phase = PHASE_GONE;
}

static void
tell_tickets(struct stream *s)
{
	struct buf ticket;

	while (s->phase < PHASE_FLUSH && s->tls &&
		tls_conn_take_ticket(s->tls, &ticket)) {
		s->tls->ticket_fn(s->tls->ticket_arg, buf_view(&ticket));
		buf_free(&ticket);
	}
}

/*
 * The end waits its turn behind the input, also while input is held back;
 * a failure does not wait.
 */
static bool
may_tell_closed(const struct stream *s)
{
	if (!(s->tell & TELL_CLOSED))
		return false;
	return s->end != STREAM_EOF || s->read_on;
}

/* Tells the owner one thing. False: nothing to tell. */
static bool
tell_one(struct stream *s)
{
	const struct stream_ops *ops = s->ops;
	struct tls_facts facts;

	if (s->phase > PHASE_HANDSHAKE)
		return false;
	if (s->tell & TELL_MOVED) {
		s->tell &= ~(unsigned)TELL_MOVED;
		if (ops->moved)
			ops->moved(s->arg);
	} else if (s->tell & TELL_TLS_UP) {
		s->tell &= ~(unsigned)TELL_TLS_UP;
		tls_conn_facts(s->tls, &facts);
		if (ops->tls_up)
			ops->tls_up(s->arg, &facts);
	} else if (s->tell & TELL_DRAINED) {
		s->tell &= ~(unsigned)TELL_DRAINED;
		if (s->out.len == 0 && ops->drained)
			ops->drained(s->arg);
	} else if ((s->tell & TELL_INPUT) && s->read_on) {
		s->tell &= ~(unsigned)TELL_INPUT;
		if (s->in.len && ops->input)
			ops->input(s->arg);
	} else if (may_tell_closed(s)) {
		s->tell &= ~(unsigned)TELL_CLOSED;
		if (ops->closed)
			ops->closed(s->arg, s->end, s->why);
	} else {
		return false;
	}
	return true;
}

static void
arm(struct event *ev, bool on)
{
	if (on)
		event_add(ev, NULL);
	else
		event_del(ev);
}

/* What no event tells of: our own window, and the pace. */
static uint64_t
wait_ms(const struct stream *s, bool reads, bool writes)
{
	const struct sock *sock = &s->sock;
	uint64_t ms = writes && sock->full ? ACKS_LOOK_MS : UINT64_MAX;

	for (enum pace_way way = 0; way < PACE_WAYS; way++) {
		bool held = way == PACE_OUT ? writes && sock->held_out
					    : reads && sock->held_in;
		uint64_t pace =
			held ? pace_wait_ms(sock->pace, way, clock_mono_ms())
			     : UINT64_MAX;

		if (pace < ms)
			ms = pace;
	}
	return ms;
}

static void
arm_events(struct stream *s)
{
	bool sending = s->out.len && s->phase != PHASE_HANDSHAKE;
	bool reads = !s->dead && (may_read(s) || s->out_wants_in ||
					 s->phase == PHASE_DISCARD);
	bool writes =
		!s->dead && ((sending && !s->out_wants_in) || s->in_wants_out);
	uint64_t ms = wait_ms(s, reads, writes);
	struct timeval look = loop_timeval(ms);

	arm(&s->readable, reads && !s->sock.held_in);
	arm(&s->writable, writes && !s->sock.full && !s->sock.held_out);
	if (ms < UINT64_MAX)
		event_add(&s->wait, &look);
	else
		event_del(&s->wait);
	/* An idle stream costs no buffers. */
	if (s->in.len == 0)
		buf_free(&s->in);
	if (s->out.len == 0)
		buf_free(&s->out);
}

/* The owner asked for TLS while it was told something. */
static bool
handshake_not_begun(const struct stream *s)
{
	return s->phase == PHASE_HANDSHAKE && !s->dead && !s->out_wants_in &&
	       !s->in_wants_out;
}

/* Writes and tells until there is nothing to do, or for long enough. */
static void
settle(struct stream *s, bool again)
{
	bool told = true;

	for (int i = 0; i < ROUNDS_AT_ONCE && told; i++) {
		if (s->phase == PHASE_OPEN || s->phase == PHASE_FLUSH)
			flush(s);
		if (s->phase == PHASE_FLUSH && (s->out.len == 0 || s->dead))
			say_goodbye(s);
		tell_tickets(s);
		told = tell_one(s);
	}
	if (s->phase == PHASE_FLUSH && s->out.len == 0)
		again = true; /* closed just now */
	if (s->phase == PHASE_GONE) {
		stream_destroy(s);
		return;
	}
	s->busy = false;
	arm_events(s);
	if (told || again || handshake_not_begun(s) ||
		(s->tls && may_read(s) && tls_conn_has_more(s->tls)))
		stream_poke(s);
}

void
stream_on_io(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	bool again = false;

	(void)fd;
	s->busy = true;
	count_begin(s);
	if (s->phase == PHASE_HANDSHAKE && !s->dead)
		handshake(s);
	else if (s->phase == PHASE_DISCARD)
		discard(s);
	else if ((what & (EV_READ | EV_TIMEOUT)) || s->in_wants_out)
		again = fill(s);
	count_end(s);
	settle(s, again);
}

void
stream_on_wait(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	stream_on_io(fd, EV_READ | EV_WRITE, arg);
}

void
stream_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	char why[96];

	(void)fd;
	(void)what;
	s->busy = true;
	if (s->phase == PHASE_HANDSHAKE) {
		snprintf(why, sizeof(why),
			"TLS handshake: not finished within %.1f s",
			(double)s->handshake_ms / 1000);
		stream_fail(s, STREAM_TLS, why);
	} else {
		s->phase = PHASE_GONE; /* it lingered long enough */
	}
	settle(s, false);
}
