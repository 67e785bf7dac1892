/* The envelope: RSET, MAIL, RCPT, DATA (RFC 5321 3.3, RFC 2920 3.1). */
#include "smtp/client_private.h"

#include <assert.h>

static bool
is_chunking(const struct smtp_client *c)
{
	return c->extensions & EXT_CHUNKING;
}

/* --- sending -------------------------------------------------------------- */

static void
add_mail(struct smtp_client *c, const struct smtp_mail *mail)
{
	struct mail_params params = mail->params;
	struct buf line;

	params.has_size = true;
	params.size_bytes = mail->size_bytes;
	/* RFC 6710 4.2: always, the priority that nobody asked for, too. */
	params.has_priority = true;
	buf_init(&line, 0);
	buf_addf(&line, "MAIL FROM:<%s>", mail->sender.text);
	params_mail_write(&params, c->extensions, &line);
	client_flight_add(c, CK_MAIL, buf_view(&line));
	buf_free(&line);
}

static void
add_rcpts(struct smtp_client *c, const struct smtp_mail *mail)
{
	struct buf line;

	buf_init(&line, 0);
	for (size_t i = 0; i < mail->recipients_n; i++) {
		buf_clear(&line);
		buf_addf(&line, "RCPT TO:<%s>", mail->recipients[i].text);
		params_rcpt_write(&mail->rcpt_params[i], c->extensions, &line);
		client_flight_add(c, CK_RCPT, buf_view(&line));
	}
	buf_free(&line);
}

/*
 * RSET goes first where the peer may hold something: it does, or what it will
 * say to the message before is not known. Behind a final dot it holds nothing,
 * whatever it says to it (RFC 5321 4.1.1.4).
 */
static bool
needs_reset(const struct smtp_client *c)
{
	const struct client_mail *before = client_tail(c);

	if (!before)
		return c->need_rset;
	return is_chunking(c) || !before->whole;
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_mail *mail)
{
	enum want want = machine_want(&c->m);
	struct client_mail *m;

	if (want != WANT_WORK && want != WANT_MORE)
		return;
	assert(mail->recipients_n > 0);
	assert(!c->conf.lmtp ||
		mail->recipients_n <= SMTP_CLIENT_LMTP_RCPT_MAX);
	assert(mail->params.body != BODY_BINARYMIME ||
		(is_chunking(c) && (c->extensions & EXT_BINARYMIME)));
	c->issued_n++;
	client_flight_reset(c, needs_reset(c));
	m = client_mail_push(c, mail->tag);
	m->patient = mail->patient;
	m->rcpt_n = mail->recipients_n;
	m->body_left = mail->size_bytes;
	add_mail(c, mail);
	add_rcpts(c, mail);
	if (!is_chunking(c))
		client_flight_add(c, CK_DATA, STR("DATA"));
	if (want == WANT_WORK)
		client_enter(c, CL_MAIL);
	c->moved_ms = c->now_ms;
	client_mail_go(c);
}

/* --- what comes next ------------------------------------------------------ */

/*
 * A DATA that has left may be answered with 354 and want its dot, so a message
 * that goes that way is not over before all is answered. BDAT goes after the
 * replies to the envelope (RFC 3030 2), or at once by speculation.
 */
static void
envelope_go(struct smtp_client *c, struct client_mail *m)
{
	if (m->refused)
		buf_clear(&c->flight);
	client_flight_go(c);
	if (c->flight.len > 0)
		return;
	if (m->refused && (is_chunking(c) || m->pending == 0))
		m->part = PART_ENDED;
	else if (!m->refused && is_chunking(c) &&
		 (client_is_speculative(c) || m->pending == 0))
		m->part = PART_BODY;
}

void
client_mail_go(struct smtp_client *c)
{
	struct client_mail *m = client_tail(c);

	if (m->part == PART_ENVELOPE)
		envelope_go(c, m);
	if (m->part == PART_BODY)
		client_body_go(c, m);
	m = client_head(c);
	if (m->part == PART_ENDED && m->pending == 0)
		client_mail_done(c);
}

/*
 * Between chunks, or before the first: what was sent of the body is dropped by
 * the peer at the next RSET (RFC 3030 2).
 */
bool
smtp_client_withdraw(struct smtp_client *c)
{
	struct client_mail *m = client_tail(c);

	if (!m || client_now(c) != CL_MAIL || !is_chunking(c) ||
		m->part == PART_ENDED || m->chunk_left > 0 || c->flight.len > 0)
		return false;
	m->withdrawn = m->early = true;
	m->part = PART_ENDED;
	client_mail_go(c);
	return true;
}

/* --- replies -------------------------------------------------------------- */

/* All that follows of M is only counted. */
static void
refuse(struct smtp_client *c, struct client_mail *m, const struct reply *r)
{
	m->refused = m->early = true;
	c->verdict = *r;
}

static bool
mail_reply(struct smtp_client *c, struct client_mail *m, const struct reply *r)
{
	int class = reply_class(r);

	if (class == 3)
		return client_mismatch(c, r, "this is no reply to MAIL");
	m->mail_taken = m->open = class == 2;
	client_event(c, EV_MAIL_REPLY, r);
	if (class != 2)
		refuse(c, m, r);
	return true;
}

static bool
rcpt_reply(struct smtp_client *c, struct client_mail *m, const struct reply *r,
	uint64_t index)
{
	int class = reply_class(r);

	if (class == 3)
		return client_mismatch(c, r, "this is no reply to RCPT");
	m->rcpt_told++;
	if (!m->mail_taken)
		return true;
	client_event(c, EV_RCPT_REPLY, r)->index = (size_t)index;
	if (class == 2 && c->conf.lmtp)
		c->taken[m->accepted] = (uint16_t)index;
	if (class == 2)
		m->accepted++;
	else if (m->rcpt_told == m->rcpt_n && m->accepted == 0)
		refuse(c, m, r);
	return true;
}

/*
 * RFC 2920 3.1: where nobody was taken and yet came 354, a single dot. Whatever
 * it says, the message went to nobody and the transaction is over.
 */
static bool
data_reply(struct smtp_client *c, struct client_mail *m, const struct reply *r)
{
	int class = reply_class(r);

	if (class == 2)
		return client_mismatch(c, r, "this is no reply to DATA");
	if (class == 3 && m->accepted > 0) {
		m->part = PART_BODY;
		return true;
	}
	/* RFC 2033 4.2: it has nobody to reply for, so what would end it? */
	if (class == 3 && c->conf.lmtp)
		return client_mismatch(c, r, "354, and no recipient");
	m->part = PART_ENDED;
	if (class == 3)
		client_command(c, CK_DOT, ".");
	else if (m->accepted > 0) {
		client_event(c, EV_DATA_REPLY, r);
		refuse(c, m, r);
	}
	return true;
}

void
client_mail_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	struct client_mail *m = client_head(c);
	bool ok;

	switch (x.kind) {
	case CK_RSET:
		ok = client_flight_reset_reply(c, r);
		break;
	case CK_MAIL:
		ok = mail_reply(c, m, r);
		break;
	case CK_RCPT:
		ok = rcpt_reply(c, m, r, x.n);
		break;
	case CK_DATA:
		ok = data_reply(c, m, r);
		break;
	case CK_BDAT:
		ok = client_bdat_reply(c, m, r, x.n);
		break;
	default:
		ok = client_dot_reply(c, m, r, x.n);
	}
	if (ok)
		client_mail_go(c);
}
