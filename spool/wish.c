/* What asks for a call of a link. */
#include "spool/private.h"

/* Of each route and state, from both ends. */
enum { WISH_LOOK_AT = 500 };

/* Whose call it would be, and what may go then. */
struct caller {
	const struct spool_carrier *by;
	const struct spool_limits *limits;
	int64_t since, now;
	int64_t aside; /* this message does not count */
};

static bool
may_go(const struct caller *c, const struct delivery_row *r)
{
	return r->d.message != c->aside && bound_allows(r->d.links, c->by) &&
	       spool_limits_refuse(c->limits, r->d.priority, r->size) ==
		       REASON_NONE;
}

static void
add_oldest(const struct delivery_row *r, struct spool_wish *w)
{
	if (!w->waiting || r->d.queued_at < w->oldest)
		w->oldest = r->d.queued_at;
	w->waiting = true;
}

/* READY: by when it came; DEFERRED: by when it is due. */
static bool
is_fresh(const struct caller *c, const struct delivery_row *r)
{
	if (r->d.state == SPOOL_READY)
		return r->d.queued_at > c->since;
	return r->d.next_attempt > c->since && r->d.next_attempt <= c->now;
}

static void
add_fresh(const struct delivery_row *r, struct spool_wish *w)
{
	if (!w->fresh || r->d.priority > w->most_urgent)
		w->most_urgent = r->d.priority;
	w->fresh = true;
}

static enum err_code
page_of(struct spool_txn *t, const char *route, enum spool_state state,
	bool backward, struct rows *page, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_ROUTE,
		.backward = backward,
		.limit = WISH_LOOK_AT};

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_STATE, OP_EQ, (int64_t)state);
	rows_init(page, T_DELIVERY);
	return tx_query(t, &q, page, e);
}

static enum err_code
find_oldest(struct spool_txn *t, const char *route, enum spool_state state,
	const struct caller *c, struct spool_wish *w, struct err *e)
{
	struct rows page;
	enum err_code rc = page_of(t, route, state, false, &page, e);

	for (size_t i = 0; rc == OK && i < page.n; i++)
		if (may_go(c, rows_at(&page, i))) {
			add_oldest(rows_at(&page, i), w);
			break;
		}
	rows_free(&page);
	return rc;
}

static enum err_code
find_fresh(struct spool_txn *t, const char *route, enum spool_state state,
	const struct caller *c, struct spool_wish *w, struct err *e)
{
	struct rows page;
	enum err_code rc = page_of(t, route, state, true, &page, e);

	for (size_t i = 0; rc == OK && i < page.n; i++) {
		const struct delivery_row *r = rows_at(&page, i);

		if (!may_go(c, r))
			continue;
		add_oldest(r, w);
		if (is_fresh(c, r))
			add_fresh(r, w);
	}
	rows_free(&page);
	return rc;
}

enum err_code
spool_route_wish(struct spool_txn *t, const char *route,
	const struct spool_carrier *by, const struct spool_limits *l,
	int64_t since, int64_t now, int64_t aside, struct spool_wish *wish_r,
	struct err *e)
{
	static const enum spool_state states[] = {SPOOL_READY, SPOOL_DEFERRED};
	const struct caller c = {.by = by,
		.limits = l,
		.since = since,
		.now = now,
		.aside = aside};
	enum err_code rc = OK;

	for (size_t i = 0; i < 2 && rc == OK; i++) {
		rc = find_oldest(t, route, states[i], &c, wish_r, e);
		if (rc == OK)
			rc = find_fresh(t, route, states[i], &c, wish_r, e);
	}
	return rc;
}
