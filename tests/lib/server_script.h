/*
 * Transcripts against the server machine, for unit tests.
 *
 * A script is lines:
 *
 *	C: text		the client sends text and CRLF
 *	c: text		the client sends text alone; \r \n \0 \\ \xHH are known
 *	S: glob		the server says this line
 *	E: glob		the machine tells this event (see script_event)
 *	A: reply	the host's answer to the next event that asks; where
 *			none is left, it says yes
 *	T:		the TLS handshake is done
 *	W: ms		so much time passes
 *	X: text		smtp_server_shutdown
 *	Z:		the client closes
 *
 * All S lines must be what went out, all E lines what was told, in order.
 * Each script runs whole, octet by octet, and cut in two at every octet, and
 * the four runs must not differ. A message that may not pass is forgotten as a
 * host would, so where its octets were cut does not show.
 */
#ifndef TESTS_LIB_SERVER_SCRIPT_H
#define TESTS_LIB_SERVER_SCRIPT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In body events runs longer than this are shown by their length alone. */
enum { SCRIPT_BODY_SHOWN = 200, SCRIPT_SPLITS_MAX = 1500 };

struct script_run {
	struct smtp_server *server;
	struct machine *m;
	uint64_t now_ms;
	struct buf out, events, body;
	const char *answers; /* the script, looked through for "A:" */
	size_t fed;	     /* octets of the client so far */
	size_t piece;	     /* feed at most so many at once; 0: all */
	size_t cut;	     /* a piece ends at this octet; 0: none */
};

static inline struct smtp_server_conf
script_conf(void)
{
	return (struct smtp_server_conf){
		.hostname = "shore.example",
		.extensions = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME |
			      EXT_CHUNKING | EXT_ENHANCEDSTATUSCODES | EXT_DSN,
		.message_size_max = 1000,
		.recipients_max = 3,
		.line_max = 40,
		.errors_max = 20,
		.commands_max = 20,
		.command_timeout_ms = 300000,
		.data_timeout_ms = 180000,
		.mechs_tls = "SCRAM-SHA-256 PLAIN",
		.mechs_clear = "",
	};
}

static inline void
script_add_octets(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r')
			buf_addz(b, "\\r");
		else if (c == '\n')
			buf_addz(b, "\\n");
		else if (c < 32 || c > 126)
			buf_addf(b, "\\x%02x", c);
		else
			buf_add(b, &s.p[i], 1);
	}
}

static inline void
script_flush_body(struct script_run *r)
{
	if (r->body.len == 0)
		return;
	buf_addz(&r->events, "body ");
	if (r->body.len > SCRIPT_BODY_SHOWN)
		buf_addf(&r->events, "of %zu", r->body.len);
	else
		script_add_octets(&r->events, buf_view(&r->body));
	buf_addz(&r->events, "\n");
	buf_clear(&r->body);
}

static inline const char *
script_event(const struct smtp_event *e, char *out, size_t size)
{
	switch (e->kind) {
	case EV_HELO:
		snprintf(out, size, "%s %.*s", e->extended ? "ehlo" : "helo",
			STR_FMT(e->text));
		break;
	case EV_AUTH_START:
		snprintf(out, size, "auth %.*s %s%.*s", STR_FMT(e->text),
			e->data.p ? "with " : "bare",
			e->data.p ? (int)e->data.n : 0,
			e->data.p ? e->data.p : "");
		break;
	case EV_AUTH_DATA:
		snprintf(out, size, "response %.*s", STR_FMT(e->data));
		break;
	case EV_AUTH_CANCEL:
		return "cancel";
	case EV_MAIL:
		snprintf(out, size, "mail <%s>", e->mailbox->text);
		break;
	case EV_RCPT:
		snprintf(out, size, "rcpt <%s>", e->mailbox->text);
		break;
	case EV_DATA:
		return e->chunking ? "bdat" : "data";
	case EV_BODY_FAULT:
		snprintf(out, size, "fault %.*s %llu", STR_FMT(e->text),
			(unsigned long long)e->fault_line);
		break;
	case EV_BODY_TOO_BIG:
		return "too big";
	case EV_BODY_END:
		if (e->index == 0)
			return "end";
		snprintf(out, size, "end %zu", e->index);
		break;
	case EV_RESET:
		return "reset";
	case EV_ATRN:
		snprintf(out, size, "atrn %.*s", STR_FMT(e->text));
		break;
	case EV_ETRN:
		snprintf(out, size, "etrn %.*s", STR_FMT(e->text));
		break;
	case EV_TLS_STARTED:
		return "tls";
	case EV_REFUSED:
		snprintf(out, size, "refused %d", e->reply->code);
		break;
	case EV_QUIT:
		return "quit";
	case EV_CLOSED:
		return "closed";
	default:
		return "?";
	}
	return out;
}

