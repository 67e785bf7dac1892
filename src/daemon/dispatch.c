#include "daemon/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/links.h"
#include "daemon/local.h"
#include "sched/order.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* How often a peer that no link names is asked for our mail. */
	DISPATCH_COLLECT_EVERY_S = 900,
	DISPATCH_TIMER_MAX_S = 3600,
	DISPATCH_AGAIN_S = 60, /* after a fault of our own */
	LOOK_WAYS_MAX = 8,     /* links over which a peer can be reached */
	LEFT_MARK_MAX = 500,   /* deliveries that are told at once why */
};

/* One peer of the configuration, and what it is owed. */
struct peer_run {
	struct dispatch *d;
	const struct conf_peer *peer;
	const char **routes; /* names borrowed from the configuration */
	size_t routes_n;
	struct exchange *exchange;
	char link[SPOOL_NAME_MAX + 1]; /* of the exchange; "" none */
	/* it came up while the exchange runs over another one; "" none */
	char next_link[SPOOL_NAME_MAX + 1];
	bool want_collect, collecting; /* to come, and in the exchange */
	int64_t collect_after;	       /* the peer refused to turn; 0: none */
	bool wake;	/* make deferred mail due once, at the next look */
	bool checking;	/* a look at the queue is under way */
	bool again;	/* look once more after it */
	bool pushing;	/* the exchange was to push, and nothing came since */
	bool fruitless; /* the last exchange pushed nothing: what is due may
			   not go to this peer */
	unsigned failures;
	int64_t wait_until; /* after a failure; 0: no wait */
	int64_t collected_at;
	bool awaiting; /* mail asked for by ETRN, over this link */
	char await_link[SPOOL_NAME_MAX + 1];
	struct loop_timer *await_timer; /* runs while nobody receives */
	/* Why nothing can go to it although it is reachable; NONE: nothing. */
	enum spool_reason trouble;
	char trouble_text[SPOOL_TEXT_MAX + 1];
	bool orphan; /* its configuration is gone; freed when at rest */
};

struct dispatch {
	struct node *n;
	struct peer_run **peers;
	size_t peers_n;
	struct loop_timer *timer;
	int64_t timer_at; /* 0: not set */
	size_t receiving; /* sessions on smtp listeners */
	bool stopping;
};

static void look(struct peer_run *p);

/* --- the timer --- */

void
dispatch_due_at(struct dispatch *d, int64_t when)
{
	int64_t now = clock_sane_s(), delay = when > now ? when - now : 0;

	if (d->stopping)
		return;
	if (d->timer_at && d->timer_at <= when && d->timer_at > now)
		return;
	if (delay > DISPATCH_TIMER_MAX_S)
		delay = DISPATCH_TIMER_MAX_S;
	d->timer_at = now + delay;
	loop_timer_set(d->timer, (uint64_t)delay * 1000 + 50);
}

static void
on_timer(void *arg)
{
	struct dispatch *d = arg;

	d->timer_at = 0;
	for (size_t i = 0; i < d->peers_n; i++)
		d->peers[i]->fruitless = false; /* something became due */
	dispatch_all(d);
}

/* --- one peer --- */

static void
free_peer(struct peer_run *p)
{
	loop_timer_free(p->await_timer);
	free(p->routes);
	free(p);
}

static bool
is_at_rest(const struct peer_run *p)
{
	return !p->exchange && !p->checking;
}

static bool
is_of_link(const struct dispatch *d, const struct peer_run *p, const char *link)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(d->n->conf, p->peer->name, &i)) != NULL;)
		if (strcmp(cl->name, link) == 0)
			return true;
	return false;
}

/* Does P use LINK now: by its exchange, or by one it may be about to begin? */
static bool
is_busy_on(const struct peer_run *p, const char *link)
{
	if (p->awaiting && strcmp(p->await_link, link) == 0)
		return true;
	if (p->exchange)
		return strcmp(p->link, link) == 0 ||
		       strcmp(p->next_link, link) == 0;
	return p->checking && is_of_link(p->d, p, link);
}

/* Tells the link when none of its peers has anything left to do. */
static void
settle_link(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++)
		if (is_busy_on(d->peers[i], link))
			return;
	links_resting(d->n->links, link);
}

