/* The rows of budgets in the spool. */
#include "daemon/budgets_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "outlook/budget.h"

#include <stdlib.h>

enum {
	BUDGETS_SAVE_PART = 16, /* or this part of what is left */
};

struct save {
	struct spool_budget *rows; /* owned */
	size_t n;
	struct spool_budget over; /* a session that ended; link "": none */
};

static enum err_code
write_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct save *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < j->n && rc == OK; i++)
		rc = spool_budget_put(t, &j->rows[i], e);
	if (rc == OK && j->over.link[0])
		rc = spool_budget_remove(t, &j->over, e);
	return rc;
}

static void
rows_written(void *arg, enum err_code code, const struct err *e)
{
	struct save *j = arg;

	if (code != OK)
		log_error("budget-not-recorded", LOG_STR("why", e->text));
	free(j->rows);
	free(j);
}

void
budgets_save(struct budgets *b, struct budgets_entry *en,
	const struct budget_row *over)
{
	struct save *j = xcalloc(1, sizeof(*j));
	struct budget_row row;

	while (budget_dirty(&en->budget, &row)) {
		j->rows = xrealloc(j->rows, (j->n + 1) * sizeof(*j->rows));
		outlook_budget_store(en->name, &row, &j->rows[j->n++]);
	}
	if (over)
		outlook_budget_store(en->name, over, &j->over);
	en->saved_ms = clock_mono_ms();
	en->unsaved = 0;
	spool_submit(b->n->spool, write_rows, rows_written, j);
}

/* What may have moved since the rows were saved. */
uint64_t
budgets_unsaved_most(const struct budgets_entry *en)
{
	uint64_t part = en->room / BUDGETS_SAVE_PART;

	return part < BUDGETS_SAVE_OCTETS ? part : BUDGETS_SAVE_OCTETS;
}

void
budgets_save_if_due(struct budgets *b, struct budgets_entry *en)
{
	if (en->unsaved >= budgets_unsaved_most(en) + BUDGET_STOP_OCTETS ||
		clock_mono_ms() - en->saved_ms >=
			(uint64_t)BUDGET_SAVE_EVERY_S * 1000)
		budgets_save(b, en, NULL);
}

static enum err_code
read_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct budgets *b = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < b->count; i++)
		rc = outlook_budget_load(
			t, b->v[i]->name, &b->v[i]->budget, &b->v[i]->was, e);
	return rc;
}

enum err_code
budgets_load(struct budgets *b, struct err *e)
{
	return spool_read(b->n->spool, read_rows, b, e);
}
