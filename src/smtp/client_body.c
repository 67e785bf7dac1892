/* The message itself: by DATA (RFC 5321 4.5.2) or BDAT (RFC 3030 2). */
#include "smtp/client_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { BDAT_LINE_MAX = sizeof("BDAT 18446744073709551615 LAST\r\n") };

/* The last octet is in out: nothing more of M follows. */
static void
end_whole(struct smtp_client *c, struct client_mail *m)
{
	m->part = PART_ENDED;
	m->whole = true;
	m->end_at = c->sent_n + c->m.out.len;
}

/* --- chunks --------------------------------------------------------------- */

/*
 * The next chunk goes when the one before was answered, or at once with
 * PIPELINING (RFC 3030 4.2). After a refused one none goes any more.
 */
static bool
may_bdat(const struct smtp_client *c, const struct client_mail *m)
{
	if (m->refused || !client_can_expect(c) || !client_window_is_open(c))
		return false;
	return m->pending == 0 || (c->extensions & EXT_PIPELINING);
}

static void
bdat_begin(struct smtp_client *c, struct client_mail *m)
{
	uint64_t n = m->body_left, most = c->conf.chunk_bytes;

	if (most > 0 && n > most)
		n = most;
	buf_addf(&c->m.out, "BDAT %" PRIu64 "%s\r\n", n,
		n == m->body_left ? " LAST" : "");
	client_expect(c, CK_BDAT, n);
	c->unanswered += n;
	m->chunk_left = n;
}

/* The chunk's last octet is in out. */
static void
bdat_end(struct smtp_client *c, struct client_mail *m)
{
	if (m->body_left == 0)
		end_whole(c, m);
	else if (m->refused)
		m->part = PART_ENDED;
}

static size_t
bdat_body(struct smtp_client *c, struct client_mail *m, struct str octets)
{
	size_t taken = 0, n;

	while (m->part == PART_BODY && taken < octets.n) {
		if (m->chunk_left == 0) {
			if (!may_bdat(c, m) ||
				client_bulk_room(c) <= BDAT_LINE_MAX)
				break;
			bdat_begin(c, m);
		}
		n = octets.n - taken;
		if (n > m->chunk_left)
			n = (size_t)m->chunk_left;
		if (n > client_bulk_room(c))
			n = client_bulk_room(c);
		if (n == 0)
			break;
		buf_add(&c->m.out, octets.p + taken, n);
		taken += n;
		m->chunk_left -= n;
		m->body_left -= n;
		if (m->chunk_left == 0)
			bdat_end(c, m);
	}
	return taken;
}

/* --- DATA ----------------------------------------------------------------- */

static void
data_end(struct smtp_client *c, struct client_mail *m)
{
	bool ok = dot_write_end(&m->dot, &c->m.out);

	assert(ok); /* what is above CLIENT_BULK_MAX has room for it */
	(void)ok;
	client_expect(c, CK_DOT, c->taken[0]);
	for (size_t i = 1; c->conf.lmtp && i < m->accepted; i++)
		client_expect(c, CK_DOT, c->taken[i]); /* RFC 2033 4.2 */
	end_whole(c, m);
}

static size_t
data_body(struct smtp_client *c, struct client_mail *m, struct str octets)
{
	size_t taken;

	if (client_bulk_room(c) == 0)
		return 0;
	c->m.out.limit = CLIENT_BULK_MAX;
	taken = dot_write(&m->dot, octets, &c->m.out);
	c->m.out.limit = CLIENT_OUT_MAX;
	m->body_left -= taken;
	if (m->body_left == 0)
		data_end(c, m);
	return taken;
}

/* --- both ----------------------------------------------------------------- */

static bool
is_chunking(const struct smtp_client *c)
{
	return c->extensions & EXT_CHUNKING;
}

/* An empty message ends where it begins. */
static void
empty_go(struct smtp_client *c, struct client_mail *m)
{
	if (!is_chunking(c)) {
		data_end(c, m);
	} else if (may_bdat(c, m) && client_bulk_room(c) > BDAT_LINE_MAX) {
		bdat_begin(c, m);
		bdat_end(c, m);
	}
}

void
client_body_go(struct smtp_client *c, struct client_mail *m)
{
	if (m->refused && m->chunk_left == 0)
		m->part = PART_ENDED;
	else if (m->body_left == 0)
		empty_go(c, m);
}

