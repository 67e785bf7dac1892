#include "mail/bsmtp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	BSMTP_LINE_MAX = WIRE_COMMAND_MAX,
	/* What a batch may ask for: who reads it is not asked before. */
	BSMTP_EXTENSIONS = EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_DSN |
			   EXT_MT_PRIORITY,
};

void
bsmtp_init(struct bsmtp_reader *r)
{
	*r = (struct bsmtp_reader){.line = 0};
	buf_init(&r->in, 0);
	buf_init(&r->body, BSMTP_BLOCK);
	line_reader_init(&r->reader, BSMTP_LINE_MAX);
}

void
bsmtp_free(struct bsmtp_reader *r)
{
	buf_free(&r->in);
	buf_free(&r->body);
	line_reader_free(&r->reader);
}

void
bsmtp_feed(struct bsmtp_reader *r, struct str octets)
{
	tidy_feed(&r->tidy, octets, &r->in);
}

void
bsmtp_finish(struct bsmtp_reader *r)
{
	/*
	 * A dot at the very end of what came may be the first of two: where its
	 * line has no end, the message has none.
	 */
	if (!r->in_body)
		tidy_end(&r->tidy, &r->in);
}

bool
bsmtp_is_cut(const struct bsmtp_reader *r)
{
	return r->has_mail || r->in_body;
}

/* --- commands ------------------------------------------------------------- */

static enum bsmtp_event __attribute__((format(printf, 2, 3)))
bad(struct bsmtp_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	r->ended = true;
	r->text = str_of(r->why);
	return BSMTP_BAD;
}

static void
forget(struct bsmtp_reader *r)
{
	r->has_mail = false;
	r->rcpts_n = 0;
	r->next_id[0] = '\0';
}

static enum bsmtp_event
on_mail(struct bsmtp_reader *r, struct str args)
{
	if (r->has_mail)
		return bad(r, "MAIL inside of a message");
	forget(r);
	r->has_mail = true;
	r->text = args;
	return BSMTP_MAIL;
}

static enum bsmtp_event
on_rcpt(struct bsmtp_reader *r, struct str args)
{
	if (!r->has_mail)
		return bad(r, "RCPT before MAIL");
	r->rcpts_n++;
	r->text = args;
	memcpy(r->id, r->next_id, sizeof(r->id));
	r->next_id[0] = '\0';
	return BSMTP_RCPT;
}

static enum bsmtp_event
on_data(struct bsmtp_reader *r)
{
	if (r->rcpts_n == 0)
		return bad(r, "DATA before RCPT");
	r->in_body = true;
	return BSMTP_DATA;
}

static enum bsmtp_event
on_noop(struct bsmtp_reader *r, struct str args)
{
	struct str key = STR(WIRE_ID_KEY);

	/* cut, it could be another's, whose message would count as this one */
	if (str_starts_nocase(args, key) &&
		!str_copy(
			r->next_id, sizeof(r->next_id), str_skip(args, key.n)))
		return bad(r, "an id of more than %d octets", (int)WIRE_ID_MAX);
	return BSMTP_MORE;
}

/* What ends a transaction, and what only asks: nobody is there to answer. */
static bool
is_among(struct str verb, const char *const *names)
{
	for (; *names; names++)
		if (str_eq_nocase(verb, str_of(*names)))
			return true;
	return false;
}

