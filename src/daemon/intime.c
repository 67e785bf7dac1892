#include "daemon/intime.h"

#include "base/clock.h"
#include "daemon/links.h"

#include <stdio.h>
#include <string.h>

/* The facts of the link NAME; false: it is not there (yet). */
static bool
find_link(struct node *n, const char *name, struct link_facts *f)
{
	for (size_t i = 0; links_facts(n->links, i, f); i++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

/* Is LINK shut until a window that opens too late? */
static bool
opens_too_late(struct node *n, const struct conf_link *link, int64_t within_s,
	char *why_r, size_t size)
{
	struct link_facts f;
	char when[CLOCK_TEXT_MAX];

	if (!find_link(n, link->name, &f) || !f.window_shut || !f.next_window ||
		f.next_window - clock_sane_s() <= within_s)
		return false;
	clock_rfc3339(f.next_window, when);
	snprintf(why_r, size, "the next window of %.60s opens at %s",
		link->name, when);
	return true;
}

static bool
peer_in_time(struct node *n, const char *peer, int64_t within_s, char *why_r,
	size_t size)
{
	const struct conf_link *link;
	bool any = false;

	for (size_t i = 0; (link = conf_link_for(n->conf, peer, &i)) != NULL;) {
		any = true;
		if (!opens_too_late(n, link, within_s, why_r, size))
			return true;
	}
	return !any;
}

static bool
in_time(struct node *n, const struct conf_route *route, int64_t within_s,
	char *why_r, size_t size)
{
	for (size_t i = 0; i < route->peers.n; i++)
		if (peer_in_time(n, route->peers.v[i], within_s, why_r, size))
			return true;
	return route->peers.n == 0;
}

bool
intime_route(struct node *n, const char *route, int64_t within_s, char *why_r,
	size_t size)
{
	const struct conf *conf = n->conf;

	if (!clock_trusted()) /* windows are off */
		return true;
	for (size_t i = 0; i < conf->routes_n; i++)
		if (strcmp(conf_route_name(&conf->routes[i]), route) == 0)
			return in_time(
				n, &conf->routes[i], within_s, why_r, size);
	return true; /* local, or a customer's */
}

static bool
has_customers(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listeners_n; i++)
		if (conf->listeners[i].service == SERVICE_ODMR)
			return true;
	return false;
}

bool
intime_any(struct node *n, int64_t within_s, char *why_r, size_t size)
{
	const struct conf *conf = n->conf;

	if (!clock_trusted() || conf->local.domains.n || !conf->routes_n ||
		has_customers(conf))
		return true;
	for (size_t i = 0; i < conf->routes_n; i++)
		if (in_time(n, &conf->routes[i], within_s, why_r, size))
			return true;
	return false;
}
