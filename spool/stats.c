/* Totals, from the counters the engine keeps: as many rows as routes. */
#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

/* The next page of counters behind AFTER, which is moved. */
static enum err_code
counters_page(struct spool_txn *t, struct counter_row *after, struct rows *page,
	struct err *e)
{
	struct query q = {.table = T_COUNTER,
		.index = BY_KEY,
		.after = after,
		.limit = SPOOL_PAGE};
	enum err_code rc;

	rows_init(page, T_COUNTER);
	rc = tx_query(t, &q, page, e);
	if (rc == OK && page->n)
		*after = *(struct counter_row *)rows_at(page, page->n - 1);
	return rc;
}

/* Ids grow with time: the smallest came first. */
static enum err_code
oldest_of(struct spool_txn *t, const struct counter_row *c, int64_t *oldest_r,
	struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_ROUTE};
	struct delivery_row r;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, c->route);
	query_number(&q, DELIVERY_STATE, OP_EQ, (int64_t)c->state);
	rc = tx_first(t, &q, &r, e);
	*oldest_r = rc == OK ? r.d.queued_at : 0;
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
stats_add(struct spool_txn *t, const struct counter_row *c,
	struct spool_stat **stats, size_t *n, struct err *e)
{
	struct spool_stat *s;

	if (!c->deliveries)
		return OK;
	*stats = xrealloc(*stats, (*n + 1) * sizeof(**stats));
	s = &(*stats)[(*n)++];
	memset(s, 0, sizeof(*s));
	s->state = c->state;
	memcpy(s->route, c->route, sizeof(s->route));
	s->deliveries = c->deliveries;
	s->bytes = c->bytes;
	return oldest_of(t, c, &s->oldest, e);
}

enum err_code
spool_stats(struct spool_txn *t, struct spool_stat **stats_r, size_t *n_r,
	struct err *e)
{
	struct counter_row after = {.route = ""};
	enum err_code rc = OK;
	bool end = false;

	*stats_r = NULL;
	*n_r = 0;
	while (rc == OK && !end) {
		struct rows page;

		rc = counters_page(t, &after, &page, e);
		end = page.n < SPOOL_PAGE;
		for (size_t i = 0; i < page.n && rc == OK; i++)
			rc = stats_add(t, rows_at(&page, i), stats_r, n_r, e);
		rows_free(&page);
	}
	if (rc != OK) {
		free(*stats_r);
		*stats_r = NULL;
		*n_r = 0;
	}
	return rc;
}

enum err_code
spool_customer_waiting(struct spool_txn *t, const char *name,
	struct spool_waiting *waiting_r, struct err *e)
{
	struct query q = {
		.table = T_COUNTER, .index = BY_KEY, .limit = SPOOL_STATES_N};
	char *route = str_printf(CUSTOMER_PREFIX "%s", name);
	struct rows page;
	enum err_code rc;

	memset(waiting_r, 0, sizeof(*waiting_r));
	query_text(&q, COUNTER_ROUTE, OP_EQ, route);
	rows_init(&page, T_COUNTER);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct counter_row *c = rows_at(&page, i);

		if (c->state == SPOOL_DELETED)
			continue;
		waiting_r->deliveries += c->deliveries;
		waiting_r->bytes += c->bytes;
	}
	rows_free(&page);
	free(route);
	return rc;
}
