/*
 * The SQLite engine (private; reached from open.c through sqlite_engine).
 *
 * WAL with synchronous=FULL: a commit is one fsync of the log. Every writing
 * transaction is BEGIN IMMEDIATE. Statements are prepared once a connection.
 * The write-ahead files stay after a close (SQLITE_FCNTL_PERSIST_WAL), so a
 * reader without write access can open the spool when nobody runs.
 */
#ifndef SPOOL_SQLITE_H
#define SPOOL_SQLITE_H

#include "spool/engine.h"

#include <sqlite3.h>
#include <stdatomic.h>

enum {
	SQLITE_SPOOL_VERSION = 8,
	SQLITE_SPOOL_ID = 0x74646570, /* application_id: "tdep" */
	SQLITE_BUSY_MS = 5000,
	SQLITE_STATEMENTS_MAX = 128,
	SQLITE_BALLAST_BYTES = 4 << 20,
	SQLITE_RESERVE_BYTES = 16 << 20,
	SQLITE_WRITER_CACHE_KIB = 2048,
	SQLITE_READER_CACHE_KIB = 512,
};

struct engine {
	char *path, *folder, *lock_path, *ballast_path; /* owned */
	const struct spool_options *options;		/* borrowed */
	int lock_fd;
	uint64_t reserve;
	/* Octets of free pages inside the file, as of the last commit. */
	atomic_uint_fast64_t free_bytes;
	atomic_bool has_ballast;
};

/* What makes two statements the same. */
struct statement_key {
	uint64_t mask;
	unsigned char op, table, index, after, backward, preds_n;
	unsigned char preds[QUERY_PREDS_MAX][2]; /* column, operation */
};

struct statement {
	struct statement_key key;
	sqlite3_stmt *stmt;
};

struct engine_conn {
	struct engine *engine;
	sqlite3 *db;
	enum engine_access access;
	struct statement statements[SQLITE_STATEMENTS_MAX];
	unsigned statements_n;
	sqlite3_stmt *begin, *commit, *rollback, *mark, *keep, *undo;
	sqlite3_stmt *freelist;
	int wal_frames; /* in the log after the last commit */
};

/* --- sqlerror.c --- */

/* Words for RC of DB; WHAT was tried. */
enum err_code sql_error(
	sqlite3 *db, int rc, const char *what, const char *path, struct err *e);
/* By errno, of a file operation. */
enum err_code sql_errno(int err, const char *path, struct err *e);
enum err_code sql_exec(struct engine_conn *c, const char *sql, struct err *e);
/* The first column of the first row; 0 where there is none. */
enum err_code sql_number(struct engine_conn *c, const char *sql,
	int64_t *value_r, struct err *e);

/* --- statement.c --- */

enum statement_op {
	STATEMENT_GET,
	STATEMENT_INSERT,
	STATEMENT_UPDATE,
	STATEMENT_REMOVE,
	STATEMENT_QUERY
};

/* Prepared and reset; kept by the connection. */
enum err_code statement_for(struct engine_conn *c,
	const struct statement_key *key, sqlite3_stmt **stmt_r, struct err *e);
/* The text, for the test that looks at query plans. */
void statement_text(const struct statement_key *key, struct buf *out);
void statement_query_key(const struct query *q, struct statement_key *key_r);
void statements_free(struct engine_conn *c);

/* --- row.c --- */

enum err_code sqlite_row_get(
	struct engine_conn *c, enum table_id table, void *row, struct err *e);
enum err_code sqlite_row_insert(
	struct engine_conn *c, enum table_id table, void *row, struct err *e);
enum err_code sqlite_row_update(struct engine_conn *c, enum table_id table,
	const void *row, uint64_t mask, struct err *e);
enum err_code sqlite_row_remove(struct engine_conn *c, enum table_id table,
	const void *row, struct err *e);
enum err_code sqlite_row_query(struct engine_conn *c, const struct query *q,
	struct rows *out, struct err *e);

/* --- migrate.c --- */

struct migration {
	int from; /* user_version it starts at; it ends at the next */
	const char *sql;
};

/*
 * Brings the file to version TO by STEPS (in order, N of them), in one
 * transaction, after a copy to PATH.before-vN. ERR_VERSION: it is newer.
 */
enum err_code migrate_to(struct engine_conn *c, const struct migration *steps,
	size_t n, int to, struct err *e);
enum err_code migrate(struct engine_conn *c, struct err *e);

/* --- whole.c --- */

/* PATH is replaced; it gets MODE, less the umask. */
enum err_code sqlite_copy(
	struct engine_conn *c, const char *path, unsigned mode, struct err *e);
enum err_code sqlite_replace(
	struct engine_conn *c, const char *path, struct err *e);
enum err_code sqlite_vacuum(struct engine_conn *c, struct err *e);

/* --- lockfile.c --- */

enum err_code lockfile_take(struct engine *g, struct err *e);
void lockfile_drop(struct engine *g);

/* --- ballast.c --- */

void ballast_make(struct engine *g);
/* Where it is gone and there is room again. */
void ballast_restore(struct engine *g);
bool ballast_drop(struct engine *g);
bool disk_has_room(struct engine *g, uint64_t size);

#endif
