/* Is the whole spool as it should be? The counters are counted again. */
#include "spool/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- counting again --- */

/*
 * Deliveries and octets by a text. New ones go behind; when the array is full,
 * those with one text become one, so it grows with the texts alone.
 */
struct sum {
	char *key; /* owned */
	uint64_t deliveries, bytes;
};

struct sums {
	struct sum *list; /* owned */
	size_t n, cap;
};

enum { SUMS_FIRST = 4096 };

static int
by_key(const void *a, const void *b)
{
	return strcmp(
		((const struct sum *)a)->key, ((const struct sum *)b)->key);
}

static void
sums_squeeze(struct sums *s)
{
	size_t kept = 0;

	if (s->n)
		qsort(s->list, s->n, sizeof(*s->list), by_key);
	for (size_t i = 0; i < s->n; i++) {
		struct sum *one = &s->list[i];

		if (!kept || by_key(&s->list[kept - 1], one)) {
			s->list[kept++] = *one;
			continue;
		}
		s->list[kept - 1].deliveries += one->deliveries;
		s->list[kept - 1].bytes += one->bytes;
		free(one->key);
	}
	s->n = kept;
}

static void
sums_make_room(struct sums *s)
{
	sums_squeeze(s);
	if (s->n <= s->cap / 2 && s->cap)
		return;
	s->cap = s->cap ? s->cap * 2 : SUMS_FIRST;
	s->list = xrealloc(s->list, s->cap * sizeof(*s->list));
}

/* KEY is given. */
static void
sums_add(struct sums *s, char *key, uint64_t bytes)
{
	if (s->n == s->cap)
		sums_make_room(s);
	s->list[s->n++] = (struct sum){key, 1, bytes};
}

static void
sums_free(struct sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].key);
	free(s->list);
}

/*
 * Of sums that were squeezed: takes KEY (given) out, and compares.
 */
static bool
sums_take(struct sums *s, char *key, uint64_t deliveries, uint64_t bytes)
{
	struct sum wanted = {.key = key}, *have = NULL;
	bool same;

	if (s->n)
		have = bsearch(&wanted, s->list, s->n, sizeof(wanted), by_key);
	same = (have ? have->deliveries : 0) == deliveries &&
	       (have ? have->bytes : 0) == bytes;
	if (have)
		have->deliveries = have->bytes = 0;
	free(key);
	return same;
}

static enum err_code
sums_all_taken(const struct sums *s, const char *what, struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].deliveries)
			return err_set(e, ERR_CORRUPT,
				"%s: deliveries are not counted: %s", what,
				s->list[i].key);
	return OK;
}

/* --- the counters --- */

struct recount {
	struct sums states, senders;
};

static char *
state_key(const char *route, enum spool_state state)
{
	return str_printf("route %s, %s", route, spool_state_name(state));
}

/* No address has a line break. */
static char *
sender_key(const char *route, const char *sender)
{
	char *key = str_printf("%s\n%s", route, sender);

	str_lower(key + strlen(route));
	return key;
}

static void
recount_add(struct recount *rec, const struct delivery_row *r)
{
	sums_add(&rec->states, state_key(r->d.route, r->d.state), r->size);
	if (r->d.state != SPOOL_DELETED && route_customer(r->d.route))
		sums_add(&rec->senders, sender_key(r->d.route, r->sender),
			r->size);
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
		for (size_t i = 0; i < page.n; i++)
			recount_add(rec, rows_at(&page, i));
		if (page.n)
			after = *(struct delivery_row *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	sums_squeeze(&rec->states);
	sums_squeeze(&rec->senders);
	return rc;
}

static enum err_code
compare_counter(struct recount *rec, const void *row, struct err *e)
{
	const struct counter_row *c = row;

	if (sums_take(&rec->states, state_key(c->route, c->state),
		    c->deliveries, c->bytes))
		return OK;
	return err_set(e, ERR_CORRUPT,
		"route %s, %s: the counter says %llu deliveries, which is wrong",
		c->route, spool_state_name(c->state),
		(unsigned long long)c->deliveries);
}

static enum err_code
compare_sender(struct recount *rec, const void *row, struct err *e)
{
	const struct sender_row *c = row;

	if (c->deliveries &&
		sums_take(&rec->senders, sender_key(c->route, c->sender),
			c->deliveries, c->bytes))
		return OK;
	return err_set(e, ERR_CORRUPT,
		"route %s, from <%s>: the counter says %llu deliveries, which "
		"is wrong",
		c->route, c->sender, (unsigned long long)c->deliveries);
}

/* Every row of TABLE through FN; LAST has room for a row. */
static enum err_code
compare_all(struct spool_txn *t, enum table_id table, void *last,
	struct recount *rec,
	enum err_code (*fn)(struct recount *, const void *, struct err *),
	struct err *e)
{
	struct query q = {.table = table, .index = BY_KEY, .limit = SPOOL_PAGE};
	enum err_code rc = OK;
	bool end = false;

	while (rc == OK && !end) {
		struct rows page;

		rows_init(&page, table);
		rc = tx_query(t, &q, &page, e);
		end = page.n < SPOOL_PAGE;
		for (size_t i = 0; i < page.n && rc == OK; i++)
			rc = fn(rec, rows_at(&page, i), e);
		if (page.n)
			row_copy(table, last, rows_at(&page, page.n - 1));
		q.after = last;
		rows_free(&page);
	}
	return rc;
}

static enum err_code
check_counters(struct spool_txn *t, struct err *e)
{
	struct recount rec = {{NULL, 0, 0}, {NULL, 0, 0}};
	struct counter_row counter;
	struct sender_row sender;
	enum err_code rc = recount_deliveries(t, &rec, e);

	if (rc == OK)
		rc = compare_all(
			t, T_COUNTER, &counter, &rec, compare_counter, e);
	if (rc == OK)
		rc = compare_all(t, T_SENDER, &sender, &rec, compare_sender, e);
	if (rc == OK)
		rc = sums_all_taken(&rec.states, "by route", e);
	if (rc == OK)
		rc = sums_all_taken(&rec.senders, "by sender", e);
	sums_free(&rec.states);
	sums_free(&rec.senders);
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
