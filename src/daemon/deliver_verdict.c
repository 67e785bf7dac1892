/* What became of a parcel that ended: a verdict for each of its recipients. */
#include "daemon/deliver_private.h"

#include "daemon/accounts.h"
#include "daemon/settle.h"
#include "daemon/steady.h"

/* LMTP: the end was told for each recipient. */
static bool
has_final(const struct parcel *p, size_t i)
{
	return p->finals && p->finals[i].code;
}

/* The reply that counts for recipient I of a message that ended. */
static const struct reply *
reply_for(const struct parcel *p, size_t i)
{
	const struct reply *own = &p->replies[i];

	if (own->code && reply_class(own) != 2)
		return own;
	return has_final(p, i) ? &p->finals[i] : &p->final;
}

/*
 * RFC 5321 4.5.3.1.10: 552 to RCPT means too many recipients: later. 421 (3.8)
 * says nothing of the message: from a customer it is as a lost line, and a peer
 * that took others may take no more on one connection.
 */
static void
verdict_from(const struct deliver *d, struct settle *st, size_t i,
	const struct reply *r, bool to_rcpt)
{
	struct reply softer;

	if (r->code == 421 && (d->customer || d->answered > 0)) {
		settle_release(st, i, "the peer closes the connection");
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
verdict_broken(const struct deliver *d, const struct parcel *p,
	struct settle *st, size_t i)
{
	/* It would stand in the way of all others behind it. */
	if (p->unreadable)
		settle_hold(st, i, REASON_RULE_HOLD, SETTLE_UNREADABLE);
	else if (p->left != REASON_NONE)
		settle_leave(st, i, p->left, d->link);
	else if (!p->counts || d->result.link_lost || d->result.no_bdat ||
		 d->customer)
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

struct settle *
deliver_verdict(const struct deliver *d, const struct parcel *p)
{
	struct settle *st = settle_new(
		d->n, &p->claimed, d->s->id, d->peer, d->link, d->s->id);
	bool learns = p->replies && teaches(d);

	settle_host(st, d->host);
	for (size_t i = 0; learns && i < p->claimed.n; i++)
		if (p->replies[i].code)
			settle_learn(st, i, &p->replies[i]);
	if (!(smtp_client_extensions(d->client) & EXT_DSN))
		settle_tell_success(st, d->lmtp ? DSN_DELIVERED : DSN_RELAYED);
	if (!d->lmtp && parcel_is_traced(p, steady_now(d->n->steady)))
		settle_tell_trace(st);
	for (size_t i = 0; i < p->claimed.n; i++) {
		if (p->end == PARCEL_REFUSED) {
			settle_refuse(st, i, p->status, p->why);
		} else if (p->end == PARCEL_BROKEN && has_final(p, i)) {
			settle_reply(st, i, &p->finals[i]);
		} else if (p->end == PARCEL_BROKEN || !p->replies) {
			verdict_broken(d, p, st, i);
		} else {
			const struct reply *r = reply_for(p, i);

			verdict_from(d, st, i, r, r == &p->replies[i]);
		}
	}
	if (p->in_doubt)
		settle_in_doubt(st);
	return st;
}
