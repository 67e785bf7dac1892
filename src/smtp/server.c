#include "smtp/server.h"

#include "smtp/server_state.h"

#include <assert.h>
#include <stdlib.h>

#define TO STATE_TO
#define END TO(SERVER_CLOSE)
#define CHUNK_NEXT (TO(SERVER_CHUNK) | TO(SERVER_SWALLOW))

static const struct state_row rows[] = {
	[SERVER_INIT] = {"init",
		TO(SERVER_READY) | TO(SERVER_TLS) | TO(SERVER_SWALLOW) | END},
	[SERVER_READY] = {"ready", TO(SERVER_READY) | TO(SERVER_MAIL) |
					   TO(SERVER_AUTH) | TO(SERVER_TLS) |
					   TO(SERVER_TURN) |
					   TO(SERVER_SWALLOW) | END},
	[SERVER_MAIL] = {"mail",
		TO(SERVER_RCPT) | TO(SERVER_READY) | TO(SERVER_SWALLOW) | END},
	[SERVER_RCPT] = {"rcpt",
		TO(SERVER_DATA) | TO(SERVER_READY) | CHUNK_NEXT | END},
	[SERVER_DATA] = {"data", TO(SERVER_READY) | END},
	[SERVER_CHUNK] = {"chunk", TO(SERVER_CHUNKS) | TO(SERVER_READY) | END},
	[SERVER_CHUNKS] = {"chunks", TO(SERVER_READY) | CHUNK_NEXT | END},
	[SERVER_SWALLOW] = {"swallow",
		TO(SERVER_INIT) | TO(SERVER_READY) | END},
	[SERVER_AUTH] = {"auth", TO(SERVER_READY) | END},
	[SERVER_TLS] = {"tls", TO(SERVER_INIT) | END},
	[SERVER_TURN] = {"turn", END},
	[SERVER_CLOSE] = {"close", 0},
};

static struct smtp_server *
of(struct machine *m)
{
	return (struct smtp_server *)(void *)m;
}

static const struct smtp_server *
of_const(const struct machine *m)
{
	return (const struct smtp_server *)(const void *)m;
}

enum server_state
server_now(const struct smtp_server *s)
{
	return (enum server_state)s->state.now;
}

void
server_move(struct smtp_server *s, enum server_state to)
{
	state_move(&s->state, to);
}

/* --- what is offered ------------------------------------------------------ */

const char *
server_mechs(const struct smtp_server *s)
{
	const char *mechs = s->tls ? s->conf.mechs_tls : s->conf.mechs_clear;

	return mechs ? mechs : "";
}

unsigned
server_offered(const struct smtp_server *s)
{
	unsigned ext = s->conf.extensions;

	if (s->conf.turned)
		ext &= ~(unsigned)(EXT_STARTTLS | EXT_AUTH | EXT_ATRN);
	/* No mail is taken there, so what belongs to it is not offered. */
	if (s->conf.odmr)
		ext &= EXT_PIPELINING | EXT_ENHANCEDSTATUSCODES | EXT_STARTTLS |
		       EXT_AUTH | EXT_ATRN;
	if (!s->conf.future_release)
		ext &= ~(unsigned)EXT_FUTURERELEASE;
	/* RFC 5321 7.3: lists are not shown to strangers. */
	if (!s->conf.expn && !s->authenticated)
		ext &= ~(unsigned)EXT_EXPN;
	/* RFC 8689 4: only under TLS. */
	if (!s->tls)
		ext &= ~(unsigned)EXT_REQUIRETLS;
	/* RFC 3030 3: BINARYMIME needs CHUNKING. */
	if (!(ext & EXT_CHUNKING))
		ext &= ~(unsigned)EXT_BINARYMIME;
	/* RFC 6531 3.1: SMTPUTF8 needs 8BITMIME. */
	if (!(ext & EXT_8BITMIME))
		ext &= ~(unsigned)EXT_SMTPUTF8;
	return ext;
}

bool
server_speaks(const struct smtp_server *s, const struct verb *v)
{
	return !(v->flags & (s->conf.lmtp ? VERB_SMTP : VERB_LMTP));
}

