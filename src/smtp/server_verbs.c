/* The verbs that move no mail: EHLO HELO LHLO RSET NOOP QUIT VRFY EXPN HELP
 * STARTTLS. */
#include "smtp/server_state.h"

#include "wire/grammar.h"
#include "wire/peertime.h"

#include <stdlib.h>

/*
 * The grammar asks for a domain or an address literal. Names with an
 * underscore are common on local networks and do no harm in a trace field.
 */
static bool
is_host_name(struct str s)
{
	if (s.n == 0 || s.n > WIRE_DOMAIN_MAX)
		return false;
	if (grammar_is_domain(s, false) || grammar_is_address_literal(s))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
			    c == '.'))
			return false;
	}
	return true;
}

/* RFC 5321 4.1.4: a new EHLO does what RSET does. */
static bool
hello(struct smtp_server *s, struct str name, bool extended)
{
	struct smtp_event *e;

	if (!is_host_name(name)) {
		/* RFC 2034 4: no enhanced code in replies to EHLO and HELO. */
		server_refusef(s, 501, "",
			"%s needs a host name or an "
			"address literal",
			s->verb->name);
		return false;
	}
	server_forget(s);
	s->wake = false;
	str_copy(s->helo, sizeof(s->helo), name);
	s->extended = extended;
	server_move(s, SERVER_READY);
	e = server_emit(s, EV_HELO);
	e->text = str_of(s->helo);
	e->extended = extended;
	return true;
}

static bool
is_auth_shown(const struct smtp_server *s)
{
	return server_mechs(s)[0] && !s->authenticated &&
	       (s->tls || !s->conf.tls_required);
}

/* What makes sense to say now; the rest of server_offered() is in force. */
static unsigned
shown_extensions(const struct smtp_server *s)
{
	unsigned ext = server_offered(s);

	if (s->tls)
		ext &= ~(unsigned)EXT_STARTTLS;
	if (!is_auth_shown(s))
		ext &= ~(unsigned)EXT_AUTH;
	if (!s->conf.limit_rcpt && !s->conf.limit_mail)
		ext &= ~(unsigned)EXT_LIMITS;
	return ext;
}

/* RFC 9422 */
static void
add_limits(const struct smtp_server *s, struct buf *out)
{
	if (s->conf.limit_rcpt)
		buf_addf(out, " RCPTMAX=%zu", s->conf.limit_rcpt);
	if (s->conf.limit_mail)
		buf_addf(out, " MAILMAX=%zu", s->conf.limit_mail);
}

static void
add_keyword(const struct smtp_server *s, enum ext bit, struct buf *out)
{
	buf_addf(out, "\n%s", ext_name(bit));
	if (bit == EXT_SIZE)
		buf_addf(out, " %llu",
			(unsigned long long)s->conf.message_size_max);
	else if (bit == EXT_AUTH)
		buf_addf(out, " %s", server_mechs(s));
	else if (bit == EXT_FUTURERELEASE)
		buf_addf(out, " %s", s->conf.future_release);
	else if (bit == EXT_LIMITS)
		add_limits(s, out);
}

static void
add_time(const struct smtp_server *s, struct buf *out)
{
	int64_t now_s = s->tls && s->conf.time_s ? s->conf.time_s() : 0;

	if (now_s > 0)
		peertime_add(out, now_s);
}

void
server_ehlo(struct smtp_server *s, struct str args)
{
	unsigned ext;
	struct buf text;

	if (!hello(s, args, true))
		return;
	ext = shown_extensions(s);
	buf_init(&text, 0);
	buf_addz(&text, s->conf.hostname);
	add_time(s, &text);
	for (unsigned bit = 1; bit && bit <= ext; bit <<= 1)
		if (ext & bit)
			add_keyword(s, (enum ext)bit, &text);
	server_sayf(s, 250, "", "%s", buf_z(&text));
	buf_free(&text);
}