/* The link P used last, and those that it could use now. */
static void
come_to_rest(struct peer_run *p)
{
	struct dispatch *d = p->d;
	char last[SPOOL_NAME_MAX + 1];
	struct link_way way;

	memcpy(last, p->link, sizeof(last));
	if (last[0])
		settle_link(d, last);
	for (size_t i = 0; links_way_at(d->n->links, p->peer->name, i, &way);
		i++)
		if (way.link && strcmp(way.link, last) != 0)
			settle_link(d, way.link);
}

/* --- mail that ETRN asked for (RFC 1985): nobody says when it is all --- */

static void
await_stop(struct peer_run *p)
{
	p->awaiting = false;
	loop_timer_clear(p->await_timer);
}

static void
await_timer_set(struct peer_run *p)
{
	if (p->d->receiving)
		loop_timer_clear(p->await_timer);
	else
		loop_timer_set(
			p->await_timer, (uint64_t)p->peer->etrn_wait_s * 1000);
}

static void
await_over(void *arg)
{
	struct peer_run *p = arg;

	log_info("etrn-wait-over", LOG_STR("peer", p->peer->name),
		LOG_STR("link", p->await_link));
	await_stop(p);
	settle_link(p->d, p->await_link);
}

/* The link of the exchange that asked stays busy meanwhile. */
static void
await_mail(struct peer_run *p)
{
	if (!p->link[0])
		return;
	p->awaiting = true;
	memcpy(p->await_link, p->link, sizeof(p->await_link));
	await_timer_set(p);
}

void
dispatch_receiving(struct dispatch *d, bool begins)
{
	d->receiving += begins ? 1 : (size_t)-1;
	for (size_t i = 0; i < d->peers_n; i++)
		if (d->peers[i]->awaiting)
			await_timer_set(d->peers[i]);
}

static bool
collects(const struct conf_peer *peer)
{
	return peer->collect != COLLECT_NONE;
}

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

/* A peer that cannot be used is a reason for all that waits for it. */
static void
set_trouble(struct peer_run *p, const struct exchange_result *result)
{
	enum spool_reason was = p->trouble;
	char text[sizeof(p->trouble_text)];

	memcpy(text, p->trouble_text, sizeof(text));
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

/* The link was taken down; it may be up again by now, or another one. */
static void
after_link_lost(struct peer_run *p)
{
	p->want_collect |= collects(p->peer);
	p->wake = true;
	look(p);
}

static void
after_success(struct peer_run *p, const struct exchange_result *result)
{
	if (p->collecting)
		p->collected_at = clock_sane_s();
	p->failures = 0;
	p->wait_until = p->collect_after = 0;
	p->fruitless = p->pushing && result->pushed == 0;
	look(p); /* what arrived meanwhile */
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
	p->fruitless = p->pushing && result->pushed == 0;
	look(p);
}

static void
after_failure(struct peer_run *p)
{
	p->want_collect |= p->collecting;
	back_off(p);
	come_to_rest(p);
}

static void
exchange_done(void *arg, const struct exchange_result *result)
{
	struct peer_run *p = arg;
	struct node *n = p->d->n;

	p->exchange = NULL;
	if (p->orphan || p->d->stopping) {
		if (p->orphan && is_at_rest(p))
			free_peer(p);
		return;
	}
	log_info("exchange-end", LOG_STR("peer", p->peer->name),
		LOG_STR("link", p->link), LOG_INT("code", result->code),
		LOG_STR("text", result->text));
	if (!result->taken_down)
		links_peer_result(n->links, p->link, result);
	set_trouble(p, result);
	if (result->expects_mail && !result->taken_down)
		await_mail(p);
	if (result->taken_down)
		after_link_lost(p);
	else if (went_well(result))
		after_success(p, result);
	else if (result->only_collect_failed)
		after_collect_failure(p, result);
	else
		after_failure(p);
}

static bool
may_collect(const struct peer_run *p)
{
	return p->want_collect && p->collect_after <= clock_sane_s();
}

static void
start(struct peer_run *p, const struct link_way *way, bool push)
{
	struct node *n = p->d->n;
	char last[SPOOL_NAME_MAX + 1];

	memcpy(last, p->link, sizeof(last));
	str_copyz(p->link, sizeof(p->link), way->link);
	p->pushing = push;
	p->collecting = may_collect(p);
	if (p->collecting)
		p->want_collect = false;
	p->exchange = exchange_start(n, &(struct exchange_conf){
						.peer = p->peer,
						.routes = p->routes,
						.routes_n = p->routes_n,
						.link = way->link,
						.interface = way->interface,
						.address = way->address,
						.push = push,
						.collect = p->collecting,
						.done = exchange_done,
						.arg = p,
					});
	if (way->link)
		links_working(n->links, p->link);
	if (last[0] && strcmp(last, p->link) != 0)
		settle_link(p->d, last); /* it moved over */
}

/* One way to the peer, and what waits that may go there. */
struct look_way {
	char link[SPOOL_NAME_MAX + 1]; /* "": none is named */
	struct spool_limits limits;
	struct spool_peek peek;
};

struct look_job {
	struct peer_run *p;
	char **routes; /* copies: a reload may come */
	size_t routes_n;
	bool wake;
	int64_t now, refused_before;
	struct look_way ways[LOOK_WAYS_MAX]; /* the preferred one first */
	size_t ways_n;
};

static struct spool_claim
look_claim(const struct look_job *j, const struct look_way *w)
{
	return (struct spool_claim){
		.routes = (const char *const *)j->routes,
		.routes_n = j->routes_n,
		.now = j->now,
		.bound = true,
		.size_class = order_size_class,
		.link = w->link[0] ? w->link : NULL,
		.limits = w->limits,
	};
}

static enum err_code
look_at_routes(struct spool_txn *t, void *arg, struct err *e)
{
	struct look_job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; j->wake && rc == OK && i < j->routes_n; i++)
		rc = spool_route_wake(
			t, j->routes[i], j->now, j->refused_before, e);
	for (size_t i = 0; rc == OK && i < j->ways_n; i++) {
		struct spool_claim c = look_claim(j, &j->ways[i]);

		rc = spool_claim_peek(t, &c, &j->ways[i].peek, e);
	}
	return rc;
}