static inline bool
script_asks(enum smtp_event_kind kind)
{
	switch (kind) {
	case EV_AUTH_START:
	case EV_AUTH_DATA:
	case EV_MAIL:
	case EV_RCPT:
	case EV_DATA:
	case EV_BODY_END:
	case EV_ATRN:
	case EV_ETRN:
		return true;
	default:
		return false;
	}
}

static inline void
script_default_answer(enum smtp_event_kind kind, struct reply *r)
{
	if (kind == EV_DATA)
		reply_set(r, 354, "", "go on");
	else if (kind == EV_AUTH_START || kind == EV_AUTH_DATA)
		reply_set(r, 235, "2.7.0", "Authenticated");
	else
		reply_set(r, 250, "2.0.0", "Ok");
}

/* "550 5.7.1 no": the next A line of the script. */
static inline void
script_answer(struct script_run *r, enum smtp_event_kind kind)
{
	const char *at = r->answers ? strstr(r->answers, "\nA: ") : NULL;
	struct reply reply;
	struct str line, code, enhanced, rest;

	if (!at) {
		r->answers = NULL;
		script_default_answer(kind, &reply);
	} else {
		line = str_cut(str_of(at + 4), '\n', &rest);
		r->answers = at + 4 + line.n;
		code = str_cut(line, ' ', &rest);
		enhanced = STR("");
		if (rest.n > 1 && rest.p[1] == '.')
			enhanced = str_cut(rest, ' ', &rest);
		char e[12];

		str_copy(e, sizeof(e), enhanced);
		reply_set(&reply, atoi(code.p), e, "%.*s", STR_FMT(rest));
	}
	machine_answer(r->m, &reply);
}

static inline void
script_take_event(struct script_run *r, const struct smtp_event *e)
{
	char text[20000];

	if (e->kind == EV_BODY) {
		assert_true(e->data.n > 0);
		buf_adds(&r->body, e->data);
		return;
	}
	if (e->kind == EV_BODY_FAULT || e->kind == EV_BODY_TOO_BIG ||
		e->kind == EV_RESET)
		buf_clear(&r->body);
	script_flush_body(r);
	buf_addf(&r->events, "%s\n", script_event(e, text, sizeof(text)));
}

static inline void
script_drain(struct script_run *r)
{
	struct str out = machine_out(r->m);

	buf_adds(&r->out, out);
	machine_sent(r->m, out.n);
}

/* Reads events and answers until the machine is at rest. */
static inline void
script_pump(struct script_run *r, struct str waiting)
{
	struct smtp_event e, asked;
	bool owed;

	do {
		owed = false;
		while (machine_next(r->m, &e)) {
			script_take_event(r, &e);
			if (script_asks(e.kind)) {
				asked = e;
				owed = true;
			}
		}
		if (owed) {
			assert_int_equal(machine_want(r->m), WANT_ANSWER);
			assert_true(machine_deadline(r->m) == UINT64_MAX);
			/* the sole command that looks at what is behind it */
			if (asked.kind != EV_ATRN)
				assert_int_equal(
					machine_feed(r->m, waiting), 0);
			script_answer(r, asked.kind);
		}
		script_drain(r);
	} while (owed);
}

static inline bool
script_takes_input(const struct script_run *r)
{
	return machine_want(r->m) == WANT_INPUT;
}

static inline void
script_feed(struct script_run *r, struct str in)
{
	while (in.n > 0 && script_takes_input(r)) {
		size_t n = in.n, taken;

		if (r->piece && n > r->piece)
			n = r->piece;
		if (r->cut > r->fed && n > r->cut - r->fed)
			n = r->cut - r->fed;
		machine_tick(r->m, r->now_ms);
		taken = machine_feed(r->m, (struct str){in.p, n});
		assert_true(taken <= n);
		in = str_skip(in, taken);
		r->fed += taken;
		script_pump(r, in);
	}
	machine_tick(r->m, r->now_ms);
	script_pump(r, STR(""));
}

static inline void
script_unescape(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && i + 1 < s.n) {
			c = s.p[++i];
			if (c == 'r')
				c = '\r';
			else if (c == 'n')
				c = '\n';
			else if (c == '0')
				c = '\0';
			else if (c == 'x' && i + 2 < s.n) {
				char hex[3] = {s.p[i + 1], s.p[i + 2], 0};

				c = (char)strtoul(hex, NULL, 16);
				i += 2;
			}
		}
		buf_add(out, &c, 1);
	}
}

