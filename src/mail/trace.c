#include "mail/trace.h"

#include <string.h>

enum { TRACE_WORD_MAX = 255 };

/* Printable ASCII that cannot end a comment or a field; UTF-8 passes. */
static void
add_word(struct buf *out, const char *z)
{
	for (size_t i = 0; z[i] && i < TRACE_WORD_MAX; i++) {
		unsigned char c = (unsigned char)z[i];
		bool bad = c <= ' ' || c == 127 || c == '(' || c == ')' ||
			   c == '\\' || c == ';' || c == '"' || c == '<' ||
			   c == '>';

		buf_add(out, bad ? "_" : &z[i], 1);
	}
}

const char *
trace_with(const struct trace_received *t)
{
	static const char *const names[4][4] = {
		{"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"},
		{"LMTP", "LMTPA", "LMTPS", "LMTPSA"},
		{"UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"},
		{"UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"},
	};

	if (!t->extended && !t->lmtp)
		return "SMTP";
	return names[(t->utf8 ? 2 : 0) + (t->lmtp ? 1 : 0)]
		    [(t->tls ? 2 : 0) + (t->authenticated ? 1 : 0)];
}

/* A user of this host: it came by no protocol, and "with" is left out. */
static void
add_user(const struct trace_received *t, struct buf *out)
{
	buf_addz(out, "Received: by ");
	add_word(out, t->hostname);
	buf_addz(out, " (tidepost, from user ");
	add_word(out, t->user);
	buf_addf(out, ")\r\n\tid %lld", (long long)t->id);
}

static void
add_peer(const struct trace_received *t, struct buf *out)
{
	buf_addz(out, "Received: from ");
	add_word(out, t->helo[0] ? t->helo : "unknown");
	if (t->address[0] && strcmp(t->address, "local") != 0) {
		buf_addz(out, strchr(t->address, ':') ? " ([IPv6:" : " ([");
		add_word(out, t->address);
		buf_addz(out, "])");
	}
	if (t->tls) {
		buf_addz(out, "\r\n\t(using ");
		add_word(out, t->tls_version);
		buf_addz(out, " with ");
		add_word(out, t->tls_cipher);
		buf_addz(out, ")");
	}
	buf_addz(out, "\r\n\tby ");
	add_word(out, t->hostname);
	buf_addf(out, " with %s id %lld", trace_with(t), (long long)t->id);
}

void
trace_received_add(const struct trace_received *t, struct buf *out)
{
	if (t->user)
		add_user(t, out);
	else
		add_peer(t, out);
	if (t->has_priority)
		buf_addf(out, "\r\n\tPRIORITY %d", t->priority);
	if (t->recipient)
		buf_addf(out, "\r\n\tfor <%s>", t->recipient);
	buf_addf(out, ";\r\n\t%s\r\n", t->date);
}

void
trace_return_path_add(const char *sender, struct buf *out)
{
	buf_addf(out, "Return-Path: <%s>\r\n", sender);
}
