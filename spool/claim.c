/*
 * Which message goes next. Ripe deliveries stand in an index by route, the
 * links they are bound to, what they need of the peer, and their place in the
 * order; so a claim is a few seeks, however much waits: one for each route,
 * set of links, need (and domain, if they are named).
 */
#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

enum {
	CLAIM_RECIPIENTS = 100,
	CLAIM_RIPEN_MAX = 500,
	CLAIM_STRAYS_MAX = 500, /* held in one claim; the rest in the next */
};

/* --- what became due --- */

static enum err_code
ripen(struct spool_txn *t, const char *route, int64_t now, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_DUE,
		.limit = CLAIM_RIPEN_MAX};
	struct rows due;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_NEXT_ATTEMPT, OP_LE, now);
	rows_init(&due, T_DELIVERY);
	rc = tx_query(t, &q, &due, e);
	for (size_t i = 0; i < due.n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(&due, i);
		struct delivery_row r = *old;

		r.ripe = true;
		rc = delivery_update(t, old, &r, e);
	}
	rows_free(&due);
	return rc;
}

enum err_code
spool_domain_due(struct spool_txn *t, const char *route, const char *domain,
	int64_t now, bool *due_r, struct err *e)
{
	struct query q = {
		.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM_DOMAIN};
	struct delivery_row *r = xcalloc(1, sizeof(*r));
	enum err_code rc = ripen(t, route, now, e);

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_text(&q, DELIVERY_DOMAIN, OP_EQ, domain);
	if (rc == OK)
		rc = tx_first(t, &q, r, e);
	*due_r = rc == OK;
	free(r);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_domain_next(struct spool_txn *t, const char *route, int64_t now,
	const char *after, char domain_r[WIRE_DOMAIN_MAX + 1], struct err *e)
{
	struct query q = {
		.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM_DOMAIN};
	struct delivery_row *r = xcalloc(1, sizeof(*r));
	enum err_code rc = after[0] ? OK : ripen(t, route, now, e);

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_text(&q, DELIVERY_DOMAIN, OP_GT, after);
	if (rc == OK)
		rc = tx_first(t, &q, r, e);
	if (rc == OK)
		str_copyz(domain_r, WIRE_DOMAIN_MAX + 1, r->domain);
	free(r);
	return rc;
}

/* --- what the peer cannot take --- */

/* Kept once for the route: it is the reason of all that are left there. */
static enum err_code
note_lacks(struct spool_txn *t, const struct spool_claim *c, const char *route,
	struct err *e)
{
	struct route_row old = {.blocked = 0}, r;
	enum err_code rc;

	str_copyz(old.route, sizeof(old.route), route);
	rc = tx_get(t, T_ROUTE, &old, e);
	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	if (rc == ERR_NOTFOUND && !claim_lacks(c, route))
		return OK;
	r = old;
	r.blocked = claim_lacks(c, route);
	str_copyz(r.blocked_peer, sizeof(r.blocked_peer),
		r.blocked && c->peer ? c->peer : "");
	if (rc == ERR_NOTFOUND)
		return tx_insert(t, T_ROUTE, &r, e);
	return row_diff(T_ROUTE, &old, &r) ? tx_update(t, T_ROUTE, &old, &r, e)
					   : OK;
}

/* --- the best one --- */

/* The place in the order, as the index has it (sched/order.h). */
static bool
goes_before(const struct delivery_row *a, const struct delivery_row *b)
{
	const struct spool_order *x = &a->d.order, *y = &b->d.order;

	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (x->size_class != y->size_class)
		return x->size_class < y->size_class;
	if (x->turn != y->turn)
		return x->turn < y->turn;
	if (a->size != b->size)
		return a->size < b->size;
	return a->d.message < b->d.message;
}

struct best {
	struct delivery_row row, candidate;
	bool found;
};

static enum err_code
better_of(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, void *arg, struct err *e)
{
	struct best *b = arg;
	enum err_code rc = stretch_first(t, c, s, &b->candidate, e);

	if (rc == ERR_NOTFOUND)
		return OK;
	if (rc != OK)
		return rc;
	if (!b->found || goes_before(&b->candidate, &b->row))
		b->row = b->candidate;
	b->found = true;
	return OK;
}

/* May any mail go on ROUTE now? */
static enum err_code
route_may_go(struct spool_txn *t, const char *route, bool *yes_r, struct err *e)
{
	const char *name = route_customer(route);
	struct spool_account a = {.suspended = false};
	enum err_code rc;

	*yes_r = true;
	if (!name)
		return OK;
	*yes_r = false;
	if (!str_copyz(a.name, sizeof(a.name), name))
		return OK;
	rc = tx_get(t, T_ACCOUNT, &a, e);
	if (rc == OK)
		*yes_r = a.kind == ACCOUNT_CUSTOMER && !a.suspended;
	explicit_bzero(&a.verifier, sizeof(a.verifier));
	explicit_bzero(&a.next, sizeof(a.next));
	spool_account_clear(&a);
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
find_best(struct spool_txn *t, const struct spool_claim *c, struct best *b,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < c->routes_n && rc == OK; i++) {
		bool may_go = true;

		if (c->owned)
			rc = route_may_go(t, c->routes[i], &may_go, e);
		if (!may_go)
			continue;
		if (rc == OK)
			rc = ripen(t, c->routes[i], c->now, e);
		if (rc == OK)
			rc = note_lacks(t, c, c->routes[i], e);
		if (rc == OK)
			rc = stretch_each(t, c, c->routes[i], better_of, b, e);
	}
	if (rc == OK && !b->found)
		rc = err_set(e, ERR_NOTFOUND, "nothing waits");
	return rc;
}

/* --- is it still the customer's? --- */

/* Does the domain of R belong to the customer whose route it waits on? */
static enum err_code
is_stray(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *r, bool *yes_r, struct err *e)
{
	const char *name = route_customer(r->d.route);
	struct domain_row d = {.position = 0};
	enum err_code rc;

	*yes_r = false;
	if (!c->owned || !name)
		return OK;
	str_copyz(d.domain, sizeof(d.domain), r->domain);
	rc = tx_get(t, T_DOMAIN, &d, e);
	*yes_r = rc != OK || strcmp(d.account, name) != 0;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* Another customer's, or nobody's: held until it is routed anew. */
static enum err_code
hold_stray(struct spool_txn *t, const struct delivery_row *old, int64_t now,
	struct err *e)
{
	struct delivery_row r = *old;
	enum err_code rc;

	hold_without_route(&r);
	rc = delivery_update(t, old, &r, e);
	return rc == OK ? without_route_event(t, old, &r, now, e) : rc;
}

static enum err_code
find_owned(struct spool_txn *t, const struct spool_claim *c, struct best *b,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < CLAIM_STRAYS_MAX; i++) {
		bool stray = false;

		b->found = false;
		rc = find_best(t, c, b, e);
		if (rc == OK)
			rc = is_stray(t, c, &b->row, &stray, e);
		if (rc != OK || !stray)
			return rc;
		rc = hold_stray(t, &b->row, c->now, e);
	}
	return rc == OK ? err_set(e, ERR_NOTFOUND, "nothing of it waits") : rc;
}

/* --- taking it, with its other recipients --- */

static bool
claim_wants(const struct spool_claim *c, const struct delivery_row *r)
{
	const struct spool_carrier by = {c->bound, c->link};
	bool route = false, domain = !c->domains;

	if (!bound_allows(r->d.links, &by))
		return false;
	for (size_t i = 0; i < c->routes_n && !route; i++)
		route = !strcmp(c->routes[i], r->d.route);
	for (size_t i = 0; i < c->domains_n && !domain; i++)
		domain =
			str_eq_nocase(str_of(c->domains[i]), str_of(r->domain));
	return route && domain;
}

static void
claimed_add(struct spool_claimed *c, const struct spool_delivery *d)
{
	c->deliveries =
		xrealloc(c->deliveries, (c->n + 1) * sizeof(*c->deliveries));
	c->deliveries[c->n++] = *d;
}

static enum err_code
take(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *old, struct spool_claimed *claimed,
	struct err *e)
{
	struct delivery_row r = *old;
	enum err_code rc;

	r.came_from = old->d.state;
	r.d.state = SPOOL_ACTIVE;
	r.d.owner = c->owner;
	/* not by this way; what is deferred always has a reason */
	if (old->d.state == SPOOL_READY && delivery_is_left(&r)) {
		r.d.reason = REASON_NONE;
		r.d.reason_arg[0] = '\0';
	}
	str_copyz(r.d.link, sizeof(r.d.link), c->link ? c->link : "");
	rc = delivery_update(t, old, &r, e);
	if (rc == OK)
		claimed_add(claimed, &r.d);
	return rc;
}

static size_t
claim_limit(const struct spool_claim *c)
{
	return c->max_recipients ? c->max_recipients : CLAIM_RECIPIENTS;
}

/* What goes with another sender, or needs more, is another transaction. */
static bool
goes_with(const struct delivery_row *first, const struct delivery_row *r)
{
	return r->needs == first->needs && spool_is_sent_as(&first->d, &r->d);
}

static enum err_code
take_page(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *first, struct rows *page,
	struct spool_claimed *claimed, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *r = rows_at(page, i);
		bool stray = false;

		if (claimed->n >= claim_limit(c) || !claim_wants(c, r) ||
			!goes_with(first, r))
			continue;
		rc = is_stray(t, c, r, &stray, e);
		if (rc == OK)
			rc = stray ? hold_stray(t, r, c->now, e)
				   : take(t, c, r, claimed, e);
	}
	return rc;
}