/* Runs what is not the client's words. False: it was of no effect. */
static inline void
script_barrier(struct script_run *r, char what, struct str arg)
{
	static const struct tls_facts facts = {.version = "TLSv1.3"};
	char text[256];

	str_copy(text, sizeof(text), arg);
	if (what == 'T') {
		assert_int_equal(machine_want(r->m), WANT_TLS);
		machine_tls_done(r->m, &facts);
	} else if (what == 'W') {
		r->now_ms += strtoull(text, NULL, 10);
		machine_tick(r->m, r->now_ms);
	} else if (what == 'X') {
		smtp_server_shutdown(r->server, text);
	} else if (what == 'Z') {
		machine_eof(r->m);
	}
	script_pump(r, STR(""));
}

/* One run; the caller frees the result: out, then events. */
static inline char *
script_run(const struct smtp_server_conf *conf, const char *script,
	size_t piece, size_t cut, size_t *fed_r)
{
	struct script_run r = {.answers = script, .piece = piece, .cut = cut};
	struct str rest = str_of(script);
	struct buf client;
	char *result;

	buf_init(&r.out, 0);
	buf_init(&r.events, 0);
	buf_init(&r.body, 0);
	buf_init(&client, 0);
	r.server = smtp_server_new(conf, 0);
	r.m = smtp_server_machine(r.server);
	script_drain(&r);
	while (rest.n > 0) {
		struct str line = str_cut(rest, '\n', &rest), arg;

		if (line.n < 2 || line.p[1] != ':')
			continue;
		arg = str_skip(line, line.n > 2 ? 3 : 2);
		if (line.p[0] == 'C' || line.p[0] == 'c') {
			script_unescape(arg, &client);
			if (line.p[0] == 'C')
				buf_addz(&client, "\r\n");
		} else if (strchr("TWXZ", line.p[0])) {
			script_feed(&r, buf_view(&client));
			buf_clear(&client);
			script_barrier(&r, line.p[0], arg);
		}
	}
	script_feed(&r, buf_view(&client));
	script_flush_body(&r);
	*fed_r = r.fed;
	result = str_printf("%s--\n%s", buf_z(&r.out), buf_z(&r.events));
	machine_free(r.m);
	buf_free(&r.out);
	buf_free(&r.events);
	buf_free(&r.body);
	buf_free(&client);
	return result;
}

/* Do the lines of GOT match those of SCRIPT that begin with MARK? */
static inline void
script_compare(const char *script, char mark, struct str got)
{
	struct str rest = str_of(script);

	while (rest.n > 0) {
		struct str line = str_cut(rest, '\n', &rest), have;

		if (line.n < 2 || line.p[0] != mark || line.p[1] != ':')
			continue;
		have = str_cut(got, '\n', &got);
		if (have.n > 0 && have.p[have.n - 1] == '\r')
			have.n--;
		if (!str_glob(str_skip(line, line.n > 2 ? 3 : 2), have))
			fail_msg("want  %.*s\ngot   %.*s\nin\n%s",
				STR_FMT(line), STR_FMT(have), script);
	}
	if (got.n > 0)
		fail_msg("more than %c: lines:\n%.*s\nin\n%s", mark,
			STR_FMT(got), script);
}

static inline void
script_same(const char *whole, const char *got, size_t cut, const char *script)
{
	if (strcmp(whole, got) != 0)
		fail_msg("cut at %zu differs:\n%s\nfrom whole:\n%s\nin\n%s",
			cut, got, whole, script);
}

/* The test: SCRIPT against a server of CONF, cut in every way. */
static inline void
script_check(const struct smtp_server_conf *conf, const char *script)
{
	size_t total, fed, step;
	char *whole = script_run(conf, script, 0, 0, &total), *other;
	char *events = strstr(whole, "--\n");

	script_compare(
		script, 'S', (struct str){whole, (size_t)(events - whole)});
	script_compare(script, 'E', str_of(events + 3));
	other = script_run(conf, script, 1, 0, &fed);
	script_same(whole, other, 1, script);
	free(other);
	step = 1 + total / SCRIPT_SPLITS_MAX;
	for (size_t cut = 1; cut < total; cut += step) {
		other = script_run(conf, script, 0, cut, &fed);
		script_same(whole, other, cut, script);
		free(other);
	}
	free(whole);
}

#endif
