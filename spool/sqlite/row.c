/* Rows in and out of SQLite, by the descriptions of table.c. */
#include "spool/sqlite/sqlite.h"

#include <string.h>

static int
bind_column(sqlite3_stmt *stmt, int at, const struct column *c, const void *row)
{
	struct str s;
	double d;

	if (c->kind == COL_REAL) {
		memcpy(&d, (const char *)row + c->offset, sizeof(d));
		return sqlite3_bind_double(stmt, at, d);
	}
	if (!column_is_text(c) && !column_is_bytes(c))
		return sqlite3_bind_int64(stmt, at, column_number(c, row));
	s = column_view(c, row);
	if (!s.p)
		s.p = "";
	if (column_is_text(c))
		return sqlite3_bind_text64(
			stmt, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
	return sqlite3_bind_blob64(stmt, at, s.p, s.n, SQLITE_STATIC);
}

static void
read_column(sqlite3_stmt *stmt, int at, const struct column *c, void *row)
{
	struct str s;
	double d;

	if (c->kind == COL_REAL) {
		d = sqlite3_column_double(stmt, at);
		memcpy((char *)row + c->offset, &d, sizeof(d));
		return;
	}
	if (!column_is_text(c) && !column_is_bytes(c)) {
		column_set_number(c, row, sqlite3_column_int64(stmt, at));
		return;
	}
	s.p = column_is_text(c) ? (const char *)sqlite3_column_text(stmt, at)
				: sqlite3_column_blob(stmt, at);
	s.n = s.p ? (size_t)sqlite3_column_bytes(stmt, at) : 0;
	column_set_view(c, row, s);
}

static void
read_row(sqlite3_stmt *stmt, const struct table *t, void *row)
{
	for (unsigned i = 0; i < t->columns_n; i++)
		read_column(stmt, (int)i, &t->columns[i], row);
}

static int
bind_key(sqlite3_stmt *stmt, int at, const struct table *t, const void *row)
{
	const struct index *x = &t->indexes[BY_KEY];
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < x->columns_n && rc == SQLITE_OK; i++)
		rc = bind_column(stmt, at++, &t->columns[x->columns[i]], row);
	return rc;
}

static enum err_code
statement_of(struct engine_conn *c, enum statement_op op, enum table_id table,
	uint64_t mask, sqlite3_stmt **stmt_r, struct err *e)
{
	struct statement_key key;

	memset(&key, 0, sizeof(key));
	key.op = (unsigned char)op;
	key.table = (unsigned char)table;
	key.mask = mask;
	return statement_for(c, &key, stmt_r, e);
}

/* RC of the last step into words; STMT is ready for its next use. */
static enum err_code
finish(struct engine_conn *c, sqlite3_stmt *stmt, int rc, enum table_id table,
	struct err *e)
{
	enum err_code code = OK;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW && rc != SQLITE_OK)
		code = sql_error(
			c->db, rc, tables[table].name, c->engine->path, e);
	sqlite3_reset(stmt);
	return code;
}

static enum err_code
not_found(enum table_id table, struct err *e)
{
	return err_set(e, ERR_NOTFOUND, "%s: no such row", tables[table].name);
}

enum err_code
sqlite_row_get(
	struct engine_conn *c, enum table_id table, void *row, struct err *e)
{
	sqlite3_stmt *stmt;
	enum err_code code = statement_of(c, STATEMENT_GET, table, 0, &stmt, e);
	int rc;

	if (code != OK)
		return code;
	rc = bind_key(stmt, 1, &tables[table], row);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		read_row(stmt, &tables[table], row);
	code = finish(c, stmt, rc, table, e);
	return code == OK && rc != SQLITE_ROW ? not_found(table, e) : code;
}

/* A zero key of these tables is chosen by SQLite: the largest and one. */
static bool
wants_id(const struct table *t, const void *row)
{
	return t->auto_id && !column_number(&t->columns[0], row);
}

enum err_code
sqlite_row_insert(
	struct engine_conn *c, enum table_id table, void *row, struct err *e)
{
	const struct table *t = &tables[table];
	bool auto_id = wants_id(t, row);
	sqlite3_stmt *stmt;
	enum err_code code =
		statement_of(c, STATEMENT_INSERT, table, 0, &stmt, e);
	int rc = SQLITE_OK;

	if (code != OK)
		return code;
	for (unsigned i = 0; i < t->columns_n && rc == SQLITE_OK; i++)
		rc = i || !auto_id ? bind_column(stmt, (int)i + 1,
					     &t->columns[i], row)
				   : sqlite3_bind_null(stmt, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE && auto_id)
		column_set_number(
			&t->columns[0], row, sqlite3_last_insert_rowid(c->db));
	return finish(c, stmt, rc, table, e);
}

enum err_code
sqlite_row_update(struct engine_conn *c, enum table_id table, const void *row,
	uint64_t mask, struct err *e)
{
	const struct table *t = &tables[table];
	sqlite3_stmt *stmt;
	enum err_code code =
		statement_of(c, STATEMENT_UPDATE, table, mask, &stmt, e);
	int rc = SQLITE_OK, at = 1;

	if (code != OK)
		return code;
	for (unsigned i = 0; i < t->columns_n && rc == SQLITE_OK; i++)
		if (mask & UINT64_C(1) << i)
			rc = bind_column(stmt, at++, &t->columns[i], row);
	if (rc == SQLITE_OK)
		rc = bind_key(stmt, at, t, row);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	code = finish(c, stmt, rc, table, e);
	if (code == OK && !sqlite3_changes(c->db))
		return not_found(table, e);
	return code;
}

enum err_code
sqlite_row_remove(struct engine_conn *c, enum table_id table, const void *row,
	struct err *e)
{
	sqlite3_stmt *stmt;
	enum err_code code =
		statement_of(c, STATEMENT_REMOVE, table, 0, &stmt, e);
	int rc;

	if (code != OK)
		return code;
	rc = bind_key(stmt, 1, &tables[table], row);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	code = finish(c, stmt, rc, table, e);
	if (code == OK && !sqlite3_changes(c->db))
		return not_found(table, e);
	return code;
}

/* --- queries --- */

static int
bind_pred(
	sqlite3_stmt *stmt, int at, const struct table *t, const struct pred *p)
{
	if (!column_is_text(&t->columns[p->column]))
		return sqlite3_bind_int64(stmt, at, p->number);
	return sqlite3_bind_text(stmt, at, p->text, -1, SQLITE_STATIC);
}

static int
bind_query(sqlite3_stmt *stmt, const struct query *q)
{
	const struct table *t = &tables[q->table];
	const struct index *x = &t->indexes[q->index];
	int rc = SQLITE_OK, at = 1;

	for (unsigned i = 0; i < q->preds_n && rc == SQLITE_OK; i++)
		rc = bind_pred(stmt, at++, t, &q->preds[i]);
	if (q->after)
		for (unsigned i = query_fixed(q);
			i < x->columns_n && rc == SQLITE_OK; i++)
			rc = bind_column(stmt, at++, &t->columns[x->columns[i]],
				q->after);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, at, (int64_t)q->limit);
	return rc;
}

enum err_code
sqlite_row_query(struct engine_conn *c, const struct query *q, struct rows *out,
	struct err *e)
{
	struct statement_key key;
	sqlite3_stmt *stmt;
	enum err_code code;
	int rc;

	statement_query_key(q, &key);
	code = statement_for(c, &key, &stmt, e);
	if (code != OK)
		return code;
	rc = bind_query(stmt, q);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			read_row(stmt, &tables[q->table], rows_push(out));
	return finish(c, stmt, rc, q->table, e);
}
