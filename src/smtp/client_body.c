/* The message itself: by DATA (RFC 5321 4.5.2) or BDAT (RFC 3030 2). */
#include "smtp/client_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { BDAT_LINE_MAX = sizeof("BDAT 18446744073709551615 LAST\r\n") };

/* --- chunks --------------------------------------------------------------- */

/*
 * The next chunk goes when the one before was answered, or at once with
 * PIPELINING (RFC 3030 4.2). After a refused one none goes any more.
 */
static bool
may_bdat(const struct smtp_client *c)
{
	if (c->mail.refused || !client_can_expect(c))
		return false;
	return c->expect_n == 0 || (c->extensions & EXT_PIPELINING);
}

static void
bdat_begin(struct smtp_client *c)
{
	uint64_t n = c->mail.body_left, most = c->conf.chunk_bytes;

	if (most > 0 && n > most)
		n = most;
	buf_addf(&c->m.out, "BDAT %" PRIu64 "%s\r\n", n,
		n == c->mail.body_left ? " LAST" : "");
	client_expect(c, CK_BDAT, 0);
	c->mail.chunk_left = n;
}

/* The chunk's last octet is in out. */
static void
bdat_end(struct smtp_client *c)
{
	if (c->mail.refused) {
		/* No further chunk; the replies to come are only counted. */
		if (c->expect_n == 0)
			client_mail_done(c, true);
	} else if (c->mail.body_left == 0) {
		client_enter(c, CL_FINAL);
	}
}

static size_t
bdat_body(struct smtp_client *c, struct str octets)
{
	size_t taken = 0, n;

	while (client_now(c) == CL_BODY && taken < octets.n) {
		if (c->mail.chunk_left == 0) {
			if (!may_bdat(c) ||
				client_bulk_room(c) <= BDAT_LINE_MAX)
				break;
			bdat_begin(c);
		}
		n = octets.n - taken;
		if (n > c->mail.chunk_left)
			n = (size_t)c->mail.chunk_left;
		if (n > client_bulk_room(c))
			n = client_bulk_room(c);
		if (n == 0)
			break;
		buf_add(&c->m.out, octets.p + taken, n);
		taken += n;
		c->mail.chunk_left -= n;
		c->mail.body_left -= n;
		if (c->mail.chunk_left == 0)
			bdat_end(c);
	}
	return taken;
}

/* --- DATA ----------------------------------------------------------------- */

static void
data_end(struct smtp_client *c)
{
	bool ok = dot_write_end(&c->mail.dot, &c->m.out);

	assert(ok); /* what is above CLIENT_BULK_MAX has room for it */
	(void)ok;
	client_expect(c, CK_DOT, 0);
	client_enter(c, CL_FINAL);
}

static size_t
data_body(struct smtp_client *c, struct str octets)
{
	size_t taken;

	if (client_bulk_room(c) == 0)
		return 0;
	c->m.out.limit = CLIENT_BULK_MAX;
	taken = dot_write(&c->mail.dot, octets, &c->m.out);
	c->m.out.limit = CLIENT_OUT_MAX;
	c->mail.body_left -= taken;
	if (c->mail.body_left == 0)
		data_end(c);
	return taken;
}

/* --- both ----------------------------------------------------------------- */

/* An empty message ends where it begins. */
void
client_body_enter(struct smtp_client *c)
{
	if (c->mail.body_left > 0)
		return;
	if (c->mail.chunking) {
		bdat_begin(c);
		bdat_end(c);
	} else {
		data_end(c);
	}
}

bool
client_body_wanted(const struct smtp_client *c)
{
	return !c->mail.chunking || c->mail.chunk_left > 0 || may_bdat(c);
}

size_t
smtp_client_body(struct smtp_client *c, struct str octets)
{
	size_t taken;

	if (client_now(c) != CL_BODY)
		return 0;
	if (octets.n > c->mail.body_left)
		octets.n = (size_t)c->mail.body_left;
	taken = c->mail.chunking ? bdat_body(c, octets) : data_body(c, octets);
	if (taken > 0)
		c->moved_ms = c->now_ms;
	return taken;
}

uint64_t
smtp_client_body_left(const struct smtp_client *c)
{
	if (client_now(c) != CL_BODY)
		return 0;
	return c->mail.refused ? c->mail.chunk_left : c->mail.body_left;
}

/*
 * A refusal before the last octet: the message ends by it, and the connection
 * too, since what the peer takes the octets under way for is unknown.
 */
void
client_body_early(struct smtp_client *c, const struct reply *r)
{
	if (reply_class(r) > 3) {
		c->mail.reply = *r;
		client_event(c, EV_DONE, &c->mail.reply)->early = true;
	}
	client_fail(c, FAIL_PROTOCOL, r,
		"a reply came before the end of the message");
}

/*
 * RFC 3030 2: RSET goes before anything else. Of several refusals the first one
 * tells why.
 */
static void
bdat_refused(struct smtp_client *c, const struct reply *r)
{
	c->need_rset = true;
	if (c->mail.refused)
		return;
	c->mail.refused = true;
	c->mail.reply = *r;
}

/* A reply to a chunk while more of the message is to go. */
void
client_body_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)x;
	if (c->expect_n == 0 && c->mail.chunk_left > 0 && !c->mail.refused) {
		client_body_early(c, r);
	} else if (reply_class(r) == 3) {
		client_fail(c, FAIL_PROTOCOL, r, "this is no reply to BDAT");
	} else {
		if (reply_class(r) != 2)
			bdat_refused(c, r);
		if (c->mail.refused && c->expect_n == 0 &&
			c->mail.chunk_left == 0)
			client_mail_done(c, true);
	}
}

void
client_final_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	bool early = c->mail.refused; /* by a chunk before */

	if (reply_class(r) == 3) {
		client_fail(c, FAIL_PROTOCOL, r, "this is no final reply");
		return;
	}
	if (x.kind == CK_BDAT && reply_class(r) != 2)
		bdat_refused(c, r);
	if (c->expect_n > 0)
		return;
	if (!c->mail.refused)
		c->mail.reply = *r;
	client_mail_done(c, early);
}
