#include "daemon/deliver.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/careful.h"
#include "daemon/claims.h"
#include "daemon/crash.h"
#include "daemon/deliver_private.h"
#include "daemon/receive.h"
#include "daemon/settle.h"

#include <stdlib.h>
#include <string.h>

enum { DELIVER_AHEAD_BYTES = 256 * 1024 };

static const struct session_host host;

static struct parcel *
parcel_of(struct deliver *d, uint64_t tag)
{
	if (d->current && d->current->tag == tag)
		return d->current;
	LIST_EACH(node, tmp, &d->flying)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		if (p->tag == tag)
			return p;
	}
	return NULL;
}

/* --- events --------------------------------------------------------------- */

static void
keep_reply(struct deliver *d, const struct reply *r)
{
	if (r && r->code)
		reply_one_line(r, d->result.reply, sizeof(d->result.reply));
}

/*
 * Is P, the oldest without its final reply, why the connection ended? Not where
 * the peer answered none of it, and others before: it may close after each
 * message. 421 was said to another one.
 */
static bool
is_to_blame(const struct deliver *d, const struct parcel *p)
{
	return d->result.fail != FAIL_REFUSED &&
	       d->result.fail != FAIL_ABORTED && (p->heard || d->answered == 0);
}

/*
 * The connection ends: only the machine knows which of them are in doubt. The
 * peer did not come to those behind the oldest one: no attempt, unless they are
 * in doubt, since what may be doubled is not sent again at once.
 */
static void
end_begun(struct deliver *d)
{
	struct parcel *p;
	bool oldest = true;

	deliver_current_flies(d);
	while ((p = deliver_first(&d->flying)) != NULL) {
		bool in_doubt = smtp_client_in_doubt(d->client, p->tag);

		p->counts |= oldest && is_to_blame(d, p);
		p->counts |= in_doubt && d->result.fail != FAIL_ABORTED;
		d->doubted |= in_doubt;
		oldest = false;
		deliver_end(d, p, PARCEL_BROKEN, NULL, in_doubt);
	}
}

/* What was claimed and never begun goes back. */
static void
end_waiting(struct deliver *d)
{
	struct parcel *p;

	while ((p = deliver_first(&d->waiting)) != NULL)
		deliver_end(d, p, PARCEL_BROKEN, NULL, false);
	d->waiting_n = 0;
	d->waiting_octets = 0;
}

static void
on_failed(struct deliver *d, const struct smtp_event *ev)
{
	d->result.fail = ev->fail;
	str_copy(d->result.reply, sizeof(d->result.reply), ev->text);
	keep_reply(d, ev->reply);
	str_copy(d->result.why, sizeof(d->result.why), ev->text);
	log_warning("peer-failed", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_VIEW("why", ev->text),
		LOG_STR("reply", ev->reply ? d->result.reply : ""));
	d->result.mismatch |= ev->mismatch;
	d->result.no_bdat |= ev->no_bdat;
	/* told by the stream before; the verdicts are made now */
	d->result.link_lost |= d->s->end == STREAM_TIMEOUT;
	end_begun(d);
	deliver_top_up(d);
}

static void
on_rcpt_reply(struct deliver *d, const struct smtp_event *ev)
{
	struct parcel *p = parcel_of(d, ev->tag);

	if (!p || ev->index >= p->claimed.n)
		return;
	p->replies[ev->index] = *ev->reply;
	refusals_recipient(&d->refusals,
		p->claimed.deliveries[ev->index].recipient, ev->reply->code);
}

static void
on_rcpt_final(struct deliver *d, const struct smtp_event *ev)
{
	struct parcel *p = parcel_of(d, ev->tag);

	if (!p || ev->index >= p->claimed.n)
		return;
	if (!p->finals)
		p->finals = xcalloc(p->claimed.n, sizeof(*p->finals));
	p->finals[ev->index] = *ev->reply;
	crash_point("lmtp-one-replied");
}

static void
on_mail_reply(struct deliver *d, const struct smtp_event *ev)
{
	struct parcel *p = parcel_of(d, ev->tag);

	if (p)
		p->heard = true;
}

static void
on_done(struct deliver *d, const struct smtp_event *ev)
{
	struct parcel *p = parcel_of(d, ev->tag);

	if (!p)
		return;
	if (p == d->current)
		d->current = NULL;
	d->answered += ev->reply->code != 421;
	if (ev->reply->code != 421)
		refusals_answered(&d->refusals, ev->early && !p->patient);
	deliver_end(d, p, ev->early ? PARCEL_EARLY : PARCEL_REPLIED, ev->reply,
		false);
	deliver_top_up(d);
}

