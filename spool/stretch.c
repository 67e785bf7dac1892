/*
 * Walking the index of claims. It stands in the order of sched/order.h: rank,
 * size class, the sender's turn, size; a rank holds several priorities, since
 * what waited long has risen.
 */
#include "spool/private.h"

#include <string.h>

static void
query_place(const struct stretch *s, struct query *q)
{
	*q = (struct query){.table = T_DELIVERY,
		.index = s->domain ? DELIVERY_BY_CLAIM_DOMAIN
				   : DELIVERY_BY_CLAIM};
	query_text(q, DELIVERY_ROUTE, OP_EQ, s->route);
	if (s->domain)
		query_text(q, DELIVERY_DOMAIN, OP_EQ, s->domain);
	else
		query_text(q, DELIVERY_LINKS, OP_EQ, s->links);
}

void
stretch_query(const struct stretch *s, struct query *q)
{
	query_place(s, q);
	query_number(q, DELIVERY_NEEDS, OP_EQ, s->needs);
}

enum err_code
stretch_need(struct spool_txn *t, struct stretch *s, struct err *e)
{
	struct delivery_row r;
	struct query q;
	enum err_code rc;

	query_place(s, &q);
	query_number(&q, DELIVERY_NEEDS, OP_GE, s->needs);
	rc = tx_first(t, &q, &r, e);
	if (rc == OK)
		s->needs = r.needs;
	return rc;
}

unsigned
claim_lacks(const struct spool_claim *c, const char *route)
{
	struct spool_takes takes = {.eight_bit = false};

	for (size_t i = 0; c->takes && i < c->routes_n; i++)
		if (strcmp(c->routes[i], route) == 0)
			takes = c->takes[i];
	return (c->no_8bit && !takes.eight_bit ? NEED_8BIT : 0u) |
	       (c->no_binary && !takes.binary ? NEED_BINARY : 0u) |
	       (c->no_smtputf8 && !takes.smtputf8 ? NEED_UTF8 : 0u) |
	       (c->no_requiretls && !takes.requiretls ? NEED_TLS : 0u) |
	       (c->no_deliver_by && !takes.deliver_by ? NEED_BY : 0u);
}

bool
claim_may(const struct spool_claim *c, const struct delivery_row *r)
{
	const struct spool_carrier by = {c->bound, c->link};

	/* A stretch of a domain holds what is bound to any links. */
	if (c->domains && !bound_allows(r->d.links, &by))
		return false;
	if (c->max_size && r->size > c->max_size)
		return false;
	return spool_limits_refuse(&c->limits, r->d.priority, r->size) ==
	       REASON_NONE;
}

/* No message above this may go, whatever its priority. */
static uint64_t
size_most(const struct spool_claim *c)
{
	const struct spool_limits *l = &c->limits;
	uint64_t room = l->room > l->urgent_room ? l->room : l->urgent_room;
	uint64_t most = INT64_MAX;

	if (c->max_size && c->max_size < most)
		most = c->max_size;
	if (l->max_size && l->max_size < most)
		most = l->max_size;
	return l->has_room && room < most ? room : most;
}

enum err_code
stretch_rank(struct spool_txn *t, const struct stretch *s, int64_t from,
	struct delivery_row *r, struct err *e)
{
	struct query q;

	stretch_query(s, &q);
	query_number(&q, DELIVERY_RANK, OP_GE, from);
	return tx_first(t, &q, r, e);
}

/*
 * The first in RANK that may go. Classes above the limit are not looked at; in
 * its own class the turn goes before the size.
 */
static enum err_code
rank_first(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, int64_t rank, struct delivery_row *r,
	struct err *e)
{
	uint64_t most = size_most(c);
	struct delivery_row after;
	struct query q;
	enum err_code rc;

	stretch_query(s, &q);
	query_number(&q, DELIVERY_RANK, OP_EQ, rank);
	if (c->size_class)
		query_number(
			&q, DELIVERY_SIZE_CLASS, OP_LE, c->size_class(most));
	query_number(&q, DELIVERY_SIZE, OP_LE, (int64_t)most);
	if (c->limits.has_min_priority)
		query_number(
			&q, DELIVERY_PRIORITY, OP_GE, c->limits.min_priority);
	while ((rc = tx_first(t, &q, r, e)) == OK && !claim_may(c, r)) {
		after = *r;
		q.after = &after;
	}
	return rc;
}

enum err_code
stretch_first(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, struct delivery_row *r, struct err *e)
{
	int64_t rank = INT64_MIN;
	enum err_code rc;

	for (;;) {
		rc = stretch_rank(t, s, rank, r, e);
		if (rc != OK || claim_may(c, r))
			return rc;
		rank = r->rank;
		rc = rank_first(t, c, s, rank, r, e);
		if (rc != ERR_NOTFOUND)
			return rc;
		rank++;
	}
}

static enum err_code
each_need(struct spool_txn *t, const struct spool_claim *c, struct stretch *s,
	stretch_fn *fn, void *arg, struct err *e)
{
	enum err_code rc = OK;

	for (s->needs = 0; rc == OK; s->needs++) {
		rc = stretch_need(t, s, e);
		if (rc == ERR_NOTFOUND)
			return OK;
		if (rc == OK && !(s->needs & claim_lacks(c, s->route)))
			rc = fn(t, c, s, arg, e);
	}
	return rc;
}

static enum err_code
each_domain(struct spool_txn *t, const struct spool_claim *c, const char *route,
	stretch_fn *fn, void *arg, struct err *e)
{
	char domain[WIRE_DOMAIN_MAX + 1];
	struct stretch s = {.route = route, .domain = domain};
	enum err_code rc = OK;

	for (size_t i = 0; i < c->domains_n && rc == OK; i++) {
		str_copyz(domain, sizeof(domain), c->domains[i]);
		str_lower(domain);
		rc = each_need(t, c, &s, fn, arg, e);
	}
	return rc;
}

enum err_code
stretch_each(struct spool_txn *t, const struct spool_claim *c,
	const char *route, stretch_fn *fn, void *arg, struct err *e)
{
	const struct spool_carrier by = {c->bound, c->link};
	char links[SPOOL_LINKS_MAX + 1] = "";
	struct stretch s = {.route = route, .links = links};
	enum err_code rc = OK;

	if (c->domains)
		return each_domain(t, c, route, fn, arg, e);
	while (rc == OK) {
		if (bound_allows(links, &by))
			rc = each_need(t, c, &s, fn, arg, e);
		if (rc == OK)
			rc = bound_next(t, route, links, e);
	}
	return rc == ERR_NOTFOUND ? OK : rc;
}