/* BSMTP_MORE: nothing to tell. */
static enum bsmtp_event
command(struct bsmtp_reader *r, struct str line)
{
	static const char *const resets[] = {"HELO", "EHLO", "RSET", NULL};
	static const char *const asks[] = {"VRFY", "EXPN", "HELP", NULL};
	struct str args, verb = str_cut(line, ' ', &args);

	args = str_trim(args);
	if (str_eq_nocase(verb, STR("MAIL")))
		return on_mail(r, args);
	if (str_eq_nocase(verb, STR("RCPT")))
		return on_rcpt(r, args);
	if (str_eq_nocase(verb, STR("DATA")))
		return on_data(r);
	if (str_eq_nocase(verb, STR("QUIT"))) {
		if (r->has_mail)
			return bad(r, "QUIT inside of a message");
		r->ended = true;
		return BSMTP_QUIT;
	}
	if (str_eq_nocase(verb, STR("NOOP")))
		return on_noop(r, args);
	if (is_among(verb, resets))
		forget(r);
	else if (!is_among(verb, asks) && str_trim(line).n)
		return bad(r, "\"%.*s\" does not belong into a batch",
			(int)(verb.n < 40 ? verb.n : 40), verb.p);
	return BSMTP_MORE;
}

/* BSMTP_MORE: no event in what is there. */
static enum bsmtp_event
read_command(struct bsmtp_reader *r)
{
	while (r->in.len) {
		enum line_result result;
		enum bsmtp_event event;
		size_t taken;

		result = line_read(&r->reader, buf_view(&r->in), &taken);
		buf_consume(&r->in, taken);
		if (result == LINE_MORE)
			break;
		r->line++;
		if (result == LINE_TOO_LONG)
			return bad(r, "a command of more than %d octets",
				(int)BSMTP_LINE_MAX);
		if (result == LINE_BARE)
			return bad(r, "a command with a NUL in it");
		event = command(r, line_text(&r->reader));
		if (event != BSMTP_MORE)
			return event;
	}
	return BSMTP_MORE;
}

/* --- bodies --------------------------------------------------------------- */

static void
count_lines(struct bsmtp_reader *r, size_t n)
{
	struct str seen = buf_view(&r->in);

	for (size_t i = 0; i < n; i++)
		r->line += seen.p[i] == '\n';
}

static enum bsmtp_event
read_body(struct bsmtp_reader *r)
{
	size_t taken;
	bool end;

	buf_clear(&r->body);
	end = dot_read(&r->dot, buf_view(&r->in), &r->body, &taken);
	count_lines(r, taken);
	buf_consume(&r->in, taken);
	if (end) {
		r->in_body = false;
		r->body_ended = true; /* what is in hand is told first */
	}
	r->text = buf_view(&r->body);
	return r->text.n ? BSMTP_BODY : BSMTP_MORE;
}

enum bsmtp_event
bsmtp_next(struct bsmtp_reader *r)
{
	if (r->ended)
		return BSMTP_QUIT;
	if (r->in_body) {
		enum bsmtp_event event = read_body(r);

		if (event != BSMTP_MORE || r->in_body)
			return event;
	}
	if (r->body_ended) {
		r->body_ended = false;
		forget(r);
		return BSMTP_END;
	}
	return read_command(r);
}

/* --- writing -------------------------------------------------------------- */

void
bsmtp_write_hello(const char *hostname, struct buf *out)
{
	buf_addf(out, "EHLO %s\r\n", hostname);
}

void
bsmtp_write_mail(const struct bsmtp_mail *m, struct buf *out)
{
	struct mail_params p = *m->params;

	p.has_size = true;
	p.size_bytes = m->size;
	if (m->has_8bit)
		p.body = BODY_8BITMIME;
	buf_addf(out, "MAIL FROM:<%s>", m->sender);
	params_mail_write(&p, BSMTP_EXTENSIONS, out);
	buf_addz(out, "\r\n");
}

void
bsmtp_write_rcpt(const char *recipient, const struct rcpt_params *params,
	const char *id, struct buf *out)
{
	buf_addf(out, "NOOP " WIRE_ID_KEY "%s\r\nRCPT TO:<%s>", id, recipient);
	params_rcpt_write(params, BSMTP_EXTENSIONS, out);
	buf_addz(out, "\r\n");
}

void
bsmtp_write_data(struct buf *out)
{
	buf_addz(out, "DATA\r\n");
}

void
bsmtp_write_quit(struct buf *out)
{
	buf_addz(out, "QUIT\r\n");
}
