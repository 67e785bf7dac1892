/* What stays where it is when a customer calls, and whether that was told. */
#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

/* --- listing --- */

static void
row_of(const struct delivery_row *r, struct spool_row *row)
{
	row->d = r->d;
	memcpy(row->sender, r->sender, sizeof(row->sender));
	row->size = r->size;
	row->reason = r->d.reason;
	memcpy(row->reason_arg, r->d.reason_arg, sizeof(row->reason_arg));
}

enum err_code
spool_kept_list(struct spool_txn *t, const char *route, size_t limit,
	struct spool_row **rows_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_UNTOLD,
		.limit = limit};
	struct rows page;
	enum err_code rc;

	*rows_r = NULL;
	*n_r = 0;
	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	if (rc == OK && page.n) {
		*rows_r = xcalloc(page.n, sizeof(**rows_r));
		*n_r = page.n;
		for (size_t i = 0; i < page.n; i++)
			row_of(rows_at(&page, i), &(*rows_r)[i]);
	}
	rows_free(&page);
	return rc;
}

/* --- too large --- */

static enum err_code
mark_page(struct spool_txn *t, const struct rows *page, const char *who,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(page, i);
		struct delivery_row r = *old;

		r.d.reason = REASON_SIZE;
		str_copyz(r.d.reason_arg, sizeof(r.d.reason_arg), who);
		rc = delivery_update(t, old, &r, e);
	}
	return rc;
}

/* Of one rank of a stretch of the index of claims. */
static enum err_code
mark_rank(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, int64_t rank, size_t *left, struct err *e)
{
	struct query q;
	struct rows page;
	enum err_code rc;

	stretch_query(s, &q);
	q.limit = *left;
	query_number(&q, DELIVERY_RANK, OP_EQ, rank);
	if (c->size_class)
		query_number(&q, DELIVERY_SIZE_CLASS, OP_GE,
			c->size_class(c->max_size));
	query_number(&q, DELIVERY_SIZE, OP_GT, (int64_t)c->max_size);
	query_number(&q, DELIVERY_STATE, OP_EQ, SPOOL_READY);
	query_number(&q, DELIVERY_REASON, OP_EQ, REASON_NONE);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	if (rc == OK)
		rc = mark_page(t, &page, c->peer, e);
	*left -= page.n;
	rows_free(&page);
	return rc;
}

static enum err_code
mark_stretch(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, void *arg, struct err *e)
{
	int64_t rank = INT64_MIN;
	size_t *left = arg;
	struct delivery_row r;
	enum err_code rc = OK;

	while (rc == OK && *left) {
		rc = stretch_rank(t, s, rank, &r, e);
		if (rc != OK)
			return rc == ERR_NOTFOUND ? OK : rc;
		rc = mark_rank(t, c, s, r.rank, left, e);
		rank = r.rank + 1;
	}
	return rc;
}

enum err_code
spool_kept_mark(struct spool_txn *t, const struct spool_claim *c, size_t limit,
	struct err *e)
{
	struct spool_claim all = *c; /* whatever else the peer cannot take */
	enum err_code rc = OK;

	all.no_8bit = all.no_binary = all.no_smtputf8 = false;
	all.domains = NULL;
	for (size_t i = 0; c->max_size && i < c->routes_n && rc == OK; i++)
		rc = stretch_each(
			t, &all, c->routes[i], mark_stretch, &limit, e);
	return rc;
}
