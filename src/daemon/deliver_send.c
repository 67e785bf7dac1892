/* What goes next: claims ahead of the line, envelopes, and bodies. */
#include "daemon/deliver_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/crash.h"
#include "daemon/life.h"
#include "daemon/speeds.h"
#include "daemon/steady.h"

#include <stdlib.h>
#include <string.h>

/* --- which parcel is where ------------------------------------------------ */

struct parcel *
deliver_first(const struct list_node *list)
{
	return list_empty(list) ? NULL
				: LIST_ITEM(list->next, struct parcel, node);
}

/* Its octets are all with the machine. */
void
deliver_current_flies(struct deliver *d)
{
	if (d->current)
		list_push(&d->flying, &d->current->node);
	d->current = NULL;
}

/* --- what the customer lost meanwhile ------------------------------------ */

static bool
has_all(const struct spool_account *a, const struct spool_claimed *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const char *at = strrchr(c->deliveries[i].recipient, '@');

		if (!at || !account_has_domain(a, str_of(at + 1)))
			return false;
	}
	return true;
}

/* Is it there, may it have its mail, and is it the one that called? */
static const struct spool_account *
same_customer(const struct deliver *d)
{
	const struct spool_account *a = accounts_get(d->n->accounts, d->peer);

	if (!a || a->kind != ACCOUNT_CUSTOMER || a->suspended ||
		!accounts_is_same(d->n->accounts, d->peer, &d->mark))
		return NULL;
	return !d->owner.may_go || d->owner.may_go(d->owner_arg) ? a : NULL;
}

/*
 * Its entry may have changed since the claim. What was not begun goes back; the
 * next claim sees what became of it.
 */
static void
return_lost(struct deliver *d)
{
	const struct spool_account *a;

	if (!d->customer || list_empty(&d->waiting))
		return;
	a = same_customer(d);
	LIST_EACH(node, tmp, &d->waiting)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		if (a && has_all(a, &p->claimed))
			continue;
		d->waiting_n--;
		d->waiting_octets -= p->size;
		d->dry = false;
		deliver_end(d, p, PARCEL_BROKEN, NULL, false);
	}
}

/* --- what is late by now (RFC 2852) --------------------------------------- */

/* The claim may have been a while ago, and the peer may want more time. */
static void
refuse_late(struct deliver *d)
{
	int64_t least = (int64_t)smtp_client_deliver_by_min(d->client);
	int64_t now = steady_now(d->n->steady);

	LIST_EACH(node, tmp, &d->waiting)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);
		int64_t at =
			p->claimed.n ? p->claimed.deliveries[0].return_at : 0;

		if (!at || !clock_trusted())
			continue;
		if (at <= now)
			deliver_refuse(d, p, "5.4.7", "%s", LIFE_LATE_TEXT);
		else if (at - now < least)
			deliver_refuse(d, p, "5.4.7",
				"it is to be delivered in %lld seconds, and %s "
				"takes no less than %lld",
				(long long)(at - now),
				d->customer ? "the recipient's host" : d->host,
				(long long)least);
	}
}

/* --- sending -------------------------------------------------------------- */

/* Of 1000: that the peer takes none of its recipients. They hang together. */
static unsigned
chance_of_waste(const struct deliver *d, const struct parcel *p)
{
	unsigned least = 1000;

	for (size_t i = 0; i < p->claimed.n && least; i++) {
		unsigned chance = refusals_chance(
			&d->refusals, p->claimed.deliveries[i].recipient);

		if (chance < least)
			least = chance;
	}
	return least;
}

/*
 * A body sent ahead is wasted where the message is refused; waiting for the
 * replies to its envelope costs a turn, in which other octets could go: a
 * quarter of what is claimed ahead, where nothing better is known. By what this
 * peer refused before the one or the other is dearer.
 */
static bool
is_patient(const struct deliver *d, const struct parcel *p)
{
	uint64_t turn = speeds_turn(d->n->speeds, d->link);

	return refusals_is_dear(
		p->size, chance_of_waste(d, p), turn ? turn : d->ahead / 4);
}

static void
begin_next(struct deliver *d)
{
	struct parcel *p = deliver_first(&d->waiting);

	deliver_current_flies(d);
	list_remove(&p->node);
	d->waiting_n--;
	d->waiting_octets -= p->size;
	d->current = p;
	p->tag = ++d->tags;
	if (d->customer)
		crash_point("turn-first-message");
	d->s->message = p->claimed.message.id;
	d->s->bytes_done = 0;
	d->s->bytes_total = p->size;
	d->s->doing = "sending";
	p->patient = is_patient(d, p);
	parcel_begin(p, d->client, p->patient, steady_now(d->n->steady));
}

