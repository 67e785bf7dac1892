/*
 * DATA and BDAT: the octets of a message.
 *
 * Whatever is wrong, a body is read to its true end and only then answered
 * (RFC 5321 4.1.1.4, RFC 3030 2), so that no octet of it is ever taken for
 * a command. Content that could end a message early at some other host (bare
 * CR, bare LF), NUL and lines above the limit is refused whole.
 */
#include "smtp/server_state.h"

/* --- what both ways share ------------------------------------------------- */

static void
begin(struct smtp_server *s)
{
	s->dot = (struct dot_reader){0};
	chunk_reset(&s->chunk);
	content_check_init(&s->content, s->conf.line_max);
	s->discard = false;
	s->replied_n = 0;
}

/*
 * RFC 2033 4.2, 4.3: the end of data is answered once for each recipient that
 * was taken, which for BDAT LAST may be none at all.
 */
static size_t
replies_owed(const struct smtp_server *s, bool last)
{
	return s->conf.lmtp && last ? s->recipients_n : 1;
}

static void
say_verdict(struct smtp_server *s, size_t times)
{
	while (times-- > 0)
		server_say(s, &s->verdict);
}

static void
ask_end(struct smtp_server *s)
{
	server_ask(s, EV_BODY_END)->index = s->replied_n;
}

/* The transaction is over, with the body read; the session goes on. */
static void
finish(struct smtp_server *s)
{
	server_forget(s);
	server_move(s, s->helo[0] ? SERVER_READY : SERVER_INIT);
}

static struct smtp_event *
condemn(struct smtp_server *s, enum smtp_event_kind kind)
{
	s->host_has_mail = false;
	s->discard = true;
	return server_emit(s, kind);
}

static void
condemn_fault(struct smtp_server *s)
{
	const char *what = content_fault_text(s->content.fault);
	struct smtp_event *e = condemn(s, EV_BODY_FAULT);

	e->text = str_of(what);
	e->fault_line = s->content.fault_line;
	reply_set(&s->verdict, 554, "5.6.0", "message refused: %s in line %llu",
		what, (unsigned long long)s->content.fault_line);
}

static void
set_too_big(struct smtp_server *s)
{
	reply_set(&s->verdict, 552, "5.3.4",
		"message size exceeds the maximum of %llu octets",
		(unsigned long long)s->conf.message_size_max);
}

/* RFC 3030 3: binary content has no lines. */
static bool
has_fault(const struct smtp_server *s)
{
	return s->content.fault != CONTENT_OK &&
	       s->mail.body != BODY_BINARYMIME;
}

/*
 * Checks and hands on what is in s->body. The limits are met octet by octet,
 * so the outcome does not depend on how the input was cut.
 */
static void
hand_on(struct smtp_server *s)
{
	struct str all = buf_view(&s->body);
	struct str fits = all;
	uint64_t max = s->conf.message_size_max;

	if (s->discard || all.n == 0)
		return;
	if (max && fits.n > max - s->content.size_bytes)
		fits.n = (size_t)(max - s->content.size_bytes);
	content_check_feed(&s->content, fits);
	if (has_fault(s)) {
		condemn_fault(s);
	} else if (fits.n < all.n) {
		condemn(s, EV_BODY_TOO_BIG);
		set_too_big(s);
	} else {
		server_emit(s, EV_BODY)->data = all;
	}
}

/* All octets are here; LAST: it is not a mere chunk that ends it early. */
static void
end_body(struct smtp_server *s, bool last)
{
	if (!s->discard) {
		content_check_end(&s->content);
		if (has_fault(s))
			condemn_fault(s);
	}
	if (s->discard) {
		s->wake = true;
		say_verdict(s, replies_owed(s, last));
		finish(s);
		return;
	}
	s->host_has_mail = false;
	ask_end(s);
}

/* --- DATA ----------------------------------------------------------------- */

void
server_data(struct smtp_server *s, struct str args)
{
	(void)args;
	if (s->mail.body == BODY_BINARYMIME)
		server_refusef(s, 503, "5.5.1",
			"DATA cannot carry BODY=BINARYMIME; use BDAT");
	else
		server_ask(s, EV_DATA);
}

static void
data_answer(struct smtp_server *s, const struct reply *r)
{
	if (reply_class(r) > 3) {
		s->wake = true;
		server_say(s, r);
		return;
	}
	begin(s);
	server_sayf(s, 354, "", "End data with <CRLF>.<CRLF>");
	server_move(s, SERVER_DATA);
}

static size_t
read_data(struct smtp_server *s, struct str in)
{
	size_t taken;
	bool ended = dot_read(&s->dot, in, &s->body, &taken);

	hand_on(s);
	if (ended)
		end_body(s, true);
	return taken;
}

/* --- BDAT ----------------------------------------------------------------- */

