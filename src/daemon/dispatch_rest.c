/*
 * Dispatch: when a peer and the links it uses have come to rest, and waiting
 * for the mail that ETRN asked for (RFC 1985): nobody says when it is all.
 */
#include "base/log.h"
#include "daemon/dispatch_private.h"

#include <stdlib.h>
#include <string.h>

void
dispatch_free_peer(struct peer_run *p)
{
	list_remove(&p->node);
	loop_timer_free(p->await_timer);
	free(p->routes);
	free(p);
}

bool
dispatch_is_at_rest(const struct peer_run *p)
{
	return !p->exchange && !p->checking;
}

bool
dispatch_is_behind(const struct peer_run *p)
{
	LIST_EACH(node, tmp, &p->d->orphans)
	{
		const struct peer_run *o =
			LIST_ITEM(node, struct peer_run, node);

		if (o->exchange && strcmp(o->peer->name, p->peer->name) == 0)
			return true;
	}
	return false;
}

bool
dispatch_is_of_link(
	const struct dispatch *d, const char *peer, const char *link)
{
	const struct conf_link *cl;

	for (size_t i = 0; (cl = conf_link_for(d->n->conf, peer, &i)) != NULL;)
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
	return p->checking && dispatch_is_of_link(p->d, p->peer->name, link);
}

static bool
is_used_by_orphan(const struct dispatch *d, const char *link)
{
	LIST_EACH(node, tmp, &d->orphans)
	{
		const struct peer_run *p =
			LIST_ITEM(node, struct peer_run, node);

		if (p->exchange && strcmp(p->link, link) == 0)
			return true;
	}
	return false;
}

/* Tells the link when none of its peers has anything left to do. */
void
dispatch_settle_link(struct dispatch *d, const char *link)
{
	for (size_t i = 0; i < d->peers_n; i++)
		if (is_busy_on(d->peers[i], link))
			return;
	if (!is_used_by_orphan(d, link) && !mx_is_busy_on(d->mx, link))
		links_resting(d->n->links, link);
}

/* The link P used last, and those that it could use now. */
void
dispatch_rest(struct peer_run *p)
{
	struct dispatch *d = p->d;
	char last[SPOOL_NAME_MAX + 1];
	struct link_way way;

	memcpy(last, p->link, sizeof(last));
	if (last[0])
		dispatch_settle_link(d, last);
	for (size_t i = 0; links_way_at(d->n->links, p->peer->name, i, &way);
		i++)
		if (way.link && strcmp(way.link, last) != 0)
			dispatch_settle_link(d, way.link);
}

/* --- mail that ETRN asked for --- */

void
dispatch_await_stop(struct peer_run *p)
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

void
dispatch_await_over(void *arg)
{
	struct peer_run *p = arg;

	log_info("etrn-wait-over", LOG_STR("peer", p->peer->name),
		LOG_STR("link", p->await_link));
	dispatch_await_stop(p);
	dispatch_settle_link(p->d, p->await_link);
}

/* The link of the exchange that asked stays busy meanwhile. */
void
dispatch_await(struct peer_run *p, const char *from)
{
	if (!p->link[0])
		return;
	p->awaiting = true;
	memcpy(p->await_link, p->link, sizeof(p->await_link));
	str_copyz(p->await_from, sizeof(p->await_from), from);
	await_timer_set(p);
}

static const struct peer_run *
awaited(const struct dispatch *d, const char *address)
{
	for (size_t i = 0; i < d->peers_n; i++) {
		const struct peer_run *p = d->peers[i];

		if (p->awaiting && strcmp(p->await_from, address) == 0)
			return p;
	}
	return NULL;
}

const char *
dispatch_awaits_from(const struct dispatch *d, const char *address)
{
	const struct peer_run *p = awaited(d, address);

	return p ? p->await_link : NULL;
}

void
dispatch_awaited_peer(const struct dispatch *d, const char *address,
	char peer_r[SPOOL_NAME_MAX + 1])
{
	const struct peer_run *p = awaited(d, address);

	str_copyz(peer_r, SPOOL_NAME_MAX + 1, p ? p->peer->name : "");
}

void
dispatch_receiving(struct dispatch *d, bool begins)
{
	d->receiving += begins ? 1 : (size_t)-1;
	for (size_t i = 0; i < d->peers_n; i++)
		if (d->peers[i]->awaiting)
			await_timer_set(d->peers[i]);
}
