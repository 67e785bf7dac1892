#include "daemon/deliver_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/careful.h"
#include "daemon/crash.h"
#include "daemon/links.h"
#include "daemon/settle.h"
#include "sched/order.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECIPIENTS_SENT_MAX = 100,
	REPLIES_OCTETS = 300, /* of one message, on the wire */
	/* Messages claimed in one transaction, and waiting to be sent. */
	CLAIMED_AHEAD_MAX = 50,
	KEPT_MARK_MAX = 500, /* marked as too large in one session */
	WAKE_MOST = 2000, /* looked at in one step: the line waits meanwhile */
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
	int64_t due, due_urgent;  /* as in deliver */
	bool recovering;	  /* likewise */
	int64_t retry_s;	  /* the first wait after a refusal */
	struct list_node parcels; /* claimed */
	bool answers;		  /* of what is kept, for the history */
	bool dry;		  /* no more was found */
	bool anew;		  /* nothing more goes in this session */
	bool woke;		  /* what waits for the peer is due */
	bool more_to_wake;	  /* ... but for some of a long queue */
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

/*
 * What the customer put off waits for another call. What a peer put off goes
 * again in another session, and so does what fell due after it.
 */
static int64_t
due_by(const struct step *st, int64_t now)
{
	if (st->d->customer)
		return st->d->began_s;
	return st->due && st->due <= now ? st->due - 1 : now;
}

/*
 * What is urgent does not wait for the end of a long session. A stranger's is
 * short, and the look for other domains makes due what it put off.
 */
static bool
is_to_go_anew(const struct step *st, int64_t now)
{
	if (st->d->customer || !st->due || st->due > now)
		return false;
	return st->d->domains || (st->due_urgent && st->due_urgent <= now);
}

static struct spool_claim
claim_of(const struct step *st, int64_t now)
{
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;
	const struct deliver *d = st->d;

	return (struct spool_claim){
		.owner = d->s->id,
		.routes = (const char *const *)d->routes,
		.routes_n = d->routes_n,
		.now = due_by(st, now),
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
	int64_t now = clock_sane_s();
	struct spool_claim c = claim_of(st, now);
	size_t most = st->way.one_by_one && st->claims_max ? 1 : st->claims_max;
	size_t recipients = 0;
	uint64_t octets = 0;
	enum err_code rc = OK;

	st->anew = st->claims_max && is_to_go_anew(st, now);
	if (st->anew)
		return OK;
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

/* With a first success: what this session was refused keeps its time. */
static enum err_code
wake_waiting(struct spool_txn *t, struct step *st, struct err *e)
{
	const struct deliver *d = st->d;
	int64_t now = clock_sane_s(), before = now - st->retry_s;
	size_t delivered = 0;
	enum err_code rc = OK;

	for (size_t i = 0; i < st->settles_n; i++)
		delivered += settle_delivered(st->settles[i]);
	st->woke = st->recovering && delivered;
	if (before >= d->began_s)
		before = d->began_s - 1;
	st->more_to_wake = false;
	for (size_t i = 0; st->woke && rc == OK && i < d->routes_n; i++) {
		bool more;

		rc = spool_route_wake(t,
			&(struct spool_wake){.route = d->routes[i],
				.domain = d->domains ? d->domains[0] : NULL,
				.now = now,
				.refused_before = before,
				.most = WAKE_MOST},
			&more, e);
		st->more_to_wake |= more;
	}
	return rc;
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
	for (size_t i = 0; st->answers && i < st->d->kept_n && rc == OK; i++)
		rc = settle_write_answer(t, st->d->kept[i], e);
	if (rc == OK)
		rc = wake_waiting(t, st, e);
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
note_due(int64_t *due, int64_t next)
{
	if (next && (!*due || next < *due))
		*due = next;
}

static void
tell_settled(struct deliver *d, struct step *st)
{
	for (size_t i = 0; st->answers && i < d->kept_n; i++)
		settle_answer_written(d->kept[i]);
	if (st->woke) {
		d->dry = false;
		/* what was woken is out of the way; another domain's is not */
		d->recovering = st->more_to_wake && !d->domains;
	}
	for (size_t i = 0; i < st->settles_n; i++) {
		struct settle *settle = st->settles[i];

		int64_t next = settle_next_attempt(settle);

		crash_point("deliver-committed");
		note_due(&d->result.due, next);
		if (settle_message(settle)->priority >= SPOOL_URGENT)
			note_due(&d->due_urgent, next);
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
	if (code == OK || code == ERR_UNCERTAIN)
		return false;
	if (st->answers) {
		st->answers = false;
		return true;
	}
	if (st->settles_n == 0)
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
		if (st->anew)
			d->finishing = d->result.anew = true;
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
	st->due = d->result.due;
	st->due_urgent = d->due_urgent;
	st->recovering = d->recovering;
	st->retry_s = d->n->conf->queue.retry_s[0];
	st->peer_ext = smtp_client_extensions(d->client);
	if (!is_protected(d))
		st->peer_ext &= ~(unsigned)EXT_REQUIRETLS;
	if (d->lmtp) /* at home: it is passed on to nobody */
		st->peer_ext |= EXT_REQUIRETLS | EXT_DELIVERBY;
	st->peer_size_max = smtp_client_size_max(d->client);
	st->peer_rcpt_max = recipients_max(smtp_client_limit_rcpt(d->client));
	st->settles = deliver_settles(d, &st->settles_n);
	st->answers = d->kept_n > 0;
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

void
deliver_flush(struct deliver *d)
{
	d->flushing = true;
	deliver_step(d, false);
}
