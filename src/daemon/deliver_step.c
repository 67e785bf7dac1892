#include "daemon/deliver_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/budgets.h"
#include "daemon/careful.h"
#include "daemon/crash.h"
#include "daemon/links.h"
#include "daemon/settle.h"
#include "daemon/steady.h"
#include "sched/order.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECIPIENTS_SENT_MAX = 100,
	REPLIES_OCTETS = 300, /* of one message, on the wire */
	/* Messages claimed in one transaction, and waiting to be sent. */
	CLAIMED_AHEAD_MAX = 50,
	KEPT_MARK_MAX = 500, /* marked as too large in one session */
};

/* One transaction: what became of some messages, and the next claims. */
struct step {
	struct deliver *d;
	struct settle **settles;
	size_t settles_n;
	size_t claims_max; /* messages */
	uint64_t octets_max;
	size_t recipients_max;
	unsigned peer_ext;
	uint64_t peer_size_max;
	unsigned peer_rcpt_max; /* of one message; 0: as the spool likes */
	bool first;		/* it reads what was learnt of the peer */
	struct careful_way way;
	struct spool_limits limits;
	struct list_node parcels; /* claimed */
	bool dry;		  /* no more was found */
};

/* --- in the transaction --------------------------------------------------- */

static void
drop_parcels(struct step *st)
{
	LIST_EACH(node, tmp, &st->parcels)
	{
		list_remove(node);
		parcel_free(LIST_ITEM(node, struct parcel, node));
	}
}

static struct spool_claim
claim_of(const struct step *st)
{
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;
	const struct deliver *d = st->d;

	return (struct spool_claim){
		.owner = d->s->id,
		.routes = (const char *const *)d->routes,
		.routes_n = d->routes_n,
		/* what the customer put off waits for another call */
		.now = d->customer ? d->began_s : clock_sane_s(),
		.max_size = st->peer_size_max,
		.no_8bit = !(st->peer_ext & EXT_8BITMIME),
		.no_smtputf8 = !(st->peer_ext & EXT_SMTPUTF8),
		.no_binary = (st->peer_ext & binary) != binary,
		.takes = d->as_is ? NULL : downgrade_takes(d->downgrade),
		.no_requiretls = !(st->peer_ext & EXT_REQUIRETLS),
		.no_deliver_by = !(st->peer_ext & EXT_DELIVERBY),
		.max_recipients = st->peer_rcpt_max,
		.peer = d->peer,
		.domains = (const char *const *)d->domains,
		.domains_n = d->domains_n,
		.owned = d->customer,
		.link = d->link,
		.bound = !d->customer,
		.size_class = order_size_class,
		.limits = st->limits,
	};
}

static enum err_code
claim_next(struct spool_txn *t, struct step *st, const struct spool_claim *c,
	struct parcel **parcel_r, struct err *e)
{
	struct spool_claimed claimed;
	enum err_code rc = spool_claim_next(t, c, &claimed, e);

	if (rc != OK)
		return rc;
	rc = parcel_open(
		t, &claimed, st->peer_ext, st->peer_size_max, parcel_r, e);
	if (rc != OK)
		return rc;
	list_push(&st->parcels, &(*parcel_r)->node);
	return spool_set_in_doubt(
		t, c->owner, (*parcel_r)->claimed.message.id, e);
}

static uint64_t
room_without(uint64_t room, uint64_t taken)
{
	uint64_t has = budgets_mail_octets(room);

	return has > taken ? budgets_mail_fit(has - taken) : 0;
}

/* A message of SIZE is on its way: less is left for the next one. */
static void
take_room(struct spool_limits *l, uint64_t size)
{
	uint64_t taken = budgets_mail_octets(size);

	if (!l->has_room)
		return;
	l->room = room_without(l->room, taken);
	l->urgent_room = room_without(l->urgent_room, taken);
}

static enum err_code
claim_all(struct spool_txn *t, struct step *st, struct err *e)
{
	struct spool_claim c = claim_of(st);
	size_t most = st->way.one_by_one && st->claims_max ? 1 : st->claims_max;
	size_t recipients = 0;
	uint64_t octets = 0;
	enum err_code rc = OK;

	for (size_t i = 0; i < most && octets < st->octets_max &&
			   recipients < st->recipients_max;
		i++) {
		struct parcel *p;

		rc = claim_next(t, st, &c, &p, e);
		if (rc != OK)
			break;
		octets += p->size;
		recipients += p->claimed.n;
		take_room(&c.limits, p->size);
	}
	st->dry = rc == ERR_NOTFOUND;
	if (st->dry)
		/* what is too large for a customer is told at its next call */
		return st->d->customer
			       ? spool_kept_mark(t, &c, KEPT_MARK_MAX, e)
			       : OK;
	return rc;
}

