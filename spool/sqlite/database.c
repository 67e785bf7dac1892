#include "spool/sqlite/sqlite.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
sqlite_version(void)
{
	static char text[64];

	/* the same octets each time: no harm in a race */
	snprintf(text, sizeof(text), "sqlite %s", sqlite3_libversion());
	return text;
}

/* Counting memory costs a lock for each allocation. */
static void
library_set_up(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
}

/* --- the place --- */

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return str_dupz(".");
	if (slash == path)
		return str_dupz("/");
	return str_dup((struct str){path, (size_t)(slash - path)});
}

static enum err_code
folder_make(const char *folder, struct err *e)
{
	struct stat st;
	char *above;
	enum err_code rc = OK;

	if (stat(folder, &st) == 0)
		return OK;
	above = folder_of(folder);
	if (strcmp(above, folder))
		rc = folder_make(above, e);
	free(above);
	if (rc == OK && mkdir(folder, 0750) < 0 && errno != EEXIST)
		rc = sql_errno(errno, folder, e);
	return rc;
}

/*
 * Only where nothing is: SQLite gives its other files the same rights. An
 * existing spool is never opened here, since closing it would drop SQLite's
 * locks.
 */
static enum err_code
file_make(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		return errno == EEXIST ? OK : sql_errno(errno, path, e);
	fchmod(fd, 0640);
	close(fd);
	return OK;
}

static enum err_code
place_prepare(struct engine *g, struct err *e)
{
	struct stat st;
	enum err_code rc = OK;

	if (g->options->create && !g->options->read_only) {
		rc = folder_make(g->folder, e);
		return rc == OK ? file_make(g->path, e) : rc;
	}
	if (stat(g->path, &st) < 0) {
		rc = sql_errno(errno, g->path, e);
		return rc == ERR_NOTFOUND
			       ? err_set(e, rc, "spool %s does not exist",
					 g->path)
			       : rc;
	}
	return OK;
}

static void sqlite_close(struct engine *g);

/* A daemon may not be allowed to write in /tmp; before its connections. */
static void
keep_temporary_files_in(const char *folder)
{
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = sqlite3_mprintf("%s", folder);
}

static enum err_code
sqlite_open(const struct spool_options *options, const char *where,
	struct engine **engine_r, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct engine *g = xcalloc(1, sizeof(*g));
	enum err_code rc;

	pthread_once(&once, library_set_up);
	g->path = str_dupz(where);
	g->folder = folder_of(where);
	g->lock_path = str_printf("%s.lock", where);
	g->ballast_path = str_printf("%s.ballast", where);
	g->options = options;
	g->lock_fd = -1;
	g->reserve = options->reserve_bytes ? options->reserve_bytes
					    : SQLITE_RESERVE_BYTES;
	rc = where[0] ? place_prepare(g, e)
		      : err_set(e, ERR_INVALID, "spool: no path is given");
	if (rc == OK && options->daemon)
		rc = lockfile_take(g, e);
	if (rc == OK && options->daemon)
		keep_temporary_files_in(g->folder);
	if (rc != OK) {
		sqlite_close(g);
		return rc;
	}
	*engine_r = g;
	return OK;
}

static void
sqlite_close(struct engine *g)
{
	if (!g)
		return;
	lockfile_drop(g);
	free(g->path);
	free(g->folder);
	free(g->lock_path);
	free(g->ballast_path);
	free(g);
}

/* --- connections --- */

static void
glob_function(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const char *pattern = (const char *)sqlite3_value_text(v[0]);
	const char *text = (const char *)sqlite3_value_text(v[1]);

	(void)n;
	sqlite3_result_int(ctx, str_glob(str_of(pattern), str_of(text)));
}

static int
count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	(void)db;
	(void)name;
	((struct engine_conn *)arg)->wal_frames = frames;
	return SQLITE_OK;
}

static void
sqlite_disconnect(struct engine_conn *c)
{
	if (!c)
		return;
	statements_free(c);
	sqlite3_finalize(c->begin);
	sqlite3_finalize(c->commit);
	sqlite3_finalize(c->rollback);
	sqlite3_finalize(c->mark);
	sqlite3_finalize(c->keep);
	sqlite3_finalize(c->undo);
	sqlite3_finalize(c->freelist);
	sqlite3_close(c->db);
	free(c);
}

