#include "daemon/deliver_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/crash.h"
#include "daemon/links.h"
#include "daemon/settle.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECIPIENTS_SENT_MAX = 100,
	KEPT_MARK_MAX = 500, /* marked as too large in one session */
};

/* One transaction: what became of the last message, and the next claim. */
struct step {
	struct deliver *d;
	struct settle *settle; /* NULL: nothing to end */
	bool claim;
	unsigned peer_ext;
	uint64_t peer_size_max;
	unsigned peer_rcpt_max; /* of one message; 0: as the spool likes */
	struct spool_claimed claimed;
	bool found;
	char *chunk;
	size_t chunk_n;
};

static enum err_code
claim_next(struct spool_txn *t, struct step *st, struct err *e)
{
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;
	struct deliver *d = st->d;
	struct spool_claim c = {
		.owner = d->s->id,
		.routes = (const char *const *)d->routes,
		.routes_n = d->routes_n,
		/* what the customer put off waits for another call */
		.now = d->customer ? d->began_s : clock_sane_s(),
		.max_size = st->peer_size_max,
		.no_8bit = !(st->peer_ext & EXT_8BITMIME),
		.no_smtputf8 = !(st->peer_ext & EXT_SMTPUTF8),
		.no_binary = (st->peer_ext & binary) != binary,
		.max_recipients = st->peer_rcpt_max,
		.peer = d->peer,
		.domains = (const char *const *)d->domains,
		.domains_n = d->domains_n,
		.link = d->link,
	};
	enum err_code rc;

	rc = spool_claim_next(t, &c, &st->claimed, e);
	if (rc == ERR_NOTFOUND)
		/* what is too large for a customer is told at its next call */
		return d->customer ? spool_kept_mark(t, &c, KEPT_MARK_MAX, e)
				   : OK;
	if (rc != OK)
		return rc;
	st->found = true;
	rc = spool_body_read(t, st->claimed.message.id, 0, st->chunk,
		DELIVER_PIECE_BYTES, &st->chunk_n, e);
	if (rc == OK)
		rc = spool_set_in_doubt(t, d->s->id, st->claimed.message.id, e);
	return rc;
}

static enum err_code
write_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct step *st = arg;
	enum err_code rc = OK;

	spool_claimed_clear(&st->claimed); /* of an earlier run of this */
	st->found = false;
	if (st->settle)
		rc = settle_write(t, st->settle, e);
	if (rc == OK && st->claim)
		rc = claim_next(t, st, e);
	return rc;
}

static void
take_claimed(struct deliver *d, struct step *st)
{
	d->claimed = st->claimed;
	d->have = st->found;
	memset(&st->claimed, 0, sizeof(st->claimed));
	free(d->chunk);
	d->chunk = st->chunk;
	st->chunk = NULL;
	d->chunk_ms = clock_mono_ms();
	d->chunk_n = st->chunk_n;
	d->chunk_at = 0;
	d->offset = st->chunk_n;
	if (d->have) {
		d->resting = false;
		crash_point("deliver-claimed");
	}
}

static void
free_step(struct step *st)
{
	spool_claimed_clear(&st->claimed);
	settle_free(st->settle);
	free(st->chunk);
	free(st);
}

static void
count_delivered(struct deliver *d, const struct settle *settle)
{
	if (settle_delivered(settle) == 0)
		return;
	d->s->messages_sent++;
	links_progress(d->n->links, d->s);
}

static void
step_failed(struct deliver *d, const struct err *e)
{
	/*
	 * What the peer took is not on our disk as such: it is in doubt, and
	 * said to be.
	 */
	settle_release_owner(d->n, d->s->id);
	log_error("outcome-not-stored", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_STR("why", e->text));
	if (d->result.fail == FAIL_NONE)
		d->result.fail = FAIL_ABORTED;
	str_copyz(d->result.reply, sizeof(d->result.reply), e->text);
	session_close(d->s, "the spool cannot be written");
}

