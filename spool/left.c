/* What may not use a link stays, and says why. */
#include "spool/private.h"

#include <string.h>

enum spool_reason
spool_limits_refuse(const struct spool_limits *l, int priority, uint64_t size)
{
	uint64_t room = priority >= l->urgent_from ? l->urgent_room : l->room;

	if (l->has_min_priority && priority < l->min_priority)
		return REASON_PRIORITY;
	if (l->max_size && size > l->max_size)
		return REASON_SIZE;
	return l->has_room && size > room ? REASON_BUDGET : REASON_NONE;
}

bool
delivery_is_left(const struct delivery_row *r)
{
	return r->d.reason == REASON_SIZE || r->d.reason == REASON_PRIORITY ||
	       r->d.reason == REASON_BUDGET;
}

/* --- what would be claimed --- */

static void
peek_at(const struct spool_claim *c, const struct delivery_row *r,
	struct spool_peek *p)
{
	switch (spool_limits_refuse(&c->limits, r->d.priority, r->size)) {
	case REASON_PRIORITY:
		p->priority = true;
		break;
	case REASON_SIZE:
		p->size = true;
		break;
	case REASON_BUDGET:
		p->budget = true;
		break;
	default:
		p->ready = true;
	}
}

/* The smallest of each urgency, behind URGENCY; ERR_NOTFOUND: no more. */
static enum err_code
next_urgency(struct spool_txn *t, const char *route, unsigned needs,
	int64_t urgency, struct delivery_row *r, struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM};

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_NEEDS, OP_EQ, needs);
	query_number(&q, DELIVERY_URGENCY, OP_GT, urgency);
	return tx_first(t, &q, r, e);
}

static enum err_code
peek_ripe(struct spool_txn *t, const struct spool_claim *c, const char *route,
	struct spool_peek *p, struct err *e)
{
	struct delivery_row r;

	for (unsigned needs = 0; needs < NEEDS_N; needs++) {
		int64_t urgency = INT64_MIN;
		enum err_code rc;

		while ((rc = next_urgency(t, route, needs, urgency, &r, e)) ==
			OK) {
			peek_at(c, &r, p);
			urgency = r.urgency;
		}
		if (rc != ERR_NOTFOUND)
			return rc;
	}
	return OK;
}

/* Deferred ones whose time has come are not among the ripe before a claim. */
static enum err_code
peek_due(struct spool_txn *t, const struct spool_claim *c, const char *route,
	struct spool_peek *p, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_DUE,
		.limit = SPOOL_PAGE};
	struct rows page;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n; i++) {
		const struct delivery_row *r = rows_at(&page, i);

		if (r->d.next_attempt <= c->now) {
			peek_at(c, r, p);
			continue;
		}
		if (!p->next || r->d.next_attempt < p->next)
			p->next = r->d.next_attempt;
		break;
	}
	rows_free(&page);
	return rc;
}

enum err_code
spool_claim_peek(struct spool_txn *t, const struct spool_claim *c,
	struct spool_peek *peek_r, struct err *e)
{
	enum err_code rc = OK;

	*peek_r = (struct spool_peek){.ready = false};
	for (size_t i = 0; i < c->routes_n && rc == OK; i++) {
		rc = peek_ripe(t, c, c->routes[i], peek_r, e);
		if (rc == OK)
			rc = peek_due(t, c, c->routes[i], peek_r, e);
	}
	return rc;
}

/* --- marks --- */

static enum err_code
mark(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	r.d.reason = spool_limits_refuse(&c->limits, r.d.priority, r.size);
	str_copyz(r.d.reason_arg, sizeof(r.d.reason_arg), c->link);
	return r.d.reason == REASON_NONE ? OK : delivery_update(t, old, &r, e);
}

/* The largest of PRIORITY that may go; false: they all may. */
static bool
largest_that_may(const struct spool_limits *l, int priority, int64_t *largest_r)
{
	uint64_t room = priority >= l->urgent_from ? l->urgent_room : l->room;
	uint64_t most = INT64_MAX;

	if (l->max_size && l->max_size < most)
		most = l->max_size;
	if (l->has_room && room < most)
		most = room;
	*largest_r = (int64_t)most;
	if (l->has_min_priority && priority < l->min_priority)
		*largest_r = -1;
	return *largest_r < INT64_MAX;
}

/* Of the urgency of FIRST, where size is the next column. */
static enum err_code
mark_urgency(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *first, size_t *left, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_CLAIM,
		.limit = *left};
	int64_t largest;
	struct rows page;
	enum err_code rc;

	if (!largest_that_may(&c->limits, first->d.priority, &largest))
		return OK;
	query_text(&q, DELIVERY_ROUTE, OP_EQ, first->d.route);
	query_number(&q, DELIVERY_NEEDS, OP_EQ, first->needs);
	query_number(&q, DELIVERY_URGENCY, OP_EQ, first->urgency);
	query_number(&q, DELIVERY_SIZE, OP_GT, largest);
	query_number(&q, DELIVERY_STATE, OP_EQ, SPOOL_READY);
	query_number(&q, DELIVERY_REASON, OP_EQ, REASON_NONE);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++)
		rc = mark(t, c, rows_at(&page, i), e);
	*left -= page.n;
	rows_free(&page);
	return rc;
}

static enum err_code
mark_needs(struct spool_txn *t, const struct spool_claim *c, const char *route,
	unsigned needs, size_t *left, struct err *e)
{
	int64_t urgency = INT64_MIN;
	struct delivery_row r;
	enum err_code rc = OK;

	while (rc == OK && *left) {
		rc = next_urgency(t, route, needs, urgency, &r, e);
		if (rc == ERR_NOTFOUND)
			return OK;
		if (rc == OK)
			rc = mark_urgency(t, c, &r, left, e);
		urgency = r.urgency;
	}
	return rc;
}

enum err_code
spool_left_mark(struct spool_txn *t, const struct spool_claim *c, size_t limit,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < c->routes_n; i++)
		for (unsigned needs = 0; rc == OK && needs < NEEDS_N; needs++)
			rc = mark_needs(t, c, c->routes[i], needs, &limit, e);
	return rc;
}

static enum err_code
unmark(struct spool_txn *t, const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	r.d.reason = REASON_NONE;
	r.d.reason_arg[0] = '\0';
	return delivery_update(t, old, &r, e);
}

enum err_code
spool_left_clear(struct spool_txn *t, const char *route,
	struct spool_cursor *after, size_t limit, bool *end_r, struct err *e)
{
	struct delivery_row behind = {
		.d = {.message = after->id, .n = after->n}};
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_ROUTE,
		.after = after->id ? &behind : NULL,
		.limit = limit};
	struct rows page;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_STATE, OP_EQ, SPOOL_READY);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct delivery_row *r = rows_at(&page, i);

		*after = (struct spool_cursor){r->d.message, r->d.n};
		if (delivery_is_left(r))
			rc = unmark(t, r, e);
	}
	*end_r = page.n < limit;
	rows_free(&page);
	return rc;
}
