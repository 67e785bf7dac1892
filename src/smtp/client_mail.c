/* The envelope: RSET, MAIL, RCPT, DATA (RFC 5321 3.3, RFC 2920 3.1). */
#include "smtp/client_private.h"

#include <assert.h>

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

void
smtp_client_send(struct smtp_client *c, const struct smtp_mail *mail)
{
	bool chunking = c->extensions & EXT_CHUNKING;

	if (client_now(c) != CL_READY)
		return;
	assert(mail->recipients_n > 0);
	assert(mail->params.body != BODY_BINARYMIME ||
		(chunking && (c->extensions & EXT_BINARYMIME)));
	c->mails_n++;
	c->mail = (struct client_mail){
		.body_left = mail->size_bytes, .chunking = chunking};
	client_flight_reset(c);
	add_mail(c, mail);
	add_rcpts(c, mail);
	/* RFC 3030 2: BDAT only after all replies to RCPT. */
	if (!chunking)
		client_flight_add(c, CK_DATA, STR("DATA"));
	client_enter(c, CL_ENVELOPE);
}

void
client_envelope_enter(struct smtp_client *c)
{
	client_flight_go(c);
}

/* --- replies -------------------------------------------------------------- */

void
client_mail_done(struct smtp_client *c, bool early)
{
	buf_clear(&c->flight);
	client_enter(c, CL_READY);
	client_event(c, EV_DONE, &c->mail.reply)->early = early;
}

/* Ends without a body; the peer may hold what it took of the envelope. */
static void
done_early(struct smtp_client *c)
{
	c->need_rset = c->mail.mail_taken;
	client_mail_done(c, true);
}

void
client_envelope_go(struct smtp_client *c)
{
	client_flight_go(c);
	if (c->expect_n > 0 || c->flight.len > 0)
		return;
	if (c->mail.accepted == 0)
		done_early(c);
	else
		client_enter(c, CL_BODY);
}

static bool
mail_reply(struct smtp_client *c, const struct reply *r)
{
	int class = reply_class(r);

	if (class == 3) {
		client_fail(c, FAIL_PROTOCOL, r, "this is no reply to MAIL");
		return false;
	}
	c->mail.mail_taken = class == 2;
	client_event(c, EV_MAIL_REPLY, r);
	if (class != 2) {
		c->mail.refused = true;
		c->mail.reply = *r;
		buf_clear(&c->flight);
	}
	return true;
}

static bool
rcpt_reply(struct smtp_client *c, const struct reply *r, size_t index)
{
	int class = reply_class(r);

	if (class == 3) {
		client_fail(c, FAIL_PROTOCOL, r, "this is no reply to RCPT");
		return false;
	}
	if (c->mail.refused)
		return true;
	client_event(c, EV_RCPT_REPLY, r)->index = index;
	if (class == 2)
		c->mail.accepted++;
	else
		c->mail.reply = *r;
	return true;
}

static void
data_reply(struct smtp_client *c, const struct reply *r)
{
	switch (reply_class(r)) {
	case 3:
		client_enter(c, c->mail.accepted > 0 ? CL_BODY : CL_VOID);
		break;
	case 2:
		client_fail(c, FAIL_PROTOCOL, r, "this is no reply to DATA");
		break;
	default:
		if (c->mail.accepted > 0) {
			client_event(c, EV_DATA_REPLY, r);
			c->mail.reply = *r;
		}
		done_early(c);
	}
}

void
client_envelope_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	bool ok = true;

	switch (x.kind) {
	case CK_RSET:
		ok = client_flight_reset_reply(c, r);
		break;
	case CK_MAIL:
		ok = mail_reply(c, r);
		break;
	case CK_RCPT:
		ok = rcpt_reply(c, r, x.index);
		break;
	default:
		data_reply(c, r);
		return;
	}
	if (ok)
		client_envelope_go(c);
}

/* RFC 2920 3.1: nobody was taken and yet came 354: a single dot. */
void
client_void_enter(struct smtp_client *c)
{
	client_command(c, CK_DOT, ".");
}

/* Whatever it says, the message went to nobody and the transaction is over. */
void
client_void_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)r;
	(void)x;
	client_mail_done(c, true);
}