/* Before the first claim, since it says what the peer can take. */
static enum err_code
read_way(struct spool_txn *t, struct step *st, struct err *e)
{
	const struct careful_peer peer = {st->d->peer, st->d->customer};
	enum err_code rc = careful_get(t, &peer, clock_sane_s(), &st->way, e);

	if (st->way.no_bdat)
		st->peer_ext &= ~(unsigned)(EXT_CHUNKING | EXT_BINARYMIME);
	return rc == OK ? downgrade_read(t, st->d->downgrade, clock_sane_s(), e)
			: rc;
}

static enum err_code
write_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct step *st = arg;
	enum err_code rc = OK;

	drop_parcels(st); /* of an earlier run of this */
	if (st->first)
		rc = read_way(t, st, e);
	for (size_t i = 0; i < st->settles_n && rc == OK; i++)
		rc = settle_write(t, st->settles[i], e);
	return rc == OK ? claim_all(t, st, e) : rc;
}

/* --- after it ------------------------------------------------------------- */

static const char *
what_it_lacks(const char *status)
{
	if (strcmp(status, PARCEL_NO_TLS) == 0)
		return "does not promise to protect it all the way, as its "
		       "sender requires (REQUIRETLS)";
	if (strcmp(status, PARCEL_NO_BY) == 0)
		return "does not deliver by the time that its sender gave "
		       "(DELIVERBY)";
	return "does not take mail with UTF-8 addresses or headers (SMTPUTF8)";
}

static void
take_parcels(struct deliver *d, struct step *st)
{
	if (!list_empty(&st->parcels))
		d->resting = false;
	if (st->claims_max)
		d->dry = st->dry && !d->more;
	LIST_EACH(node, tmp, &st->parcels)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		d->recipients += p->claimed.n;
		if (p->unreadable) {
			log_error("body-unreadable",
				LOG_INT("msg", p->claimed.message.id));
			deliver_end(d, p, PARCEL_BROKEN, NULL, false);
			continue;
		}
		list_remove(node);
		list_push(&d->waiting, node);
		d->waiting_n++;
		d->waiting_octets += p->size;
		crash_point("deliver-claimed");
		if (p->status)
			deliver_refuse(d, p, p->status, "%s %s",
				d->customer ? "the recipient's host" : d->host,
				what_it_lacks(p->status));
	}
	deliver_look(d);
}

static void
free_step(struct step *st)
{
	drop_parcels(st);
	for (size_t i = 0; i < st->settles_n; i++)
		settle_free(st->settles[i]);
	free(st->settles);
	free(st);
}

static void
share_sent(struct session *s, const struct spool_message *m)
{
	if (s->link[0])
		shares_add(&s->shares, share_payer(m), m->size);
}

static void
tell_settled(struct deliver *d, struct step *st)
{
	for (size_t i = 0; i < st->settles_n; i++) {
		struct settle *settle = st->settles[i];

		crash_point("deliver-committed");
		if (settle_delivered(settle)) {
			d->s->messages_sent++;
			share_sent(d->s, settle_message(settle));
			links_progress(
				d->n->links, d->s, settle_message(settle));
		}
		settle_written(settle);
	}
}

static void
step_failed(struct deliver *d, const struct err *e)
{
	/*
	 * What the peer took is not on our disk as such: it is in doubt, and
	 * said to be, when all else of this session is settled.
	 */
	d->unsettled = true;
	log_error("outcome-not-stored", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_STR("why", e->text));
	if (d->result.fail == FAIL_NONE)
		d->result.fail = FAIL_ABORTED;
	str_copyz(d->result.reply, sizeof(d->result.reply), e->text);
	session_close(d->s, "the spool cannot be written");
}

/*
 * Nothing is claimed any more, and what is in flight comes to its end: a cut
 * would leave it in doubt.
 */
static void
claim_failed(struct deliver *d, const struct err *e)
{
	log_error("not-claimed", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_STR("why", e->text));
	if (d->result.fail == FAIL_NONE)
		d->result.fail = FAIL_ABORTED;
	str_copyz(d->result.reply, sizeof(d->result.reply), e->text);
}

/* No room for the notices; there is for saying what was taken. */
static bool
drop_notices(struct step *st)
{
	bool dropped = false;

	for (size_t i = 0; i < st->settles_n; i++)
		dropped |= settle_drop_notices(st->settles[i]);
	return dropped;
}

/*
 * What the peer answered is written although nothing can be claimed: else it
 * would be sent again. After ERR_UNCERTAIN it may be written already.
 */
static bool
step_again(struct step *st, enum err_code code)
{
	if (code == OK || code == ERR_UNCERTAIN || st->settles_n == 0)
		return false;
	if (st->claims_max > 0) {
		st->claims_max = 0;
		return true;
	}
	return code == ERR_FULL && drop_notices(st);
}

/* Learnt on an earlier connection; no message has gone yet. */
static void
go_that_way(struct deliver *d, const struct careful_way *way)
{
	d->known = true;
	d->refusals = way->refusals;
	if (way->one_by_one)
		d->ahead = 0;
	smtp_client_restrict(d->client, way->one_by_one, way->no_bdat);
}

