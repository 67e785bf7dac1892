#include "smtp/client_private.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct state_row rows[] = {
	[CL_GREETING] = {"greeting", STATE_TO(CL_HELLO) | STATE_TO(CL_CLOSED)},
	[CL_HELLO] = {"hello", STATE_TO(CL_HELLO) | STATE_TO(CL_STARTTLS) |
				       STATE_TO(CL_AUTH) | STATE_TO(CL_CLOSED)},
	[CL_STARTTLS] = {"starttls",
		STATE_TO(CL_TLS) | STATE_TO(CL_AUTH) | STATE_TO(CL_CLOSED)},
	[CL_TLS] = {"tls", STATE_TO(CL_HELLO) | STATE_TO(CL_CLOSED)},
	[CL_AUTH] = {"auth", STATE_TO(CL_READY) | STATE_TO(CL_CLOSED)},
	[CL_READY] = {"ready", STATE_TO(CL_MAIL) | STATE_TO(CL_TURN) |
				       STATE_TO(CL_ASK) | STATE_TO(CL_QUIT) |
				       STATE_TO(CL_CLOSED)},
	[CL_MAIL] = {"mail", STATE_TO(CL_READY) | STATE_TO(CL_CLOSED)},
	[CL_TURN] = {"turn",
		STATE_TO(CL_TURNED) | STATE_TO(CL_READY) | STATE_TO(CL_CLOSED)},
	[CL_TURNED] = {"turned", STATE_TO(CL_CLOSED)},
	[CL_ASK] = {"ask", STATE_TO(CL_READY) | STATE_TO(CL_CLOSED)},
	[CL_QUIT] = {"quit", STATE_TO(CL_CLOSED)},
	[CL_CLOSED] = {"closed", 0},
};

static void
ready_enter(struct smtp_client *c)
{
	client_auth_forget(c);
}

static void
quit_enter(struct smtp_client *c)
{
	client_command(c, CK_QUIT, "QUIT");
	if (c->conf.quit_no_wait)
		client_enter(c, CL_CLOSED);
}

/* Whatever the peer says to QUIT, the session is over. */
static void
quit_reply(struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)r;
	(void)x;
	client_enter(c, CL_CLOSED);
}

struct step {
	void (*enter)(struct smtp_client *c);
	void (*reply)(struct smtp_client *c, const struct reply *r,
		struct client_expect x);
	enum want want;
};

static const struct step steps[] = {
	[CL_GREETING] = {NULL, client_greeting_reply, WANT_INPUT},
	[CL_HELLO] = {client_hello_enter, client_hello_reply, WANT_INPUT},
	[CL_STARTTLS] = {client_starttls_enter, client_starttls_reply,
		WANT_INPUT},
	[CL_TLS] = {NULL, NULL, WANT_TLS},
	[CL_AUTH] = {client_auth_enter, client_auth_reply, WANT_INPUT},
	[CL_READY] = {ready_enter, NULL, WANT_WORK},
	[CL_MAIL] = {NULL, client_mail_reply, WANT_INPUT},
	[CL_TURN] = {client_turn_enter, client_turn_reply, WANT_INPUT},
	[CL_TURNED] = {NULL, NULL, WANT_TURN},
	[CL_ASK] = {client_turn_enter, client_ask_reply, WANT_INPUT},
	[CL_QUIT] = {quit_enter, quit_reply, WANT_INPUT},
	[CL_CLOSED] = {NULL, NULL, WANT_CLOSE},
};

enum client_state
client_now(const struct smtp_client *c)
{
	return (enum client_state)c->state.now;
}

void
client_enter(struct smtp_client *c, enum client_state to)
{
	state_move(&c->state, to);
	c->moved_ms = c->now_ms;
	if (steps[to].enter)
		steps[to].enter(c);
}

void
client_step_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	steps[c->state.now].reply(c, r, x);
}

