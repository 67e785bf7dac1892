/* Dispatch: an exchange with a peer begins, and what its result says. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/alarm.h"
#include "daemon/dispatch_private.h"

#include <stdio.h>
#include <string.h>

static void
back_off(struct peer_run *p)
{
	const struct conf *conf = p->d->n->conf;
	size_t i = p->failures < conf->queue.retry_n ? p->failures
						     : conf->queue.retry_n - 1;

	p->failures++;
	p->wait_until = clock_sane_s() + conf->queue.retry_s[i];
	dispatch_due_at(p->d, p->wait_until);
}

static bool
went_well(const struct exchange_result *result)
{
	return result->code == EXCHANGE_OK || result->code == EXCHANGE_LEFT ||
	       result->code == EXCHANGE_BUDGET;
}

/* --- a peer that cannot be used --- */

static void
tell_login_refused(
	const struct peer_run *p, const struct exchange_result *result)
{
	char text[ALARM_TEXT_MAX];

	snprintf(text, sizeof(text), "peer %s does not let us in: %s",
		p->peer->name, result->text);
	alarm_tell(p->d->n->alarm, ALARM_LOGIN, text);
}

/* A peer that cannot be used is a reason for all that waits for it. */
static void
set_trouble(struct peer_run *p, const struct exchange_result *result)
{
	enum spool_reason was = p->trouble;
	char text[sizeof(p->trouble_text)];

	memcpy(text, p->trouble_text, sizeof(text));
	if (result->code == EXCHANGE_NOT_TRUSTED && result->auth)
		tell_login_refused(p, result);
	if (result->code == EXCHANGE_NOT_TRUSTED)
		p->trouble = result->auth ? REASON_AUTH : REASON_TLS;
	else if (result->code == EXCHANGE_UNREACHABLE &&
		 !result->only_collect_failed)
		p->trouble = REASON_RETRY_WAIT;
	else if (went_well(result))
		p->trouble = REASON_NONE;
	if (result->code == EXCHANGE_UNREACHABLE)
		snprintf(text, sizeof(text),
			"%s%.200s cannot be reached: %.700s",
			result->no_link ? "no link: " : "", p->peer->name,
			result->text);
	else if (result->code == EXCHANGE_NOT_TRUSTED)
		str_copyz(text, sizeof(text), result->text);
	if (p->trouble == was && strcmp(text, p->trouble_text) == 0)
		return;
	memcpy(p->trouble_text, text, sizeof(text));
	links_explain(p->d->n->links);
}

enum spool_reason
dispatch_trouble(
	const struct dispatch *d, const char *peer, const char **text_r)
{
	for (size_t i = 0; i < d->peers_n; i++)
		if (strcmp(d->peers[i]->peer->name, peer) == 0) {
			*text_r = d->peers[i]->trouble_text;
			return d->peers[i]->trouble;
		}
	return REASON_NONE;
}

/* --- after it --- */

/* The link was taken down; it may be up again by now, or another one. */
static void
after_link_lost(struct peer_run *p)
{
	p->want_collect |= dispatch_collects(p->peer);
	p->wake = true;
	dispatch_look(p);
}

/* What it put off meanwhile and is due again is something to push. */
static bool
is_fruitless(const struct peer_run *p, const struct exchange_result *result)
{
	return p->pushing && result->pushed == 0 &&
	       (!result->due || result->due > clock_sane_s());
}

/* Did the peer, not the link, stand in the way of all that it was given? */
static void
note_health(struct peer_run *p, const struct exchange_result *result)
{
	if (result->pushed > 0)
		p->ailing = false;
	else if (p->pushing && !result->taken_down &&
		 (result->due || result->code == EXCHANGE_UNREACHABLE ||
			 result->code == EXCHANGE_NOT_TRUSTED))
		p->ailing = true;
}

static void
after_success(struct peer_run *p, const struct exchange_result *result)
{
	if (p->collecting)
		p->collected_at = clock_sane_s();
	p->failures = 0;
	p->wait_until = p->collect_after = 0;
	p->fruitless = is_fruitless(p, result);
	dispatch_look(p); /* what arrived meanwhile */
}

/* Pushing works; only the turn is asked for again later. */
static void
after_collect_failure(struct peer_run *p, const struct exchange_result *result)
{
	if (result->cannot_collect) {
		p->collected_at = clock_sane_s(); /* not before next time */
	} else {
		p->want_collect = true;
		p->collect_after =
			clock_sane_s() + p->d->n->conf->queue.retry_s[0];
		dispatch_due_at(p->d, p->collect_after);
	}
	p->fruitless = is_fruitless(p, result);
	dispatch_look(p);
}

static void
after_failure(struct peer_run *p)
{
	p->want_collect |= p->collecting;
	back_off(p);
	dispatch_rest(p);
	p->passed = false; /* for once, whoever looked before */
	dispatch_pass(p);
}

/* What it leaves is for who has its name now; not from inside of its end. */
static void
orphan_done(struct peer_run *p)
{
	struct dispatch *d = p->d;

	if (dispatch_is_at_rest(p))
		dispatch_free_peer(p);
	d->orphan_ended = true;
	dispatch_due_at(d, clock_sane_s());
}

static void
exchange_done(void *arg, const struct exchange_result *result)
{
	struct peer_run *p = arg;
	struct node *n = p->d->n;

	p->exchange = NULL;
	if (p->d->stopping) {
		if (p->orphan && dispatch_is_at_rest(p))
			dispatch_free_peer(p);
		return;
	}
	log_info("exchange-end", LOG_STR("peer", p->peer->name),
		LOG_STR("link", p->link), LOG_INT("code", result->code),
		LOG_STR("text", result->text));
	if (!result->taken_down)
		links_peer_result(n->links, p->link, result);
	if (p->orphan) {
		orphan_done(p);
		return;
	}
	set_trouble(p, result);
	note_health(p, result);
	if (result->expects_mail && !result->taken_down)
		dispatch_await(p, result->address);
	if (result->taken_down)
		after_link_lost(p);
	else if (went_well(result))
		after_success(p, result);
	else if (result->only_collect_failed)
		after_collect_failure(p, result);
	else
		after_failure(p);
}

/* --- before it --- */

bool
dispatch_may_collect(const struct peer_run *p)
{
	return p->want_collect && p->collect_after <= clock_sane_s();
}

void
dispatch_start(struct peer_run *p, const struct link_way *way,
	const char **routes, size_t routes_n, bool push)
{
	struct node *n = p->d->n;
	char last[SPOOL_NAME_MAX + 1];

	memcpy(last, p->link, sizeof(last));
	str_copyz(p->link, sizeof(p->link), way->link);
	p->pushing = push;
	p->collecting = dispatch_may_collect(p);
	if (p->collecting)
		p->want_collect = false;
	p->exchange = exchange_start(n, &(struct exchange_conf){
						.peer = p->peer,
						.routes = routes,
						.routes_n = routes_n,
						.link = way->link,
						.interface = way->interface,
						.address = way->address,
						.push = push,
						.collect = p->collecting,
						.recovering = p->ailing,
						.done = exchange_done,
						.arg = p,
					});
	if (way->link)
		links_working(n->links, p->link);
	if (last[0] && strcmp(last, p->link) != 0)
		dispatch_settle_link(p->d, last); /* it moved over */
}
