#include "spool/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- choosing the index --- */

static const char *
sender_pattern(const char *from)
{
	return strcmp(from, "<>") ? from : "";
}

static void
add_filters(struct query *q, const struct spool_filter *f, bool stored_reason)
{
	if (f->id)
		query_number(q, DELIVERY_MESSAGE, OP_EQ, f->id);
	if (f->n)
		query_number(q, DELIVERY_N, OP_EQ, f->n);
	if (f->has_state)
		query_number(q, DELIVERY_STATE, OP_EQ, (int64_t)f->state);
	else
		query_number(q, DELIVERY_STATE, OP_NE, SPOOL_DELETED);
	if (f->route)
		query_text(q, DELIVERY_ROUTE, OP_EQ, f->route);
	if (f->from)
		query_text(
			q, DELIVERY_SENDER, OP_GLOB, sender_pattern(f->from));
	if (f->to)
		query_text(q, DELIVERY_RECIPIENT, OP_GLOB, f->to);
	if (f->queued_before)
		query_number(q, DELIVERY_QUEUED_AT, OP_LT, f->queued_before);
	if (f->larger)
		query_number(q, DELIVERY_SIZE, OP_GT, (int64_t)f->larger);
	if (f->arrived_before)
		query_number(q, DELIVERY_STEADY_AT, OP_LT, f->arrived_before);
	if (f->return_by)
		query_number(q, DELIVERY_RETURN_AT, OP_LE, f->return_by);
	if (f->tell_by)
		query_number(q, DELIVERY_TELL_AT, OP_LE, f->tell_by);
	if (f->unwarned)
		query_number(q, DELIVERY_WARNED_AT, OP_EQ, 0);
	if (stored_reason)
		query_number(q, DELIVERY_REASON, OP_EQ, (int64_t)f->reason);
}

/*
 * Can the walk itself look for F's reason? Not where it may be a route's.
 * *stored_r: rows have it themselves or not at all.
 */
static enum err_code
reason_is_stored(struct spool_txn *t, const struct spool_filter *f,
	bool *stored_r, struct err *e)
{
	struct query q = {.table = T_ROUTE, .index = BY_KEY};
	struct route_row r;
	enum err_code rc;

	*stored_r = false;
	if (!f->has_reason || f->reason == REASON_NONE ||
		f->reason == REASON_LINK_DOWN ||
		f->reason == REASON_NO_8BITMIME ||
		f->reason == REASON_NO_SMTPUTF8 || f->reason == REASON_TLS)
		return OK;
	query_number(&q, ROUTE_REASON, OP_EQ, (int64_t)f->reason);
	rc = tx_first(t, &q, &r, e);
	*stored_r = rc == ERR_NOTFOUND;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* In order of time, the cursor means nothing: what is first is listed. */
static bool
is_by_time(const struct spool_filter *f)
{
	return f->return_by || f->tell_by;
}

static unsigned
index_for(const struct spool_filter *f)
{
	if (f->id)
		return BY_KEY;
	if (is_by_time(f))
		return f->return_by ? DELIVERY_BY_RETURN : DELIVERY_BY_TELL;
	if (f->route && f->has_state)
		return DELIVERY_BY_ROUTE;
	return f->has_state ? DELIVERY_BY_STATE : BY_KEY;
}

static enum err_code
page_of(struct spool_txn *t, const struct spool_filter *f, bool stored_reason,
	const struct delivery_row *after, size_t limit, struct rows *out,
	struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = index_for(f),
		.after = after,
		.limit = limit};

	add_filters(&q, f, stored_reason);
	/* with the key fixed nothing is left to be behind of */
	if (is_by_time(f) ||
		query_fixed(&q) ==
			tables[T_DELIVERY].indexes[q.index].columns_n)
		q.after = NULL;
	return tx_query(t, &q, out, e);
}

/* --- one route in all its states: a merge of index walks --- */