static void
step_written(void *arg, enum err_code code, const struct err *e)
{
	struct step *st = arg;
	struct deliver *d = st->d;
	struct session *s = d->s;

	if (code == ERR_FULL && st->settle && settle_drop_notices(st->settle)) {
		/* No room for a notice; there is for saying what was taken. */
		st->claim = false;
		spool_submit(d->n->spool, write_step, step_written, st);
		return;
	}
	d->stepping = false;
	if (code == OK) {
		if (st->settle) {
			crash_point("deliver-committed");
			count_delivered(d, st->settle);
			settle_written(st->settle);
		}
		take_claimed(d, st);
	} else {
		step_failed(d, e);
	}
	if (s->closed && d->have)
		deliver_step(d, END_BROKEN, NULL, false, false);
	else
		deliver_stepped(d, code);
	free_step(st);
	session_release(s);
}

/* The reply that counts for recipient I of a message that ended. */
static const struct reply *
reply_for(const struct deliver *d, size_t i, const struct reply *final)
{
	const struct reply *own = &d->replies[i];

	if (own->code && reply_class(own) != 2)
		return own;
	return final;
}

/*
 * RFC 5321 4.5.3.1.10: 552 to RCPT means too many recipients: later. 421 (3.8)
 * says nothing of the message: from a customer it is as a lost line.
 */
static void
verdict_from(struct deliver *d, struct settle *st, size_t i,
	const struct reply *r, bool to_rcpt)
{
	struct reply softer;

	if (d->customer && r->code == 421) {
		settle_release(st, i, "the customer's host closes");
		return;
	}
	if (!to_rcpt || r->code != 552) {
		settle_reply(st, i, r);
		return;
	}
	softer = *r;
	softer.code = 452;
	settle_reply(st, i, &softer);
}

static void
verdict_broken(struct deliver *d, struct settle *st, size_t i)
{
	if (!d->sending || d->result.link_lost || d->customer)
		settle_release(st, i, "the connection ended");
	else
		settle_defer(st, i, REASON_RETRY_WAIT,
			d->result.reply[0] ? d->result.reply
					   : "the connection ended");
}

/* Does this customer's host say which recipients there are? */
static bool
teaches(const struct deliver *d)
{
	const struct spool_account *a =
		d->customer ? accounts_get(d->n->accounts, d->peer) : NULL;

	return a && a->recipients == RECIPIENTS_VERIFY;
}

static struct settle *
settle_message(struct deliver *d, enum deliver_end end,
	const struct reply *final, bool in_doubt)
{
	struct settle *st = settle_new(
		d->n, &d->claimed, d->s->id, d->peer, d->link, d->s->id);
	bool learns = d->replies && teaches(d);

	for (size_t i = 0; learns && i < d->claimed.n; i++)
		if (d->replies[i].code)
			settle_learn(st, i, &d->replies[i]);
	if (!(smtp_client_extensions(d->client) & EXT_DSN))
		settle_tell_success(st, DSN_RELAYED);
	for (size_t i = 0; i < d->claimed.n; i++) {
		if (end == END_BROKEN || !d->replies) {
			verdict_broken(d, st, i);
		} else {
			const struct reply *r = reply_for(d, i, final);

			verdict_from(d, st, i, r, r == &d->replies[i]);
		}
	}
	if (in_doubt)
		settle_in_doubt(st);
	return st;
}

/* RFC 5321 4.5.3.1.8: 100 is what every peer takes and what is sent at most. */
static unsigned
recipients_max(size_t limit)
{
	return limit < RECIPIENTS_SENT_MAX ? (unsigned)limit : 0;
}

void
deliver_step(struct deliver *d, enum deliver_end end, const struct reply *final,
	bool in_doubt, bool next)
{
	struct step *st = xcalloc(1, sizeof(*st));

	st->d = d;
	st->chunk = xmalloc(DELIVER_PIECE_BYTES);
	st->claim = next && !d->s->closed;
	st->peer_ext = smtp_client_extensions(d->client);
	st->peer_size_max = smtp_client_size_max(d->client);
	st->peer_rcpt_max = recipients_max(smtp_client_limit_rcpt(d->client));
	if (d->have)
		st->settle = settle_message(d, end, final, in_doubt);
	d->have = d->sending = false;
	spool_claimed_clear(&d->claimed);
	free(d->replies);
	d->replies = NULL;
	d->stepping = true;
	session_hold(d->s);
	spool_submit(d->n->spool, write_step, step_written, st);
}
