/* ATRN up to the turn (RFC 2645 5.2.1, 5.3), and ETRN (RFC 1985). */
#include "smtp/client_private.h"

#include "wire/grammar.h"

#include <stdio.h>
#include <string.h>

/* atrn of RFC 2645 5.2.1 has letters, digits, hyphens, dots and commas. */
static bool
are_domains(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char o = s.p[i];

		if (!((o >= 'a' && o <= 'z') || (o >= 'A' && o <= 'Z') ||
			    (o >= '0' && o <= '9') || o == '-' || o == '.' ||
			    o == ','))
			return false;
	}
	return true;
}

/* An answer of our own; nothing was sent. */
static void
decline(struct smtp_client *c, int code, const char *enhanced, const char *text)
{
	reply_set(&c->own_reply, code, enhanced, "%s", text);
	client_event(c, EV_TURN_REPLY, &c->own_reply);
}

void
smtp_client_atrn(struct smtp_client *c, const char *domains)
{
	struct str names = str_of(domains);
	struct buf line;

	if (client_now(c) != CL_READY)
		return;
	buf_init(&line, WIRE_COMMAND_MAX - 2);
	if (!(c->extensions & EXT_ATRN))
		decline(c, 502, "5.5.1", "the peer does not offer ATRN");
	else if (!are_domains(names))
		decline(c, 501, "5.5.4", "not a list of domains");
	else if (!buf_addf(
			 &line, names.n ? "ATRN %.*s" : "ATRN", STR_FMT(names)))
		decline(c, 501, "5.5.4", "too many domains for one ATRN");
	else {
		client_flight_reset(c, c->need_rset);
		client_flight_add(c, CK_ATRN, buf_view(&line));
		client_enter(c, CL_TURN);
	}
	buf_free(&line);
}

/*
 * ETRN ends its group (RFC 2920 3.1: what a specification does not allow
 * elsewhere), so the next one waits for the reply.
 */
void
smtp_client_etrn(struct smtp_client *c, const char *domain)
{
	char line[sizeof("ETRN ") + WIRE_DOMAIN_MAX];

	if (client_now(c) != CL_READY)
		return;
	if (!(c->extensions & EXT_ETRN)) {
		decline(c, 502, "5.5.1", "the peer does not offer ETRN");
	} else if (!grammar_is_domain(str_of(domain), false)) {
		decline(c, 501, "5.5.4", "not a domain");
	} else {
		snprintf(line, sizeof(line), "ETRN %s", domain);
		client_flight_reset(c, c->need_rset);
		client_flight_add(c, CK_ETRN, str_of(line));
		client_enter(c, CL_ASK);
	}
}

void
client_turn_enter(struct smtp_client *c)
{
	client_flight_go(c);
}

void
client_turn_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	if (x.kind == CK_RSET) {
		if (client_flight_reset_reply(c, r))
			client_flight_go(c);
	} else if (r->code == 250) {
		client_enter(c, CL_TURNED);
		client_event(c, EV_TURNED, r);
	} else {
		client_enter(c, CL_READY);
		client_event(c, EV_TURN_REPLY, r);
	}
}

void
client_ask_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	if (x.kind == CK_RSET) {
		if (client_flight_reset_reply(c, r))
			client_flight_go(c);
	} else {
		client_enter(c, CL_READY);
		client_event(c, EV_TURN_REPLY, r);
	}
}