static void
free_look(struct look_job *j)
{
	for (size_t i = 0; i < j->routes_n; i++)
		free(j->routes[i]);
	free(j->routes);
	free(j);
}

/* --- what stays says why --- */

static enum err_code
write_left(struct spool_txn *t, void *arg, struct err *e)
{
	struct look_job *j = arg;
	struct spool_claim c = look_claim(j, &j->ways[0]);

	return spool_left_mark(t, &c, LEFT_MARK_MAX, e);
}

static void
left_written(void *arg, enum err_code code, const struct err *e)
{
	struct look_job *j = arg;

	if (code != OK)
		log_error("reasons-not-recorded", LOG_STR("why", e->text));
	free_look(j);
}

static bool
is_left(const struct spool_peek *p)
{
	return p->size || p->priority || p->budget;
}

static void
tell_left(struct dispatch *d, const struct look_way *w)
{
	struct exchange_result r = {.code = EXCHANGE_LEFT};
	const struct spool_peek *p = &w->peek;
	const char *text = "some mail was left";

	if (p->budget) {
		r.code = EXCHANGE_BUDGET;
		text = "no budget for what is left";
	} else if (p->size) {
		text = "what is left is too large for the link";
	} else if (p->priority) {
		text = "what is left is not urgent enough for the link";
	} else if (!p->ready && !p->next) {
		return;
	}
	str_copyz(r.text, sizeof(r.text), text);
	links_peer_result(d->n->links, w->link, &r);
}

/* Nothing to begin now; what is left, and until when? Takes J. */
static void
rest_after_look(struct peer_run *p, struct look_job *j)
{
	struct dispatch *d = p->d;

	for (size_t i = 0; i < j->ways_n; i++) {
		const struct look_way *w = &j->ways[i];

		if (w->peek.next)
			dispatch_due_at(d, w->peek.next);
		if (links_is_usable(d->n->links, w->link))
			tell_left(d, w);
	}
	come_to_rest(p);
	if (j->ways_n && is_left(&j->ways[0].peek))
		spool_submit(d->n->spool, write_left, left_written, j);
	else
		free_look(j);
}

