#include "base/clock.h"
#include "daemon/gateways.h"
#include "daemon/policy.h"
#include "daemon/unpack.h"
#include "daemon/dispatch_private.h"
#include "daemon/local.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* How often a peer that no link names is asked for our mail. */
	DISPATCH_COLLECT_EVERY_S = 900,
	DISPATCH_TIMER_MAX_S = 3600,
};

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

/* They may be free now, and have no peer any more. */
static void
settle_links(struct dispatch *d)
{
	const struct conf *conf = d->n->conf;

	d->orphan_ended = false;
	for (size_t i = 0; i < conf->links_n; i++)
		dispatch_settle_link(d, conf->links[i].name);
}

static void
on_timer(void *arg)
{
	struct dispatch *d = arg;

	d->timer_at = 0;
	for (size_t i = 0; i < d->peers_n; i++)
		d->peers[i]->fruitless = false; /* something became due */
	dispatch_all(d);
	if (d->orphan_ended)
		settle_links(d);
}

/* --- the peers --- */

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
	list_init(&p->node);
	p->peer = peer;
	p->routes = xcalloc(conf->routes_n, sizeof(*p->routes));
	for (size_t i = 0; i < conf->routes_n; i++)
		if (serves(&conf->routes[i], peer->name))
			p->routes[p->routes_n++] =
				conf_route_name(&conf->routes[i]);
	p->want_collect = dispatch_collects(peer);
	p->await_timer = loop_timer_new(d->n->loop, dispatch_await_over, p);
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
	list_init(&d->orphans);
	d->timer = loop_timer_new(n->loop, on_timer, d);
	d->mx = mx_new(n);
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
		list_push(&d->orphans, &p->node);
		dispatch_await_stop(p);
		if (p->exchange && end_exchanges)
			exchange_link_lost(p->exchange);
		else if (dispatch_is_at_rest(p))
			dispatch_free_peer(p);
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
	mx_reload(d->mx);
	dispatch_all(d);
}

/* LINK NULL: whatever they use. */
static void
end_orphans(struct dispatch *d, const char *link)
{
	LIST_EACH(node, tmp, &d->orphans)
	{
		struct peer_run *p = LIST_ITEM(node, struct peer_run, node);

		if (p->exchange && (!link || strcmp(p->link, link) == 0))
			exchange_link_lost(p->exchange);
	}
}

void
dispatch_stop(struct dispatch *d)
{
	d->stopping = true;
	loop_timer_clear(d->timer);
	end_orphans(d, NULL);
	drop_peers(d, true);
	mx_stop(d->mx);
}

void
dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	loop_timer_free(d->timer);
	mx_free(d->mx);
	free(d);
}

/* --- all of them --- */

static void
collect_again(struct peer_run *p)
{
	struct link_way way;
	int64_t ago; /* the clock may have been set back since */

	if (!dispatch_collects(p->peer))
		return;
	if (!links_way_to(p->d->n->links, p->peer->name, &way) || way.link)
		return; /* a link's coming up decides */
	dispatch_due_at(p->d, clock_sane_s() + DISPATCH_COLLECT_EVERY_S + 1);
	ago = clock_sane_s() - p->collected_at;
	if (!p->exchange && (ago >= DISPATCH_COLLECT_EVERY_S || ago < 0))
		p->want_collect = true;
}

void
dispatch_all(struct dispatch *d)
{
	for (size_t i = 0; i < d->peers_n; i++)
		d->peers[i]->passed = false;
	for (size_t i = 0; i < d->peers_n; i++) {
		collect_again(d->peers[i]);
		dispatch_look(d->peers[i]);
	}
	mx_kick(d->mx, false);
	local_kick(d->n->local);
	gateways_kick(d->n->gateways, NULL);
	unpack_kick(d->n->unpack);
}

void
dispatch_now(struct dispatch *d)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		d->peers[i]->wait_until = 0;
		d->peers[i]->collect_after = 0;
		d->peers[i]->fruitless = false;
	}
	mx_kick(d->mx, true);
	gateways_now(d->n->gateways);
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
	if (strcmp(route, POLICY_BATCH) == 0) {
		unpack_kick(d->n->unpack);
		return;
	}
	links_waiting_changed(d->n->links);
	for (size_t i = 0; i < d->peers_n; i++)
		if (has_route(d->peers[i], route)) {
			d->peers[i]->fruitless = false;
			d->peers[i]->passed = false;
			d->peers[i]->pushing = false;
		}
	for (size_t i = 0; i < d->peers_n; i++)
		if (has_route(d->peers[i], route))
			dispatch_look(d->peers[i]);
	mx_kick(d->mx, false);
	gateways_kick(d->n->gateways, route);
}

/* --- links --- */

void
dispatch_link_up(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (!dispatch_is_of_link(d, p->peer->name, link))
			continue;
		p->want_collect = dispatch_collects(p->peer);
		p->wait_until = p->collect_after = 0;
		p->failures = 0;
		p->wake = true;
		p->fruitless = false;
		p->passed = false;
		if (p->exchange && strcmp(p->link, link) != 0)
			str_copyz(p->next_link, sizeof(p->next_link), link);
		dispatch_look(p);
	}
	if (dispatch_is_of_link(d, CONF_MX, link))
		mx_link_up(d->mx);
	else
		mx_kick(d->mx, false);
	dispatch_settle_link(d, link);
}

void
dispatch_link_finish(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (p->exchange && strcmp(p->link, link) == 0)
			exchange_finish(p->exchange);
	}
	LIST_EACH(node, tmp, &d->orphans)
	{
		struct peer_run *p = LIST_ITEM(node, struct peer_run, node);

		if (p->exchange && strcmp(p->link, link) == 0)
			exchange_finish(p->exchange);
	}
	mx_link_finish(d->mx, link);
}

void
dispatch_link_lost(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		struct peer_run *p = d->peers[i];

		if (p->awaiting && strcmp(p->await_link, link) == 0)
			dispatch_await_stop(p);
		if (p->exchange && strcmp(p->link, link) == 0)
			exchange_link_lost(p->exchange);
	}
	end_orphans(d, link);
	mx_link_lost(d->mx, link);
}