struct read_job {
	struct deliver *d;
	uint64_t tag; /* of the parcel */
	int64_t id;
	uint64_t offset;
	char *chunk; /* owned until it is read */
	size_t size, n;
};

static enum err_code
read_body(struct spool_txn *t, void *arg, struct err *e)
{
	struct read_job *j = arg;

	return spool_body_read(
		t, j->id, j->offset, j->chunk, j->size, &j->n, e);
}

/* The parcel may have ended meanwhile. */
static void
body_read(void *arg, enum err_code code, const struct err *e)
{
	struct read_job *j = arg;
	struct deliver *d = j->d;
	struct session *s = d->s;
	struct parcel *p = d->current;

	d->reading = false;
	if (s->closed || !p || p->tag != j->tag) {
		free(j->chunk);
	} else if (code != OK || j->n == 0) {
		log_error("body-unreadable", LOG_INT("msg", j->id),
			LOG_STR("why", code == OK
					       ? "it is shorter than its size"
					       : e->text));
		p->unreadable = true;
		smtp_client_abort(d->client, "the spool cannot be read");
		free(j->chunk);
	} else {
		parcel_take_chunk(p, j->chunk, j->n, clock_mono_ms());
	}
	free(j);
	session_pump(s);
	session_release(s);
}

static void
read_more(struct deliver *d)
{
	struct read_job *j = xcalloc(1, sizeof(*j));

	j->d = d;
	j->tag = d->current->tag;
	j->id = d->current->claimed.message.id;
	j->offset = d->current->offset;
	j->size = parcel_piece(d->current, clock_mono_ms());
	j->chunk = xmalloc(j->size);
	d->reading = true;
	session_hold(d->s);
	spool_submit_read(d->n->spool, read_body, body_read, j);
}

static bool
give_body(struct deliver *d)
{
	struct parcel *p = d->current;
	size_t taken;

	if (!p || d->reading || smtp_client_body_left(d->client) == 0)
		return false;
	if (parcel_view(p).n == 0) {
		read_more(d);
		return false;
	}
	taken = smtp_client_body(d->client, parcel_view(p));
	parcel_consume(p, taken);
	d->s->bytes_done += taken;
	if (smtp_client_body_left(d->client) == 0)
		crash_point("deliver-in-doubt");
	return taken > 0;
}

/* --- what comes next ------------------------------------------------------ */

static bool
all_is_sent(const struct deliver *d)
{
	return !d->current && list_empty(&d->waiting) && list_empty(&d->flying);
}

/* One by one, or ahead of the line so that it never waits for our disk. */
static bool
may_claim(const struct deliver *d)
{
	/* Before it is ready it is not known what the peer takes. */
	if (!d->push || d->finishing || d->dry || d->leaving ||
		!d->result.ready || d->s->closed ||
		d->result.fail != FAIL_NONE ||
		d->recipients >= DELIVER_RECIPIENTS_MAX ||
		smtp_client_mails_left(d->client) <= d->waiting_n ||
		(d->customer && !same_customer(d)))
		return false;
	return d->ahead ? d->waiting_octets < d->ahead : all_is_sent(d);
}

void
deliver_top_up(struct deliver *d)
{
	if (!d->stepping && (!list_empty(&d->ended) || may_claim(d)))
		deliver_step(d, may_claim(d));
}

bool
deliver_work(void *arg, enum want want)
{
	struct deliver *d = arg;

	if (want == WANT_BODY)
		return give_body(d);
	deliver_current_flies(d);
	return_lost(d);
	refuse_late(d);
	if (!list_empty(&d->waiting) && deliver_first(&d->waiting)->looks) {
		deliver_look(d);
		deliver_top_up(d);
		return false;
	}
	if (!list_empty(&d->waiting)) {
		begin_next(d);
		deliver_top_up(d);
		return true;
	}
	deliver_top_up(d);
	/* Nor while something is read: a turn would take D from under it. */
	if (d->stepping || d->reading || d->looking || want != WANT_WORK ||
		d->resting)
		return false;
	if (d->kept_n) {
		deliver_flush(d);
		return false;
	}
	d->resting = true;
	d->s->doing = "idle";
	d->owner.idle(d->owner_arg, d);
	return true;
}
