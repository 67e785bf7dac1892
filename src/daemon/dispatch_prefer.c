/*
 * Dispatch: the peers of a route in their order. Mail goes to the first one
 * that can be reached and may have it; to the next one only while those before
 * it cannot, are in trouble, or have looked and may take nothing of it.
 */
#include "base/clock.h"
#include "daemon/dispatch_private.h"

#include <string.h>

static struct peer_run *
find(const struct dispatch *d, const char *peer)
{
	for (size_t i = 0; i < d->peers_n; i++)
		if (strcmp(d->peers[i]->peer->name, peer) == 0)
			return d->peers[i];
	return NULL;
}

/* Will it take what is there, as far as is known? */
static bool
is_open(const struct peer_run *p)
{
	struct link_way way;

	/* whatever was wrong before */
	if (p->exchange && exchange_takes(p->exchange))
		return true;
	return !p->passed && p->trouble == REASON_NONE &&
	       p->wait_until <= clock_sane_s() &&
	       links_way_to(p->d->n->links, p->peer->name, &way);
}

static const struct conf_route *
route_of(const struct dispatch *d, const char *name)
{
	const struct conf *conf = d->n->conf;

	for (size_t i = 0; i < conf->routes_n; i++)
		if (strcmp(conf_route_name(&conf->routes[i]), name) == 0)
			return &conf->routes[i];
	return NULL;
}

bool
dispatch_is_first(const struct peer_run *p, const char *route)
{
	const struct conf_route *r = route_of(p->d, route);

	for (size_t i = 0; r && i < r->peers.n; i++) {
		const struct peer_run *q = find(p->d, r->peers.v[i]);

		if (q == p)
			return true;
		if (q && is_open(q))
			return false;
	}
	return true;
}

/* Those behind P on ROUTE. */
static void
look_behind(struct peer_run *p, const struct conf_route *route)
{
	bool behind = false;

	for (size_t i = 0; i < route->peers.n; i++) {
		struct peer_run *q = find(p->d, route->peers.v[i]);

		if (behind && q && q != p)
			dispatch_look(q);
		behind |= q == p;
	}
}

void
dispatch_pass(struct peer_run *p)
{
	bool was = p->passed;

	p->passed = true;
	for (size_t i = 0; !was && i < p->routes_n; i++) {
		const struct conf_route *r = route_of(p->d, p->routes[i]);

		if (r)
			look_behind(p, r);
	}
}
