#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * A refusal is respected for its while; a lost connection is no refusal. One
 * that lies ahead was noted by a clock that went wrong.
 */
static bool
was_refused(const struct delivery_row *r, int64_t refused_before, int64_t now)
{
	return r->d.reason == REASON_PEER_4XX &&
	       r->d.last_attempt > refused_before && r->d.last_attempt <= now;
}

static enum err_code
wake_page(struct spool_txn *t, const struct rows *page,
	const struct spool_wake *w, size_t *woken, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(page, i);
		struct delivery_row r = *old;

		if ((w->domain && strcmp(old->domain, w->domain) != 0) ||
			was_refused(old, w->refused_before, w->now))
			continue;
		r.d.next_attempt = w->now;
		r.ripe = true; /* so a claim need not write it again */
		rc = delivery_update(t, old, &r, e);
		*woken += rc == OK;
	}
	return rc;
}

enum err_code
spool_route_wake(struct spool_txn *t, const struct spool_wake *w, bool *more_r,
	struct err *e)
{
	struct delivery_row after;
	bool more = true;
	size_t seen = 0, woken = 0;
	enum err_code rc = OK;

	while (rc == OK && more && (!w->most || seen < w->most)) {
		struct query q = {.table = T_DELIVERY,
			.index = DELIVERY_BY_DUE,
			.after = seen ? &after : NULL,
			.limit = SPOOL_PAGE};
		struct rows page;

		query_text(&q, DELIVERY_ROUTE, OP_EQ, w->route);
		query_number(&q, DELIVERY_NEXT_ATTEMPT, OP_GE, w->now + 1);
		rows_init(&page, T_DELIVERY);
		rc = tx_query(t, &q, &page, e);
		if (page.n)
			after = *(struct delivery_row *)rows_at(
				&page, page.n - 1);
		if (rc == OK)
			rc = wake_page(t, &page, w, &woken, e);
		more = page.n == SPOOL_PAGE;
		seen += page.n;
		rows_free(&page);
	}
	if (more_r)
		*more_r = more && woken > 0;
	return rc;
}

/* --- the clock was set back --- */

/* The next ones of ROUTE that wait for a time behind LATEST. */
static enum err_code
wake_behind(struct spool_txn *t, const char *route, int64_t latest, int64_t now,
	size_t limit, size_t *n, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_DUE,
		.limit = limit - *n};
	const struct spool_wake all = {.now = now, .refused_before = INT64_MAX};
	struct rows page;
	size_t woken = 0;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_NEXT_ATTEMPT, OP_GT, latest);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	if (rc == OK)
		rc = wake_page(t, &page, &all, &woken, e);
	*n += page.n;
	rows_free(&page);
	return rc;
}

enum err_code
spool_wake_behind(struct spool_txn *t, int64_t latest, int64_t now,
	size_t limit, size_t *n_r, struct err *e)
{
	struct spool_stat *stats;
	size_t n;
	enum err_code rc = spool_stats(t, &stats, &n, e);

	*n_r = 0;
	for (size_t i = 0; i < n && rc == OK && *n_r < limit; i++)
		if (stats[i].state == SPOOL_DEFERRED)
			rc = wake_behind(
				t, stats[i].route, latest, now, limit, n_r, e);
	free(stats);
	return rc;
}
