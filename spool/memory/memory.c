#include "spool/memory/memory.h"

#include <stdlib.h>
#include <string.h>

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct engine *named;

static const char *
memory_version(void)
{
	return "memory";
}

/* --- stores --- */

static struct engine *
store_new(const char *name)
{
	struct engine *g = xcalloc(1, sizeof(*g));

	g->name = str_dupz(name);
	pthread_rwlock_init(&g->lock, NULL);
	return g;
}

static void
store_free(struct engine *g)
{
	store_clear(g);
	pthread_rwlock_destroy(&g->lock);
	free(g->name);
	free(g);
}

static struct engine *
store_named(const char *name)
{
	struct engine *g = named;

	while (g && strcmp(g->name, name))
		g = g->next;
	if (!g) {
		g = store_new(name);
		g->next = named;
		named = g;
	}
	return g;
}

static enum err_code
memory_open(const struct spool_options *options, const char *where,
	struct engine **engine_r, struct err *e)
{
	enum err_code rc = OK;

	pthread_mutex_lock(&names_lock);
	*engine_r = where[0] ? store_named(where) : store_new("");
	if (options->daemon && (*engine_r)->in_use) {
		*engine_r = NULL;
		rc = err_set(e, ERR_LOCKED,
			"spool memory:%s is in use by another tidepostd",
			where);
	} else if (options->daemon) {
		(*engine_r)->in_use = true;
	}
	pthread_mutex_unlock(&names_lock);
	return rc;
}

static void
memory_close(struct engine *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&names_lock);
	g->in_use = false;
	if (!g->name[0])
		store_free(g);
	pthread_mutex_unlock(&names_lock);
}

/* --- connections and transactions --- */

static enum err_code
memory_connect(struct engine *g, enum engine_access access,
	struct engine_conn **conn_r, struct err *e)
{
	struct engine_conn *c = xcalloc(1, sizeof(*c));

	(void)e;
	c->engine = g;
	c->access = access;
	*conn_r = c;
	return OK;
}

static void
memory_disconnect(struct engine_conn *c)
{
	free(c);
}

static enum err_code
memory_begin(struct engine_conn *c, struct err *e)
{
	(void)e;
	if (c->access == ENGINE_WRITE)
		pthread_rwlock_wrlock(&c->engine->lock);
	else
		pthread_rwlock_rdlock(&c->engine->lock);
	c->in_transaction = true;
	return OK;
}

static void
transaction_end(struct engine_conn *c)
{
	c->in_transaction = false;
	pthread_rwlock_unlock(&c->engine->lock);
}

static enum err_code
memory_commit(struct engine_conn *c, struct err *e)
{
	(void)e;
	store_commit(c->engine);
	transaction_end(c);
	return OK;
}

static void
memory_rollback(struct engine_conn *c)
{
	if (!c->in_transaction)
		return;
	if (c->access == ENGINE_WRITE)
		store_undo(c->engine, 0);
	transaction_end(c);
}

static enum err_code
memory_mark(struct engine_conn *c, struct err *e)
{
	(void)e;
	c->engine->mark = c->engine->changes_n;
	return OK;
}

static enum err_code
memory_keep(struct engine_conn *c, struct err *e)
{
	(void)c;
	(void)e;
	return OK;
}

static bool
memory_undo(struct engine_conn *c)
{
	store_undo(c->engine, c->engine->mark);
	return true;
}

/* --- rows --- */

static enum err_code
not_found(enum table_id table, struct err *e)
{
	return err_set(e, ERR_NOTFOUND, "%s: no such row", tables[table].name);
}

static enum err_code
memory_get(struct engine_conn *c, enum table_id table, void *row, struct err *e)
{
	const void *have = store_find(c->engine, table, row);

	if (!have)
		return not_found(table, e);
	row_copy(table, row, have);
	return OK;
}

static void
choose_id(struct engine *g, enum table_id table, void *row)
{
	const struct column *c = &tables[table].columns[0];
	const struct sorted *s = &g->sets[table][BY_KEY];

	if (tables[table].auto_id && !column_number(c, row))
		column_set_number(c, row,
			s->n ? column_number(c, s->rows[s->n - 1]) + 1 : 1);
}

static enum err_code
memory_insert(
	struct engine_conn *c, enum table_id table, void *row, struct err *e)
{
	void *copy;

	choose_id(c->engine, table, row);
	if (store_find(c->engine, table, row))
		return err_set(e, ERR_EXISTS, "%s: the row exists",
			tables[table].name);
	copy = xmalloc(tables[table].row_size);
	row_copy(table, copy, row);
	store_change(c->engine, table, NULL, copy);
	return OK;
}

/* FROM's columns of MASK; what they held in TO is freed. */
static void
columns_copy(enum table_id table, void *to, const void *from, uint64_t mask)
{
	const struct table *t = &tables[table];

	for (unsigned i = 0; i < t->columns_n; i++) {
		const struct column *c = &t->columns[i];

		if (!(mask & UINT64_C(1) << i))
			continue;
		if (c->kind == COL_HEAP_TEXT || c->kind == COL_HEAP_OCTETS) {
			char *p;

			memcpy(&p, (char *)to + c->offset, sizeof(p));
			free(p);
			column_set_view(c, to, column_view(c, from));
		} else {
			memcpy((char *)to + c->offset,
				(const char *)from + c->offset, c->size);
		}
	}
}

static enum err_code
memory_update(struct engine_conn *c, enum table_id table, const void *row,
	uint64_t mask, struct err *e)
{
	void *old = store_find(c->engine, table, row), *copy;

	if (!old)
		return not_found(table, e);
	copy = xmalloc(tables[table].row_size);
	row_copy(table, copy, old);
	columns_copy(table, copy, row, mask);
	store_change(c->engine, table, old, copy);
	return OK;
}

static enum err_code
memory_remove(struct engine_conn *c, enum table_id table, const void *row,
	struct err *e)
{
	void *old = store_find(c->engine, table, row);

	if (!old)
		return not_found(table, e);
	store_change(c->engine, table, old, NULL);
	return OK;
}

/* --- the house around it --- */

static enum err_code
memory_check(struct engine_conn *c, struct err *e)
{
	(void)c;
	(void)e;
	return OK;
}

static bool
memory_has_room(struct engine *g, uint64_t size)
{
	(void)g;
	(void)size;
	return true;
}

static bool
memory_make_room(struct engine *g)
{
	(void)g;
	return false;
}

static void
memory_committed(struct engine_conn *c)
{
	(void)c;
}

static enum err_code
memory_no_file(struct engine_conn *c, const char *path, struct err *e)
{
	(void)c;
	return err_set(e, ERR_UNSUPPORTED,
		"%s: a spool in memory has no file to copy", path);
}

static enum err_code
memory_vacuum(struct engine_conn *c, struct err *e)
{
	(void)c;
	(void)e;
	return OK;
}

const struct engine_ops memory_engine = {
	.version = memory_version,
	.open = memory_open,
	.close = memory_close,
	.connect = memory_connect,
	.disconnect = memory_disconnect,
	.begin = memory_begin,
	.commit = memory_commit,
	.rollback = memory_rollback,
	.mark = memory_mark,
	.keep = memory_keep,
	.undo = memory_undo,
	.get = memory_get,
	.insert = memory_insert,
	.update = memory_update,
	.remove = memory_remove,
	.query = memory_query,
	.check = memory_check,
	.copy = memory_no_file,
	.replace = memory_no_file,
	.vacuum = memory_vacuum,
	.has_room = memory_has_room,
	.make_room = memory_make_room,
	.committed = memory_committed,
};
