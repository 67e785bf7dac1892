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

/* Does one of a stretch go? If not, what the first of each rank says. */
static enum err_code
peek_stretch(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, void *arg, struct err *e)
{
	struct spool_peek *p = arg;
	int64_t rank = INT64_MIN;
	struct delivery_row r;
	enum err_code rc;

	while ((rc = stretch_rank(t, s, rank, &r, e)) == OK) {
		peek_at(c, &r, p);
		rank = r.rank + 1;
	}
	if (rc == ERR_NOTFOUND && !p->ready)
		rc = stretch_first(t, c, s, &r, e);
	p->ready |= rc == OK;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* Deferred ones whose time has come are not among the ripe before a claim. */
static enum err_code
peek_due(struct spool_txn *t, const struct spool_claim *c, const char *route,
	struct spool_peek *p, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_DUE,
		.limit = SPOOL_PAGE};
	const struct spool_carrier by = {c->bound, c->link};
	struct rows page;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n; i++) {
		const struct delivery_row *r = rows_at(&page, i);

		if (!bound_allows(r->d.links, &by))
			continue;
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
		rc = stretch_each(t, c, c->routes[i], peek_stretch, peek_r, e);
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

/* Larger than this some may not go; INT64_MAX: all may. */
static int64_t
size_least(const struct spool_limits *l)
{
	uint64_t room = l->room < l->urgent_room ? l->room : l->urgent_room;
	uint64_t least = INT64_MAX;

	if (l->max_size && l->max_size < least)
		least = l->max_size;
	if (l->has_room && room < least)
		least = room;
	return (int64_t)least;
}

/* Those of one rank that are READY, without a reason, and as COLUMN OP N. */
static enum err_code
mark_rank(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, int64_t rank, unsigned column, enum pred_op op,
	int64_t n, size_t *left, struct err *e)
{
	struct query q;
	struct rows page;
	enum err_code rc;

	stretch_query(s, &q);
	q.limit = *left;
	query_number(&q, DELIVERY_RANK, OP_EQ, rank);
	query_number(&q, DELIVERY_STATE, OP_EQ, SPOOL_READY);
	query_number(&q, DELIVERY_REASON, OP_EQ, REASON_NONE);
	query_number(&q, column, op, n);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++)
		rc = mark(t, c, rows_at(&page, i), e);
	*left -= page.n;
	rows_free(&page);
	return rc;
}

static enum err_code
mark_stretch(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, void *arg, struct err *e)
{
	const struct spool_limits *l = &c->limits;
	int64_t rank = INT64_MIN, least = size_least(l);
	size_t *left = arg;
	struct delivery_row r;
	enum err_code rc = OK;

	while (rc == OK && *left) {
		rc = stretch_rank(t, s, rank, &r, e);
		if (rc != OK)
			return rc == ERR_NOTFOUND ? OK : rc;
		rank = r.rank + 1;
		if (l->has_min_priority)
			rc = mark_rank(t, c, s, r.rank, DELIVERY_PRIORITY,
				OP_LT, l->min_priority, left, e);
		if (rc == OK && *left && least < INT64_MAX)
			rc = mark_rank(t, c, s, r.rank, DELIVERY_SIZE, OP_GT,
				least, left, e);
	}
	return rc;
}

enum err_code
spool_left_mark(struct spool_txn *t, const struct spool_claim *c, size_t limit,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < c->routes_n && rc == OK; i++)
		rc = stretch_each(t, c, c->routes[i], mark_stretch, &limit, e);
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