enum want
client_step_want(const struct smtp_client *c)
{
	return steps[c->state.now].want;
}

/* --- expectations and events ---------------------------------------------- */

bool
client_can_expect(const struct smtp_client *c)
{
	return c->expect_n < c->expect_max;
}

/* While messages are in flight, all that is sent belongs to the newest. */
void
client_expect(struct smtp_client *c, enum client_kind kind, uint64_t n)
{
	size_t at = (c->expect_first + c->expect_n) % c->expect_max;

	assert(client_can_expect(c));
	c->expect[at] = (struct client_expect){kind, n};
	c->expect_n++;
	if (c->mails_n > 0)
		client_tail(c)->pending++;
}

/* ... and all replies to the oldest. */
struct client_expect
client_expect_take(struct smtp_client *c)
{
	struct client_expect x = c->expect[c->expect_first];

	c->expect_first = (c->expect_first + 1) % c->expect_max;
	c->expect_n--;
	if (c->mails_n > 0)
		client_head(c)->pending--;
	return x;
}

struct smtp_event *
client_event(
	struct smtp_client *c, enum smtp_event_kind kind, const struct reply *r)
{
	size_t at = (c->events_first + c->events_n) % CLIENT_EVENTS_MAX;

	assert(c->events_n < CLIENT_EVENTS_MAX);
	c->events[at] = (struct smtp_event){.kind = kind,
		.reply = r,
		.extensions = c->extensions,
		.tag = c->mails_n > 0 ? client_head(c)->tag : 0};
	c->events_n++;
	return &c->events[at];
}

void
client_command(
	struct smtp_client *c, enum client_kind kind, const char *fmt, ...)
{
	char line[CLIENT_REPLY_ROOM];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 2, fmt, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < sizeof(line) - 2);
	buf_add(&c->m.out, line, (size_t)n);
	buf_addz(&c->m.out, "\r\n");
	client_expect(c, kind, 0);
}

size_t
client_bulk_room(const struct smtp_client *c)
{
	size_t used = c->m.out.len;

	return used < CLIENT_BULK_MAX ? CLIENT_BULK_MAX - used : 0;
}

/* --- the end -------------------------------------------------------------- */

/* True: a refusal that leaves the dialogue in order, so QUIT is due. */
static bool
may_quit(const struct smtp_client *c, enum client_fail fail,
	const struct reply *r)
{
	return c->expect_n == 0 && c->m.out.len == 0 &&
	       (fail == FAIL_REFUSED || fail == FAIL_TLS ||
		       fail == FAIL_AUTH) &&
	       !(r && r->code == 421);
}

/*
 * What is still in out is dropped: a message that failed must not be completed
 * by octets that leave later. Where the peer only refused, it gets a QUIT
 * (RFC 5321 4.1.1.10); its reply is not waited for.
 */
static void
end(struct smtp_client *c, enum client_fail fail, const struct reply *r,
	const char *text, bool mismatch)
{
	bool quit = may_quit(c, fail, r);
	struct smtp_event *e;

	if (client_now(c) == CL_CLOSED)
		return;
	client_auth_forget(c);
	client_auth_wipe_out(c);
	buf_clear(&c->m.out);
	if (quit)
		buf_addz(&c->m.out, "QUIT\r\n");
	client_enter(c, CL_CLOSED);
	e = client_event(c, EV_FAILED, r);
	e->fail = fail;
	e->text = str_of(text);
	e->in_doubt = client_any_in_doubt(c);
	e->mismatch = mismatch;
}

void
client_fail(struct smtp_client *c, enum client_fail fail, const struct reply *r,
	const char *text)
{
	end(c, fail, r, text, false);
}

bool
client_mismatch(struct smtp_client *c, const struct reply *r, const char *text)
{
	end(c, FAIL_PROTOCOL, r, text, true);
	return false;
}