/* --- input and events ----------------------------------------------------- */

static bool
server_next(struct machine *m, struct smtp_event *event_r)
{
	struct smtp_server *s = of(m);

	if (s->events_n == 0)
		return false;
	*event_r = s->events[s->events_first];
	s->events_first = (s->events_first + 1) % SERVER_EVENTS_MAX;
	s->events_n--;
	return true;
}

static bool
is_body(enum server_state state)
{
	return state == SERVER_DATA || state == SERVER_CHUNK ||
	       state == SERVER_SWALLOW;
}

static bool
is_handing_over(enum server_state state)
{
	return state == SERVER_TLS || state == SERVER_TURN;
}

static bool
can_take(const struct smtp_server *s)
{
	return s->events_n == 0 && !s->is_asked &&
	       server_now(s) != SERVER_CLOSE &&
	       !is_handing_over(server_now(s)) &&
	       s->machine.out.len < SERVER_OUT_STOP;
}

void
server_settle(struct smtp_server *s)
{
	if (s->shutdown_text && !s->is_asked && !is_body(server_now(s)) &&
		!is_handing_over(server_now(s)))
		server_close(s, "4.3.2", s->shutdown_text);
}

/* Octets behind STARTTLS or ATRN: no words, the peer is past listening. */
static void
close_early_octets(struct smtp_server *s)
{
	struct smtp_event *e = server_emit(s, EV_REFUSED);

	reply_set(server_keep(&s->farewell), 421, "4.7.0",
		"octets arrived behind %s",
		server_now(s) == SERVER_TLS ? "STARTTLS" : "ATRN");
	e->reply = s->farewell;
	server_move(s, SERVER_CLOSE);
}

static size_t
take(struct smtp_server *s, struct str in)
{
	switch (server_now(s)) {
	case SERVER_DATA:
	case SERVER_CHUNK:
	case SERVER_SWALLOW:
		return server_read_body(s, in);
	case SERVER_AUTH:
		return server_read_response(s, in);
	default:
		return server_read_command(s, in);
	}
}

static size_t
server_feed(struct machine *m, struct str in)
{
	struct smtp_server *s = of(m);
	size_t taken = 0;

	if (in.n > 0 && is_handing_over(server_now(s)) && s->events_n == 0)
		close_early_octets(s);
	if (in.n > 0 && s->is_asked)
		s->behind = true;
	while (taken < in.n && can_take(s)) {
		taken += take(s, str_skip(in, taken));
		server_settle(s);
	}
	return taken;
}

/* --- time and ends -------------------------------------------------------- */

static uint64_t
timeout_ms(const struct smtp_server *s)
{
	return is_body(server_now(s)) ? s->conf.data_timeout_ms
				      : s->conf.command_timeout_ms;
}

static bool
is_waiting(const struct smtp_server *s)
{
	return !s->is_asked && server_now(s) != SERVER_CLOSE &&
	       server_now(s) != SERVER_TURN && timeout_ms(s) != 0;
}

static uint64_t
server_deadline(const struct machine *m)
{
	const struct smtp_server *s = of_const(m);

	if (!is_waiting(s))
		return UINT64_MAX;
	return s->armed ? s->deadline_ms : s->now_ms + timeout_ms(s);
}

static void
server_tick(struct machine *m, uint64_t now_ms)
{
	struct smtp_server *s = of(m);

	s->now_ms = now_ms;
	if (!is_waiting(s))
		return;
	if (!s->armed) {
		s->armed = true;
		s->deadline_ms = now_ms + timeout_ms(s);
	} else if (now_ms >= s->deadline_ms) {
		server_close(s, "4.4.2", "waited too long for input");
	}
}

static void
server_tls_done(struct machine *m, const struct tls_facts *facts)
{
	struct smtp_server *s = of(m);

	(void)facts;
	assert(server_now(s) == SERVER_TLS);
	assert(!line_pending(&s->line));
	/* RFC 3207 4.2: nothing that came in clear is known any more. */
	s->helo[0] = '\0';
	s->extended = false;
	s->authenticated = false;
	s->tls = true;
	s->armed = false;
	server_move(s, SERVER_INIT);
	server_emit(s, EV_TLS_STARTED);
	server_settle(s);
}