static void
step_written(void *arg, enum err_code code, const struct err *e)
{
	struct step *st = arg;
	struct deliver *d = st->d;
	struct session *s = d->s;

	if (step_again(st, code)) {
		spool_submit(d->n->spool, write_step, step_written, st);
		return;
	}
	if (code == OK) {
		if (st->first)
			go_that_way(d, &st->way);
		tell_settled(d, st);
		take_parcels(d, st);
	} else if (st->settles_n == 0 && code != ERR_UNCERTAIN) {
		claim_failed(d, e);
	} else {
		step_failed(d, e);
	}
	free_step(st);
	d->stepping = false; /* not before: a session closed in here waits */
	deliver_stepped(d);
	session_release(s);
}

/* --- verdicts ------------------------------------------------------------- */

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

static struct settle *
settle_parcel(const struct deliver *d, const struct parcel *p)
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

void
deliver_end(struct deliver *d, struct parcel *p, enum parcel_end end,
	const struct reply *final, bool in_doubt)
{
	p->end = end;
	if (final)
		p->final = *final;
	p->in_doubt = in_doubt;
	d->recipients -= p->claimed.n;
	list_remove(&p->node);
	list_push(&d->ended, &p->node);
	if (end == PARCEL_REPLIED)
		crash_point("deliver-replied-before-commit");
}

static void
settle_ended(struct deliver *d, struct step *st)
{
	size_t n = 0;

	LIST_EACH(node, tmp, &d->ended)
	n++;
	st->settles = n ? xcalloc(n, sizeof(struct settle *)) : NULL;
	LIST_EACH(node, tmp, &d->ended)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		st->settles[st->settles_n++] = settle_parcel(d, p);
		list_remove(node);
		parcel_free(p);
	}
	settle_join(st->settles, st->settles_n);
}

/* --- beginning ------------------------------------------------------------ */

/* RFC 5321 4.5.3.1.8: 100 is what every peer takes and what is sent at most. */
static unsigned
recipients_max(size_t limit)
{
	return limit < RECIPIENTS_SENT_MAX ? (unsigned)limit : 0;
}

/* One where they go one by one, else as many as fit ahead. */
static void
plan_claims(struct deliver *d, struct step *st)
{
	size_t most = smtp_client_mails_left(d->client);

	if (!d->ahead) {
		st->claims_max = most > 0;
		st->octets_max = 1;
		return;
	}
	if (most > CLAIMED_AHEAD_MAX)
		most = CLAIMED_AHEAD_MAX;
	st->claims_max = most > d->waiting_n ? most - d->waiting_n : 0;
	st->octets_max =
		d->ahead > d->waiting_octets ? d->ahead - d->waiting_octets : 0;
}

/* Octets of what was begun or claimed that the line has not carried yet. */
static uint64_t
octets_to_come(const struct deliver *d)
{
	uint64_t n = machine_out(d->s->machine).n + stream_unsent(d->s->stream);
	const struct parcel *p = d->current;

	if (p)
		n += budgets_mail_octets(p->size > d->s->bytes_done
						 ? p->size - d->s->bytes_done
						 : 0);
	LIST_EACH(node, tmp, &d->waiting)
	n += budgets_mail_octets(LIST_ITEM(node, struct parcel, node)->size);
	LIST_EACH(node, tmp, &d->flying)
	n += REPLIES_OCTETS;
	return n;
}

/* What the link still has room for. */
static void
plan_limits(struct deliver *d, struct step *st)
{
	d->s->pending = octets_to_come(d);
	st->limits = budgets_limits(d->n->budgets, d->link, 0);
}

/*
 * RFC 8689 2: TLS, to a host that is who it should be. A customer who calls
 * has shown that by its login.
 */
static bool
is_protected(const struct deliver *d)
{
	return d->s->has_tls && (d->s->tls.verified || d->turned);
}

void
deliver_step(struct deliver *d, bool claim)
{
	struct step *st = xcalloc(1, sizeof(*st));

	st->d = d;
	list_init(&st->parcels);
	st->first = !d->known;
	st->peer_ext = smtp_client_extensions(d->client);
	if (!is_protected(d))
		st->peer_ext &= ~(unsigned)EXT_REQUIRETLS;
	if (d->lmtp) /* at home: it is passed on to nobody */
		st->peer_ext |= EXT_REQUIRETLS | EXT_DELIVERBY;
	st->peer_size_max = smtp_client_size_max(d->client);
	st->peer_rcpt_max = recipients_max(smtp_client_limit_rcpt(d->client));
	settle_ended(d, st);
	if (claim && !d->s->closed) {
		plan_claims(d, st);
		plan_limits(d, st);
	}
	st->recipients_max = d->recipients < DELIVER_RECIPIENTS_MAX
				     ? DELIVER_RECIPIENTS_MAX - d->recipients
				     : 0;
	d->stepping = true;
	d->more = false;
	session_hold(d->s);
	spool_submit(d->n->spool, write_step, step_written, st);
}