static int
by_id(const void *a, const void *b)
{
	const struct delivery_row *x = a, *y = b;

	if (x->d.message != y->d.message)
		return x->d.message > y->d.message ? 1 : -1;
	return (x->d.n > y->d.n) - (x->d.n < y->d.n);
}

static enum err_code
page_of_route(struct spool_txn *t, const struct spool_filter *f,
	bool stored_reason, const struct delivery_row *after, size_t limit,
	struct rows *out, struct err *e)
{
	struct spool_filter one = *f;
	enum err_code rc = OK;

	one.has_state = true;
	for (unsigned state = 0; state < SPOOL_STATES_N && rc == OK; state++) {
		one.state = (enum spool_state)state;
		if (one.state != SPOOL_DELETED)
			rc = page_of(
				t, &one, stored_reason, after, limit, out, e);
	}
	if (out->n)
		qsort(out->data, out->n, sizeof(struct delivery_row), by_id);
	if (out->n > limit)
		out->n = limit; /* deliveries own no memory */
	return rc;
}

enum err_code
list_page(struct spool_txn *t, const struct spool_filter *f,
	struct spool_cursor *after, size_t limit, struct rows *out, bool *end_r,
	struct err *e)
{
	struct delivery_row from = {.d = {.message = after->id, .n = after->n}};
	const struct delivery_row *last;
	bool stored;
	enum err_code rc;

	*end_r = true;
	/* one delivery by name: it is not behind itself */
	if (f->id && f->n &&
		by_id(&from, &(struct delivery_row){
				     .d = {.message = f->id, .n = f->n}}) >= 0)
		return OK;
	rc = reason_is_stored(t, f, &stored, e);
	if (rc != OK)
		return rc;
	if (f->route && !f->has_state && !f->id)
		rc = page_of_route(t, f, stored, &from, limit, out, e);
	else
		rc = page_of(t, f, stored, &from, limit, out, e);
	if (rc != OK || !out->n)
		return rc;
	last = rows_at(out, out->n - 1);
	*after = (struct spool_cursor){last->d.message, last->d.n};
	*end_r = out->n < limit || is_by_time(f);
	return OK;
}

/* --- the reason, with that of the route --- */

enum { ROUTES_KEPT = 8 };

struct route_cache {
	struct route_row rows[ROUTES_KEPT];
	unsigned n, next;
};

static enum err_code
route_of(struct spool_txn *t, struct route_cache *cache, const char *route,
	const struct route_row **row_r, struct err *e)
{
	struct route_row *r;
	enum err_code rc;

	for (unsigned i = 0; i < cache->n; i++) {
		*row_r = &cache->rows[i];
		if (!strcmp(cache->rows[i].route, route))
			return OK;
	}
	r = &cache->rows[cache->next++ % ROUTES_KEPT];
	if (cache->n < ROUTES_KEPT)
		cache->n++;
	memset(r, 0, sizeof(*r));
	str_copyz(r->route, sizeof(r->route), route);
	rc = tx_get(t, T_ROUTE, r, e);
	*row_r = r;
	return rc == ERR_NOTFOUND ? OK : rc;
}

static void
set_reason(struct spool_row *row, enum spool_reason reason, const char *arg)
{
	row->reason = reason;
	str_copyz(row->reason_arg, sizeof(row->reason_arg), arg);
}

static void
set_reason_binary(struct spool_row *row, const char *peer)
{
	row->reason = REASON_NO_8BITMIME;
	snprintf(row->reason_arg, sizeof(row->reason_arg), "%s%s%s",
		REASON_BINARY_WORDS, peer[0] ? ", unlike " : "", peer);
}

static void
set_reason_tls(struct spool_row *row, const char *peer)
{
	row->reason = REASON_TLS;
	snprintf(row->reason_arg, sizeof(row->reason_arg),
		"%s does not offer REQUIRETLS", peer[0] ? peer : "the peer");
}

/* Bound by a rule to links of which none is up: that is the reason then. */
static enum err_code
reason_of_links(struct spool_txn *t, const struct delivery_row *r,
	struct spool_row *row, bool *found_r, struct err *e)
{
	bool up = true;
	enum err_code rc = OK;

