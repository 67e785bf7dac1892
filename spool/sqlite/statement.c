#include "spool/sqlite/sqlite.h"

#include <string.h>

static const char *const op_text[] = {
	[OP_EQ] = "=",
	[OP_NE] = "<>",
	[OP_LT] = "<",
	[OP_LE] = "<=",
	[OP_GT] = ">",
	[OP_GE] = ">=",
};

/* "a, b, c": columns FROM to N of index X, each with BEFORE and AFTER it. */
static void
add_index_columns(struct buf *out, const struct table *t, const struct index *x,
	unsigned from, const char *after)
{
	for (unsigned i = from; i < x->columns_n; i++)
		buf_addf(out, "%s%s%s", i > from ? ", " : "",
			t->columns[x->columns[i]].name, after);
}

static void
add_all_columns(struct buf *out, const struct table *t)
{
	for (unsigned i = 0; i < t->columns_n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", t->columns[i].name);
}

static void
add_where_key(struct buf *out, const struct table *t)
{
	const struct index *x = &t->indexes[BY_KEY];

	for (unsigned i = 0; i < x->columns_n; i++)
		buf_addf(out, "%s%s = ?", i ? " AND " : " WHERE ",
			t->columns[x->columns[i]].name);
}

static void
text_get(struct buf *out, const struct table *t)
{
	buf_addz(out, "SELECT ");
	add_all_columns(out, t);
	buf_addf(out, " FROM %s", t->name);
	add_where_key(out, t);
}

static void
text_insert(struct buf *out, const struct table *t)
{
	buf_addf(out, "INSERT INTO %s (", t->name);
	add_all_columns(out, t);
	buf_addz(out, ") VALUES (");
	for (unsigned i = 0; i < t->columns_n; i++)
		buf_addz(out, i ? ", ?" : "?");
	buf_addz(out, ")");
}

static void
text_update(struct buf *out, const struct table *t, uint64_t mask)
{
	const char *sep = " SET ";

	buf_addf(out, "UPDATE %s", t->name);
	for (unsigned i = 0; i < t->columns_n; i++) {
		if (!(mask & UINT64_C(1) << i))
			continue;
		buf_addf(out, "%s%s = ?", sep, t->columns[i].name);
		sep = ", ";
	}
	add_where_key(out, t);
}

static void
text_remove(struct buf *out, const struct table *t)
{
	buf_addf(out, "DELETE FROM %s", t->name);
	add_where_key(out, t);
}

static void
add_pred(struct buf *out, const struct table *t, const unsigned char pred[2])
{
	const char *column = t->columns[pred[0]].name;

	if (pred[1] == OP_GLOB)
		buf_addf(out, "tidepost_glob(?, %s)", column);
	else
		buf_addf(out, "%s %s ?", column, op_text[pred[1]]);
}

/* "(a, b) > (?, ?)", which SQLite follows along an index. */
static void
add_after(struct buf *out, const struct table *t, const struct index *x,
	const struct statement_key *key)
{
	unsigned from = key->after - 1u;

	buf_addz(out, "(");
	add_index_columns(out, t, x, from, "");
	buf_addf(out, ") %s (", key->backward ? "<" : ">");
	for (unsigned i = from; i < x->columns_n; i++)
		buf_addz(out, i > from ? ", ?" : "?");
	buf_addz(out, ")");
}

static void
text_query(
	struct buf *out, const struct table *t, const struct statement_key *key)
{
	const struct index *x = &t->indexes[key->index];
	const char *sep = " WHERE ";

	buf_addz(out, "SELECT ");
	add_all_columns(out, t);
	buf_addf(out, " FROM %s", t->name);
	if (x->name)
		buf_addf(out, " INDEXED BY %s", x->name);
	else
		buf_addz(out, " NOT INDEXED");
	if (x->where) {
		buf_addf(out, "%s%s", sep, x->where);
		sep = " AND ";
	}
	for (unsigned i = 0; i < key->preds_n; i++, sep = " AND ") {
		buf_addz(out, sep);
		add_pred(out, t, key->preds[i]);
	}
	if (key->after) {
		buf_addz(out, sep);
		add_after(out, t, x, key);
	}
	buf_addz(out, " ORDER BY ");
	add_index_columns(out, t, x, 0, key->backward ? " DESC" : "");
	buf_addz(out, " LIMIT ?");
}

void
statement_text(const struct statement_key *key, struct buf *out)
{
	const struct table *t = &tables[key->table];

	switch ((enum statement_op)key->op) {
	case STATEMENT_GET:
		text_get(out, t);
		break;
	case STATEMENT_INSERT:
		text_insert(out, t);
		break;
	case STATEMENT_UPDATE:
		text_update(out, t, key->mask);
		break;
	case STATEMENT_REMOVE:
		text_remove(out, t);
		break;
	case STATEMENT_QUERY:
		text_query(out, t, key);
		break;
	}
}

void
statement_query_key(const struct query *q, struct statement_key *key_r)
{
	memset(key_r, 0, sizeof(*key_r));
	key_r->op = STATEMENT_QUERY;
	key_r->table = (unsigned char)q->table;
	key_r->index = (unsigned char)q->index;
	if (q->after)
		key_r->after = (unsigned char)(query_fixed(q) + 1);
	key_r->backward = q->backward;
	key_r->preds_n = (unsigned char)q->preds_n;
	for (unsigned i = 0; i < q->preds_n; i++) {
		key_r->preds[i][0] = q->preds[i].column;
		key_r->preds[i][1] = q->preds[i].op;
	}
}

static sqlite3_stmt *
statement_find(struct engine_conn *c, const struct statement_key *key)
{
	for (unsigned i = 0; i < c->statements_n; i++)
		if (!memcmp(&c->statements[i].key, key, sizeof(*key)))
			return c->statements[i].stmt;
	return NULL;
}

/* Full: all go, and those in use come back soon. */
static void
statement_keep(struct engine_conn *c, const struct statement_key *key,
	sqlite3_stmt *stmt)
{
	if (c->statements_n == SQLITE_STATEMENTS_MAX)
		statements_free(c);
	c->statements[c->statements_n].key = *key;
	c->statements[c->statements_n++].stmt = stmt;
}

enum err_code
statement_for(struct engine_conn *c, const struct statement_key *key,
	sqlite3_stmt **stmt_r, struct err *e)
{
	struct buf text;
	int rc;

	*stmt_r = statement_find(c, key);
	if (*stmt_r)
		return OK;
	buf_init(&text, 0);
	statement_text(key, &text);
	rc = sqlite3_prepare_v3(c->db, buf_z(&text), -1,
		SQLITE_PREPARE_PERSISTENT, stmt_r, NULL);
	buf_free(&text);
	if (rc != SQLITE_OK)
		return sql_error(c->db, rc, "prepare", c->engine->path, e);
	statement_keep(c, key, *stmt_r);
	return OK;
}

void
statements_free(struct engine_conn *c)
{
	for (unsigned i = 0; i < c->statements_n; i++)
		sqlite3_finalize(c->statements[i].stmt);
	c->statements_n = 0;
}