/* All ripe deliveries of the message of FIRST that the claim wants. */
static enum err_code
take_message(struct spool_txn *t, const struct spool_claim *c,
	const struct delivery_row *first, struct spool_claimed *claimed,
	struct err *e)
{
	struct delivery_row after = {.d = {.message = first->d.message}};
	bool more = true;
	enum err_code rc = OK;

	while (rc == OK && more && claimed->n < claim_limit(c)) {
		struct query q = {.table = T_DELIVERY,
			.index = BY_KEY,
			.after = &after,
			.limit = SPOOL_PAGE};
		struct rows page;

		query_number(&q, DELIVERY_MESSAGE, OP_EQ, first->d.message);
		query_number(&q, DELIVERY_RIPE, OP_EQ, 1);
		rows_init(&page, T_DELIVERY);
		rc = tx_query(t, &q, &page, e);
		if (rc == OK)
			rc = take_page(t, c, first, &page, claimed, e);
		more = page.n == SPOOL_PAGE;
		if (page.n)
			after = *(struct delivery_row *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	return rc;
}

enum err_code
spool_claim_next(struct spool_txn *t, const struct spool_claim *c,
	struct spool_claimed *claimed_r, struct err *e)
{
	struct best *b = xcalloc(1, sizeof(*b));
	enum err_code rc = find_owned(t, c, b, e);
	const struct delivery_row *first = &b->row;

	memset(claimed_r, 0, sizeof(*claimed_r));
	if (rc == OK)
		rc = spool_message_get(
			t, first->d.message, &claimed_r->message, e);
	if (rc == OK) {
		spool_message_for(&claimed_r->message, &first->d);
		rc = take_message(t, c, first, claimed_r, e);
	}
	if (rc != OK)
		spool_claimed_clear(claimed_r);
	free(b);
	return rc;
}

void
spool_claimed_clear(struct spool_claimed *c)
{
	if (!c)
		return;
	free(c->deliveries);
	c->deliveries = NULL;
	c->n = 0;
}

/* --- by name, for expiry and return --- */

static enum err_code
claim_row(struct spool_txn *t, uint64_t owner, struct spool_row *row,
	struct err *e)
{
	struct delivery_row old, r;
	enum err_code rc = delivery_get(t, row->d.message, row->d.n, &old, e);

	if (rc != OK)
		return rc;
	r = old;
	r.came_from = old.d.state;
	r.d.state = SPOOL_ACTIVE;
	r.d.owner = owner;
	rc = delivery_update(t, &old, &r, e);
	row->d = r.d;
	return rc;
}

/* Leaves out what a session has; ROWS closes up. */
static enum err_code
claim_page(struct spool_txn *t, uint64_t owner, struct spool_row *rows,
	size_t n, size_t *kept_r, struct err *e)
{
	enum err_code rc = OK;

	*kept_r = 0;
	for (size_t i = 0; i < n && rc == OK; i++) {
		if (rows[i].d.state == SPOOL_ACTIVE)
			continue;
		rows[*kept_r] = rows[i];
		rc = claim_row(t, owner, &rows[(*kept_r)++], e);
	}
	return rc;
}

static void
append_rows(struct spool_row **rows, size_t *n, const struct spool_row *more,
	size_t more_n)
{
	if (!more_n)
		return;
	*rows = xrealloc(*rows, (*n + more_n) * sizeof(**rows));
	memcpy(*rows + *n, more, more_n * sizeof(**rows));
	*n += more_n;
}

enum err_code
spool_claim_rows(struct spool_txn *t, uint64_t owner,
	const struct spool_filter *f, size_t limit, struct spool_row **rows_r,
	size_t *rows_n_r, struct err *e)
{
	struct spool_cursor after = {0, 0};
	enum err_code rc = OK;
	bool end = false;

	*rows_r = NULL;
	*rows_n_r = 0;
	while (rc == OK && !end && *rows_n_r < limit) {
		size_t want = limit - *rows_n_r, n, kept = 0;
		struct spool_row *page;

		rc = spool_list(t, f, &after, want, &page, &n, e);
		end = n < want;
		if (rc == OK)
			rc = claim_page(t, owner, page, n, &kept, e);
		append_rows(rows_r, rows_n_r, page, kept);
		free(page);
	}
	if (rc != OK) {
		free(*rows_r);
		*rows_r = NULL;
		*rows_n_r = 0;
	}
	return rc;
}

enum err_code
spool_claim_here(struct spool_txn *t, const char *route, uint64_t owner,
	int64_t now, struct spool_claimed *claimed, bool *found_r,
	int64_t *due_r, struct err *e)
{
	const struct spool_claim c = {
		.owner = owner,
		.routes = &route,
		.routes_n = 1,
		.now = now,
		.peer = route,
	};
	enum err_code rc;

	spool_claimed_clear(claimed);
	rc = spool_claim_next(t, &c, claimed, e);
	*found_r = rc == OK;
	if (rc != ERR_NOTFOUND)
		return rc;
	return spool_route_due(t, route, NULL, now, due_r, e);
}