static enum err_code
db_open(struct engine_conn *c, struct err *e)
{
	bool writes = c->access == ENGINE_WRITE;
	int flags = SQLITE_OPEN_NOMUTEX |
		    (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int one = 1;
	int rc = sqlite3_open_v2(c->engine->path, &c->db, flags, NULL);

	if (rc != SQLITE_OK)
		return sql_error(c->db, rc, "open", c->engine->path, e);
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, SQLITE_BUSY_MS);
	sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
	sqlite3_create_function(c->db, "tidepost_glob", 2,
		SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, glob_function, NULL,
		NULL);
	/* Asked to write, SQLite may still open for reading, silently. */
	if (writes && sqlite3_db_readonly(c->db, "main") == 1)
		return access(c->engine->path, W_OK) < 0
			       ? sql_errno(errno, c->engine->path, e)
			       : err_set(e, ERR_READONLY,
					 "spool %s cannot be written: look at "
					 "the rights of its folder, and at the "
					 "disk",
					 c->engine->path);
	return OK;
}

static enum err_code
db_check_owner(struct engine_conn *c, struct err *e)
{
	int64_t id, schema;
	enum err_code rc = sql_number(c, "PRAGMA application_id", &id, e);

	if (rc == OK)
		rc = sql_number(c, "PRAGMA schema_version", &schema, e);
	if (rc != OK || id == SQLITE_SPOOL_ID)
		return rc;
	if (!id && !schema)
		return c->access == ENGINE_WRITE
			       ? OK /* empty: new */
			       : err_set(e, ERR_NOTFOUND,
					 "spool %s is empty: start tidepostd first",
					 c->engine->path);
	return err_set(e, ERR_CORRUPT,
		"spool %s: is not a tidepost spool: name another, or move it "
		"away",
		c->engine->path);
}

/*
 * Checkpoints run when the sessions have their answers (sqlite_committed), not
 * inside a commit. Deleted octets are not overwritten: on the flash of small
 * machines that promises nothing, and it doubles the cost of deleting.
 */
static enum err_code
db_set_up(struct engine_conn *c, struct err *e)
{
	char sql[160];
	enum err_code rc;

	snprintf(sql, sizeof(sql),
		"PRAGMA cache_size = -%d; PRAGMA temp_store = FILE;"
		"PRAGMA secure_delete = OFF; PRAGMA foreign_keys = ON;"
		"PRAGMA synchronous = FULL;",
		c->access == ENGINE_WRITE ? SQLITE_WRITER_CACHE_KIB
					  : SQLITE_READER_CACHE_KIB);
	rc = sql_exec(c, sql, e);
	if (rc == OK && c->access == ENGINE_WRITE)
		rc = sql_exec(c,
			"PRAGMA journal_mode = WAL;"
			"PRAGMA journal_size_limit = 16777216;",
			e);
	/* in place of SQLite's own hook, which makes the checkpoints */
	sqlite3_wal_hook(c->db, count_frames, c);
	return rc;
}

static enum err_code
own_statement(struct engine_conn *c, const char *sql, sqlite3_stmt **stmt_r,
	struct err *e)
{
	int rc = sqlite3_prepare_v3(
		c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt_r, NULL);

	if (rc == SQLITE_OK)
		return OK;
	return sql_error(c->db, rc, "prepare", c->engine->path, e);
}

/* A deferred transaction that writes later fails with BUSY under load. */
static enum err_code
own_statements(struct engine_conn *c, struct err *e)
{
	bool writes = c->access == ENGINE_WRITE;
	enum err_code rc = own_statement(
		c, writes ? "BEGIN IMMEDIATE" : "BEGIN", &c->begin, e);

	if (rc == OK)
		rc = own_statement(c, "COMMIT", &c->commit, e);
	if (rc == OK)
		rc = own_statement(c, "ROLLBACK", &c->rollback, e);
	if (rc == OK)
		rc = own_statement(c, "SAVEPOINT job", &c->mark, e);
	if (rc == OK)
		rc = own_statement(c, "RELEASE job", &c->keep, e);
	if (rc == OK)
		rc = own_statement(c, "ROLLBACK TO job", &c->undo, e);
	if (rc == OK)
		rc = own_statement(c, "PRAGMA freelist_count", &c->freelist, e);
	return rc;
}

static enum err_code
sqlite_connect(struct engine *g, enum engine_access access,
	struct engine_conn **conn_r, struct err *e)
{
	struct engine_conn *c = xcalloc(1, sizeof(*c));
	enum err_code rc;

