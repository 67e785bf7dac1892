#include "spool/sqlite/sqlite.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

static const char schema_sql[] =
#include "schema.sql.inc"
	;

static const char version_2_sql[] =
#include "version-2.sql.inc"
	;

static const char version_3_sql[] =
#include "version-3.sql.inc"
	;

static const char version_4_sql[] =
#include "version-4.sql.inc"
	;

static const char version_5_sql[] =
#include "version-5.sql.inc"
	;

static const char version_6_sql[] =
#include "version-6.sql.inc"
	;

static const char version_7_sql[] =
#include "version-7.sql.inc"
	;

static const char version_8_sql[] =
#include "version-8.sql.inc"
	;

/* Version 0 is an empty file. A later version adds its step here. */
static const struct migration migrations[] = {
	{0, schema_sql},
	{1, version_2_sql},
	{2, version_3_sql},
	{3, version_4_sql},
	{4, version_5_sql},
	{5, version_6_sql},
	{6, version_7_sql},
	{7, version_8_sql},
};

/* The spool as it was, beside it, under the name of what comes. */
static enum err_code
copy_before(struct engine_conn *c, int to, struct err *e)
{
	char *path = str_printf("%s.before-v%d", c->engine->path, to);
	enum err_code code = sqlite_copy(c, path, 0640, e);

	free(path);
	return code;
}

static enum err_code
apply_steps(struct engine_conn *c, const struct migration *steps, size_t n,
	int from, int to, struct err *e)
{
	char sql[96];
	enum err_code rc = OK;

	for (size_t i = 0; i < n && rc == OK; i++)
		if (steps[i].from >= from && steps[i].from < to)
			rc = sql_exec(c, steps[i].sql, e);
	snprintf(sql, sizeof(sql),
		"PRAGMA user_version = %d; PRAGMA application_id = %d;", to,
		SQLITE_SPOOL_ID);
	return rc == OK ? sql_exec(c, sql, e) : rc;
}

static enum err_code
apply(struct engine_conn *c, const struct migration *steps, size_t n, int from,
	int to, struct err *e)
{
	int64_t now_at;
	enum err_code rc = sql_exec(c, "BEGIN IMMEDIATE", e);

	if (rc != OK)
		return rc;
	rc = sql_number(c, "PRAGMA user_version", &now_at, e);
	/* another process may have been quicker */
	if (rc == OK && now_at == from)
		rc = apply_steps(c, steps, n, from, to, e);
	if (rc == OK)
		rc = sql_exec(c, "COMMIT", e);
	if (rc != OK && !sqlite3_get_autocommit(c->db))
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* Only who holds the lock changes a spool under others' feet. */
static enum err_code
may_migrate(struct engine_conn *c, int from, int to, struct err *e)
{
	const struct spool_options *o = c->engine->options;

	if (from > to)
		return err_set(e, ERR_VERSION,
			"spool %s has version %d, this program knows %d: "
			"install a newer tidepost, or bring back a copy from "
			"before the upgrade: tidepost-spool(7)",
			c->engine->path, from, to);
	if (c->access == ENGINE_WRITE && (from == 0 || o->daemon))
		return OK;
	return err_set(e, ERR_VERSION,
		"spool %s has version %d, this program wants %d: start "
		"tidepostd once to bring it up to date",
		c->engine->path, from, to);
}

enum err_code
migrate_to(struct engine_conn *c, const struct migration *steps, size_t n,
	int to, struct err *e)
{
	int64_t from;
	enum err_code rc = sql_number(c, "PRAGMA user_version", &from, e);

	if (rc != OK || from == to)
		return rc;
	rc = may_migrate(c, (int)from, to, e);
	if (rc == OK && from > 0)
		rc = copy_before(c, to, e);
	if (rc == OK)
		rc = apply(c, steps, n, (int)from, to, e);
	if (rc == OK && from > 0)
		log_info("migrated", LOG_STR("spool", c->engine->path),
			LOG_INT("from", from), LOG_INT("to", to));
	return rc;
}

enum err_code
migrate(struct engine_conn *c, struct err *e)
{
	return migrate_to(c, migrations,
		sizeof(migrations) / sizeof(migrations[0]),
		SQLITE_SPOOL_VERSION, e);
}