static void
on_event(void *arg, const struct smtp_event *ev)
{
	struct deliver *d = arg;

	switch (ev->kind) {
	case EV_READY:
		d->result.ready = true;
		if (d->owner.ready)
			d->owner.ready(d->owner_arg, d);
		break;
	case EV_PEER_TIME:
		if (d->owner.told_time)
			d->owner.told_time(d->owner_arg, ev->wall_s);
		break;
	case EV_MAIL_REPLY:
		on_mail_reply(d, ev);
		break;
	case EV_RCPT_REPLY:
		on_rcpt_reply(d, ev);
		break;
	case EV_RCPT_FINAL:
		on_rcpt_final(d, ev);
		break;
	case EV_DONE:
		on_done(d, ev);
		break;
	case EV_TURNED:
	case EV_TURN_REPLY:
		keep_reply(d, ev->reply);
		d->owner.turn_reply(d->owner_arg, d, ev->reply);
		break;
	case EV_FAILED:
		on_failed(d, ev);
		break;
	default:
		break;
	}
}

/* The disk is asked for what comes next. */
static bool
on_busy(void *arg)
{
	struct deliver *d = arg;

	return d->stepping || d->reading || d->looking;
}

static void
on_start_tls(void *arg)
{
	struct deliver *d = arg;

	d->owner.start_tls(d->owner_arg, d->s);
}

/* What this connection shows of the peer, for the next ones. */
static void
learn(struct deliver *d)
{
	const struct careful_peer peer = {d->peer, d->customer};

	careful_refused(d->n, &peer, &d->refusals);
	if (d->result.mismatch)
		careful_mismatch(d->n, &peer);
	else if (d->result.no_bdat)
		careful_no_bdat(d->n, &peer);
	else if (d->result.fail == FAIL_CLOSED && !d->result.link_lost &&
		 d->doubted && d->answered > 0)
		careful_closed(d->n, &peer, d->answered);
}

static void
tell_over(struct deliver *d)
{
	if (d->over)
		return;
	d->over = true;
	if (d->unsettled)
		claims_release(d->n, d->s->id);
	learn(d);
	d->owner.over(d->owner_arg, &d->result);
}

/* Ended by us in the middle: the machine says what that leaves in doubt. */
static void
abort_begun(struct deliver *d, const char *why)
{
	struct smtp_event ev;

	smtp_client_abort(d->client, why);
	while (machine_next(d->s->machine, &ev))
		on_event(d, &ev);
	end_begun(d);
}

/* False: a step is on its way, which tells later. */
static bool
settle_rest(struct deliver *d)
{
	end_waiting(d);
	if (!d->stepping && (!list_empty(&d->ended) || d->kept_n))
		deliver_flush(d);
	return !d->stepping;
}

static void
on_closed(void *arg, const char *why)
{
	struct deliver *d = arg;

	d->result.link_lost |= d->s->end == STREAM_TIMEOUT;
	if (d->result.fail == FAIL_NONE && !d->result.ready)
		d->result.fail =
			d->s->end == STREAM_TLS ? FAIL_TLS : FAIL_CLOSED;
	if (d->result.fail != FAIL_NONE && !d->result.reply[0])
		str_copyz(d->result.reply, sizeof(d->result.reply),
			d->result.why[0] ? d->result.why : why);
	log_info("session-end", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_STR("role", d->s->role),
		LOG_INT("sent", d->s->messages_sent), LOG_STR("why", why));
	if (d->current || !list_empty(&d->flying))
		abort_begun(d, why);
	if (settle_rest(d))
		tell_over(d);
}

