/* What only the SQLite engine has: files, rights, versions, plans, full disks.
 */
#include "tests/contract/contract.h"

#include "spool/private.h"
#include "spool/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *
path_of(struct box *b, const char *suffix)
{
	return str_printf("%s/spool.db%s", b->folder, suffix);
}

/* A second connection for what the test does behind the spool's back. */
static struct engine_conn *
own_conn(struct box *b)
{
	struct engine_conn *c = NULL;
	struct err e;

	if (sqlite_engine.connect(b->spool->engine, ENGINE_WRITE, &c, &e))
		fail_msg("%s", e.text);
	return c;
}

/* In a job, since the writing connection belongs to its thread. */
static enum err_code
do_sql(struct spool_txn *t, void *arg, struct err *e)
{
	return sql_exec(t->conn, arg, e);
}

static void
writer_sql(struct box *b, const char *sql)
{
	char copy[80];

	snprintf(copy, sizeof(copy), "%s", sql);
	WRITE(b, do_sql, copy);
}

static enum err_code
open_again(struct box *b, struct spool_options o, struct err *e)
{
	o.url = b->url;
	return spool_open(&o, &b->spool, e);
}

static void
close_box(struct box *b)
{
	spool_close(b->spool);
	b->spool = NULL;
}

/* --- the tables as described are the tables as made --- */

static void
every_statement_prepares(void **state)
{
	struct engine_conn *c = own_conn(*state);
	struct statement_key key;

	for (unsigned t = 0; t < TABLES_N; t++) {
		static const enum statement_op ops[] = {
			STATEMENT_GET, STATEMENT_INSERT, STATEMENT_REMOVE};

		for (unsigned i = 0; i < 3; i++) {
			sqlite3_stmt *stmt;
			struct err e;

			memset(&key, 0, sizeof(key));
			key.table = (unsigned char)t;
			key.op = (unsigned char)ops[i];
			if (statement_for(c, &key, &stmt, &e))
				fail_msg("%s", e.text);
		}
	}
	sqlite_engine.disconnect(c);
}

/* --- plans: a seek into an index, never a sort --- */

static void
assert_plan(struct engine_conn *c, const struct query *q, const char *words)
{
	struct statement_key key;
	struct buf text, explain;
	sqlite3_stmt *stmt = NULL;

	statement_query_key(q, &key);
	buf_init(&text, 0);
	buf_init(&explain, 0);
	statement_text(&key, &text);
	buf_addf(&explain, "EXPLAIN QUERY PLAN %s", buf_z(&text));
	assert_int_equal(
		sqlite3_prepare_v2(c->db, buf_z(&explain), -1, &stmt, NULL),
		SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *plan = (const char *)sqlite3_column_text(stmt, 3);

		if (!strstr(plan, words) || strstr(plan, "TEMP B-TREE"))
			fail_msg("%s: %s", buf_z(&text), plan);
	}
	sqlite3_finalize(stmt);
	buf_free(&text);
	buf_free(&explain);
}

enum { EQ = OP_EQ };