static void
end_swallow(struct smtp_server *s)
{
	if (s->verdict_is_hosts || s->owed == 0) {
		say_verdict(s, s->owed);
	} else {
		server_refuse(s, &s->verdict);
		if (server_now(s) != SERVER_CLOSE)
			say_verdict(s, s->owed - 1);
	}
	s->wake = true;
	if (server_now(s) != SERVER_CLOSE)
		finish(s);
}

/* In a transaction, so that the client counts as RFC 2033 4.3 says. */
static bool
may_owe(const struct smtp_server *s)
{
	return server_now(s) == SERVER_MAIL || server_now(s) == SERVER_RCPT ||
	       server_now(s) == SERVER_CHUNKS;
}

/*
 * S->verdict refuses the chunk in hand, whose octets are still to come. The
 * transaction is dead: what follows of it is refused likewise.
 */
static void
swallow(struct smtp_server *s)
{
	s->owed = may_owe(s) ? replies_owed(s, s->chunk.last) : 1;
	server_forget(s);
	server_move(s, SERVER_SWALLOW);
	s->armed = false;
	if (s->chunk.left == 0)
		end_swallow(s);
}

void
server_refuse_chunk(
	struct smtp_server *s, struct str args, const struct reply *r)
{
	enum chunk_result result;
	uint64_t size = 0;
	bool last;

	result = chunk_parse(args, &size, &last);
	s->verdict = *r;
	s->verdict_is_hosts = false;
	chunk_reset(&s->chunk);
	if (result == CHUNK_OK || result == CHUNK_MARKER)
		chunk_begin(&s->chunk, size, last, 0);
	swallow(s);
}

static void
end_chunk(struct smtp_server *s)
{
	if (s->chunk.last || s->discard) {
		end_body(s, s->chunk.last);
		return;
	}
	server_sayf(s, 250, "2.0.0", "Ok: %llu octets so far",
		(unsigned long long)s->chunk.total);
	server_move(s, SERVER_CHUNKS);
}

static void
start_chunk(struct smtp_server *s)
{
	server_move(s, SERVER_CHUNK);
	s->armed = false;
	if (s->chunk.left == 0)
		end_chunk(s);
}

/* The sum is above the limit: known before one octet is read. */
static void
refuse_big_chunk(struct smtp_server *s)
{
	if (server_now(s) == SERVER_CHUNKS)
		condemn(s, EV_BODY_TOO_BIG);
	set_too_big(s);
	s->verdict_is_hosts = false;
	swallow(s);
}

void
server_bdat(struct smtp_server *s, struct str args)
{
	enum chunk_result result;
	struct reply r;
	uint64_t size;
	bool last, first = server_now(s) == SERVER_RCPT;

	result = chunk_parse(args, &size, &last);
	if (result != CHUNK_OK) {
		reply_set(&r, 501, "5.5.4", "%s", chunk_text(result));
		server_refuse_chunk(s, args, &r);
		return;
	}
	if (first)
		begin(s);
	if (!chunk_begin(&s->chunk, size, last, s->conf.message_size_max))
		refuse_big_chunk(s);
	else if (first)
		server_ask(s, EV_DATA)->chunking = true;
	else
		start_chunk(s);
}

static void
chunk_answer(struct smtp_server *s, const struct reply *r)
{
	if (reply_class(r) > 3) {
		s->verdict = *r;
		s->verdict_is_hosts = true;
		swallow(s);
	} else {
		start_chunk(s);
	}
}

static size_t
read_chunk(struct smtp_server *s, struct str in)
{
	size_t taken;

	if (in.n > SERVER_BLOCK)
		in.n = SERVER_BLOCK;
	taken = chunk_take(&s->chunk, in.n);
	if (!s->discard)
		buf_add(&s->body, in.p, taken);
	hand_on(s);
	if (s->chunk.left == 0)
		end_chunk(s);
	return taken;
}

static size_t
read_swallow(struct smtp_server *s, struct str in)
{
	size_t taken = chunk_take(&s->chunk, in.n);

	if (s->chunk.left == 0)
		end_swallow(s);
	return taken;
}

/* -------------------------------------------------------------------------- */

void
server_data_answer(struct smtp_server *s, const struct reply *r)
{
	if (s->verb->flags & VERB_CHUNK)
		chunk_answer(s, r);
	else
		data_answer(s, r);
}

size_t
server_read_body(struct smtp_server *s, struct str in)
{
	buf_clear(&s->body);
	s->armed = false;
	switch (server_now(s)) {
	case SERVER_DATA:
		return read_data(s, in);
	case SERVER_CHUNK:
		return read_chunk(s, in);
	default:
		return read_swallow(s, in);
	}
}

void
server_body_answer(struct smtp_server *s, const struct reply *r)
{
	buf_free(&s->body);
	if (server_is_2xx(r))
		s->errors_n = 0;
	server_say(s, r);
	if (s->conf.lmtp && ++s->replied_n < s->recipients_n)
		ask_end(s);
	else
		finish(s);
}
