/* The machine's operations: what a session does with it. */
#include "smtp/client_private.h"

#include <stdlib.h>

/* --- the machine ---------------------------------------------------------- */

static struct smtp_client *
of(struct machine *m)
{
	return (struct smtp_client *)(void *)m;
}

static const struct smtp_client *
of_const(const struct machine *m)
{
	return (const struct smtp_client *)(const void *)m;
}

static void
take_reply(struct smtp_client *c, const struct reply *r)
{
	c->moved_ms = c->now_ms;
	if (r->code == 421 && client_now(c) != CL_QUIT) {
		client_mail_closing(c, r);
		client_fail(
			c, FAIL_REFUSED, r, "the peer closes the connection");
	} else if (c->expect_n == 0) {
		/* while a body is on its way; else all is answered */
		if (client_now(c) == CL_MAIL)
			client_body_early(c, r);
		else
			client_mismatch(c, r, "a reply to no command");
	} else {
		struct client_expect x = client_expect_take(c);

		client_step_reply(c, r, x);
	}
}

/* Octets behind the reply that ends the clear text, or this machine's turn. */
static bool
is_closed_to_input(const struct smtp_client *c)
{
	return client_now(c) == CL_TLS || client_now(c) == CL_TURNED;
}

/* Keeps the EHLO reply whole: struct reply is too small for long ones. */
static void
keep_hello(struct smtp_client *c, struct str taken)
{
	if (client_now(c) == CL_HELLO)
		buf_adds(&c->hello_text, taken);
}

static bool
can_take(const struct smtp_client *c)
{
	return c->events_n == 0 && client_now(c) != CL_CLOSED &&
	       buf_room(&c->m.out) >= CLIENT_REPLY_ROOM;
}

static size_t
machine_ops_feed(struct machine *m, struct str in)
{
	struct smtp_client *c = of(m);
	size_t taken = 0, n;

	while (in.n > taken && can_take(c)) {
		struct str rest = str_skip(in, taken);
		enum reply_result got;

		if (is_closed_to_input(c)) {
			client_fail(c, FAIL_EARLY_OCTETS, NULL,
				"octets behind the reply that ends this layer");
			break;
		}
		got = reply_parse(&c->parser, rest, &n);
		taken += n;
		keep_hello(c, (struct str){rest.p, n});
		if (got == REPLY_DONE)
			take_reply(c, &c->parser.reply);
		else if (got == REPLY_BAD)
			client_fail(
				c, FAIL_PROTOCOL, NULL, c->parser.reply.text);
	}
	return taken;
}

static bool
machine_ops_next(struct machine *m, struct smtp_event *event_r)
{
	struct smtp_client *c = of(m);

	if (c->events_n == 0)
		return false;
	*event_r = c->events[c->events_first];
	c->events_first = (c->events_first + 1) % CLIENT_EVENTS_MAX;
	c->events_n--;
	return true;
}

/* A client asks nothing. */
static void
machine_ops_answer(struct machine *m, const struct reply *reply)
{
	(void)m;
	(void)reply;
}

static void
machine_ops_tls_done(struct machine *m, const struct tls_facts *facts)
{
	struct smtp_client *c = of(m);

	if (client_now(c) != CL_TLS)
		return;
	c->tls = true;
	c->tls_verified = facts->verified;
	c->tls_facts = *facts;
	client_event(c, EV_TLS_STARTED, NULL);
	client_enter(c, CL_HELLO);
}

static void
machine_ops_sent(struct machine *m, size_t n)
{
	struct smtp_client *c = of(m);

	c->sent_n += n;
	c->moved_ms = c->now_ms;
	if (m->out.len == 0)
		client_auth_wipe_out(c);
	if (client_now(c) == CL_MAIL)
		client_mail_go(c);
	else if (client_now(c) == CL_TURN || client_now(c) == CL_ASK)
		client_flight_go(c);
}

static void
machine_ops_acked(struct machine *m, uint64_t now_ms)
{
	struct smtp_client *c = of(m);

	c->now_ms = c->moved_ms = now_ms;
}

/* Where nothing is owed and nothing is to go, the host reads its disk. */
static uint64_t
mail_limit_ms(const struct smtp_client *c)
{
	if (c->m.out.len == 0 && !client_is_owed(c))
		return 0;
	return client_is_owed_final(c) ? c->conf.final_ms : c->conf.stall_ms;
}

/* How long nothing may move in the present state; 0: the host's turn. */
static uint64_t
limit_ms(const struct smtp_client *c)
{
	switch (client_now(c)) {
	case CL_TLS:
	case CL_READY:
	case CL_TURNED:
	case CL_CLOSED:
		return 0;
	case CL_MAIL:
		return mail_limit_ms(c);
	case CL_TURN:
		return c->conf.turn_ms;
	case CL_QUIT:
		return CLIENT_QUIT_MS;
	default:
		return c->conf.stall_ms;
	}
}

static const char *
late_text(const struct smtp_client *c)
{
	if (c->m.out.len > 0)
		return "the peer takes no more octets";
	if (client_is_owed_final(c))
		return "no reply to the end of the message in time";
	switch (client_now(c)) {
	case CL_GREETING:
		return "no greeting in time";
	case CL_TURN:
		return "no reply to ATRN in time";
	case CL_ASK:
		return "no reply to ETRN in time";
	default:
		return "no reply in time";
	}
}

static uint64_t
machine_ops_deadline(const struct machine *m)
{
	const struct smtp_client *c = of_const(m);
	uint64_t limit = limit_ms(c);

	if (limit == 0 || limit > UINT64_MAX - c->moved_ms)
		return UINT64_MAX;
	return c->moved_ms + limit;
}

static void
machine_ops_tick(struct machine *m, uint64_t now_ms)
{
	struct smtp_client *c = of(m);

	c->now_ms = now_ms;
	if (now_ms < machine_ops_deadline(m))
		return;
	if (client_now(c) == CL_QUIT)
		client_enter(c, CL_CLOSED);
	else
		client_fail(c, FAIL_TIMEOUT, NULL, late_text(c));
}

static void
machine_ops_eof(struct machine *m)
{
	struct smtp_client *c = of(m);

	if (client_now(c) == CL_QUIT)
		client_enter(c, CL_CLOSED);
	else
		client_fail(
			c, FAIL_CLOSED, NULL, "the peer closed the connection");
}

static enum want
machine_ops_want(const struct machine *m)
{
	const struct smtp_client *c = of_const(m);

	if (client_now(c) != CL_MAIL)
		return client_step_want(c);
	if (client_body_wanted(c))
		return WANT_BODY;
	if (client_tail(c)->part == PART_ENDED && client_has_room(c))
		return WANT_MORE;
	return WANT_INPUT;
}

static void
machine_ops_free(struct machine *m)
{
	struct smtp_client *c = of(m);

	client_auth_forget(c);
	client_auth_wipe_out(c);
	reply_parser_free(&c->parser);
	buf_free(&c->hello_text);
	buf_free(&c->keywords);
	buf_free(&c->mechs);
	buf_free(&c->flight);
	free(c->mails);
	free(c->expect);
	buf_free(&m->out);
	free(c);
}

const struct machine_ops client_ops = {
	.feed = machine_ops_feed,
	.next = machine_ops_next,
	.answer = machine_ops_answer,
	.tls_done = machine_ops_tls_done,
	.tick = machine_ops_tick,
	.deadline = machine_ops_deadline,
	.eof = machine_ops_eof,
	.want = machine_ops_want,
	.free = machine_ops_free,
	.sent = machine_ops_sent,
	.acked = machine_ops_acked,
};
