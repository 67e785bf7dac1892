/*
 * Links: which of them is cheaper, and that a paid one rests while a cheaper
 * one carries its mail.
 */
#include "daemon/links_private.h"

#include <string.h>

/* What a usual session costs: a minute, and a tenth of a megabyte. */
static double
price_of(const struct conf_link *c)
{
	return c->cost_per_call + c->cost_per_minute +
	       c->cost_per_megabyte / 10;
}

/* By price, then by their order in the file. */
static bool
comes_before(const struct conf_link *a, const struct conf_link *b)
{
	double pa = price_of(a), pb = price_of(b);

	return pa < pb || (pa <= pb && a < b);
}

const struct conf_link *
links_next_cheapest(
	const struct conf *conf, const char *peer, const struct conf_link *last)
{
	const struct conf_link *best = NULL, *c;

	for (size_t i = 0; (c = conf_link_for(conf, peer, &i)) != NULL;)
		if ((!last || comes_before(last, c)) &&
			(!best || comes_before(c, best)))
			best = c;
	return best;
}

/* Can C carry all that R can? */
static bool
carries_as_much(const struct conf_link *c, const struct conf_link *r)
{
	bool size = !c->max_size || (r->max_size && r->max_size <= c->max_size);
	bool priority =
		!c->has_min_priority ||
		(r->has_min_priority && r->min_priority >= c->min_priority);

	return size && priority;
}

/* A network that is there but lets nobody through is no better one. */
static bool
works(const struct link_run *c)
{
	return link_is_usable(&c->machine) &&
	       c->machine.state.now != LINK_DIALING &&
	       c->worst != EXCHANGE_UNREACHABLE &&
	       c->worst != EXCHANGE_NOT_TRUSTED;
}

static bool
cheaper_to(const struct link_run *r, const char *peer)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(r->l->n->conf, peer, &i)) != NULL;) {
		const struct link_run *c = links_find(r->l, cl->name);

		if (c && c != r && price_of(c->conf) < price_of(r->conf) &&
			works(c) && carries_as_much(c->conf, r->conf))
			return true;
	}
	return false;
}

static bool
has_better(const struct link_run *r)
{
	const struct conf *conf = r->l->n->conf;
	bool any = false;

	for (size_t i = 0; i < conf->peers_n; i++) {
		const char *peer = conf->peers[i].name;

		if (!conf_link_carries(conf, r->row.name, peer))
			continue;
		if (!cheaper_to(r, peer))
			return false;
		any = true;
	}
	return any;
}

void
links_look_for_better(struct links *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct link_run *r = l->v[i];
		bool better = has_better(r);

		if (better == r->has_better)
			continue;
		r->has_better = better;
		links_event(
			r, better ? LINK_EV_BETTER_UP : LINK_EV_BETTER_GONE);
	}
}
