/*
 * Dispatch: a look at the queue for one peer, over each way to it: what can
 * begin, and what stays and why.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/dispatch_private.h"
#include "sched/order.h"

#include <stdlib.h>
#include <string.h>

enum {
	DISPATCH_AGAIN_S = 60, /* after a fault of our own */
	LOOK_WAYS_MAX = 8,     /* links over which a peer can be reached */
	LEFT_MARK_MAX = 500,   /* deliveries that are told at once why */
};

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
		rc = spool_route_wake(t,
			&(struct spool_wake){.route = j->routes[i],
				.now = j->now,
				.refused_before = j->refused_before},
			NULL, e);
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
	dispatch_rest(p);
	dispatch_pass(p);
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
	for (size_t i = 0; dispatch_may_collect(p) && i < j->ways_n; i++)
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
		if (p->orphan && dispatch_is_at_rest(p))
			dispatch_free_peer(p);
	} else if (code != OK) {
		log_error("queue-unreadable", LOG_STR("why", e->text));
		p->wake |= j->wake;
		dispatch_due_at(p->d, clock_sane_s() + DISPATCH_AGAIN_S);
		dispatch_rest(p);
	} else if (p->again) {
		dispatch_look(p);
	} else if (choose_way(p, j, &way, &push)) {
		p->passed &= !push;
		dispatch_start(
			p, &way, (const char **)j->routes, j->routes_n, push);
	} else {
		rest_after_look(p, j);
		return;
	}
	free_look(j);
}

/* --- the look --- */

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
void
dispatch_look(struct peer_run *p)
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
	if (dispatch_is_behind(p))
		return; /* it looks when that has ended */
	if (!links_way_to(n->links, p->peer->name, &way)) {
		dispatch_rest(p);
		dispatch_pass(p);
		return;
	}
	if (p->wait_until > clock_sane_s()) {
		dispatch_due_at(p->d, p->wait_until);
		dispatch_pass(p);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->p = p;
	j->routes = xcalloc(p->routes_n, sizeof(*j->routes));
	for (size_t i = 0; i < p->routes_n; i++)
		if (dispatch_is_first(p, p->routes[i]))
			j->routes[j->routes_n++] = str_dupz(p->routes[i]);
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