/* --- what can begin --- */

/* The way of W as it is now; false: it has gone. */
static bool
way_now(struct peer_run *p, const struct look_way *w, struct link_way *way_r)
{
	struct links *l = p->d->n->links;

	for (size_t i = 0; links_way_at(l, p->peer->name, i, way_r); i++)
		if (strcmp(way_r->link ? way_r->link : "", w->link) == 0)
			return true;
	return false;
}

/* A way over which mail can go now, or else one for collecting. */
static bool
choose_way(struct peer_run *p, const struct look_job *j, struct link_way *way_r,
	bool *push_r)
{
	for (size_t i = 0; i < j->ways_n; i++) {
		*push_r = j->ways[i].peek.ready && !p->fruitless;
		if (*push_r && way_now(p, &j->ways[i], way_r))
			return true;
	}
	*push_r = false;
	for (size_t i = 0; may_collect(p) && i < j->ways_n; i++)
		if ((!j->ways[i].limits.has_room ||
			    j->ways[i].limits.urgent_room) &&
			way_now(p, &j->ways[i], way_r))
			return true;
	return false;
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct look_job *j = arg;
	struct peer_run *p = j->p;
	struct link_way way = {NULL, NULL, NULL};
	bool push;

	p->checking = false;
	p->next_link[0] = '\0';
	if (p->orphan || p->d->stopping) {
		if (p->orphan && is_at_rest(p))
			free_peer(p);
	} else if (code != OK) {
		log_error("queue-unreadable", LOG_STR("why", e->text));
		p->wake |= j->wake;
		dispatch_due_at(p->d, clock_sane_s() + DISPATCH_AGAIN_S);
		come_to_rest(p);
	} else if (p->again) {
		look(p);
	} else if (choose_way(p, j, &way, &push)) {
		start(p, &way, push);
	} else {
		rest_after_look(p, j);
		return;
	}
	free_look(j);
}

static void
find_ways(struct peer_run *p, struct look_job *j)
{
	struct node *n = p->d->n;
	struct link_way way;

	while (j->ways_n < LOOK_WAYS_MAX &&
		links_way_at(n->links, p->peer->name, j->ways_n, &way)) {
		struct look_way *w = &j->ways[j->ways_n++];

		str_copyz(w->link, sizeof(w->link), way.link);
		w->limits = budgets_limits(
			n->budgets, way.link, budgets_connection(p->peer));
	}
}

/* Is there work for this peer, and may it be tried now? */
static void
look(struct peer_run *p)
{
	struct node *n = p->d->n;
	struct link_way way;
	struct look_job *j;

	p->again = p->checking;
	if (p->checking || p->d->stopping)
		return;
	if (p->exchange) {
		exchange_more(p->exchange);
		return;
	}
	if (!links_way_to(n->links, p->peer->name, &way)) {
		come_to_rest(p);
		return;
	}
	if (p->wait_until > clock_sane_s()) {
		dispatch_due_at(p->d, p->wait_until);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->p = p;
	j->routes = xcalloc(p->routes_n, sizeof(*j->routes));
	for (size_t i = 0; i < p->routes_n; i++)
		j->routes[i] = str_dupz(p->routes[i]);
	j->routes_n = p->routes_n;
	j->now = clock_sane_s();
	j->refused_before = j->now - n->conf->queue.retry_s[0];
	j->wake = p->wake;
	find_ways(p, j);
	p->wake = false;
	p->checking = true;
	if (j->wake)
		spool_submit(n->spool, look_at_routes, looked, j);
	else
		spool_submit_read(n->spool, look_at_routes, looked, j);
}

/* --- all of them --- */

static bool
serves(const struct conf_route *route, const char *peer)
{
	for (size_t i = 0; i < route->peers.n; i++)
		if (strcmp(route->peers.v[i], peer) == 0)
			return true;
	return false;
}

static struct peer_run *
new_peer(struct dispatch *d, const struct conf_peer *peer)
{
	const struct conf *conf = d->n->conf;
	struct peer_run *p = xcalloc(1, sizeof(*p));

	p->d = d;
	p->peer = peer;
	p->routes = xcalloc(conf->routes_n, sizeof(*p->routes));
	for (size_t i = 0; i < conf->routes_n; i++)
		if (serves(&conf->routes[i], peer->name))
			p->routes[p->routes_n++] =
				conf_route_name(&conf->routes[i]);
	p->want_collect = collects(peer);
	p->await_timer = loop_timer_new(d->n->loop, await_over, p);
	p->wake = true;
	return p;
}

static void
make_peers(struct dispatch *d)
{
	const struct conf *conf = d->n->conf;

	d->peers_n = conf->peers_n;
	d->peers = xcalloc(conf->peers_n, sizeof(struct peer_run *));
	for (size_t i = 0; i < conf->peers_n; i++)
		d->peers[i] = new_peer(d, &conf->peers[i]);
}

struct dispatch *
dispatch_new(struct node *n)
{
	struct dispatch *d = xcalloc(1, sizeof(*d));

	d->n = n;
	d->timer = loop_timer_new(n->loop, on_timer, d);
	make_peers(d);
	return d;
}

/* What runs goes on to its end with the configuration it began with. */
static void
drop_peers(struct dispatch *d, bool end_exchanges)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		p->orphan = true;
		await_stop(p);
		if (p->exchange && end_exchanges)
			exchange_link_lost(p->exchange);
		else if (is_at_rest(p))
			free_peer(p);
	}
	free(d->peers);
	d->peers = NULL;
	d->peers_n = 0;
}