	c->engine = g;
	c->access = access;
	rc = db_open(c, e);
	if (rc == OK)
		rc = db_check_owner(c, e);
	if (rc == OK)
		rc = db_set_up(c, e);
	if (rc == OK)
		rc = migrate(c, e);
	if (rc == OK)
		rc = own_statements(c, e);
	if (rc != OK) {
		sqlite_disconnect(c);
		return rc;
	}
	/* Only beside a spool that is known to be ours. */
	if (access == ENGINE_WRITE && g->options->daemon)
		ballast_make(g);
	*conn_r = c;
	return OK;
}

/* --- transactions --- */

static int
step_once(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return rc;
}

static enum err_code
run(struct engine_conn *c, sqlite3_stmt *stmt, const char *what, struct err *e)
{
	int rc = step_once(stmt);

	if (rc == SQLITE_DONE)
		return OK;
	return sql_error(c->db, rc, what, c->engine->path, e);
}

static enum err_code
sqlite_begin(struct engine_conn *c, struct err *e)
{
	return run(c, c->begin, "begin", e);
}

static void
sqlite_rollback(struct engine_conn *c)
{
	if (!sqlite3_get_autocommit(c->db))
		step_once(c->rollback);
}

/*
 * After a failed sync nobody knows what the disk holds: the frames may be found
 * whole after a crash. Everything else leaves nothing behind.
 */
static enum err_code
sqlite_commit(struct engine_conn *c, struct err *e)
{
	int rc = step_once(c->commit);
	enum err_code code;

	if (rc == SQLITE_DONE)
		return OK;
	code = sql_error(c->db, rc, "commit", c->engine->path, e);
	sqlite_rollback(c);
	if ((rc & 0xff) == SQLITE_IOERR)
		return err_wrap(e, ERR_UNCERTAIN, "outcome unknown");
	return code;
}

static enum err_code
sqlite_mark(struct engine_conn *c, struct err *e)
{
	return run(c, c->mark, "begin", e);
}

static enum err_code
sqlite_keep(struct engine_conn *c, struct err *e)
{
	return run(c, c->keep, "finish", e);
}

/* On a full disk SQLite may have rolled back everything by itself. */
static bool
sqlite_undo(struct engine_conn *c)
{
	if (sqlite3_get_autocommit(c->db))
		return false;
	return step_once(c->undo) == SQLITE_DONE &&
	       step_once(c->keep) == SQLITE_DONE;
}

/* --- the house around it --- */

static enum err_code
sqlite_check(struct engine_conn *c, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(
		c->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
	enum err_code code = OK;
	const char *text;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		code = sql_error(c->db, rc, "check", c->engine->path, e);
	} else {
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (!text || strcmp(text, "ok"))
			code = err_set(e, ERR_CORRUPT, "spool %s: %s",
				c->engine->path, text ? text : "damaged");
	}
	sqlite3_finalize(stmt);
	return code;
}

/* Mail of others: nobody else may read it. */
static enum err_code
copy_private(struct engine_conn *c, const char *path, struct err *e)
{
	return sqlite_copy(c, path, 0600, e);
}

enum { CHECKPOINT_FRAMES = 1000 }; /* 4 MB of log */

static void
checkpoint(struct engine_conn *c)
{
	int frames = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(
		c->db, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &done);

	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		log_warning("checkpoint", LOG_STR("spool", c->engine->path),
			LOG_STR("error", sqlite3_errmsg(c->db)));
}

static void
sqlite_committed(struct engine_conn *c)
{
	struct engine *g = c->engine;

	if (sqlite3_step(c->freelist) == SQLITE_ROW)
		atomic_store(&g->free_bytes,
			(uint64_t)sqlite3_column_int64(c->freelist, 0) * 4096);
	sqlite3_reset(c->freelist);
	if (c->wal_frames >= CHECKPOINT_FRAMES)
		checkpoint(c);
	if (g->options->daemon)
		ballast_restore(g);
}

const struct engine_ops sqlite_engine = {
	.version = sqlite_version,
	.open = sqlite_open,
	.close = sqlite_close,
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.mark = sqlite_mark,
	.keep = sqlite_keep,
	.undo = sqlite_undo,
	.get = sqlite_row_get,
	.insert = sqlite_row_insert,
	.update = sqlite_row_update,
	.remove = sqlite_row_remove,
	.query = sqlite_row_query,
	.check = sqlite_check,
	.copy = copy_private,
	.replace = sqlite_replace,
	.vacuum = sqlite_vacuum,
	.has_room = disk_has_room,
	.make_room = ballast_drop,
	.committed = sqlite_committed,
};