bool
client_no_bdat(struct smtp_client *c, const struct reply *r)
{
	c->none_taken = true;
	end(c, FAIL_PROTOCOL, r,
		"the peer offers CHUNKING and does not know BDAT", false);
	c->events[(c->events_first + c->events_n - 1) % CLIENT_EVENTS_MAX]
		.no_bdat = true;
	return false;
}

/* --- the host's calls ----------------------------------------------------- */

static void
window_init(struct smtp_client *c, size_t messages)
{
	if (messages > SMTP_CLIENT_WINDOW_MAX)
		messages = SMTP_CLIENT_WINDOW_MAX;
	c->mails_max = messages > 1 ? messages : 1;
	c->mails = xcalloc(c->mails_max, sizeof(*c->mails));
	c->expect_max = CLIENT_EXPECT_MAX + CLIENT_EXPECT_MAIL * c->mails_max;
	c->expect = xcalloc(c->expect_max, sizeof(*c->expect));
}

struct smtp_client *
smtp_client_new(const struct smtp_client_conf *conf, uint64_t now_ms)
{
	struct smtp_client *c = xcalloc(1, sizeof(*c));

	c->m.ops = &client_ops;
	c->conf = *conf;
	c->tls = conf->tls_active;
	c->tls_verified = conf->tls_active && conf->tls_verified;
	if (conf->tls_active && conf->tls_facts)
		c->tls_facts = *conf->tls_facts;
	c->now_ms = c->moved_ms = now_ms;
	window_init(c, conf->window_messages);
	buf_init(&c->m.out, CLIENT_OUT_MAX);
	buf_init(&c->hello_text, WIRE_REPLY_MAX + WIRE_REPLY_LINE_MAX);
	buf_init(&c->keywords, CLIENT_KEYWORDS_MAX);
	buf_init(&c->mechs, CLIENT_MECHS_MAX);
	buf_init(&c->sasl_line, CLIENT_REPLY_ROOM - 2);
	buf_init(&c->flight, 0);
	reply_parser_init(&c->parser);
	state_init(&c->state, "smtp-client", rows, CL_GREETING, 0);
	client_expect(c, CK_GREETING, 0);
	return c;
}

struct machine *
smtp_client_machine(struct smtp_client *c)
{
	return &c->m;
}

unsigned
smtp_client_extensions(const struct smtp_client *c)
{
	return c->extensions;
}

uint64_t
smtp_client_size_max(const struct smtp_client *c)
{
	return c->size_max;
}

uint64_t
smtp_client_deliver_by_min(const struct smtp_client *c)
{
	return c->deliver_by_min;
}

size_t
smtp_client_limit_rcpt(const struct smtp_client *c)
{
	return c->limit_rcpt;
}

size_t
smtp_client_limit_mail(const struct smtp_client *c)
{
	return c->limit_mail;
}

bool
smtp_client_is_spent(const struct smtp_client *c)
{
	return c->limit_mail > 0 && c->issued_n >= c->limit_mail;
}

size_t
smtp_client_mails_left(const struct smtp_client *c)
{
	if (c->limit_mail == 0)
		return SIZE_MAX;
	return c->issued_n < c->limit_mail ? c->limit_mail - c->issued_n : 0;
}

void
smtp_client_restrict(struct smtp_client *c, bool one_by_one, bool no_bdat)
{
	if (one_by_one)
		c->conf.window_bytes = 0;
	if (no_bdat)
		c->extensions &= ~(unsigned)(EXT_CHUNKING | EXT_BINARYMIME);
}

const char *
smtp_client_keywords(const struct smtp_client *c)
{
	return c->keywords.len ? c->keywords.data + c->keywords.start : "";
}

void
smtp_client_abort(struct smtp_client *c, const char *why)
{
	str_copyz(c->why, sizeof(c->why), why);
	client_fail(c, FAIL_ABORTED, NULL, c->why);
}

void
smtp_client_quit(struct smtp_client *c)
{
	if (client_now(c) == CL_READY)
		client_enter(c, CL_QUIT);
}
