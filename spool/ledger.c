#include "spool/private.h"

#include <string.h>

enum { LEDGER_EVICT = 10 }; /* at most, for each new one */

static enum err_code
next_place(struct spool_txn *t, int64_t *place_r, struct err *e)
{
	struct query q = {
		.table = T_LEDGER, .index = LEDGER_BY_PLACE, .backward = true};
	struct ledger_row last = {.place = 0};
	enum err_code rc = tx_first(t, &q, &last, e);

	*place_r = last.place + 1;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* By number and not by age: no step of the clock empties it. */
static enum err_code
evict(struct spool_txn *t, int64_t place, struct err *e)
{
	struct query q = {.table = T_LEDGER,
		.index = LEDGER_BY_PLACE,
		.limit = LEDGER_EVICT};
	struct rows list;
	enum err_code rc;

	if (place <= SPOOL_LEDGER_MAX)
		return OK;
	query_number(&q, LEDGER_PLACE, OP_LE, place - SPOOL_LEDGER_MAX);
	rows_init(&list, T_LEDGER);
	rc = tx_query(t, &q, &list, e);
	for (size_t i = 0; i < list.n && rc == OK; i++)
		rc = tx_remove(t, T_LEDGER, rows_at(&list, i), e);
	rows_free(&list);
	return rc;
}

/* ERR_NOTFOUND: it is not known. */
static enum err_code
look_up(struct spool_txn *t, const char *id, struct ledger_row *row_r,
	struct err *e)
{
	memset(row_r, 0, sizeof(*row_r));
	if (!id[0] || !str_copyz(row_r->id, sizeof(row_r->id), id))
		return err_set(e, ERR_INVALID,
			"ledger id %.40s...: longer than "
			"%d octets",
			id, (int)SPOOL_LEDGER_ID_MAX);
	return tx_get(t, T_LEDGER, row_r, e);
}

enum err_code
spool_ledger_has(
	struct spool_txn *t, const char *id, bool *has_r, struct err *e)
{
	struct ledger_row row;
	enum err_code rc = look_up(t, id, &row, e);

	*has_r = rc == OK;
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_ledger_add(struct spool_txn *t, const char *id, struct err *e)
{
	struct ledger_row row;
	enum err_code rc = look_up(t, id, &row, e);

	if (rc == OK)
		return err_set(e, ERR_EXISTS, "%s was taken before", id);
	if (rc == ERR_NOTFOUND)
		rc = next_place(t, &row.place, e);
	if (rc == OK)
		rc = evict(t, row.place, e);
	return rc == OK ? tx_insert(t, T_LEDGER, &row, e) : rc;
}
