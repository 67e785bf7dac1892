/* The whole file at a time: copied, replaced, made small. */
#include "spool/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static enum err_code
pages(sqlite3 *from, sqlite3 *to, sqlite3 *fault_of, const char *path,
	struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (!b)
		return sql_error(to, sqlite3_errcode(to), "copy", path, e);
	rc = sqlite3_backup_step(b, -1);
	sqlite3_backup_finish(b);
	if (rc == SQLITE_DONE)
		return OK;
	return sql_error(fault_of, rc, "copy", path, e);
}

/* The folder must be on the disk too, before the file counts. */
enum err_code
sqlite_copy(
	struct engine_conn *c, const char *path, unsigned mode, struct err *e)
{
	sqlite3 *copy = NULL;
	enum err_code code;
	int rc, fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return sql_errno(errno, path, e);
	close(fd);
	rc = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE, NULL);
	code = rc == SQLITE_OK ? pages(c->db, copy, copy, path, e)
			       : sql_error(copy, rc, "copy", path, e);
	sqlite3_close(copy);
	if (code != OK)
		unlink(path);
	return code;
}

/* Into the log first, in one transaction: a crash leaves the one or the other
 */
enum err_code
sqlite_replace(struct engine_conn *c, const char *path, struct err *e)
{
	sqlite3 *from = NULL;
	int rc = sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE, NULL);
	enum err_code code;

	if (rc != SQLITE_OK)
		code = sql_error(from, rc, "open", path, e);
	else
		code = pages(from, c->db, c->db, c->engine->path, e);
	sqlite3_close(from);
	if (code == OK)
		code = sql_exec(c, "PRAGMA wal_checkpoint(TRUNCATE)", e);
	return code;
}

enum err_code
sqlite_vacuum(struct engine_conn *c, struct err *e)
{
	enum err_code code = sql_exec(c, "VACUUM", e);

	if (code == OK)
		code = sql_exec(c, "PRAGMA wal_checkpoint(TRUNCATE)", e);
	return code;
}
