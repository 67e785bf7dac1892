/* The times that MAIL gives: BY (RFC 2852), HOLDFOR and HOLDUNTIL (RFC 4865).
 */
#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/intime.h"
#include "daemon/steady.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
receive_times_offer(struct receive *r)
{
	int64_t most_s = r->n->conf->limits.hold_time_s;
	char until[CLOCK_TEXT_MAX];

	if (!most_s)
		return NULL;
	clock_rfc3339(clock_sane_s() + most_s, until);
	snprintf(r->future_release, sizeof(r->future_release), "%lld %s",
		(long long)most_s, until);
	return r->future_release;
}

/* --- MAIL ----------------------------------------------------------------- */

/* How long it is to be held from now on; 0: it is not, or that has passed. */
static int64_t
held_for(const struct mail_params *p)
{
	int64_t until = params_hold_until_s(p), now = clock_sane_s();

	if (p->hold_for_s)
		return p->hold_for_s;
	return until > now ? until - now : 0;
}

static bool
hold_is_fine(const struct receive *r, struct reply *reply)
{
	const struct mail_params *p = &r->params;
	int64_t held_s = held_for(p), most_s = r->n->conf->limits.hold_time_s;

	if (held_s > most_s)
		reply_set(reply, 501, "5.5.4",
			"mail is held for %lld seconds at most",
			(long long)most_s);
	else if (held_s && p->has_deliver_by && held_s >= p->deliver_by_s)
		/* RFC 4865 5.2.2 */
		reply_set(reply, 501, "5.5.4",
			"it would be held for longer than it may take");
	else
		return true;
	return false;
}

/* RFC 2852 4: what can never be in time is refused for good. */
static bool
by_is_fine(const struct receive *r, struct reply *reply)
{
	const struct mail_params *p = &r->params;
	char why[200];

	if (!p->has_deliver_by || p->deliver_by_mode != 'R' ||
		intime_any(r->n, p->deliver_by_s, why, sizeof(why)))
		return true;
	reply_set(reply, 555, "5.4.7", "not possible in this time: %s", why);
	return false;
}

/* A batch goes where nobody keeps to a time or to TLS. */
static bool
is_gateway(const struct conf *conf, const char *route)
{
	for (size_t i = 0; i < conf->routes_n; i++)
		if (strcmp(conf_route_name(&conf->routes[i]), route) == 0)
			return conf_route_is_gateway(&conf->routes[i]);
	return false;
}

static bool
gateway_is_fine(
	const struct receive *r, const char *route, struct reply *reply_r)
{
	const struct mail_params *p = &r->params;
	bool by = p->has_deliver_by && p->deliver_by_mode == 'R';

	if ((!by && !p->requiretls) || !is_gateway(r->n->conf, route))
		return true;
	if (p->requiretls)
		reply_set(reply_r, 550, "5.7.30",
			"REQUIRETLS is not possible on the way to it");
	else
		reply_set(reply_r, 550, "5.3.3",
			"Nobody on the way to it keeps to the time of BY");
	return false;
}

bool
receive_times_rcpt(
	const struct receive *r, const char *route, struct reply *reply_r)
{
	const struct mail_params *p = &r->params;
	int64_t left_s =
		p->deliver_by_s - (steady_now(r->n->steady) - r->mail_steady);
	char why[200];

	if (!gateway_is_fine(r, route, reply_r))
		return false;
	if (!p->has_deliver_by || p->deliver_by_mode != 'R' ||
		intime_route(r->n, route, left_s, why, sizeof(why)))
		return true;
	reply_set(reply_r, 550, "5.4.7", "not possible in this time: %s", why);
	return false;
}

/* --- how many a user has already ------------------------------------------ */

struct count_job {
	struct session *s;
	struct reply reply;
	char account[SASL_NAME_MAX + 1];
	size_t most, n;
};

static enum err_code
count_held(struct spool_txn *t, void *arg, struct err *e)
{
	struct count_job *j = arg;

	return spool_timed_held(t, j->account, j->most, &j->n, e);
}

static void
held_counted(void *arg, enum err_code code, const struct err *e)
{
	struct count_job *j = arg;
	struct session *s = j->s;

	if (code != OK) {
		log_error("queue-unreadable", LOG_INT("session", s->id),
			LOG_STR("why", e->text));
		reply_set(&j->reply, 451, "4.3.0",
			"The queue cannot be read now, try again later");
	} else if (j->n >= j->most) {
		reply_set(&j->reply, 552, "5.7.16",
			"%zu messages of yours are held already, the most that "
			"may be",
			j->n);
	}
	session_answer(s, &j->reply);
	session_release(s);
	free(j);
}

static void
ask_how_many(struct receive *r, const struct reply *reply)
{
	struct count_job *j = xcalloc(1, sizeof(*j));

	j->s = r->s;
	j->reply = *reply;
	j->most = r->n->conf->limits.hold_messages;
	str_copyz(j->account, sizeof(j->account), r->account);
	session_hold(r->s);
	spool_submit_read(r->n->spool, count_held, held_counted, j);
}

void
receive_times_mail(struct receive *r, struct reply *reply)
{
	bool taken = reply->code == 250 && hold_is_fine(r, reply) &&
		     by_is_fine(r, reply);

	r->mail_steady = steady_now(r->n->steady);
	if (taken && held_for(&r->params) && r->n->conf->limits.hold_messages)
		ask_how_many(r, reply);
	else
		machine_answer(r->s->machine, reply);
}

/* --- what is stored of them ----------------------------------------------- */

void
receive_times_message(const struct receive *r, struct spool_message *m)
{
	if (m->params.has_deliver_by)
		m->deliver_by = r->mail_steady + m->params.deliver_by_s;
}

void
receive_times_delivery(const struct spool_message *m, int64_t mail_steady,
	struct spool_delivery *d)
{
	const struct mail_params *p = &m->params;

	if (p->has_deliver_by && p->deliver_by_mode == 'R')
		d->return_at = m->deliver_by;
	else if (p->has_deliver_by)
		d->tell_at = m->deliver_by > 0 ? m->deliver_by : 1;
	if (p->hold_for_s) {
		d->release_at = mail_steady + p->hold_for_s;
	} else if (held_for(p)) {
		d->release_at = params_hold_until_s(p);
		d->release_wall = true;
	}
}