static void
server_eof(struct machine *m)
{
	struct smtp_server *s = of(m);

	if (s->ended)
		return;
	s->ended = true;
	server_forget(s);
	s->is_asked = false;
	server_emit(s, EV_CLOSED);
	if (server_now(s) != SERVER_CLOSE)
		server_move(s, SERVER_CLOSE);
}

static void
server_answer_op(struct machine *m, const struct reply *r)
{
	struct smtp_server *s = of(m);

	if (!s->is_asked) {
		/* The stream ended while the host thought. */
		assert(server_now(s) == SERVER_CLOSE);
		return;
	}
	assert(s->events_n == 0);
	s->is_asked = false;
	server_answer(s, r);
	server_settle(s);
}

void
smtp_server_more(struct smtp_server *s, const struct reply *r)
{
	if (s->is_asked)
		reply_write_more(r, &s->machine.out);
}

static enum want
server_want(const struct machine *m)
{
	const struct smtp_server *s = of_const(m);

	if (s->is_asked)
		return WANT_ANSWER;
	switch (server_now(s)) {
	case SERVER_TLS:
		return WANT_TLS;
	case SERVER_TURN:
		return WANT_TURN;
	case SERVER_CLOSE:
		return WANT_CLOSE;
	default:
		return WANT_INPUT;
	}
}

static void
server_free(struct machine *m)
{
	struct smtp_server *s = of(m);

	line_reader_free(&s->line);
	buf_free(&s->body);
	free(s->next_id);
	free(s->rcpt_id);
	free(s->refusal);
	free(s->farewell);
	buf_free(&s->machine.out);
	free((char *)s->shutdown_text);
	free(s);
}

static const struct machine_ops ops = {
	.feed = server_feed,
	.next = server_next,
	.answer = server_answer_op,
	.tls_done = server_tls_done,
	.tick = server_tick,
	.deadline = server_deadline,
	.eof = server_eof,
	.want = server_want,
	.free = server_free,
};

/* --- the host's calls ----------------------------------------------------- */

/* In LMTP one end of data may bring a reply for each recipient. */
static size_t
out_max(const struct smtp_server *s)
{
	if (!s->conf.lmtp)
		return SERVER_OUT_MAX;
	return SERVER_OUT_MAX + s->conf.recipients_max * SERVER_REPLY_MAX;
}

struct smtp_server *
smtp_server_new(const struct smtp_server_conf *conf, uint64_t now_ms)
{
	struct smtp_server *s = xcalloc(1, sizeof(*s));

	s->machine.ops = &ops;
	s->conf = *conf;
	if (conf->lmtp && !conf->recipients_max)
		s->conf.recipients_max = SERVER_LMTP_RCPT_MAX;
	buf_init(&s->machine.out, out_max(s));
	buf_init(&s->body, SERVER_BLOCK);
	s->tls = conf->tls_active;
	s->now_ms = now_ms;
	line_reader_init(&s->line, WIRE_COMMAND_MAX);
	state_init(&s->state, "smtp-server", rows, SERVER_INIT, 0);
	server_sayf(s, 220, "", "%s %s", conf->hostname,
		conf->greeting ? conf->greeting
		: conf->lmtp   ? "LMTP tidepost"
			       : "ESMTP tidepost");
	return s;
}

struct machine *
smtp_server_machine(struct smtp_server *s)
{
	return &s->machine;
}

void
smtp_server_shutdown(struct smtp_server *s, const char *text)
{
	if (!s->shutdown_text)
		s->shutdown_text = str_dupz(text);
	server_settle(s);
}

bool
smtp_server_is_authenticated(const struct smtp_server *s)
{
	return s->authenticated;
}

const char *
smtp_server_helo(const struct smtp_server *s)
{
	return s->helo;
}

bool
smtp_server_is_extended(const struct smtp_server *s)
{
	return s->extended;
}

bool
smtp_server_in_body(const struct smtp_server *s)
{
	return is_body(server_now(s));
}

const struct content_check *
smtp_server_content(const struct smtp_server *s)
{
	return &s->content;
}
