/*
 * AUTH (RFC 4954 4). A secret is in memory only where it must be: in the SASL
 * object, in the next response, and in out until that was sent.
 */
#include "smtp/client_private.h"

#include <stdlib.h>
#include <string.h>

static void
wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
client_auth_forget(struct smtp_client *c)
{
	sasl_client_free(c->sasl);
	c->sasl = NULL;
	wipe(&c->sasl_line);
}

void
client_auth_wipe_out(struct smtp_client *c)
{
	if (!c->out_is_secret)
		return;
	c->out_is_secret = false;
	wipe(&c->m.out);
}

/* One line for the peer, without CRLF; LINE is wiped. */
static void
send_line(struct smtp_client *c, struct buf *line)
{
	struct buf *out = &c->m.out;
	char *space;

	/* In one piece: growing would leave a copy in freed memory. */
	space = xcalloc(1, line->len + 3);
	memcpy(space, buf_view(line).p, line->len);
	memcpy(space + line->len, "\r\n", 2);
	buf_add(out, space, line->len + 2);
	explicit_bzero(space, line->len + 2);
	free(space);
	wipe(line);
	c->out_is_secret = true;
	client_expect(c, CK_AUTH, 0);
}

/* RFC 4954 4: "*" and the server answers 501. */
static void
cancel(struct smtp_client *c)
{
	c->sasl_cancelled = true;
	wipe(&c->sasl_line);
	client_command(c, CK_AUTH, "*");
}

/*
 * "AUTH" with the initial response where there is one and the line stays
 * within the old limit; else the response waits for the 334.
 */
static void
send_auth(struct smtp_client *c, bool initial)
{
	const char *mech = sasl_client_mech(c->sasl);
	struct buf line;

	buf_init(&line, CLIENT_AUTH_LINE_MAX - 2);
	buf_addf(&line, "AUTH %s", mech);
	c->sasl_held = initial;
	if (initial && c->sasl_line.len + 1 <= buf_room(&line)) {
		buf_addz(&line, " ");
		buf_adds(&line, buf_view(&c->sasl_line));
		wipe(&c->sasl_line);
		c->sasl_held = false;
	}
	send_line(c, &line);
}

/* No AUTH: is that allowed? */
static void
go_without(struct smtp_client *c, const char *why)
{
	if (c->conf.auth_required && !c->conf.turned)
		client_fail(c, FAIL_AUTH, NULL, why);
	else {
		client_enter(c, CL_READY);
		client_event(c, EV_READY, NULL);
	}
}

/* To somebody unknown a password goes as it would in the clear. */
static struct sasl_client *
choose(const struct smtp_client *c)
{
	struct sasl_client_conf conf = {
		.user = c->conf.user,
		.password = c->conf.password,
		.secure = c->tls_verified,
		.clear_allowed = c->conf.auth_clear,
		.external = c->conf.external && c->tls_facts.shown,
		.few_turns = c->conf.few_turns,
		.tls = c->tls ? &c->tls_facts : NULL,
	};

	return sasl_client_new(buf_view(&c->mechs), &conf);
}

/* True: there is something to prove who we are with. */
static bool
has_identity(const struct smtp_client *c)
{
	return (c->conf.user && c->conf.password) || c->conf.external;
}

void
client_auth_enter(struct smtp_client *c)
{
	bool initial = false;

	if (!has_identity(c) || c->conf.turned) {
		go_without(c, "AUTH is required and there is no password");
		return;
	}
	if (!(c->extensions & EXT_AUTH)) {
		go_without(
			c, "AUTH is required and the peer does not offer it");
		return;
	}
	c->sasl = choose(c);
	if (!c->sasl) {
		go_without(c, "no common AUTH mechanism");
		return;
	}
	switch (sasl_client_step(
		c->sasl, (struct str){NULL, 0}, &c->sasl_line, &initial)) {
	case SASL_MORE:
	case SASL_OK:
		send_auth(c, initial);
		break;
	default:
		client_fail(c, FAIL_AUTH, NULL, "AUTH cannot begin");
	}
}

static void
challenged(struct smtp_client *c, const struct reply *r)
{
	bool initial;

	if (c->sasl_cancelled || ++c->sasl_steps > CLIENT_AUTH_STEPS_MAX) {
		client_fail(c, FAIL_AUTH, r, "the peer asks without end");
	} else if (c->sasl_held) {
		c->sasl_held = false;
		if (str_eq(buf_view(&c->sasl_line), STR("=")))
			buf_clear(&c->sasl_line);
		send_line(c, &c->sasl_line);
	} else {
		buf_clear(&c->sasl_line);
		switch (sasl_client_step(
			c->sasl, str_of(r->text), &c->sasl_line, &initial)) {
		case SASL_MORE:
		case SASL_OK:
			send_line(c, &c->sasl_line);
			break;
		default:
			cancel(c);
		}
	}
}

static void
accepted(struct smtp_client *c, const struct reply *r)
{
	/* RFC 5802 5: without the server's proof it may be anybody. */
	if (c->sasl_held || c->sasl_cancelled || !sasl_client_is_done(c->sasl))
		client_fail(c, FAIL_AUTH, r,
			"the peer did not prove that it knows the password");
	else {
		client_enter(c, CL_READY);
		client_event(c, EV_READY, NULL);
	}
}

void
client_auth_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)x;
	switch (reply_class(r)) {
	case 2:
		accepted(c, r);
		break;
	case 3:
		challenged(c, r);
		break;
	default:
		client_fail(c, FAIL_AUTH, r,
			c->sasl_cancelled ? "the peer's AUTH challenge is false"
					  : "AUTH was refused");
	}
}
