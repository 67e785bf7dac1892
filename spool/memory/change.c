#include "spool/memory/memory.h"

#include <stdlib.h>
#include <string.h>

void *
store_find(struct engine *g, enum table_id table, const void *key)
{
	const struct sorted *s = &g->sets[table][BY_KEY];
	unsigned columns_n = tables[table].indexes[BY_KEY].columns_n;
	size_t at = sorted_seek(s, table, BY_KEY, key, columns_n, false);

	if (at == s->n ||
		index_compare(table, BY_KEY, s->rows[at], key, columns_n))
		return NULL;
	return s->rows[at];
}

/* --- in and out of all indexes --- */

static void
row_link(struct engine *g, enum table_id table, void *row)
{
	const struct table *t = &tables[table];

	for (unsigned x = 0; row && x < t->indexes_n; x++)
		if (!t->indexes[x].holds || t->indexes[x].holds(row))
			sorted_add(&g->sets[table][x], table, x, row);
}

static void
row_unlink(struct engine *g, enum table_id table, const void *row)
{
	const struct table *t = &tables[table];

	for (unsigned x = 0; row && x < t->indexes_n; x++)
		if (!t->indexes[x].holds || t->indexes[x].holds(row))
			sorted_remove(&g->sets[table][x], table, x, row);
}

static void
row_free(enum table_id table, void *row)
{
	if (row)
		row_clear(table, row);
	free(row);
}

static void
change_note(struct engine *g, enum table_id table, void *old_row, void *new_row)
{
	if (g->changes_n == g->changes_cap) {
		g->changes_cap = g->changes_cap ? g->changes_cap * 2 : 64;
		g->changes = xrealloc(
			g->changes, g->changes_cap * sizeof(*g->changes));
	}
	g->changes[g->changes_n++] = (struct change){table, old_row, new_row};
}

static void
change_one(struct engine *g, enum table_id table, void *old_row, void *new_row)
{
	row_unlink(g, table, old_row);
	row_link(g, table, new_row);
	change_note(g, table, old_row, new_row);
}

/* --- counters, as the triggers of schema.sql keep them --- */

static void
counter_add(struct engine *g, const struct delivery_row *r, bool more)
{
	struct counter_row key = {.state = r->d.state}, *old, *c;

	memcpy(key.route, r->d.route, sizeof(key.route));
	old = store_find(g, T_COUNTER, &key);
	c = xmalloc(sizeof(*c));
	*c = old ? *old : key;
	c->deliveries += more ? 1 : UINT64_MAX;
	c->bytes += more ? r->size : UINT64_MAX - r->size + 1;
	change_one(g, T_COUNTER, old, c);
}

static void
sender_add(struct engine *g, const struct delivery_row *r, bool more)
{
	struct sender_row key = {.deliveries = 0}, *old, *c;

	if (!r || !route_customer(r->d.route) || r->d.state == SPOOL_DELETED)
		return;
	memcpy(key.route, r->d.route, sizeof(key.route));
	memcpy(key.sender, r->sender, sizeof(key.sender));
	str_lower(key.sender);
	old = store_find(g, T_SENDER, &key);
	c = xmalloc(sizeof(*c));
	*c = old ? *old : key;
	c->deliveries += more ? 1 : UINT64_MAX;
	c->bytes += more ? r->size : UINT64_MAX - r->size + 1;
	if (!c->deliveries) {
		free(c);
		c = NULL;
	}
	change_one(g, T_SENDER, old, c);
}

void
store_change(
	struct engine *g, enum table_id table, void *old_row, void *new_row)
{
	change_one(g, table, old_row, new_row);
	if (table != T_DELIVERY)
		return;
	if (old_row)
		counter_add(g, old_row, false);
	if (new_row)
		counter_add(g, new_row, true);
	sender_add(g, old_row, false);
	sender_add(g, new_row, true);
}

/* --- ends --- */

void
store_undo(struct engine *g, size_t n)
{
	while (g->changes_n > n) {
		struct change *c = &g->changes[--g->changes_n];

		row_unlink(g, c->table, c->new_row);
		row_link(g, c->table, c->old_row);
		row_free(c->table, c->new_row);
	}
}

void
store_commit(struct engine *g)
{
	for (size_t i = 0; i < g->changes_n; i++)
		row_free(g->changes[i].table, g->changes[i].old_row);
	g->changes_n = 0;
}

void
store_clear(struct engine *g)
{
	for (unsigned t = 0; t < TABLES_N; t++) {
		struct sorted *all = g->sets[t];

		for (size_t i = 0; i < all[BY_KEY].n; i++)
			row_free((enum table_id)t, all[BY_KEY].rows[i]);
		for (unsigned x = 0; x < INDEXES_MAX; x++)
			free(all[x].rows);
	}
	free(g->changes);
}
