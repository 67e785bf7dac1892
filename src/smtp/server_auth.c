/*
 * AUTH (RFC 4954 4): the exchange of lines. What is in them is the host's,
 * by sasl.h.
 */
#include "smtp/sasl.h"
#include "smtp/server_state.h"

#include <ctype.h>
#include <string.h>

static bool
is_word_of(const char *words, struct str word)
{
	struct str rest = str_of(words);

	while (rest.n > 0)
		if (str_eq_nocase(str_cut(rest, ' ', &rest), word))
			return true;
	return false;
}

/* False: refused, and said so. */
static bool
accept_mechanism(struct smtp_server *s, struct str mech)
{
	const char *under_tls = s->conf.mechs_tls ? s->conf.mechs_tls : "";

	if (s->authenticated)
		server_refusef(s, 503, "5.5.1", "already authenticated");
	else if (mech.n == 0)
		server_refusef(s, 501, "5.5.4",
			"Syntax: AUTH mechanism [initial-response]");
	else if (mech.n >= sizeof(s->mechanism) ||
		 !is_word_of(server_mechs(s), mech))
		server_refusef(s, 504, "5.5.4", "%s",
			!s->tls && is_word_of(under_tls, mech)
				? "that mechanism is only for use under TLS"
				: "mechanism not offered");
	else
		return true;
	return false;
}

void
server_auth(struct smtp_server *s, struct str args)
{
	struct str initial;
	struct str mech = str_cut(args, ' ', &initial);
	struct smtp_event *e;

	if (!accept_mechanism(s, mech))
		return;
	if (mech.n < args.n && sasl_is_server_first(mech)) {
		server_refusef(s, 501, "5.7.0",
			"this mechanism has no initial response");
		return;
	}
	str_copy(s->mechanism, sizeof(s->mechanism), mech);
	for (char *p = s->mechanism; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	e = server_ask(s, EV_AUTH_START);
	e->text = str_of(s->mechanism);
	if (mech.n < args.n)
		e->data = str_trim(initial);
}

/* Back to commands, with their shorter lines. */
static void
leave(struct smtp_server *s)
{
	if (server_now(s) != SERVER_AUTH)
		return;
	line_reader_set_limit(&s->line, WIRE_COMMAND_MAX);
	server_move(s, SERVER_READY);
}

/* The line held a password, or what proves one. */
static void
wipe_line(struct smtp_server *s)
{
	if (s->line.text.data)
		explicit_bzero(s->line.text.data, s->line.text.cap);
}

void
server_auth_answer(struct smtp_server *s, const struct reply *r)
{
	wipe_line(s);
	server_say(s, r);
	if (reply_class(r) == 3) {
		if (server_now(s) != SERVER_AUTH) {
			line_reader_set_limit(&s->line, WIRE_SASL_LINE_MAX);
			server_move(s, SERVER_AUTH);
		}
		return;
	}
	leave(s);
	if (server_is_2xx(r))
		s->authenticated = true;
	else if (reply_class(r) == 5)
		server_count_error(s);
}

static void
cancel(struct smtp_server *s, int code, const char *enhanced, const char *why)
{
	leave(s);
	server_emit(s, EV_AUTH_CANCEL);
	server_refusef(s, code, enhanced, "%s", why);
}

static void
response(struct smtp_server *s, struct str line)
{
	if (str_eq(line, STR("*")))
		cancel(s, 501, "5.7.0", "authentication cancelled");
	else
		server_ask(s, EV_AUTH_DATA)->data = line;
}

size_t
server_read_response(struct smtp_server *s, struct str in)
{
	size_t taken;

	s->shown = STR("");
	switch (line_read(&s->line, in, &taken)) {
	case LINE_MORE:
		break;
	case LINE_OK:
		response(s, line_text(&s->line));
		break;
	case LINE_TOO_LONG:
		cancel(s, 500, "5.5.6", "the response line is too long");
		break;
	case LINE_BARE:
		cancel(s, 501, "5.5.2", "the response is not base64");
		break;
	}
	return taken;
}