void
dispatch_reload(struct dispatch *d)
{
	drop_peers(d, false);
	make_peers(d);
	dispatch_all(d);
}

void
dispatch_stop(struct dispatch *d)
{
	d->stopping = true;
	loop_timer_clear(d->timer);
	drop_peers(d, true);
}

void
dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	loop_timer_free(d->timer);
	free(d);
}

static void
collect_again(struct peer_run *p)
{
	struct link_way way;

	if (!collects(p->peer))
		return;
	if (!links_way_to(p->d->n->links, p->peer->name, &way) || way.link)
		return; /* a link's coming up decides */
	dispatch_due_at(p->d, clock_sane_s() + DISPATCH_COLLECT_EVERY_S + 1);
	if (!p->exchange &&
		clock_sane_s() - p->collected_at >= DISPATCH_COLLECT_EVERY_S)
		p->want_collect = true;
}

void
dispatch_all(struct dispatch *d)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		collect_again(d->peers[i]);
		look(d->peers[i]);
	}
	local_kick(d->n->local);
}

void
dispatch_now(struct dispatch *d)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		d->peers[i]->wait_until = 0;
		d->peers[i]->collect_after = 0;
		d->peers[i]->fruitless = false;
	}
	dispatch_all(d);
}

static bool
has_route(const struct peer_run *p, const char *route)
{
	for (size_t i = 0; i < p->routes_n; i++)
		if (strcmp(p->routes[i], route) == 0)
			return true;
	return false;
}

void
dispatch_arrived(struct dispatch *d, const char *route)
{
	if (d->stopping)
		return;
	if (strcmp(route, "local") == 0) {
		local_kick(d->n->local);
		return;
	}
	links_waiting_changed(d->n->links);
	for (size_t i = 0; i < d->peers_n; i++)
		if (has_route(d->peers[i], route)) {
			d->peers[i]->fruitless = false;
			d->peers[i]->pushing = false;
			look(d->peers[i]);
		}
}

void
dispatch_link_up(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (!is_of_link(d, p, link))
			continue;
		p->want_collect = collects(p->peer);
		p->wait_until = p->collect_after = 0;
		p->failures = 0;
		p->wake = true;
		p->fruitless = false;
		if (p->exchange && strcmp(p->link, link) != 0)
			str_copyz(p->next_link, sizeof(p->next_link), link);
		look(p);
	}
	settle_link(d, link);
}

void
dispatch_link_finish(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (p->exchange && strcmp(p->link, link) == 0)
			exchange_finish(p->exchange);
	}
}

void
dispatch_link_lost(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (p->awaiting && strcmp(p->await_link, link) == 0)
			await_stop(p);
		if (p->exchange && strcmp(p->link, link) == 0)
			exchange_link_lost(p->exchange);
	}
}
