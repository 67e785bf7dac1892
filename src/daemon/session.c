#include "daemon/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/crash.h"
#include "daemon/speeds.h"

#include <stdlib.h>
#include <string.h>

enum {
	SESSION_LINGER_MS = 5000,
	SESSION_CLOSING_MS = 30000, /* for the last octets to leave */
	/* How often to see whether the peer acknowledged something. */
	SESSION_ACKS_MS = 15000,
};

static void on_timer(void *arg);
static const struct stream_ops stream_ops;

struct session *
session_new(struct node *n, struct stream *stream, const char *role)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->n = n;
	s->id = node_new_id(n);
	s->stream = stream;
	s->role = role;
	s->doing = "starting";
	s->refs = 1;
	s->unsent_max = SESSION_UNSENT_MAX;
	s->started_s = clock_sane_s();
	s->started_ms = s->progress_ms = clock_mono_ms();
	s->timer = loop_timer_new(n->loop, on_timer, s);
	list_push(&n->sessions, &s->node);
	n->sessions_n++;
	node_sessions_changed(n);
	stream_set_owner(stream, &stream_ops, s);
	return s;
}

void
session_swap(struct session *s, struct machine *m,
	const struct session_host *host, void *arg)
{
	machine_free(s->machine);
	s->machine = m;
	s->host = host;
	s->arg = arg;
	s->again = true;
}

void
session_hold(struct session *s)
{
	s->refs++;
}

void
session_release(struct session *s)
{
	if (--s->refs)
		return;
	machine_free(s->machine);
	if (s->host)
		s->host->free(s->arg);
	loop_timer_free(s->timer);
	shares_free(&s->shares);
	free(s);
}

void
session_set_window(struct session *s, size_t octets)
{
	s->unsent_max = octets ? octets : SESSION_UNSENT_MAX;
	stream_set_window(s->stream, octets);
}

void
session_close(struct session *s, const char *why)
{
	if (s->closed)
		return;
	s->closed = true;
	speeds_end(s->n->speeds, s);
	loop_timer_clear(s->timer);
	list_remove(&s->node);
	s->n->sessions_n--;
	node_sessions_changed(s->n);
	s->counts = stream_counts(s->stream);
	budgets_moved(s->n->budgets, s);
	s->has_certificate = stream_certificate(s->stream, &s->certificate);
	if (s->host)
		s->host->closed(s->arg, why);
	stream_close(s->stream, s->cut ? 0 : SESSION_LINGER_MS);
	s->stream = NULL;
	session_release(s);
}

void
session_shutdown(struct session *s)
{
	session_hold(s); /* pumping may end it */
	if (!s->closed && s->machine && !s->in_handshake && s->host->shutdown) {
		s->host->shutdown(s->arg);
		session_pump(s);
	}
	session_close(s, "the daemon stops");
	session_release(s);
}

void
session_answer(struct session *s, const struct reply *r)
{
	if (s->closed)
		return;
	machine_answer(s->machine, r);
	session_pump(s);
}

/* --- turn-arounds --- */

void
session_count_turns(struct session *s)
{
	s->turns = (struct session_turns){.n = 1, .counting = true};
}

/* Octets leave: what was heard before them was worth a wait. */
static void
turns_said(struct session *s)
{
	if (s->turns.counting && s->turns.heard)
		s->turns.n++;
	s->turns.heard = s->turns.idle = false;
}

void
session_end_turns(struct session *s)
{
	turns_said(s);
	s->turns.counting = false;
}

/*
 * RFC 8446 2: one, also where it is resumed. RFC 5246 7.3: two, or one where
 * it is resumed. What follows goes with our last message of it.
 */
static void
turns_tls(struct session *s)
{
	bool two = strcmp(s->tls.version, "TLSv1.2") == 0 && !s->tls.resumed;

	if (s->turns.counting)
		s->turns.n += two ? 2 : 1;
	s->turns.heard = s->turns.idle = false;
}

/* --- pumping --- */

static bool
move_output(struct session *s)
{
	struct str out = machine_out(s->machine);
	size_t unsent = stream_unsent(s->stream);

	if (out.n == 0 || unsent >= s->unsent_max)
		return false;
	if (out.n > s->unsent_max - unsent)
		out.n = s->unsent_max - unsent;
	turns_said(s);
	stream_write(s->stream, out);
	machine_sent(s->machine, out.n);
	return true;
}

