/* Links: which way mail can go now, and what those who use one tell of it. */
#include "daemon/dispatch.h"
#include "daemon/links_private.h"
#include "net/iface.h"

#include <string.h>

/* --- ways --- */

bool
links_way_at(
	struct links *l, const char *peer, size_t i, struct link_way *way_r)
{
	const struct conf_link *cl = NULL;
	bool named = false;

	*way_r = (struct link_way){NULL, NULL, NULL};
	while ((cl = links_next_cheapest(l->n->conf, peer, cl)) != NULL) {
		struct link_run *r = links_find(l, cl->name);

		named = true;
		if (!r || !link_is_usable(&r->machine) || i-- > 0)
			continue;
		way_r->link = r->row.name;
		way_r->interface =
			r->row.interface[0] ? r->row.interface : cl->interface;
		way_r->address = r->row.address;
		return true;
	}
	return !named && i == 0;
}

bool
links_way_to(struct links *l, const char *peer, struct link_way *way_r)
{
	return links_way_at(l, peer, 0, way_r);
}

bool
links_exists(struct links *l, const char *name)
{
	return links_find(l, name) != NULL;
}

bool
links_is_usable(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	return r && link_is_usable(&r->machine);
}

bool
links_is_disabled(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	return r && link_record(&r->machine).disabled;
}

/* --- connections that others make --- */

static bool
is_up(const struct link_run *r)
{
	return r->machine.state.now == LINK_UP ||
	       r->machine.state.now == LINK_EXCHANGING ||
	       r->machine.state.now == LINK_IDLE;
}

static bool
has_address(const struct link_run *r, const char *local)
{
	const char *interface =
		r->row.interface[0] ? r->row.interface : r->conf->interface;

	if (r->row.address[0])
		return strcmp(r->row.address, local) == 0;
	return interface && iface_has_address(interface, local);
}

const char *
links_of_connection(struct links *l, const char *local, const char *remote)
{
	for (size_t i = 0; i < l->count; i++)
		if (is_up(l->v[i]) && has_address(l->v[i], local))
			return l->v[i]->row.name;
	return dispatch_awaits_from(l->n->dispatch, remote);
}

/* --- from budgets --- */

void
links_budget(
	struct links *l, const char *name, enum link_event ev, const char *why)
{
	struct link_run *r = links_find(l, name);

	if (!r)
		return;
	if (ev != LINK_EV_BUDGET_FREE) {
		links_end_waits(r, EXCHANGE_BUDGET, why);
		links_hook_budget(r, why);
	} else {
		r->budget_told = false;
	}
	links_event(r, ev);
	links_explain(l);
}

void
links_more_room(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	if (r && link_is_usable(&r->machine))
		dispatch_link_up(l->n->dispatch, name);
}

void
links_again(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	if (r && link_is_usable(&r->machine))
		links_begin(r);
}

/* --- from exchanges --- */

void
links_connected(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (r)
		links_event(r, LINK_EV_CONNECTED);
}

void
links_working(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (r)
		links_event(r, LINK_EV_WORK);
}

/* Which of two results a script is told (the interface's order). */
static bool
is_worse(int a, int b)
{
	static const int order[] = {15, 12, 11, 14, 13, 10, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (order[i] == b)
			return false;
		if (order[i] == a)
			return true;
	}
	return false;
}

void
links_peer_result(
	struct links *l, const char *link, const struct exchange_result *result)
{
	struct link_run *r = links_find(l, link);

	/* While it is dialled these are tries, which count nowhere. */
	if (!r || r->machine.state.now == LINK_DIALING)
		return;
	if (result->code == EXCHANGE_OK)
		r->row.verified = true;
	if (!is_worse((int)result->code, r->worst))
		return;
	r->worst = (int)result->code;
	str_copyz(r->worst_text, sizeof(r->worst_text), result->text);
	links_look_for_better(l);
}

/* Once for each use: two bad ones in a row, and it is called no more. */
static void
tell_result(struct link_run *r)
{
	if (!r->machine.running ||
		(r->machine.state.now != LINK_UP &&
			r->machine.state.now != LINK_EXCHANGING))
		return;
	if (r->worst == EXCHANGE_UNREACHABLE ||
		r->worst == EXCHANGE_NOT_TRUSTED)
		links_event(r, LINK_EV_RESULT_BAD);
	else if (r->worst == EXCHANGE_OK || r->worst == EXCHANGE_LEFT) {
		r->chance_at = r->row.called_at;
		links_event(r, LINK_EV_RESULT_GOOD);
	}
}

void
links_resting(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (!r)
		return;
	if (r->machine.state.now == LINK_IDLE) {
		if (!list_empty(&r->waits))
			links_tell_rest(r);
		return;
	}
	tell_result(r);
	links_event(r, LINK_EV_NO_WORK);
}