bool
client_body_wanted(const struct smtp_client *c)
{
	const struct client_mail *m = client_tail(c);

	if (!m || m->part != PART_BODY || m->body_left == 0)
		return false;
	return !is_chunking(c) || m->chunk_left > 0 || may_bdat(c, m);
}

size_t
smtp_client_body(struct smtp_client *c, struct str octets)
{
	struct client_mail *m = client_tail(c);
	size_t taken;

	if (client_now(c) != CL_MAIL || m->part != PART_BODY)
		return 0;
	if (octets.n > m->body_left)
		octets.n = (size_t)m->body_left;
	taken = is_chunking(c) ? bdat_body(c, m, octets)
			       : data_body(c, m, octets);
	if (taken > 0) {
		c->moved_ms = c->now_ms;
		client_mail_go(c);
	}
	return taken;
}

uint64_t
smtp_client_body_left(const struct smtp_client *c)
{
	const struct client_mail *m = client_tail(c);

	if (client_now(c) != CL_MAIL || m->part != PART_BODY)
		return 0;
	return m->refused ? m->chunk_left : m->body_left;
}

/* --- replies -------------------------------------------------------------- */

static const char early_text[] = "a reply came before the end of the message";

/*
 * A refusal before the last octet: the message ends by it, and the connection
 * too, since what the peer takes the octets under way for is unknown.
 */
bool
client_body_early(struct smtp_client *c, const struct reply *r)
{
	bool refusal = reply_class(r) > 3;

	if (refusal) {
		if (!client_head(c)->refused)
			c->verdict = *r;
		client_event(c, EV_DONE, &c->verdict)->early = true;
		client_mail_pop(c);
	}
	if (!refusal || is_chunking(c))
		return client_mismatch(c, r, early_text);
	client_fail(c, FAIL_PROTOCOL, r, early_text);
	return false;
}

/*
 * RFC 3030 2: RSET goes before anything else. Of several refusals the first one
 * tells why.
 */
static void
bdat_refused(struct smtp_client *c, struct client_mail *m,
	const struct reply *r, bool last)
{
	m->open = true;
	if (m->refused)
		return;
	m->refused = true;
	m->early = !last;
	c->verdict = *r;
}

/* RFC 5321 4.2.4: "command unrecognized", "not implemented" */
static bool
is_unknown(const struct smtp_client *c, const struct reply *r)
{
	return !c->bdat_taken && (r->code == 500 || r->code == 502);
}

/*
 * A message that nobody is to get was taken: whatever the replies before were
 * for, they were not for what they were counted for, and what became of this
 * one is not known.
 */
static bool
taken_for_nobody(
	struct smtp_client *c, struct client_mail *m, const struct reply *r)
{
	m->refused = false;
	return client_mismatch(c, r, "a refused message was taken");
}

/*
 * After a refusal the chunks already sent are only counted; some peers answer
 * them before the last octet came. A 2xx is possible then only for a chunk in
 * the middle of a message that some recipient was taken for.
 */
bool
client_bdat_reply(struct smtp_client *c, struct client_mail *m,
	const struct reply *r, uint64_t octets)
{
	bool last = m->whole && m->pending == 0;
	int class = reply_class(r);

	c->unanswered -= octets;
	if (class == 3)
		return client_mismatch(c, r, "this is no reply to BDAT");
	if (class == 2 && m->refused && (last || m->accepted == 0))
		return taken_for_nobody(c, m, r);
	if (class == 2 && last && !client_mail_has_left(c, m))
		return client_mismatch(c, r, early_text);
	if (!m->refused && is_unknown(c, r))
		return client_no_bdat(c, r);
	if (m->chunk_left > 0 && m->pending == 0 && !m->refused)
		return client_body_early(c, r);
	c->bdat_taken |= class == 2;
	if (class != 2) {
		bdat_refused(c, m, r, last);
	} else if (last) {
		m->open = false;
		c->verdict = *r;
	}
	return true;
}

/* To the final dot, or to the lone one: the transaction is over. */
bool
client_dot_reply(struct smtp_client *c, struct client_mail *m,
	const struct reply *r, uint64_t index)
{
	m->open = false;
	if (!m->whole)
		return true;
	if (reply_class(r) == 3)
		return client_mismatch(c, r, "this is no final reply");
	if (reply_class(r) == 2 && !client_mail_has_left(c, m))
		return client_mismatch(c, r, early_text);
	if (c->conf.lmtp)
		client_event(c, EV_RCPT_FINAL, r)->index = (size_t)index;
	c->verdict = *r;
	return true;
}
