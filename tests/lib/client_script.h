/*
 * Plays a script against the client machine and compares what it does.
 *
 * One line each, the first letter tells:
 *
 *	S 220 hello	the peer sends this line (S lines in a row: in one go)
 *	s 220 hel	likewise, but no CRLF is added ("s" alone: nothing)
 *	C EHLO me	the machine must have sent this line
 *	E ready		... must have given this event
 *	W work		it must want this now
 *	H send 2	the host gives a message with so many recipients; also:
 *			send8 (8-bit), patient (send, and wait for replies),
 *			body, body N, withdraw, tls, quit, atrn X, etrn X,
 *			abort
 *	X		the peer closes
 *	T 1000		monotonic time is now 1000 ms
 *
 * Of what one reply brings, events stand before lines sent. With a window
 * messages have tags from 1 on: "E #1 mail 250", "E failed closed 0 doubt #1".
 *
 * Each script runs with the peer's octets whole, one by one, and cut in two at
 * every place; everything must come out the same.
 */
#ifndef TESTS_LIB_CLIENT_SCRIPT_H
#define TESTS_LIB_CLIENT_SCRIPT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/client.h"

enum { SCRIPT_WHOLE = -1, SCRIPT_OCTETS = 0, SCRIPT_NO_CUT = -1 };

struct script {
	const struct smtp_client_conf *conf;
	const char *body; /* of every message */
	const char *text;
};

struct script_run {
	const struct script *script;
	struct smtp_client *client;
	struct machine *m;
	long split; /* SCRIPT_WHOLE, SCRIPT_OCTETS, or where to cut */
	long cut;   /* close after so many octets; SCRIPT_NO_CUT */
	long fed, longest;
	bool ended;
	struct buf input, line; /* from the peer; to it, not yet a line */
	struct buf log, expected;
	size_t body_at;
	bool has_failed;
	/* messages given, whole, done, in doubt */
	uint64_t sent_n, whole_n, done_n, doubt_n;
};

static const struct smtp_client_conf script_plain = {
	.hostname = "me.example",
	.stall_ms = 300000,
	.final_ms = 600000,
	.turn_ms = 900000,
};

static inline const char *
script_fail_name(enum client_fail fail)
{
	static const char *const names[] = {"none", "closed", "timeout",
		"protocol", "refused", "tls", "auth", "early-octets",
		"aborted"};

	return names[fail];
}

static inline const char *
script_want_name(enum want want)
{
	static const char *const names[] = {"input", "answer", "work", "more",
		"body", "tls", "turn", "close"};

	return names[want];
}

/* "E ", and of which message it speaks. */
static inline void
script_tag(struct script_run *run, const struct smtp_event *e)
{
	buf_addz(&run->log, "E ");
	if (e->kind < EV_MAIL_REPLY || e->kind > EV_DONE)
		return;
	assert_int_equal(e->tag, run->done_n + 1);
	if (run->script->conf->window_bytes > 0)
		buf_addf(&run->log, "#%" PRIu64 " ", e->tag);
}

static inline void
script_doubt(struct script_run *run, const struct smtp_event *e)
{
	bool any = false;

	if (e->in_doubt)
		buf_addz(&run->log, " doubt");
	for (uint64_t tag = 1; tag <= run->sent_n; tag++) {
		if (!smtp_client_in_doubt(run->client, tag))
			continue;
		any = true;
		run->doubt_n++;
		assert_true(tag > run->done_n);
		if (run->script->conf->window_bytes > 0)
			buf_addf(&run->log, " #%" PRIu64, tag);
	}
	assert_int_equal(any, e->in_doubt);
	if (e->mismatch)
		buf_addz(&run->log, " mismatch");
	if (e->no_bdat)
		buf_addz(&run->log, " no-bdat");
}

