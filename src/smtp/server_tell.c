/* What the machine tells: events to its host, replies to the client. */
#include "smtp/server_state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct smtp_event *
server_emit(struct smtp_server *s, enum smtp_event_kind kind)
{
	struct smtp_event *e;

	assert(s->events_n < SERVER_EVENTS_MAX);
	e = &s->events[(s->events_first + s->events_n++) % SERVER_EVENTS_MAX];
	*e = (struct smtp_event){.kind = kind, .text = STR("")};
	return e;
}

struct smtp_event *
server_ask(struct smtp_server *s, enum smtp_event_kind kind)
{
	assert(!s->is_asked);
	s->is_asked = true;
	s->asked = kind;
	return server_emit(s, kind);
}

void
server_forget(struct smtp_server *s)
{
	if (s->host_has_mail)
		server_emit(s, EV_RESET);
	s->host_has_mail = false;
	s->rcpt_refused = false;
	s->recipients_n = 0;
	free(s->next_id);
	s->next_id = NULL;
}

bool
server_is_2xx(const struct reply *r)
{
	return reply_class(r) == 2;
}

void
server_say(struct smtp_server *s, const struct reply *r)
{
	reply_write(r, &s->machine.out);
	s->armed = false;
}

static void __attribute__((format(printf, 4, 0))) format_reply(struct reply *r,
	int code, const char *enhanced, const char *fmt, va_list ap)
{
	char text[REPLY_TEXT_MAX + 1];

	vsnprintf(text, sizeof(text), fmt, ap);
	reply_set(r, code, enhanced, "%s", text);
}

void
server_sayf(struct smtp_server *s, int code, const char *enhanced,
	const char *fmt, ...)
{
	struct reply r;
	va_list ap;

	va_start(ap, fmt);
	format_reply(&r, code, enhanced, fmt, ap);
	va_end(ap);
	server_say(s, &r);
}

static bool
is_consequence(const struct smtp_server *s)
{
	return s->wake && s->verb && (s->verb->flags & VERB_FOLLOWS_MAIL);
}

void
server_count_error(struct smtp_server *s)
{
	s->errors_n++;
	if (s->conf.errors_max && s->errors_n >= s->conf.errors_max)
		server_close(s, "4.7.0", "too many errors");
}

struct reply *
server_keep(struct reply **slot)
{
	if (!*slot)
		*slot = xmalloc(sizeof(**slot));
	return *slot;
}

void
server_refuse(struct smtp_server *s, const struct reply *r)
{
	struct smtp_event *e = server_emit(s, EV_REFUSED);

	*server_keep(&s->refusal) = *r;
	e->reply = s->refusal;
	e->text = s->shown;
	server_say(s, s->refusal);
	if (reply_class(r) == 5 && !is_consequence(s))
		server_count_error(s);
}

void
server_refusef(struct smtp_server *s, int code, const char *enhanced,
	const char *fmt, ...)
{
	struct reply r;
	va_list ap;

	va_start(ap, fmt);
	format_reply(&r, code, enhanced, fmt, ap);
	va_end(ap);
	server_refuse(s, &r);
}

void
server_close(struct smtp_server *s, const char *enhanced, const char *text)
{
	struct smtp_event *e;

	if (server_now(s) == SERVER_CLOSE)
		return;
	server_forget(s);
	reply_set(server_keep(&s->farewell), 421, enhanced, "%s: %s; closing",
		s->conf.hostname, text);
	server_say(s, s->farewell);
	e = server_emit(s, EV_REFUSED);
	e->reply = s->farewell;
	server_move(s, SERVER_CLOSE);
}

const char *
server_echo(struct str s, char out[SERVER_ECHO_MAX + 1])
{
	size_t n = s.n < SERVER_ECHO_MAX ? s.n : SERVER_ECHO_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
	out[n] = '\0';
	return out;
}

void
server_hand_over(
	struct smtp_server *s, const struct reply *r, enum server_state to)
{
	char why[64];

	assert(s->verb->flags & VERB_ENDS_GROUP);
	if (s->behind) {
		snprintf(why, sizeof(why), "octets arrived behind %s",
			s->verb->name);
		server_close(s, "4.7.0", why);
	} else {
		server_say(s, r);
		server_move(s, to);
	}
}