static void
free_texts(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void
free_parcels(struct list_node *list)
{
	LIST_EACH(node, tmp, list)
	parcel_free(LIST_ITEM(node, struct parcel, node));
}

static void
on_free(void *arg)
{
	struct deliver *d = arg;

	free_parcels(&d->waiting);
	free_parcels(&d->flying);
	free_parcels(&d->ended);
	for (size_t i = 0; i < d->kept_n; i++)
		settle_free(d->kept[i]);
	parcel_free(d->current);
	free_texts(d->routes, d->routes_n);
	free_texts(d->domains, d->domains_n);
	downgrade_free(d->downgrade);
	free(d->peer);
	free(d->host);
	free(d->link);
	free(d);
}

static void
turned_over(void *arg, bool clean, const char *why)
{
	struct deliver *d = arg;

	if (!clean) {
		d->result.fail = FAIL_CLOSED;
		d->result.link_lost |= d->s->end == STREAM_TIMEOUT;
		str_copyz(d->result.reply, sizeof(d->result.reply), why);
	}
	tell_over(d);
	on_free(d);
}

/* The customer's side: the provider said 250 to ATRN. */
static bool
on_turn(void *arg)
{
	struct deliver *d = arg;

	session_end_turns(d->s);
	receive_turned(d->s, turned_over, d);
	return true;
}

void
deliver_stepped(struct deliver *d)
{
	if (d->finishing && !d->s->closed)
		end_waiting(d);
	if (!d->s->closed)
		session_pump(d->s);
	else if (settle_rest(d))
		tell_over(d);
}

static const struct session_host host = {
	.event = on_event,
	.work = deliver_work,
	.start_tls = on_start_tls,
	.turn = on_turn,
	.busy = on_busy,
	.closed = on_closed,
	.free = on_free,
};

/* --- beginning and ending --- */

static char **
copy_texts(const char *const *v, size_t n)
{
	char **copy = n ? xcalloc(n, sizeof(*copy)) : NULL;

	for (size_t i = 0; i < n; i++)
		copy[i] = str_dupz(v[i]);
	return copy;
}

struct deliver *
deliver_start(
	struct session *s, const struct deliver_conf *conf, const char *role)
{
	struct deliver *d = xcalloc(1, sizeof(*d));

	d->s = s;
	d->n = s->n;
	d->owner = conf->owner;
	d->owner_arg = conf->arg;
	d->routes = copy_texts(conf->routes, conf->routes_n);
	d->routes_n = conf->routes_n;
	d->domains = copy_texts(conf->domains, conf->domains_n);
	d->domains_n = conf->domains_n;
	d->peer = str_dupz(conf->peer);
	d->host =
		str_dupz(conf->host && conf->host[0] ? conf->host : conf->peer);
	d->link = conf->link ? str_dupz(conf->link) : NULL;
	d->push = conf->push;
	d->customer = conf->customer;
	d->recovering = conf->recovering;
	d->turned = conf->client.turned;
	d->lmtp = conf->client.lmtp;
	if (d->customer)
		d->mark = accounts_mark(d->n->accounts, d->peer);
	d->downgrade = downgrade_new(d->n->conf, d->peer,
		(const char *const *)d->routes, d->routes_n);
	if (conf->leave_utf8)
		downgrade_leave_utf8(d->downgrade);
	d->began_s = clock_sane_s();
	if (conf->client.window_bytes)
		d->ahead = conf->ahead ? conf->ahead : DELIVER_AHEAD_BYTES;
	list_init(&d->waiting);
	list_init(&d->flying);
	list_init(&d->ended);
	d->client = smtp_client_new(&conf->client, clock_mono_ms());
	s->role = role;
	s->doing = "greeting";
	str_copyz(s->peer, sizeof(s->peer), d->peer);
	if (d->link)
		str_copyz(s->link, sizeof(s->link), d->link);
	session_swap(s, smtp_client_machine(d->client), &host, d);
	return d;
}

void
deliver_quit(struct deliver *d)
{
	if (!d->s->closed && machine_want(d->s->machine) == WANT_WORK) {
		d->leaving = true;
		smtp_client_quit(d->client);
		session_pump(d->s);
	}
}

void
deliver_atrn(struct deliver *d, const char *domains)
{
	d->leaving = true;
	d->s->doing = "turning";
	smtp_client_atrn(d->client, domains);
	session_pump(d->s);
}

void
deliver_etrn(struct deliver *d, const char *domain)
{
	d->s->doing = "asking";
	smtp_client_etrn(d->client, domain);
	session_pump(d->s);
}

void
deliver_more(struct deliver *d)
{
	bool idle = d->resting; /* or on the way to the end */

	d->dry = d->resting = false;
	d->more = true;
	if (!idle)
		deliver_top_up(d);
	session_pump(d->s);
}

void
deliver_push(struct deliver *d)
{
	d->push = true;
	deliver_more(d);
}

void
deliver_finish(struct deliver *d)
{
	if (d->finishing || d->s->closed)
		return;
	d->finishing = true;
	end_waiting(d);
	session_pump(d->s);
}

void
deliver_domains(struct deliver *d, const char *const *domains, size_t n)
{
	free_texts(d->domains, d->domains_n);
	d->domains = copy_texts(domains, n);
	d->domains_n = n;
	deliver_more(d);
}

void
deliver_link_lost(struct deliver *d)
{
	d->result.link_lost = true;
	session_close(d->s, "the link went down");
}

uint64_t
deliver_size_max(const struct deliver *d)
{
	return smtp_client_size_max(d->client);
}

bool
deliver_goes_anew(const struct deliver *d)
{
	return d->result.anew;
}

bool
deliver_is_spent(const struct deliver *d)
{
	return smtp_client_is_spent(d->client);
}

unsigned
deliver_extensions(const struct deliver *d)
{
	return smtp_client_extensions(d->client);
}

const char *
deliver_keywords(const struct deliver *d)
{
	return smtp_client_keywords(d->client);
}

struct session *
deliver_session(const struct deliver *d)
{
	return d->s;
}