static bool
move_input(struct session *s)
{
	struct str in = stream_view(s->stream);
	size_t taken;

	if (in.n == 0 || (s->host->may_feed && !s->host->may_feed(s->arg)))
		return false;
	taken = machine_feed(s->machine, in);
	if (taken == 0)
		return false;
	stream_consume(s->stream, taken);
	s->turns.heard |= s->turns.idle;
	s->progress_ms = clock_mono_ms();
	return true;
}

static bool
move_events(struct session *s)
{
	struct smtp_event ev;
	bool moved = false;

	while (!s->closed && machine_next(s->machine, &ev)) {
		s->host->event(s->arg, &ev);
		moved = true;
	}
	return moved;
}

/* All that the machine wrote is with the kernel. */
static bool
output_is_gone(struct session *s)
{
	return machine_out(s->machine).n == 0 && stream_unsent(s->stream) == 0;
}

/* Nothing to send, and it is the peer that can change that. */
static bool
waits_for_peer(struct session *s)
{
	switch (machine_want(s->machine)) {
	case WANT_INPUT:
		return output_is_gone(s);
	case WANT_WORK:
	case WANT_MORE:
		return output_is_gone(s) &&
		       !(s->host->busy && s->host->busy(s->arg));
	default:
		return false;
	}
}

/*
 * RFC 3207 4.2, RFC 2920 3.1: nothing may stand behind STARTTLS or ATRN. A
 * client machine says so itself when it is given the octets.
 */
static bool
refuse_early_octets(struct session *s, const char *verb)
{
	struct str in = stream_view(s->stream);

	if (in.n == 0)
		return false;
	log_warning("early-octets", LOG_INT("session", s->id),
		LOG_STR("peer", s->peer), LOG_STR("behind", verb));
	machine_feed(s->machine, in);
	if (machine_want(s->machine) != WANT_CLOSE)
		session_close(s,
			"octets arrived behind the command that ends a group");
	return true;
}

static bool
move_wanted(struct session *s)
{
	switch (machine_want(s->machine)) {
	case WANT_WORK:
	case WANT_MORE:
		return s->host->work(s->arg, machine_want(s->machine));
	case WANT_BODY:
		return stream_unsent(s->stream) < s->unsent_max / 2 &&
		       machine_out(s->machine).n < s->unsent_max &&
		       s->host->work(s->arg, WANT_BODY);
	case WANT_TLS:
		if (refuse_early_octets(s, "STARTTLS"))
			return true;
		if (!output_is_gone(s))
			return false;
		turns_said(s);
		s->in_handshake = true;
		s->doing = "tls";
		s->host->start_tls(s->arg);
		return false;
	case WANT_TURN:
		if (refuse_early_octets(s, "ATRN"))
			return true;
		if (!output_is_gone(s))
			return false;
		return s->host->turn(s->arg);
	case WANT_CLOSE:
		if (machine_out(s->machine).n == 0)
			session_close(s, s->stalled ? s->stalled : "done");
		return false;
	case WANT_INPUT:
	case WANT_ANSWER:
		break;
	}
	return false;
}

/*
 * A machine that is done waits only for its last octets to leave; a peer that
 * does not read them must not keep the session.
 */
static uint64_t
closing_deadline(struct session *s, uint64_t now)
{
	enum want want = machine_want(s->machine);

	if (want != WANT_CLOSE && want != WANT_TLS && want != WANT_TURN) {
		s->closing_ms = 0;
		return UINT64_MAX;
	}
	if (!s->closing_ms)
		s->closing_ms = now;
	return s->closing_ms + SESSION_CLOSING_MS;
}

static void
set_timer(struct session *s)
{
	uint64_t now = clock_mono_ms();
	uint64_t acks =
		stream_unacked(s->stream) ? now + SESSION_ACKS_MS : UINT64_MAX;
	uint64_t at = machine_deadline(s->machine);
	uint64_t closing = closing_deadline(s, now);

	if (s->in_handshake)
		at = UINT64_MAX; /* the stream has a deadline for it */
	else if (closing < at)
		at = closing;
	if (acks < at && !s->in_handshake)
		at = acks;

	if (at == UINT64_MAX)
		loop_timer_clear(s->timer);
	else
		loop_timer_set(s->timer, at > now ? at - now : 0);
}

