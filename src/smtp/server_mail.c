/* MAIL and RCPT: syntax and limits here, who may do it is the host's. */
#include "smtp/server_state.h"

#include "wire/grammar.h"

#include <stdlib.h>

/* "FROM:" or "TO:", and blanks behind the colon as old clients send them. */
static bool
cut_prefix(struct str *args, struct str prefix)
{
	if (!str_starts_nocase(*args, prefix))
		return false;
	*args = str_trim(str_skip(*args, prefix.n));
	return true;
}

static void
refuse_params(struct smtp_server *s, enum params_result result, struct str bad)
{
	char echo[SERVER_ECHO_MAX + 1];

	server_echo(bad, echo);
	if (result == PARAMS_UNKNOWN)
		server_refusef(s, 555, "5.5.4",
			"parameter not known or not offered: %s", echo);
	else if (result == PARAMS_REPEATED)
		server_refusef(
			s, 501, "5.5.4", "parameter given twice: %s", echo);
	else
		server_refusef(
			s, 501, "5.5.4", "parameter malformed: %s", echo);
}

/* RFC 5321 4.1.4: parameters belong to EHLO. */
static unsigned
extensions_in_force(const struct smtp_server *s)
{
	unsigned ext = server_offered(s);

	if (!server_mechs(s)[0])
		ext &= ~(unsigned)EXT_AUTH;
	return s->extended ? ext : 0;
}

/* RFC 6531 3.4: at RCPT it is in force where MAIL had the parameter. */
static unsigned
extensions_at_rcpt(const struct smtp_server *s)
{
	unsigned ext = extensions_in_force(s);

	return s->mail.smtputf8 ? ext : ext & ~(unsigned)EXT_SMTPUTF8;
}

/* RFC 9422: commands are counted, not what came of them. */
static bool
is_over_limit(struct smtp_server *s)
{
	if (!s->conf.limit_mail || ++s->mails_n <= s->conf.limit_mail)
		return false;
	server_close(s, "4.5.3", "too many messages in this session");
	return true;
}

/* RFC 1870 6.1 (2) */
static bool
is_too_big(const struct smtp_server *s)
{
	return s->conf.message_size_max && s->mail.has_size &&
	       s->mail.size_bytes > s->conf.message_size_max;
}

static bool
is_utf8_unasked(const struct smtp_server *s)
{
	return !s->mail.smtputf8 && !grammar_is_ascii(str_of(s->mailbox.text));
}

static bool
take_path(struct smtp_server *s, struct str *args, enum path_kind kind,
	unsigned ext, const char **why_r)
{
	const char *home = s->authenticated || s->conf.program
				   ? s->conf.home_domain
				   : NULL;

	return address_path_complete(args, kind, ext & EXT_SMTPUTF8,
		home ? str_of(home) : STR(""), &s->mailbox, why_r);
}

static bool
parse_mail(struct smtp_server *s, struct str args)
{
	unsigned ext = extensions_in_force(s);
	enum params_result result;
	const char *why;
	struct str bad;

	if (!cut_prefix(&args, STR("FROM:"))) {
		server_refusef(s, 501, "5.5.4",
			"Syntax: MAIL FROM:<address> [parameters]");
		return false;
	}
	if (!take_path(s, &args, PATH_REVERSE, ext, &why)) {
		server_refusef(s, 501, "5.1.7", "sender: %s", why);
		return false;
	}
	result = params_mail(args, ext, &s->mail, &bad);
	if (result != PARAMS_OK) {
		refuse_params(s, result, bad);
		return false;
	}
	if (is_utf8_unasked(s)) {
		/* RFC 6531 3.5 */
		server_refusef(
			s, 553, "5.6.7", "the sender's address needs SMTPUTF8");
		return false;
	}
	if (is_too_big(s)) {
		server_refusef(s, 552, "5.3.4",
			"message size exceeds the maximum of %llu octets",
			(unsigned long long)s->conf.message_size_max);
		return false;
	}
	return true;
}

void
server_mail(struct smtp_server *s, struct str args)
{
	struct smtp_event *e;

	/* Until it is taken, what follows in its group is in its wake. */
	s->wake = true;
	if (is_over_limit(s))
		return;
	if (!parse_mail(s, args))
		return;
	s->recipients_n = 0;
	s->rcpt_refused = false;
	s->host_has_mail = true;
	e = server_ask(s, EV_MAIL);
	e->mailbox = &s->mailbox;
	e->mail = &s->mail;
}

static bool
parse_rcpt(struct smtp_server *s, struct str args)
{
	unsigned ext = extensions_in_force(s);
	enum params_result result;
	const char *why;
	struct str bad;

	if (!cut_prefix(&args, STR("TO:"))) {
		server_refusef(s, 501, "5.5.4",
			"Syntax: RCPT TO:<address> [parameters]");
		return false;
	}
	if (!take_path(s, &args, PATH_FORWARD, ext, &why)) {
		server_refusef(s, 501, "5.1.3", "recipient: %s", why);
		return false;
	}
	result = params_rcpt(args, extensions_at_rcpt(s), &s->rcpt, &bad);
	if (result != PARAMS_OK) {
		refuse_params(s, result, bad);
		return false;
	}
	if (is_utf8_unasked(s)) {
		server_refusef(s, 553, "5.6.7",
			"the recipient's address needs SMTPUTF8 at MAIL");
		return false;
	}
	if (s->conf.recipients_max &&
		s->recipients_n >= s->conf.recipients_max) {
		/* RFC 5321 4.5.3.1.10 */
		server_refusef(s, 452, "4.5.3", "too many recipients");
		return false;
	}
	return true;
}

void
server_rcpt(struct smtp_server *s, struct str args)
{
	struct smtp_event *e;

	if (!parse_rcpt(s, args)) {
		s->rcpt_refused = true;
		return;
	}
	e = server_ask(s, EV_RCPT);
	e->mailbox = &s->mailbox;
	e->rcpt = &s->rcpt;
	free(s->rcpt_id);
	s->rcpt_id = s->next_id;
	s->next_id = NULL;
	e->text = s->rcpt_id ? str_of(s->rcpt_id) : STR("");
}
