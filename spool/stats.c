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
	char *route = str_printf("customer:%s", name);
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

/* --- are the counters right? --- */

struct recount {
	struct counter_row *rows; /* owned */
	size_t n;
};

static struct counter_row *
recount_row(struct recount *rec, const char *route, enum spool_state state)
{
	struct counter_row *c;

	for (size_t i = 0; i < rec->n; i++)
		if (rec->rows[i].state == state &&
			!strcmp(rec->rows[i].route, route))
			return &rec->rows[i];
	rec->rows = xrealloc(rec->rows, (rec->n + 1) * sizeof(*rec->rows));
	c = &rec->rows[rec->n++];
	memset(c, 0, sizeof(*c));
	c->state = state;
	str_copyz(c->route, sizeof(c->route), route);
	return c;
}

static enum err_code
recount_deliveries(struct spool_txn *t, struct recount *rec, struct err *e)
{
	struct delivery_row after = {.size = 0};
	enum err_code rc = OK;
	bool end = false;

	while (rc == OK && !end) {
		struct query q = {.table = T_DELIVERY,
			.index = BY_KEY,
			.after = &after,
			.limit = SPOOL_PAGE};
		struct rows page;

		rows_init(&page, T_DELIVERY);
		rc = tx_query(t, &q, &page, e);
		end = page.n < SPOOL_PAGE;
		for (size_t i = 0; i < page.n; i++) {
			const struct delivery_row *r = rows_at(&page, i);
			struct counter_row *c =
				recount_row(rec, r->d.route, r->d.state);

			c->deliveries++;
			c->bytes += r->size;
			after = *r;
		}
		rows_free(&page);
	}
	return rc;
}

static enum err_code
compare_counter(struct recount *rec, const struct counter_row *c, struct err *e)
{
	struct counter_row *have = recount_row(rec, c->route, c->state);

	if (have->deliveries != c->deliveries || have->bytes != c->bytes)
		return err_set(e, ERR_CORRUPT,
			"route %s: %llu deliveries %s, the counter says %llu",
			c->route, (unsigned long long)have->deliveries,
			spool_state_name(c->state),
			(unsigned long long)c->deliveries);
	have->deliveries = have->bytes = 0; /* seen */
	return OK;
}

static enum err_code
recount_left(const struct recount *rec, struct err *e)
{
	for (size_t i = 0; i < rec->n; i++)
		if (rec->rows[i].deliveries)
			return err_set(e, ERR_CORRUPT,
				"route %s: deliveries %s are not counted",
				rec->rows[i].route,
				spool_state_name(rec->rows[i].state));
	return OK;
}

static enum err_code
check_counters(struct spool_txn *t, struct err *e)
{
	struct recount rec = {NULL, 0};
	struct counter_row after = {.route = ""};
	enum err_code rc = recount_deliveries(t, &rec, e);
	bool end = false;

	while (rc == OK && !end) {
		struct rows page;

		rc = counters_page(t, &after, &page, e);
		end = page.n < SPOOL_PAGE;
		for (size_t i = 0; i < page.n && rc == OK; i++)
			rc = compare_counter(&rec, rows_at(&page, i), e);
		rows_free(&page);
	}
	if (rc == OK)
		rc = recount_left(&rec, e);
	free(rec.rows);
	return rc;
}

/* --- is every message whole? --- */

static enum err_code
check_body(struct spool_txn *t, const struct spool_message *m, struct err *e)
{
	char octets[SPOOL_CHUNK_BYTES];
	uint64_t at = 0;
	size_t n = 1;
	enum err_code rc = OK;

	while (rc == OK && n) {
		rc = spool_body_read(
			t, m->id, at, octets, sizeof(octets), &n, e);
		at += n;
	}
	if (rc == OK && at != m->size)
		rc = err_set(e, ERR_CORRUPT,
			"message %lld: %llu octets for %llu", (long long)m->id,
			(unsigned long long)at, (unsigned long long)m->size);
	return rc;
}

/* The deliveries say which messages there are. */
static enum err_code
check_messages(struct spool_txn *t, struct err *e)
{
	struct spool_message m = {.id = 0};
	enum err_code rc;

	for (;;) {
		struct query q = {.table = T_MESSAGE, .index = BY_KEY};
		struct query any = {.table = T_DELIVERY, .index = BY_KEY};
		struct delivery_row r;

		query_number(&q, MESSAGE_ID, OP_GT, m.id);
		rc = tx_first(t, &q, &m, e);
		if (rc != OK)
			return rc == ERR_NOTFOUND ? OK : rc;
		rc = check_body(t, &m, e);
		if (rc != OK)
			return rc;
		query_number(&any, DELIVERY_MESSAGE, OP_EQ, m.id);
		rc = tx_first(t, &any, &r, e);
		if (rc != OK)
			return err_set(e, rc == ERR_NOTFOUND ? ERR_CORRUPT : rc,
				"message %lld has no recipient",
				(long long)m.id);
	}
}

static enum err_code
check_all(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = t->spool->ops->check(t->conn, e);

	(void)arg;
	if (rc == OK)
		rc = check_counters(t, e);
	if (rc == OK)
		rc = check_messages(t, e);
	return rc;
}

enum err_code
spool_check(struct spool *s, struct err *e)
{
	return spool_read(s, check_all, NULL, e);
}
