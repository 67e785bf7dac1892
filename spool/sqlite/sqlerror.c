#include "spool/sqlite/sqlite.h"

#include <errno.h>
#include <string.h>

static enum err_code
code_of_errno(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case EROFS:
		return ERR_READONLY;
	case EACCES:
	case EPERM:
		return ERR_PERM;
	case ENOENT:
		return ERR_NOTFOUND;
	case ENOTDIR:
		return ERR_CREATE;
	default:
		return ERR_IO;
	}
}

static enum err_code
code_of_constraint(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_ROWID:
		return ERR_EXISTS;
	default:
		return ERR_INVALID;
	}
}

static enum err_code
code_of(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_READONLY:
		return ERR_READONLY;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ERR_PERM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_CONSTRAINT:
		return code_of_constraint(rc);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return code_of_errno(sqlite3_system_errno(db));
	default:
		return ERR_IO;
	}
}

static const char *
advice(enum err_code code)
{
	switch (code) {
	case ERR_FULL:
		return ": make room on the disk";
	case ERR_CORRUPT:
		return ": see \"tidepost spool check\", or restore a backup";
	case ERR_READONLY:
		return ": the file or its disk cannot be written";
	default:
		return "";
	}
}

enum err_code
sql_error(
	sqlite3 *db, int rc, const char *what, const char *path, struct err *e)
{
	enum err_code code = code_of(db, rc);

	return err_set(e, code, "spool %s: %s: %s%s", path, what,
		sqlite3_errmsg(db), advice(code));
}

enum err_code
sql_errno(int err, const char *path, struct err *e)
{
	enum err_code code = code_of_errno(err);

	return err_set(
		e, code, "spool %s: %s%s", path, strerror(err), advice(code));
}

enum err_code
sql_exec(struct engine_conn *c, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return OK;
	return sql_error(c->db, rc, "set up", c->engine->path, e);
}

enum err_code
sql_number(
	struct engine_conn *c, const char *sql, int64_t *value_r, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

	*value_r = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*value_r = sqlite3_column_int64(stmt, 0);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		sqlite3_finalize(stmt);
		return OK;
	}
	sql_error(c->db, rc, "read", c->engine->path, e);
	sqlite3_finalize(stmt);
	return e ? e->code : code_of(c->db, rc);
}
