/*
 * Budgets as the configuration sets them and the spool keeps them: what the
 * daemon charges, and the command line shows where no daemon runs.
 */
#ifndef OUTLOOK_BUDGET_H
#define OUTLOOK_BUDGET_H

#include "conf/conf.h"
#include "link/budget.h"
#include "spool/records.h"

/* Time that hanging up is given in a budget where there is a dial.down. */
enum { OUTLOOK_HANGUP_S = 10 };

/* Days and months of LINK, which the result borrows its zone from. */
struct calendar outlook_calendar(const struct conf_link *link);
struct budget_conf outlook_budget_conf(const struct conf_link *link);
/* Is anything limited, or paid? */
bool outlook_has_budget(const struct conf_link *link);
bool outlook_has_price(const struct conf_link *link);

/* A row of the spool; false: of no period that is known. */
bool outlook_budget_row(const struct spool_budget *s, struct budget_row *row_r);
void outlook_budget_store(const char *link, const struct budget_row *row,
	struct spool_budget *s_r);

/*
 * Fills B (made with budget_init) with what the spool has of LINK. A session
 * that was running is in *SESSION_R; its starts_at is 0 where none was.
 */
enum err_code outlook_budget_load(struct spool_txn *t, const char *link,
	struct budget *b, struct budget_row *session_r, struct err *e);

#endif
