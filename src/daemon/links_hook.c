/*
 * Links: what hooks are told of them. A link is up for them from the moment it
 * carries packets until it has been hung up; what it moved and cost since its
 * call began goes with each event.
 */
#include "base/clock.h"
#include "daemon/budgets.h"
#include "daemon/hook.h"
#include "daemon/links_private.h"

#include <string.h>

static void
add_counts(struct hook_use *u, const struct session *s,
	const struct stream_counts *c)
{
	u->bytes_sent += c->sent;
	u->bytes_received += c->received;
	u->messages_sent += s->messages_sent;
	u->messages_received += s->messages_received;
}

/* With what its sessions have moved that still run. */
static struct hook_use
use_now(const struct link_run *r)
{
	struct node *n = r->l->n;
	struct hook_use u = r->use;

	LIST_EACH(node, tmp, &n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);
		struct stream_counts c;

		if (s->closed || !s->stream ||
			strcmp(s->link, r->row.name) != 0)
			continue;
		c = stream_counts(s->stream);
		add_counts(&u, s, &c);
	}
	u.seconds = (int64_t)(clock_mono_ms() - r->use_began_ms) / 1000;
	u.has_cost = budgets_cost(n->budgets, r->row.name, &u.cost);
	return u;
}

static struct hook_facts
facts_of(const struct link_run *r, const struct hook_use *use)
{
	return (struct hook_facts){.link = r->row.name,
		.state = link_state_name(&r->machine),
		.use = r->use_began_ms ? use : NULL};
}

void
links_hook_tell(struct link_run *r, enum hook_event what, const char *state,
	const char *why)
{
	struct hook_use use = use_now(r);
	struct hook_facts facts = facts_of(r, &use);

	if (state)
		facts.state = state;
	facts.reason = why;
	hooks_tell(r->l->n->hooks, what, &facts);
}

void
links_hook_budget(struct link_run *r, const char *why)
{
	if (!r->budget_told)
		links_hook_tell(r, HOOK_BUDGET_REACHED, NULL, why);
	r->budget_told = true;
}

/* STATE NULL: that of its machine. */
static void
tell_link(struct link_run *r, bool up, const char *state)
{
	char why[LINKS_REASON_MAX];
	struct hook_use use;
	struct hook_facts facts;

	if (!hooks_is_news(r->l->n->hooks, r->row.name, up))
		return;
	use = use_now(r);
	facts = facts_of(r, &use);
	if (state)
		facts.state = state;
	links_reason(r, why, sizeof(why));
	facts.reason = why;
	hooks_link(r->l->n->hooks, up, &facts);
}

void
links_hook_begin(struct link_run *r, int before)
{
	int now = (int)r->machine.state.now;
	bool rested = before == LINK_DOWN || before == LINK_FAILED ||
		      before == LINK_DISABLED;

	if ((now == LINK_DIALING && before != LINK_DIALING) ||
		(rested && !links_is_at_rest(r))) {
		r->use = (struct hook_use){.has_cost = false};
		r->use_began_ms = clock_mono_ms();
		r->budget_told = false;
	}
	if (now == LINK_UP || now == LINK_EXCHANGING || now == LINK_IDLE)
		tell_link(r, true, NULL);
}

void
links_hook_end(struct link_run *r)
{
	if (links_is_at_rest(r))
		tell_link(r, false, NULL);
}

void
links_hook_hung_up(struct link_run *r)
{
	tell_link(r, false, "down");
}

void
links_session_over(struct links *l, const char *link, const struct session *s)
{
	struct link_run *r = links_find(l, link);

	if (r)
		add_counts(&r->use, s, &s->counts);
}
