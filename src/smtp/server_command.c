/* Reads command lines, checks them against the table of verbs, runs them. */
#include "smtp/server_state.h"

/* Why a command cannot come in this state (503). */
static const char *
order_text(const struct smtp_server *s)
{
	switch (server_now(s)) {
	case SERVER_INIT:
		return s->conf.lmtp ? "say LHLO first" : "say EHLO first";
	case SERVER_READY:
		return "no transaction is open; say MAIL first";
	case SERVER_MAIL:
		return s->rcpt_refused ? "there is no valid recipient"
				       : "no recipient yet; say RCPT first";
	case SERVER_CHUNKS:
		return "a message is being sent by BDAT; go on or say RSET";
	default:
		return "a transaction is open; finish it or say RSET";
	}
}

static bool
is_served(const struct smtp_server *s, const struct verb *v)
{
	if (s->conf.odmr && !(v->flags & VERB_ODMR))
		return false;
	if (s->conf.turned && (v->flags & VERB_UNTURNED))
		return false;
	return !v->extension || (server_offered(s) & v->extension);
}

static bool
is_wanting_auth(const struct smtp_server *s, const struct verb *v)
{
	if (s->authenticated)
		return false;
	return (v->flags & VERB_ALWAYS_AUTH) ||
	       (s->conf.auth_required && (v->flags & VERB_NEEDS_AUTH));
}

/* RFC 2033 4.1: 500 to the other protocol's greeting, as to any unknown. */
static void
refuse_foreign(struct smtp_server *s)
{
	server_refusef(s, 500, "", "%s is not known here; say %s",
		s->verb->name, s->conf.lmtp ? "LHLO" : "EHLO");
}

/* False: the command may not run; *r says why. The order is told in verb.h. */
static bool
may_run(const struct smtp_server *s, const struct verb *v, struct str args,
	struct reply *r)
{
	if (!v->run)
		reply_set(r, 502, "5.5.1", "%s %s", v->name, v->text);
	else if (!is_served(s, v))
		reply_set(r, 502, "5.5.1", "%s is not served here", v->name);
	else if (s->conf.tls_required && !s->tls && (v->flags & VERB_NEEDS_TLS))
		reply_set(
			r, 530, "5.7.0", "Must issue a STARTTLS command first");
	else if (is_wanting_auth(s, v))
		reply_set(r, 530, "5.7.0", "Authentication required");
	else if (!(v->states & STATE_TO(s->state.now)))
		reply_set(r, 503, "5.5.1", "%s: %s", v->name, order_text(s));
	else if (args.n > 0 && (v->flags & VERB_NO_ARGUMENT))
		reply_set(r, 501, "5.5.4", "%s takes no argument", v->name);
	else
		return true;
	return false;
}

/* False: one idle command too many; the connection is closing. */
static bool
count_idle(struct smtp_server *s)
{
	if (!(s->verb->flags & VERB_IDLE))
		return true;
	s->idle_n++;
	if (!s->conf.commands_max || s->idle_n <= s->conf.commands_max)
		return true;
	server_close(s, "4.7.0", "too many commands without mail");
	return false;
}

static void
run(struct smtp_server *s, struct str args)
{
	struct reply r;

	if (!count_idle(s))
		return;
	if (may_run(s, s->verb, args, &r)) {
		s->verb->run(s, args);
	} else if (s->verb->flags & VERB_CHUNK) {
		server_refuse_chunk(s, args, &r);
	} else {
		if (s->verb->flags & VERB_HELLO)
			r.enhanced[0] = '\0';
		s->wake |= (s->verb->flags & VERB_FOLLOWS_MAIL) ||
			   s->verb->run == server_mail;
		server_refuse(s, &r);
	}
}

static void
refuse_unknown(struct smtp_server *s, struct str word)
{
	char echo[SERVER_ECHO_MAX + 1];

	/* Behind a failed AUTH this may be a password. */
	if (s->auth_seen)
		s->shown = word = STR("");
	server_refusef(s, 500, "5.5.2", "command not known%s%s",
		word.n ? ": " : "", server_echo(word, echo));
}

static void
command(struct smtp_server *s, struct str line)
{
	struct str args;
	struct str word = str_cut(line, ' ', &args);

	s->shown = line;
	s->verb = verb_find(word);
	if (!s->verb) {
		refuse_unknown(s, word);
		return;
	}
	if (s->verb->flags & VERB_SECRET) {
		s->auth_seen = true;
		s->shown = str_of(s->verb->name);
	}
	if (server_speaks(s, s->verb))
		run(s, str_trim(args));
	else
		refuse_foreign(s);
}

static void
refuse_line(struct smtp_server *s, const char *why)
{
	s->verb = NULL;
	s->shown = STR("");
	server_refusef(s, 500, "5.5.2", "%s", why);
}

/* Trailing blanks are tolerated (RFC 5321 4.1.1); leading ones are not. */
static struct str
trim_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

size_t
server_read_command(struct smtp_server *s, struct str in)
{
	size_t taken;

	buf_free(&s->body); /* nobody looks at it any more */
	switch (line_read(&s->line, in, &taken)) {
	case LINE_MORE:
		break;
	case LINE_OK:
		s->behind = taken < in.n;
		command(s, trim_end(line_text(&s->line)));
		break;
	case LINE_TOO_LONG:
		refuse_line(s, "the command line is too long");
		break;
	case LINE_BARE:
		refuse_line(s, "a command line holds a bare CR, bare LF or "
			       "NUL");
		break;
	}
	return taken;
}
