#include "spool/private.h"

#include <string.h>

enum err_code
spool_fault(struct spool *s, struct err *e)
{
	if (!atomic_load(&s->fault_count))
		return OK;
	if (atomic_load(&s->fault_skip)) {
		atomic_fetch_sub(&s->fault_skip, 1);
		return OK;
	}
	atomic_fetch_sub(&s->fault_count, 1);
	return err_set(e, (enum err_code)atomic_load(&s->fault_code),
		"injected fault");
}

void
spool_inject_fault(
	struct spool *s, unsigned skip, unsigned count, enum err_code code)
{
	atomic_store(&s->fault_count, 0);
	atomic_store(&s->fault_skip, skip);
	atomic_store(&s->fault_code, (int)code);
	atomic_store(&s->fault_count, count);
}

/* "Not found" and "exists" are answers; anything else spoils the job. */
static enum err_code
tx_result(struct spool_txn *t, enum err_code code, struct err *e)
{
	if (code == OK || code == ERR_NOTFOUND || code == ERR_EXISTS)
		return code;
	if (t->failed == OK) {
		t->failed = code;
		if (e)
			t->failed_why = *e;
	}
	return code;
}

static enum err_code
tx_enter(struct spool_txn *t, bool writes, struct err *e)
{
	if (t->failed != OK)
		return err_set(e, t->failed, "%s", t->failed_why.text);
	if (writes && !t->writes)
		return tx_result(t,
			err_set(e, ERR_READONLY,
				"this is a reading transaction"),
			e);
	return tx_result(t, spool_fault(t->spool, e), e);
}

enum err_code
tx_get(struct spool_txn *t, enum table_id table, void *row, struct err *e)
{
	enum err_code rc = tx_enter(t, false, e);

	if (rc != OK)
		return rc;
	return tx_result(t, t->spool->ops->get(t->conn, table, row, e), e);
}

enum err_code
tx_insert(struct spool_txn *t, enum table_id table, void *row, struct err *e)
{
	enum err_code rc = tx_enter(t, true, e);

	if (rc != OK)
		return rc;
	return tx_result(t, t->spool->ops->insert(t->conn, table, row, e), e);
}

enum err_code
tx_update(struct spool_txn *t, enum table_id table, const void *old,
	const void *row, struct err *e)
{
	uint64_t mask = row_diff(table, old, row);
	enum err_code rc = tx_enter(t, true, e);

	if (rc != OK || !mask)
		return rc;
	return tx_result(
		t, t->spool->ops->update(t->conn, table, row, mask, e), e);
}

static uint64_t
all_but_key(const struct table *table)
{
	uint64_t mask = (UINT64_C(1) << table->columns_n) - 1;

	for (unsigned i = 0; i < table->indexes[BY_KEY].columns_n; i++)
		mask &= ~(UINT64_C(1) << table->indexes[BY_KEY].columns[i]);
	return mask;
}

enum err_code
tx_put(struct spool_txn *t, enum table_id table, void *row, struct err *e)
{
	enum err_code rc = tx_insert(t, table, row, e);

	if (rc != ERR_EXISTS)
		return rc;
	return tx_result(t,
		t->spool->ops->update(
			t->conn, table, row, all_but_key(&tables[table]), e),
		e);
}

enum err_code
tx_remove(struct spool_txn *t, enum table_id table, const void *row,
	struct err *e)
{
	enum err_code rc = tx_enter(t, true, e);

	if (rc != OK)
		return rc;
	return tx_result(t, t->spool->ops->remove(t->conn, table, row, e), e);
}

enum err_code
tx_query(struct spool_txn *t, const struct query *q, struct rows *out,
	struct err *e)
{
	enum err_code rc = tx_enter(t, false, e);

	if (rc != OK)
		return rc;
	return tx_result(t, t->spool->ops->query(t->conn, q, out, e), e);
}

enum err_code
tx_first(struct spool_txn *t, const struct query *q, void *row, struct err *e)
{
	struct query one = *q;
	struct rows out;
	enum err_code rc;

	one.limit = 1;
	rows_init_one(&out, q->table, row);
	rc = tx_query(t, &one, &out, e);
	if (rc == OK && !out.n)
		return err_set(e, ERR_NOTFOUND, "%s: no such row",
			tables[q->table].name);
	return rc;
}