static void
queries_walk_indexes(void **state)
{
	static const struct delivery_row after;
	static const struct spool_session session;
	static const struct {
		struct query q;
		const char *words;
	} rows[] = {
		{{.table = T_DELIVERY,
			 .preds = {{DELIVERY_STATE, OP_NE, 5, NULL}},
			 .preds_n = 1,
			 .after = &after},
			"SEARCH delivery USING PRIMARY KEY"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_STATE,
			 .preds = {{DELIVERY_STATE, EQ, 1, NULL},
				 {DELIVERY_SENDER, OP_GLOB, 0, "*"}},
			 .preds_n = 2,
			 .after = &after},
			"delivery_by_state (state=? AND (message,n)>"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_ROUTE,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_STATE, EQ, 1, NULL}},
			 .preds_n = 2,
			 .after = &after},
			"delivery_by_route (route=? AND state=? AND (message"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_LINKS, EQ, 0, ""},
				 {DELIVERY_NEEDS, EQ, 0, NULL},
				 {DELIVERY_RANK, OP_GE, 0, NULL}},
			 .preds_n = 4},
			"(route=? AND links=? AND needs=? AND rank>"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_LINKS, EQ, 0, ""},
				 {DELIVERY_NEEDS, EQ, 0, NULL},
				 {DELIVERY_RANK, EQ, 0, NULL},
				 {DELIVERY_SIZE_CLASS, EQ, 0, NULL},
				 {DELIVERY_SIZE, OP_LE, 9, NULL}},
			 .preds_n = 6},
			"links=? AND needs=? AND rank=? AND size_class=?)"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_LINKS, OP_GT, 0, "harbour"}},
			 .preds_n = 2},
			"delivery_by_claim (route=? AND links>"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_TURN,
			 .backward = true,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_RANK, EQ, 0, NULL},
				 {DELIVERY_SENDER, EQ, 0, "a@b"}},
			 .preds_n = 3},
			"delivery_by_turn (route=? AND rank=? AND sender=?)"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM_DOMAIN,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_DOMAIN, EQ, 0, "d"},
				 {DELIVERY_NEEDS, EQ, 0, NULL},
				 {DELIVERY_RANK, OP_GE, 0, NULL}},
			 .preds_n = 4},
			"(route=? AND domain=? AND needs=? AND rank>"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_DUE,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_NEXT_ATTEMPT, OP_LE, 0, NULL}},
			 .preds_n = 2},
			"delivery_by_due (route=? AND next_attempt<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_OWNER,
			 .preds = {{DELIVERY_OWNER, EQ, 1, NULL},
				 {DELIVERY_MESSAGE, EQ, 1, NULL}},
			 .preds_n = 2,
			 .after = &after},
			"delivery_by_owner (owner=? AND message=? AND "},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_GENERATION,
			 .preds = {{DELIVERY_GENERATION, OP_LT, 1, NULL}},
			 .preds_n = 1},
			"delivery_by_generation (route_generation<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_DELETED,
			 .preds = {{DELIVERY_DELETED_UNTIL, OP_LE, 1, NULL}},
			 .preds_n = 1},
			"delivery_by_deleted (deleted_until<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_UNTOLD,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "customer:c"}},
			 .preds_n = 1},
			"delivery_by_untold (route="},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "r"},
				 {DELIVERY_LINKS, EQ, 0, ""},
				 {DELIVERY_NEEDS, OP_GE, 1, NULL}},
			 .preds_n = 3},
			"delivery_by_claim (route=? AND links=? AND needs>"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_RETURN,
			 .preds = {{DELIVERY_RETURN_AT, OP_LE, 1, NULL}},
			 .preds_n = 1},
			"delivery_by_return (return_at>? AND return_at<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_TELL,
			 .preds = {{DELIVERY_TELL_AT, OP_LE, 1, NULL}},
			 .preds_n = 1},
			"delivery_by_tell (tell_at>? AND tell_at<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_RELEASE,
			 .preds = {{DELIVERY_RELEASE_WALL, EQ, 1, NULL},
				 {DELIVERY_RELEASE_AT, OP_LE, 1, NULL}},
			 .preds_n = 2},
			"(release_wall=? AND release_at>? AND release_at<"},
		{{.table = T_DELIVERY,
			 .index = DELIVERY_BY_CLAIM,
			 .preds = {{DELIVERY_ROUTE, EQ, 0, "customer:c"},
				 {DELIVERY_LINKS, EQ, 0, ""},
				 {DELIVERY_NEEDS, EQ, 0, NULL},
				 {DELIVERY_RANK, EQ, 0, NULL},
				 {DELIVERY_SIZE_CLASS, OP_GE, 1, NULL},
				 {DELIVERY_SIZE, OP_GT, 5, NULL},
				 {DELIVERY_STATE, EQ, SPOOL_READY, NULL},
				 {DELIVERY_REASON, EQ, 0, NULL}},
			 .preds_n = 8},
			"(route=? AND links=? AND needs=? AND rank=? AND "
			"size_class>"},
		{{.table = T_EVENT,
			 .index = EVENT_BY_MESSAGE,
			 .backward = true,
			 .preds = {{EVENT_MESSAGE, EQ, 1, NULL},
				 {EVENT_ID, OP_GT, 0, NULL}},
			 .preds_n = 2},
			"event_by_message (message=? AND id>"},
		{{.table = T_SESSION,
			 .index = SESSION_BY_CUSTOMER,
			 .preds = {{SESSION_PEER, EQ, 0, "c"},
				 {SESSION_ENDED, OP_LT, 9, NULL}},
			 .preds_n = 2,
			 .after = &session},
			"session_by_customer (peer=? AND ended>? AND ended<"},
		{{.table = T_LEARNT,
			 .index = LEARNT_BY_AGE,
			 .preds = {{LEARNT_AT, OP_LT, 1, NULL}},
			 .preds_n = 1},
			"customer_learnt_by_age (learnt_at<"},
		{{.table = T_LEARNT,
			 .index = LEARNT_BY_PLACE,
			 .preds = {{LEARNT_ACCOUNT, EQ, 0, "c"},
				 {LEARNT_PLACE, OP_LE, 1, NULL}},
			 .preds_n = 2},
			"customer_learnt_by_place (account=? AND place<"},
		{{.table = T_TALLY,
			 .preds = {{TALLY_ACCOUNT, EQ, 0, "c"},
				 {TALLY_MONTH, OP_GE, 1, NULL},
				 {TALLY_MONTH, OP_LT, 2, NULL}},
			 .preds_n = 3},
			"USING PRIMARY KEY (account=? AND month>? AND month<"},
		{{.table = T_SESSION,
			 .index = SESSION_BY_LINK,
			 .backward = true,
			 .preds = {{SESSION_LINK, EQ, 0, "l"}},
			 .preds_n = 1},
			"session_by_link (link=?"},
		{{.table = T_SESSION,
			 .index = SESSION_BY_LINK,
			 .preds = {{SESSION_LINK, EQ, 0, "l"},
				 {SESSION_ID, OP_GT, 1, NULL},
				 {SESSION_STARTED, OP_GE, 1, NULL},
				 {SESSION_STARTED, OP_LT, 9, NULL}},
			 .preds_n = 4},
			"session_by_link (link=? AND id>"},
		{{.table = T_SESSION,
			 .preds = {{SESSION_LINK, OP_NE, 0, ""},
				 {SESSION_ID, OP_GT, 1, NULL}},
			 .preds_n = 2},
			"USING INTEGER PRIMARY KEY (rowid>"},
		{{.table = T_SHARE,
			 .preds = {{SHARE_SESSION, EQ, 1, NULL}},
			 .preds_n = 1},
			"USING PRIMARY KEY (session=?"},
	};
	struct engine_conn *c = own_conn(*state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_plan(c, &rows[i].q, rows[i].words);
	sqlite_engine.disconnect(c);
}

