/*
 * The messages in flight: a ring from the oldest, to which all replies belong,
 * to the newest, to which all that is being sent belongs.
 */
#include "smtp/client_private.h"

#include <assert.h>

static struct client_mail *
at(const struct smtp_client *c, size_t i)
{
	return &c->mails[(c->mails_first + i) % c->mails_max];
}

struct client_mail *
client_head(const struct smtp_client *c)
{
	return c->mails_n > 0 ? at(c, 0) : NULL;
}

struct client_mail *
client_tail(const struct smtp_client *c)
{
	return c->mails_n > 0 ? at(c, c->mails_n - 1) : NULL;
}

struct client_mail *
client_mail_push(struct smtp_client *c, uint64_t tag)
{
	struct client_mail *m;

	assert(c->mails_n < c->mails_max);
	m = at(c, c->mails_n++);
	*m = (struct client_mail){.tag = tag};
	return m;
}

/*
 * What the peer may still hold of the last message is for the next RSET. Where
 * others came behind this one, the first of them began with it.
 */
void
client_mail_pop(struct smtp_client *c)
{
	if (c->mails_n == 1) {
		c->need_rset = client_head(c)->open;
		buf_clear(&c->flight);
	}
	c->mails_first = (c->mails_first + 1) % c->mails_max;
	c->mails_n--;
}

void
client_mail_done(struct smtp_client *c)
{
	struct client_mail *m = client_head(c);

	if (m->withdrawn && !m->refused)
		reply_set(&c->verdict, 451, "4.3.0",
			"the message was withdrawn before its end");
	client_event(c, EV_DONE, &c->verdict)->early = m->early;
	client_mail_pop(c);
	if (c->mails_n == 0)
		client_enter(c, CL_READY);
}

/*
 * RFC 5321 3.8: 421 may answer anything, and the connection is over. The head
 * was not taken, since replies come in order and 421 is none that takes. Nor
 * was any message behind it, although its last octet may have left: of a
 * message that was taken before the peer chose to close the reply would stand
 * in front of the 421, and what comes behind it the peer does not process.
 */
void
client_mail_closing(struct smtp_client *c, const struct reply *r)
{
	struct client_mail *m = client_head(c);

	c->none_taken = true;
	if (!m)
		return;
	if (!m->refused)
		c->verdict = *r;
	client_event(c, EV_DONE, &c->verdict)->early =
		m->early || !m->whole || m->rcpt_told < m->rcpt_n;
	client_mail_pop(c);
}

/* --- bounds --------------------------------------------------------------- */

bool
client_window_is_open(const struct smtp_client *c)
{
	return c->conf.window_bytes == 0 ||
	       c->unanswered < c->conf.window_bytes;
}

static bool
has_window(const struct smtp_client *c)
{
	return c->conf.window_bytes > 0 && (c->extensions & EXT_PIPELINING);
}

bool
client_is_speculative(const struct smtp_client *c)
{
	return has_window(c) && !client_tail(c)->patient;
}

/* Beyond MAILMAX nothing is asked for; what is in flight comes to its end. */
bool
client_has_room(const struct smtp_client *c)
{
	return has_window(c) && c->mails_n < c->mails_max &&
	       client_window_is_open(c) && !smtp_client_is_spent(c);
}

/* --- what is owed and what is in doubt ------------------------------------ */

/* The reply to a chunk is not owed before its last octet is in out. */
bool
client_is_owed(const struct smtp_client *c)
{
	const struct client_mail *tail = client_tail(c);
	size_t begun = tail && tail->chunk_left > 0;

	return c->expect_n > begun;
}

bool
client_mail_has_left(const struct smtp_client *c, const struct client_mail *m)
{
	return m->whole && c->sent_n >= m->end_at;
}

bool
client_is_owed_final(const struct smtp_client *c)
{
	const struct client_mail *head = client_head(c);
	enum client_kind kind = c->expect[c->expect_first].kind;

	return head && c->expect_n > 0 && client_mail_has_left(c, head) &&
	       (kind == CK_BDAT || kind == CK_DOT);
}

static bool
is_in_doubt(const struct smtp_client *c, const struct client_mail *m)
{
	return client_mail_has_left(c, m) && !m->refused && !c->none_taken;
}

bool
client_any_in_doubt(const struct smtp_client *c)
{
	bool any = false;

	for (size_t i = 0; i < c->mails_n; i++)
		any |= is_in_doubt(c, at(c, i));
	return any;
}

bool
smtp_client_in_doubt(const struct smtp_client *c, uint64_t tag)
{
	for (size_t i = 0; i < c->mails_n; i++)
		if (at(c, i)->tag == tag)
			return is_in_doubt(c, at(c, i));
	return false;
}