static inline void
script_event(struct script_run *run, const struct smtp_event *e)
{
	struct buf *log = &run->log;
	int code = e->reply ? e->reply->code : 0;

	script_tag(run, e);
	switch (e->kind) {
	case EV_READY:
		buf_addz(log, "ready");
		break;
	case EV_TLS_STARTED:
		buf_addz(log, "tls");
		break;
	case EV_MAIL_REPLY:
		buf_addf(log, "mail %d", code);
		break;
	case EV_RCPT_REPLY:
		buf_addf(log, "rcpt %zu %d", e->index, code);
		break;
	case EV_DATA_REPLY:
		buf_addf(log, "data %d", code);
		break;
	case EV_RCPT_FINAL:
		buf_addf(log, "final %zu %d", e->index, code);
		break;
	case EV_DONE:
		buf_addf(log, "done %d%s", code, e->early ? " early" : "");
		run->done_n++;
		break;
	case EV_TURNED:
		buf_addf(log, "turned %d", code);
		break;
	case EV_TURN_REPLY:
		buf_addf(log, "turn %d", code);
		break;
	case EV_FAILED:
		buf_addf(log, "failed %s %d", script_fail_name(e->fail), code);
		script_doubt(run, e);
		assert_false(run->has_failed);
		assert_true(e->text.n > 0);
		run->has_failed = true;
		break;
	default:
		buf_addf(log, "? %d", (int)e->kind);
	}
	buf_addz(log, "\n");
}

/* Takes out what is in out, in the log by lines. */
static inline void
script_out(struct script_run *run)
{
	struct str out;

	while ((out = machine_out(run->m)).n > 0) {
		size_t n = run->split == SCRIPT_OCTETS ? 1 : out.n;

		for (size_t i = 0; i < n; i++) {
			buf_add(&run->line, out.p + i, 1);
			if (out.p[i] != '\n')
				continue;
			buf_addf(&run->log, "C %.*s\n",
				(int)(run->line.len - 2),
				buf_view(&run->line).p);
			buf_clear(&run->line);
		}
		machine_sent(run->m, n);
	}
}

static inline void
script_settle(struct script_run *run)
{
	struct smtp_event e;

	while (machine_next(run->m, &e))
		script_event(run, &e);
	script_out(run);
}

static inline void
script_feed(struct script_run *run, struct str octets)
{
	while (octets.n > 0) {
		size_t n = machine_feed(run->m, octets);
		size_t events = run->log.len;

		script_settle(run);
		octets = str_skip(octets, n);
		if (n == 0 && run->log.len == events)
			break; /* it takes nothing more */
	}
}

/* Gives the peer's octets in the manner of this run. */
static inline void
script_input(struct script_run *run)
{
	struct str all = buf_view(&run->input);

	if ((long)all.n > run->longest)
		run->longest = (long)all.n;
	if (run->cut != SCRIPT_NO_CUT && run->fed + (long)all.n >= run->cut) {
		all.n = (size_t)(run->cut - run->fed);
		run->ended = true;
	}
	run->fed += (long)all.n;
	if (run->split == SCRIPT_OCTETS) {
		for (size_t i = 0; i < all.n; i++)
			script_feed(run, (struct str){all.p + i, 1});
	} else if (run->split > 0 && (size_t)run->split < all.n) {
		size_t first = (size_t)run->split;

		script_feed(run, (struct str){all.p, first});
		script_feed(run, str_skip(all, first));
	} else {
		script_feed(run, all);
	}
	buf_clear(&run->input);
	if (run->ended) {
		machine_eof(run->m);
		script_settle(run);
	}
}

static inline void
script_compare(struct script_run *run, const char *where)
{
	const char *got = buf_z(&run->log), *want = buf_z(&run->expected);

	if (strcmp(got, want) == 0)
		return;
	print_error("split %ld, at \"%.40s\"\n--- expected\n%s--- got\n%s",
		run->split, where, want, got);
	fail();
}

static inline void
script_send(
	struct script_run *run, size_t recipients, enum body kind, bool patient)
{
	struct mailbox *to = calloc(recipients, sizeof(*to));
	struct rcpt_params *params = calloc(recipients, sizeof(*params));
	struct smtp_mail mail = {.recipients = to,
		.rcpt_params = params,
		.recipients_n = recipients,
		.size_bytes = strlen(run->script->body),
		.tag = ++run->sent_n,
		.patient = patient};

	strcpy(mail.sender.text, "a@x.example");
	mail.params.body = kind;
	for (size_t i = 0; i < recipients; i++)
		snprintf(to[i].text, sizeof(to[i].text), "r%zu@y.example", i);
	run->body_at = 0;
	assert_true(machine_want(run->m) == WANT_WORK ||
		    machine_want(run->m) == WANT_MORE);
	smtp_client_send(run->client, &mail);
	free(to);
	free(params);
}