/* One round; false when nothing moved. */
static bool
pump_once(struct session *s)
{
	bool moved = s->again;

	s->again = false;
	moved |= move_events(s);
	if (!s->closed)
		moved |= move_output(s);
	if (!s->closed && !s->in_handshake)
		moved |= move_wanted(s);
	if (!s->closed && !s->in_handshake &&
		machine_want(s->machine) != WANT_TURN)
		moved |= move_input(s);
	return moved || s->again;
}

/*
 * On a slow link octets that the machine counts as sent stand in buffers for
 * minutes yet: its waits begin when the peer acknowledged the last ones.
 */
static void
note_acks(struct session *s, uint64_t now)
{
	uint64_t acked = stream_counts(s->stream).sent +
			 stream_unsent(s->stream) - stream_unacked(s->stream);

	if (acked > s->acked) {
		machine_acked(s->machine, now);
		s->progress_ms = now;
	}
	s->acked = acked;
}

static void
end_at_eof(struct session *s, const char *why)
{
	machine_eof(s->machine);
	move_events(s);
	session_close(s, why);
}

void
session_pump(struct session *s)
{
	uint64_t now = clock_mono_ms();

	if (s->closed || !s->machine)
		return;
	if (s->pumping) {
		s->again = true;
		return;
	}
	session_hold(s);
	s->pumping = true;
	if (!s->in_handshake)
		note_acks(s, now);
	machine_tick(s->machine, now);
	while (!s->closed && !s->in_handshake && pump_once(s))
		;
	s->pumping = false;
	if (!s->closed && s->ended && machine_want(s->machine) != WANT_ANSWER)
		end_at_eof(s, "the peer closed the connection");
	if (!s->closed) {
		s->turns.idle = !s->in_handshake && waits_for_peer(s);
		budgets_moved(s->n->budgets, s);
		set_timer(s);
	}
	session_release(s);
}

/* --- what the stream and the clock say --- */

static void
on_input(void *arg)
{
	session_pump(arg);
}

static void
on_drained(void *arg)
{
	struct session *s = arg;

	s->progress_ms = clock_mono_ms();
	if (s->bytes_total && s->bytes_done == s->bytes_total)
		crash_point("deliver-sent-before-reply");
	session_pump(s);
}

static void
on_tls_up(void *arg, const struct tls_facts *facts)
{
	struct session *s = arg;

	s->in_handshake = false;
	s->tls = *facts;
	s->has_tls = true;
	turns_tls(s);
	log_debug("tls-up", LOG_INT("session", s->id), LOG_STR("peer", s->peer),
		LOG_STR("version", facts->version),
		LOG_STR("cipher", facts->cipher),
		LOG_INT("resumed", facts->resumed));
	if (s->machine)
		machine_tls_done(s->machine, facts);
	else
		s->host->secured(s->arg);
	session_pump(s);
}

static void
on_closed(void *arg, enum stream_end end, const char *why)
{
	struct session *s = arg;

	s->end = end;
	if (end == STREAM_TIMEOUT)
		s->stalled = why; /* whatever the machine wanted to say */
	session_hold(s);
	if (s->machine && !s->in_handshake) {
		/* What the peer said last may still be unread. */
		session_pump(s);
		if (!s->closed && s->half_open && end == STREAM_EOF &&
			machine_want(s->machine) == WANT_ANSWER)
			s->ended = true;
		else if (!s->closed)
			end_at_eof(s, why);
	}
	if (!s->ended)
		session_close(s, why);
	session_release(s);
}

static void
on_moved(void *arg)
{
	struct session *s = arg;

	budgets_moved(s->n->budgets, s);
}

static const struct stream_ops stream_ops = {
	.moved = on_moved,
	.input = on_input,
	.drained = on_drained,
	.tls_up = on_tls_up,
	.closed = on_closed,
};

static void
on_timer(void *arg)
{
	struct session *s = arg;

	if (s->closing_ms &&
		clock_mono_ms() >= s->closing_ms + SESSION_CLOSING_MS)
		session_close(s, "the peer does not read");
	else
		session_pump(s);
}