void
server_helo(struct smtp_server *s, struct str args)
{
	if (hello(s, args, false))
		server_sayf(s, 250, "", "%s", s->conf.hostname);
}

void
server_rset(struct smtp_server *s, struct str args)
{
	(void)args;
	server_forget(s);
	s->wake = false;
	if (server_now(s) != SERVER_INIT)
		server_move(s, SERVER_READY);
	server_sayf(s, 250, "2.0.0", "Ok: reset");
}

/* The text is free to say anything (RFC 5321 4.1.1.9). */
void
server_noop(struct smtp_server *s, struct str args)
{
	const struct str key = STR(WIRE_ID_KEY);

	if (s->conf.program && str_starts_nocase(args, key) &&
		args.n - key.n <= WIRE_ID_MAX) {
		free(s->next_id);
		s->next_id = str_dup(str_skip(args, key.n));
		s->idle_n = 0;
	}
	server_sayf(s, 250, "2.0.0", "Ok");
}

void
server_quit(struct smtp_server *s, struct str args)
{
	(void)args;
	server_forget(s);
	server_sayf(s, 221, "2.0.0", "%s closing", s->conf.hostname);
	server_emit(s, EV_QUIT);
	server_move(s, SERVER_CLOSE);
}

/* RFC 6531 3.7.4.2: String [SP "SMTPUTF8"]. True: the word was there. */
static bool
cut_smtputf8(const struct smtp_server *s, struct str *args)
{
	const struct str word = STR(" SMTPUTF8");

	if (!s->extended || !(server_offered(s) & EXT_SMTPUTF8) ||
		args->n < word.n ||
		!str_eq_nocase(str_skip(*args, args->n - word.n), word))
		return false;
	args->n -= word.n;
	return true;
}

/* The name of VRFY and EXPN. False: it is refused. */
static bool
take_name(struct smtp_server *s, struct str *args, bool *utf8_r)
{
	*utf8_r = cut_smtputf8(s, args);
	*args = str_trim(*args);
	if (args->n == 0)
		server_refusef(
			s, 501, "5.5.4", "%s needs an address", s->verb->name);
	else if (!grammar_is_utf8(*args))
		server_refusef(s, 501, "5.5.4", "%s: this is not UTF-8",
			s->verb->name);
	else if (!*utf8_r && !grammar_is_ascii(*args))
		server_refusef(s, 553, "5.6.7", "this name needs SMTPUTF8");
	else
		return true;
	return false;
}

void
server_vrfy(struct smtp_server *s, struct str args)
{
	bool utf8;

	if (take_name(s, &args, &utf8))
		server_sayf(s, 252, "2.5.0",
			"Not verified; send mail to it and see");
}

void
server_expn(struct smtp_server *s, struct str args)
{
	struct smtp_event *e;
	bool utf8;

	if (!take_name(s, &args, &utf8))
		return;
	if (args.n > 2 && args.p[0] == '<' && args.p[args.n - 1] == '>')
		args = (struct str){args.p + 1, args.n - 2};
	e = server_ask(s, EV_EXPN);
	e->text = args;
	e->utf8 = utf8;
}

void
server_help(struct smtp_server *s, struct str args)
{
	struct buf text;

	(void)args;
	buf_init(&text, 0);
	buf_addz(&text, "Verbs:");
	for (const struct verb *v = verb_table(); v->name; v++)
		if (v->run && server_speaks(s, v))
			buf_addf(&text, " %s", v->name);
	server_sayf(s, 214, "2.0.0", "%s", buf_z(&text));
	buf_free(&text);
}

void
server_starttls(struct smtp_server *s, struct str args)
{
	struct reply r;

	(void)args;
	if (s->tls) {
		server_refusef(s, 503, "5.5.1", "TLS is already on");
		return;
	}
	reply_set(&r, 220, "2.0.0", "Ready to start TLS");
	server_hand_over(s, &r, SERVER_TLS);
}
