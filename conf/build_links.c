#include "conf/build.h"
#include "conf/schema.h"
#include "conf/timezone.h"

#include <stdlib.h>

static void
build_probe(struct conf_link *l, const struct node *g)
{
	l->probe_command = build_text(g, "links.probe.command");
	l->probe_every_s = build_seconds(g, "links.probe.every");
}

static void
build_dial(struct conf_link *l, const struct node *g)
{
	l->dial_up = build_text(g, "links.dial.up");
	l->dial_down = build_text(g, "links.dial.down");
	l->dial_timeout_s = build_seconds(g, "links.dial.timeout");
	l->windows = build_strings(g, "links.dial.windows");
	l->call_when_waiting_s =
		build_seconds(g, "links.dial.call_when_waiting");
	l->has_call_at_once = build_has(g, "links.dial.call_at_once_priority");
	l->call_at_once_priority =
		(int)build_value(g, "links.dial.call_at_once_priority").n;
}

static void
build_cost(struct conf_link *l, const struct node *g)
{
	l->cost_per_minute = build_value(g, "links.cost.per_minute").x;
	l->cost_per_megabyte = build_value(g, "links.cost.per_megabyte").x;
	l->cost_per_call = build_value(g, "links.cost.per_call").x;
	l->billing_step_s = build_seconds(g, "links.cost.billing_step");
	l->currency = build_text(g, "links.cost.currency");
}

static void
build_budget(struct conf_link *l, const struct node *g)
{
	const struct node *session = node_member(g, "session");
	const struct node *day = node_member(g, "day");
	const struct node *month = node_member(g, "month");
	const struct node *reserve = node_member(g, "reserve");

	l->session.time_s = build_seconds(session, "links.budget.session.time");
	l->session.bytes =
		(uint64_t)build_value(session, "links.budget.session.bytes").n;
	l->session.cost = build_value(session, "links.budget.session.cost").x;
	l->day.time_s = build_seconds(day, "links.budget.day.time");
	l->day.bytes = (uint64_t)build_value(day, "links.budget.day.bytes").n;
	l->day.cost = build_value(day, "links.budget.day.cost").x;
	l->month.time_s = build_seconds(month, "links.budget.month.time");
	l->month.bytes =
		(uint64_t)build_value(month, "links.budget.month.bytes").n;
	l->month.cost = build_value(month, "links.budget.month.cost").x;
	l->month.starts =
		(int)build_value(month, "links.budget.month.starts").n;
	l->reserve.time_s = build_seconds(reserve, "links.budget.reserve.time");
	l->reserve_min_priority =
		(int)build_value(reserve, "links.budget.reserve.min_priority")
			.n;
}

/* What cannot be read stays UTC; check_links complains. */
static struct zone *
build_zone(const char *name)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	if (name && timezone_find(name, z, NULL) == OK) {
		zone_spread(z);
		return z;
	}
	free(z);
	return NULL;
}

static void
build_link(struct conf_link *l, const struct node *g)
{
	l->name = build_text(g, "links.name");
	l->interface = build_text(g, "links.interface");
	l->peers = build_strings(g, "links.peers");
	l->bit_rate = (uint64_t)build_value(g, "links.bit_rate").n;
	l->rtt_ms = build_value(g, "links.rtt").n;
	l->max_rate = (uint64_t)build_value(g, "links.max_rate").n;
	l->max_size = (uint64_t)build_value(g, "links.max_size").n;
	l->has_min_priority = build_has(g, "links.min_priority");
	l->min_priority = (int)build_value(g, "links.min_priority").n;
	l->timezone = build_text(g, "links.timezone");
	l->zone = build_zone(l->timezone);
	build_probe(l, node_member(g, "probe"));
	build_dial(l, node_member(g, "dial"));
	build_cost(l, node_member(g, "cost"));
	build_budget(l, node_member(g, "budget"));
}

void
build_links(struct conf *c, const struct node *root)
{
	const struct node *list = node_member(root, "links");

	c->links_n = list && list->good ? list->n : 0;
	c->links = xcalloc(c->links_n, sizeof(*c->links));
	for (size_t i = 0; i < c->links_n; i++)
		build_link(&c->links[i], &list->v[i]);
}