static inline void
script_body(struct script_run *run, size_t most)
{
	struct str body = str_skip(str_of(run->script->body), run->body_at);
	size_t n;

	if (body.n > most)
		body.n = most;
	while (body.n > 0 && machine_want(run->m) == WANT_BODY) {
		n = smtp_client_body(run->client, body);
		run->body_at += n;
		body = str_skip(body, n);
		script_settle(run);
		if (n == 0)
			break;
	}
	if (run->script->body[run->body_at] == '\0')
		run->whole_n = run->sent_n;
}

static inline void
script_host(struct script_run *run, struct str act)
{
	struct str arg, word = str_cut(act, ' ', &arg);
	char z[4096];
	uint64_t n = 0;

	str_copy(z, sizeof(z), arg);
	str_u64(arg, &n);
	if (str_eq(word, STR("send")))
		script_send(run, n, BODY_7BIT, false);
	else if (str_eq(word, STR("patient")))
		script_send(run, n, BODY_7BIT, true);
	else if (str_eq(word, STR("withdraw")))
		assert_true(smtp_client_withdraw(run->client));
	else if (str_eq(word, STR("send8")))
		script_send(run, n, BODY_8BITMIME, false);
	else if (str_eq(word, STR("body")))
		script_body(run, arg.n ? n : SIZE_MAX);
	else if (str_eq(word, STR("tls")))
		machine_tls_done(run->m, &(struct tls_facts){.verified = true});
	else if (str_eq(word, STR("quit")))
		smtp_client_quit(run->client);
	else if (str_eq(word, STR("etrn")))
		smtp_client_etrn(run->client, z);
	else if (str_eq(word, STR("atrn")))
		smtp_client_atrn(run->client, arg.n ? z : NULL);
	else if (str_eq(word, STR("abort")))
		smtp_client_abort(run->client, z);
	else
		fail_msg("no such act: %s", z);
	script_settle(run);
}

static inline void
script_line(struct script_run *run, struct str line)
{
	struct str arg = line.n > 2 ? str_skip(line, 2) : STR("");
	uint64_t ms = 0;

	if (line.p[0] == 'S' || line.p[0] == 's') {
		buf_adds(&run->input, arg);
		if (line.p[0] == 'S')
			buf_addz(&run->input, "\r\n");
		return;
	}
	script_input(run);
	if (run->ended)
		return;
	switch (line.p[0]) {
	case 'C':
	case 'E':
		buf_adds(&run->expected, line);
		buf_addz(&run->expected, "\n");
		return;
	default:
		script_compare(run, line.p);
	}
	switch (line.p[0]) {
	case 'W':
		assert_true(str_eq(
			arg, str_of(script_want_name(machine_want(run->m)))));
		break;
	case 'H':
		script_host(run, arg);
		break;
	case 'X':
		machine_eof(run->m);
		script_settle(run);
		break;
	case 'T':
		assert_true(str_u64(arg, &ms));
		machine_tick(run->m, ms);
		script_settle(run);
		break;
	default:
		fail_msg("no such line: %.20s", line.p);
	}
}

static inline void
script_start(
	struct script_run *run, const struct script *s, long split, long cut)
{
	*run = (struct script_run){.script = s, .split = split, .cut = cut};
	run->client = smtp_client_new(s->conf, 0);
	run->m = smtp_client_machine(run->client);
}

static inline void
script_finish(struct script_run *run)
{
	machine_free(run->m);
	buf_free(&run->input);
	buf_free(&run->line);
	buf_free(&run->log);
	buf_free(&run->expected);
}

/* Runs it once; the run is to be finished by the caller. */
static inline void
script_once(
	struct script_run *run, const struct script *s, long split, long cut)
{
	struct str text = str_of(s->text), line;

	script_start(run, s, split, cut);
	while (text.n > 0 && !run->ended) {
		line = str_cut(text, '\n', &text);
		if (line.n > 0)
			script_line(run, line);
	}
	if (!run->ended)
		script_input(run);
	if (!run->ended)
		script_compare(run, "the end");
}

/* In every manner. */
static inline void
script_play(const struct script *s)
{
	struct script_run run;
	long longest;

	script_once(&run, s, SCRIPT_WHOLE, SCRIPT_NO_CUT);
	longest = run.longest;
	script_finish(&run);
	for (long split = SCRIPT_OCTETS; split < longest; split++) {
		script_once(&run, s, split, SCRIPT_NO_CUT);
		script_finish(&run);
	}
}

/* With the defaults and a small body. */
static inline void
script_play_plain(const char *text)
{
	script_play(&(struct script){&script_plain, "hi\r\n.dot\r\n", text});
}

#endif
