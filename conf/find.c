#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

static const char default_path[] = "/etc/tidepost/tidepost.conf";

const char *
conf_path(const char *option)
{
	const char *named = getenv("TIDEPOST_CONF");

	if (option)
		return option;
	return named && named[0] ? named : default_path;
}

bool
conf_is_named(const char *option)
{
	return conf_path(option) != default_path;
}

bool
conf_is_same(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < a->links_n; i++)
		if (a->links[i].zone)
			return false;
	return !a->local.alias_table && !b->local.alias_table &&
	       strcmp(a->text, b->text) == 0;
}

static bool
names(const struct conf_strings *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], name) == 0)
			return true;
	return false;
}

const struct conf_link *
conf_link_for(const struct conf *c, const char *peer, size_t *index)
{
	while (*index < c->links_n) {
		const struct conf_link *l = &c->links[(*index)++];

		if (l->peers.n == 0 || names(&l->peers, peer))
			return l;
	}
	return NULL;
}

bool
conf_link_carries(const struct conf *c, const char *link, const char *peer)
{
	const struct conf_link *l;

	for (size_t i = 0; (l = conf_link_for(c, peer, &i)) != NULL;)
		if (strcmp(l->name, link) == 0)
			return true;
	return false;
}

bool
conf_link_carries_route(
	const struct conf *c, const char *link, const char *route)
{
	for (size_t i = 0; i < c->routes_n; i++) {
		const struct conf_route *r = &c->routes[i];

		if (strcmp(conf_route_name(r), route) != 0)
			continue;
		for (size_t k = 0; k < r->peers.n; k++)
			if (conf_link_carries(c, link, r->peers.v[k]))
				return true;
	}
	return false;
}

const struct conf_peer *
conf_peer(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->peers_n; i++)
		if (c->peers[i].name && strcmp(c->peers[i].name, name) == 0)
			return &c->peers[i];
	return strcmp(name, CONF_MX) == 0 ? &c->mx.peer : NULL;
}

bool
conf_route_is_mx(const struct conf_route *r)
{
	return names(&r->peers, CONF_MX);
}

const struct conf_link *
conf_link(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->links_n; i++)
		if (c->links[i].name && strcmp(c->links[i].name, name) == 0)
			return &c->links[i];
	return NULL;
}

bool
conf_is_local(const struct conf *c, struct str domain)
{
	for (size_t i = 0; i < c->local.domains.n; i++)
		if (str_eq_nocase(str_of(c->local.domains.v[i]), domain))
			return true;
	return false;
}

bool
conf_is_shared(const struct conf *c, struct str domain)
{
	const struct conf_strings *s = &c->local.unknown_domains;

	if (!c->local.unknown_peer || !conf_is_local(c, domain))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (str_eq_nocase(str_of(s->v[i]), domain))
			return true;
	return s->n == 0;
}

const struct conf_route *
conf_route_for(const struct conf *c, const struct mailbox *recipient)
{
	for (size_t i = 0; i < c->routes_n; i++)
		if (address_match(str_of(c->routes[i].match), recipient))
			return &c->routes[i];
	return NULL;
}

const char *
conf_route_name(const struct conf_route *r)
{
	return r->name ? r->name : r->match;
}

bool
conf_route_is_gateway(const struct conf_route *r)
{
	return r->command || r->folder || r->mailto;
}

bool
conf_listener_is_program(const struct conf_listener *l)
{
	return l->address && strcmp(l->address, CONF_ADDRESS_PROGRAM) == 0;
}

const struct conf_listener *
conf_listener_for_program(const struct conf *c, enum conf_service service)
{
	const struct conf_listener *found = NULL;

	for (size_t i = 0; i < c->listeners_n; i++) {
		const struct conf_listener *l = &c->listeners[i];

		if (l->service != service)
			continue;
		if (conf_listener_is_program(l))
			return l;
		if (!found && l->tls != TLS_IMPLICIT)
			found = l;
	}
	return found;
}