	if (r->d.links[0])
		rc = bound_is_up(t, r->d.links, &up, e);
	*found_r = !up;
	if (rc != OK || up)
		return rc;
	row->reason = REASON_LINK_DOWN;
	bound_text(r->d.links, row->reason_arg, sizeof(row->reason_arg));
	return OK;
}

static enum err_code
reason_of(struct spool_txn *t, struct route_cache *cache,
	const struct delivery_row *r, struct spool_row *row, struct err *e)
{
	const struct route_row *route;
	bool bound;
	enum err_code rc;

	set_reason(row, r->d.reason, r->d.reason_arg);
	if (r->d.state != SPOOL_READY || r->d.reason != REASON_NONE)
		return OK;
	rc = reason_of_links(t, r, row, &bound, e);
	if (rc != OK || bound)
		return rc;
	rc = route_of(t, cache, r->d.route, &route, e);
	if (rc != OK)
		return rc;
	if (r->needs & route->blocked & NEED_BINARY)
		set_reason_binary(row, route->blocked_peer);
	else if (r->needs & route->blocked & NEED_8BIT)
		set_reason(row, REASON_NO_8BITMIME, route->blocked_peer);
	else if (r->needs & route->blocked & NEED_UTF8)
		set_reason(row, REASON_NO_SMTPUTF8, route->blocked_peer);
	else if (r->needs & route->blocked & NEED_TLS)
		set_reason_tls(row, route->blocked_peer);
	else
		set_reason(row, route->reason, route->reason_arg);
	return OK;
}

/* --- the list --- */

struct listing {
	struct spool_row *rows;
	size_t n, limit;
	struct route_cache cache;
};

static enum err_code
listing_add(struct spool_txn *t, struct listing *l,
	const struct spool_filter *f, const struct delivery_row *r,
	struct err *e)
{
	struct spool_row *row = &l->rows[l->n];
	enum err_code rc;

	row->d = r->d;
	/* It goes on from there when it is put back; now it waits for none. */
	if (r->d.state == SPOOL_ACTIVE || r->d.state == SPOOL_DELETED)
		row->d.next_attempt = 0;
	memcpy(row->sender, r->sender, sizeof(row->sender));
	row->size = r->size;
	rc = reason_of(t, &l->cache, r, row, e);
	if (rc == OK && (!f->has_reason || row->reason == f->reason) &&
		(!f->needs || (r->needs & f->needs)))
		l->n++;
	return rc;
}

/* The next page into L; AFTER ends at the last row looked at. */
static enum err_code
listing_page(struct spool_txn *t, struct listing *l,
	const struct spool_filter *f, struct spool_cursor *after, bool *end_r,
	struct err *e)
{
	size_t want = l->limit - l->n;
	struct rows page;
	enum err_code rc;

	if (want > SPOOL_PAGE)
		want = SPOOL_PAGE;
	rows_init(&page, T_DELIVERY);
	rc = list_page(t, f, after, want, &page, end_r, e);
	if (page.n)
		l->rows = xrealloc(l->rows, (l->n + page.n) * sizeof(*l->rows));
	for (size_t i = 0; i < page.n && rc == OK; i++)
		rc = listing_add(t, l, f, rows_at(&page, i), e);
	rows_free(&page);
	return rc;
}

enum err_code
spool_list(struct spool_txn *t, const struct spool_filter *f,
	struct spool_cursor *after, size_t limit, struct spool_row **rows_r,
	size_t *rows_n_r, struct err *e)
{
	struct listing *l = xcalloc(1, sizeof(*l));
	enum err_code rc = OK;
	bool end = false;

	l->limit = limit;
	while (rc == OK && !end && l->n < limit)
		rc = listing_page(t, l, f, after, &end, e);
	if (rc != OK) {
		free(l->rows);
		l->rows = NULL;
		l->n = 0;
	}
	*rows_r = l->rows;
	*rows_n_r = l->n;
	free(l);
	return rc;
}