/* --- versions --- */

static bool
exists(struct box *b, const char *suffix)
{
	char *path = path_of(b, suffix);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void
migrates_with_a_copy(void **state)
{
	static const struct migration steps[] = {
		{SQLITE_SPOOL_VERSION,
			"CREATE TABLE extra (x INTEGER) STRICT;"},
		{SQLITE_SPOOL_VERSION + 1,
			"CREATE TABLE more (y INTEGER) STRICT;"},
	};
	struct box *b = *state;
	struct engine_conn *c = own_conn(b);
	int to = SQLITE_SPOOL_VERSION + 2;
	char *suffix = str_printf(".before-v%d", to);
	struct err e;
	int64_t version;
	int64_t id = put_letter(b, (struct letter){.id = 0});

	assert_int_equal(migrate_to(c, steps, 2, to, &e), OK);
	assert_int_equal(
		sql_number(c, "PRAGMA user_version", &version, &e), OK);
	assert_int_equal(version, to);
	assert_int_equal(sqlite3_exec(c->db, "INSERT INTO more VALUES (1)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite_engine.disconnect(c);
	assert_true(exists(b, suffix));
	close_box(b);
	/* this program knows an earlier version */
	assert_int_equal(
		open_again(b, (struct spool_options){.read_only = true}, &e),
		ERR_VERSION);
	assert_int_equal(
		open_again(b, (struct spool_options){.daemon = true}, &e),
		ERR_VERSION);
	assert_non_null(strstr(e.text, "newer"));
	/* the copy is the spool as it was */
	snprintf(b->url, sizeof(b->url), "sqlite:%s/spool.db%s", b->folder,
		suffix);
	free(suffix);
	box_open_with(b, true);
	assert_int_equal(count(b, (struct spool_filter){.id = id}), 1);
	assert_sound(b);
}

static const char schema_1[] =
#include "schema.sql.inc"
	;

/* A spool as version 1 left it: two messages, one in a session when it died. */
static const char rows_1[] =
	"INSERT INTO message VALUES (1, 'Ann@Far.example', 5, 'x [::1]', '',"
	" 9, 0, 0, 0, 0, 0,0,0,0,0,0,'',0,'',0,0,0,0,0,0,0,'');"
	"INSERT INTO message VALUES (2, 'ben@near.example', 6, 'local', 'ben',"
	" 4, 0, 0, 0, 0, 0,0,0,0,0,0,'',0,'',0,0,0,0,0,0,0,'');"
	"INSERT INTO delivery SELECT 1, n, 'u' || n || '@a.example', 0, '',"
	" CASE n WHEN 1 THEN 1 WHEN 2 THEN 5 ELSE 4 END, 1, 0, '',"
	" 'customer:aurora', 0, 'a.example', '', -1, 1, 300000, 0, 0, 0, 0, 0, 0, 0,"
	" n = 1, CASE n WHEN 2 THEN 4000000000 ELSE 0 END,"
	" 'Ann@Far.example', 9, 0"
	" FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3);"
	"INSERT INTO delivery VALUES (2, 1, 'cat@b.example', 0, '', 2, 1, 0, '',"
	" '*', 0, '', '', 5, -5, 200000, 0, 0, 0, 0, 0, 77, 0, 0, 0,"
	" 'ben@near.example', 4, 0);"
	"INSERT INTO chunk VALUES (1 << 20, CAST('nine oct.' AS BLOB)),"
	" (2 << 20, CAST('four' AS BLOB));"
	"INSERT INTO account VALUES ('aurora', 1, 0, x'', x'', x'', '', 0, x'',"
	" x'', x'', '', '', 0, 0, '', 0, 0, 0, '', 0, 0, '', 0);"
	"INSERT INTO customer_domain VALUES ('a.example', 'aurora', 0);"
	"INSERT INTO link VALUES ('iridium', 1, 0, 'why', 'ppp0', '', 'b', 5, "
	"1);"
	"INSERT INTO meta VALUES ('last-id', CAST('102' AS BLOB));";

static void
make_version_1(const char *path)
{
	char *version = str_printf("PRAGMA user_version = 1;"
				   "PRAGMA application_id = %d;",
		SQLITE_SPOOL_ID);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, schema_1, NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_exec(db, rows_1, NULL, NULL, NULL))
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(
		sqlite3_exec(db, version, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(version);
}

static enum err_code
do_look_at_version_3(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_link l;

	(void)arg;
	assert_int_equal(spool_link_get(t, "iridium", &l, e), OK);
	assert_true(l.up && l.verified);
	assert_string_equal(l.interface, "ppp0");
	assert_false(l.dialed || l.stuck);
	assert_int_equal(l.called_at, 0);
	return OK;
}

static enum err_code
do_look_at_version_2(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_customer_facts f;
	struct spool_message m;
	char name[SASL_NAME_MAX + 1];
	char body[16];
	size_t n;

	(void)arg;
	assert_int_equal(spool_customer_facts(t, "aurora", "u1@a.example",
				 "ann@far.example", &f, e),
		OK);
	assert_int_equal(f.sender_bytes, 18); /* not the deleted one */
	assert_int_equal(f.waiting.deliveries, 2);
	assert_int_equal(f.known, KNOWN_NOTHING);
	assert_int_equal(spool_customer_of(t, "a.example", name, e), OK);
	assert_int_equal(spool_message_get(t, 1, &m, e), OK);
	assert_false(m.vouched);
	assert_int_equal(spool_message_get(t, 2, &m, e), OK);
	assert_true(m.vouched); /* its sender had authenticated */
	assert_int_equal(
		spool_body_read(t, 1, 0, body, sizeof(body), &n, e), OK);
	assert_memory_equal(body, "nine oct.", n);
	return OK;
}

/* The number in the first row of what SQL selects. */
static int64_t
number_of(struct box *b, const char *sql)
{
	struct engine_conn *c = own_conn(b);
	struct err e;
	int64_t n;

	assert_int_equal(sql_number(c, sql, &n, &e), OK);
	sqlite_engine.disconnect(c);
	return n;
}

static void
version_1_comes_up(void **state)
{
	struct box *b = *state;
	char *path = path_of(b, "-old");
	struct err e;

	close_box(b);
	snprintf(b->url, sizeof(b->url), "sqlite:%s", path);
	make_version_1(path);
	/* only the daemon may bring it up to date */
	assert_int_equal(
		open_again(b, (struct spool_options){.read_only = true}, &e),
		ERR_VERSION);
	box_open_with(b, true);
	assert_true(exists(b, "-old.before-v8"));
	READ(b, do_look_at_version_2, NULL);
	READ(b, do_look_at_version_3, NULL);
	assert_sound(b);
	assert_int_equal(state_of(b, 1, 1), SPOOL_READY);
	assert_int_equal(state_of(b, 1, 2), SPOOL_DELETED);
	assert_int_equal(state_of(b, 1, 3), SPOOL_HELD);
	assert_int_equal(state_of(b, 2, 1), SPOOL_READY);
	assert_int_equal(number_of(b, "SELECT age FROM delivery"), 20);
	assert_int_equal(number_of(b, "SELECT rank FROM delivery"), 30);
	assert_int_equal(
		number_of(b, "SELECT rank FROM delivery WHERE message = 2"), 4);
	assert_int_equal(
		number_of(b, "SELECT steady_at - queued_at FROM delivery"), 0);
	assert_int_equal(claim_simple(b, 3), 2);
	assert_int_equal(outcome(b, (struct spool_outcome){.message = 2,
					    .owner = 3,
					    .kind = OUTCOME_DELIVERED}),
		OK);
	assert_int_equal(spool_new_id(b->spool), 103);
	assert_sound(b);
	free(path);
}

static void
a_failed_migration_changes_nothing(void **state)
{
	static const struct migration steps[] = {
		{SQLITE_SPOOL_VERSION,
			"CREATE TABLE extra (x INTEGER) STRICT;"},
		{SQLITE_SPOOL_VERSION + 1, "CREATE NONSENSE;"},
	};
	struct box *b = *state;
	struct engine_conn *c = own_conn(b);
	struct err e;
	int64_t n;

	assert_int_not_equal(
		migrate_to(c, steps, 2, SQLITE_SPOOL_VERSION + 2, &e), OK);
	sql_number(c, "PRAGMA user_version", &n, &e);
	assert_int_equal(n, SQLITE_SPOOL_VERSION);
	sql_number(c, "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'",
		&n, &e);
	assert_int_equal(n, 0);
	sqlite_engine.disconnect(c);
	put_letter(b, (struct letter){.id = 0});
	assert_sound(b);
}

/* --- files and locks --- */

static void
one_daemon(void **state)
{
	struct box *b = *state;
	struct spool *other;
	struct spool_options o = {.url = b->url, .daemon = true};
	struct err e;

	assert_int_equal(spool_open(&o, &other, &e), ERR_LOCKED);
	o.daemon = false; /* a face may look */
	o.read_only = true;
	assert_int_equal(spool_open(&o, &other, &e), OK);
	spool_close(other);
	close_box(b);
	box_open_with(b, true);
}

static void
files_have_their_rights(void **state)
{
	static const char *const suffixes[] = {
		"", "-wal", "-shm", ".lock", ".ballast"};
	struct box *b = *state;
	struct stat st;

	close_box(b);
	for (size_t i = 0; i < 5; i++) {
		char *path = path_of(b, suffixes[i]);

		/* the log stays after a close, for readers */
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		free(path);
	}
	snprintf(b->url, sizeof(b->url), "sqlite:%s/new/deep/spool.db",
		b->folder);
	box_open_with(b, true);
	snprintf(b->url, sizeof(b->url), "%s/new/deep", b->folder);
	assert_int_equal(stat(b->url, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void
scribble(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0640);

	assert_true(fd >= 0);
	assert_true(pwrite(fd, text, strlen(text), at) > 0);
	close(fd);
}

static void
not_there(void **state)
{
	struct box *b = *state;
	struct err e;
	char *path;

	close_box(b);
	snprintf(b->url, sizeof(b->url), "sqlite:%s/none.db", b->folder);
	assert_int_equal(
		open_again(b, (struct spool_options){.read_only = true}, &e),
		ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "does not exist"));
	path = path_of(b, "-empty");
	scribble(path, 0, "x");
	assert_int_equal(truncate(path, 0), 0);
	snprintf(b->url, sizeof(b->url), "sqlite:%s", path);
	free(path);
	assert_int_equal(
		open_again(b, (struct spool_options){.read_only = true}, &e),
		ERR_NOTFOUND);
	snprintf(b->url, sizeof(b->url), "postgres:x");
	assert_int_equal(
		open_again(b, (struct spool_options){.create = true}, &e),
		ERR_INVALID);
}

static void
damaged(void **state)
{
	struct box *b = *state;
	char *path = path_of(b, "");
	sqlite3 *other;
	struct err e;

	put_letter(b, (struct letter){.id = 0});
	close_box(b);
	scribble(path, 0, "this is not a database at all");
	assert_int_equal(
		open_again(b, (struct spool_options){.daemon = true}, &e),
		ERR_CORRUPT);
	assert_non_null(strstr(e.text, path));
	free(path);
	/* a database of somebody else */
	path = path_of(b, "-other");
	snprintf(b->url, sizeof(b->url), "sqlite:%s", path);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	sqlite3_exec(other, "CREATE TABLE x (y)", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(
		open_again(b, (struct spool_options){.daemon = true}, &e),
		ERR_CORRUPT);
	free(path);
}

static void
check_finds_wrong_counters(void **state)
{
	struct box *b = *state;
	struct err e;

	put_letter(b, (struct letter){.id = 0});
	put_letter(b, (struct letter){.route = "customer:aurora"});
	assert_sound(b);
	writer_sql(b, "UPDATE counter SET deliveries = deliveries + 1");
	assert_int_equal(spool_check(b->spool, &e), ERR_CORRUPT);
	writer_sql(b, "UPDATE counter SET deliveries = deliveries - 1");
	assert_sound(b);
	writer_sql(b, "UPDATE sender_counter SET bytes = 1");
	assert_int_equal(spool_check(b->spool, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "sender@example.org"));
	writer_sql(b, "DELETE FROM sender_counter");
	assert_int_equal(spool_check(b->spool, &e), ERR_CORRUPT);
}

/* --- other people --- */

enum { NOBODY = 65534 };

/* Runs FN as a user who owns nothing; its exit status. */
static int
as_nobody(struct box *b, int (*fn)(struct box *b))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setgid(NOBODY) || setuid(NOBODY) ? 99 : fn(b));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
read_it(struct box *b)
{
	struct spool_options o = {.url = b->url, .read_only = true};
	struct list_job j = {.limit = 10};
	struct spool *s;
	struct err e;

	if (spool_open(&o, &s, &e) != OK)
		return 1;
	if (spool_read(s, do_list, &j, &e) != OK || j.n != 1)
		return 2;
	free(j.rows);
	spool_close(s);
	return 0;
}

static int
write_it(struct box *b)
{
	struct spool_options o = {.url = b->url};
	struct spool *s;
	struct err e;

	return spool_open(&o, &s, &e) == ERR_PERM ? 0 : 1;
}

static void
readers_need_no_rights_to_write(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	struct box *b = *state;

	if (getuid() != 0)
		skip();
	put_letter(b, (struct letter){.id = 0});
	chmod(b->folder, 0755);
	for (size_t i = 0; i < 3; i++) {
		char *path = path_of(b, suffixes[i]);

		chmod(path, 0644);
		free(path);
	}
	assert_int_equal(as_nobody(b, read_it), 0); /* daemon up */
	close_box(b);
	assert_int_equal(as_nobody(b, read_it), 0); /* and down */
	assert_int_equal(as_nobody(b, write_it), 0);
}

/* --- no space --- */

static void
assert_full_and_back(struct box *b, void (*widen)(struct box *b))
{
	struct letter l = {.size = 200000};
	struct err e = {.code = OK};
	size_t before = 0;
	enum err_code rc = OK;

	while (rc == OK && before < 400) {
		l.id = spool_new_id(b->spool);
		rc = spool_write(b->spool, add_letter, &l, &e);
		before += rc == OK;
	}
	assert_int_equal(rc, ERR_FULL);
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), before);
	assert_sound(b);
	/* what is there can still go */
	l.id = claim_simple(b, 1);
	assert_true(l.id > 0);
	assert_int_equal(
		outcome(b, (struct spool_outcome){.message = l.id}), OK);
	widen(b);
	put_letter(b, (struct letter){.id = 0});
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), before);
	assert_sound(b);
}

static void
widen_pages(struct box *b)
{
	writer_sql(b, "PRAGMA max_page_count = 1000000");
}

static void
a_full_store(void **state)
{
	struct box *b = *state;

	writer_sql(b, "PRAGMA max_page_count = 800");
	assert_full_and_back(b, widen_pages);
}

static void
widen_disk(struct box *b)
{
	assert_int_equal(
		mount("none", b->folder, "tmpfs", MS_REMOUNT, "size=64m"), 0);
}

/* On a disk of its own, with the ballast. */
static void
a_full_disk(void **state)
{
	struct box *b = *state;
	struct spool_options o = {
		.daemon = true, .create = true, .reserve_bytes = 1 << 20};
	struct err e;

	close_box(b);
	if (mount("none", b->folder, "tmpfs", 0, "size=12m"))
		skip();
	assert_int_equal(open_again(b, o, &e), OK);
	assert_true(exists(b, ".ballast"));
	assert_true(spool_has_room(b->spool, 1000));
	assert_false(spool_has_room(b->spool, 12 << 20));
	assert_full_and_back(b, widen_disk);
	assert_true(exists(b, ".ballast")); /* made again */
}

static int
teardown_mount(void **state)
{
	struct box *b = *state;

	close_box(b);
	umount(b->folder); /* not mounted where the test was skipped */
	return box_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(version_1_comes_up),
		ON_SQLITE(every_statement_prepares),
		ON_SQLITE(queries_walk_indexes),
		ON_SQLITE(migrates_with_a_copy),
		ON_SQLITE(a_failed_migration_changes_nothing),
		ON_SQLITE(one_daemon),
		ON_SQLITE(files_have_their_rights),
		ON_SQLITE(not_there),
		ON_SQLITE(damaged),
		ON_SQLITE(check_finds_wrong_counters),
		ON_SQLITE(readers_need_no_rights_to_write),
		ON_SQLITE(a_full_store),
		{"a_full_disk (sqlite)", a_full_disk, setup_sqlite,
			teardown_mount, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
