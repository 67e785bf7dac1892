/* Budgets for people: what is left, why, what was paid, and more of it. */
#include "daemon/budgets_private.h"

#include "base/log.h"

#include <stdio.h>

bool
budgets_cost(struct budgets *b, const char *link, double *cost_r)
{
	struct budgets_entry *en = budgets_find(b, link);

	if (!en || !en->limited)
		return false;
	budget_charge(&en->budget, 0, budgets_now());
	*cost_r = en->budget.session.used.cost;
	return true;
}

double
budgets_bill(struct budgets *b, const char *link)
{
	struct budgets_entry *en = budgets_find(b, link);
	double cost;

	if (!en || !en->limited)
		return 0;
	budget_charge(&en->budget, 0, budgets_now());
	cost = en->budget.session.used.cost - en->billed;
	en->billed = en->budget.session.used.cost;
	return cost > 0 ? cost : 0;
}

struct budget_left
budgets_left(struct budgets *b, const char *link, enum budget_period period)
{
	struct budgets_entry *en = budgets_find(b, link);

	if (!en)
		return (struct budget_left){.has_seconds = false};
	budget_charge(&en->budget, 0, budgets_now());
	return budget_left(
		&en->budget, period, BUDGETS_MOST_URGENT, budgets_now());
}

const char *
budgets_why(struct budgets *b, const char *link)
{
	struct budgets_entry *en = budgets_find(b, link);

	return en && en->told != TOLD_FREE ? en->why : "";
}

enum err_code
budgets_allow(struct budgets *b, const char *link,
	const struct budget_amount *more, const char *who, struct err *e)
{
	struct budgets_entry *en = budgets_find(b, link);
	char cost[32];

	snprintf(cost, sizeof(cost), "%.2f", more->cost);
	if (!en)
		return err_set(e, ERR_NOTFOUND,
			"no link \"%s\" in the configuration; see: tidepost "
			"link list",
			link);
	if (!en->limited)
		return err_set(e, ERR_USAGE,
			"link %s has no budget to raise: links.budget sets one",
			link);
	budget_charge(&en->budget, 0, budgets_now());
	budget_allow(&en->budget, more, budgets_now());
	log_info("link-allow", LOG_STR("link", link), LOG_STR("by", who),
		LOG_INT("seconds", more->seconds),
		LOG_INT("bytes", (int64_t)more->bytes), LOG_STR("cost", cost));
	budgets_save(b, en, NULL);
	budgets_look(b, en);
	budgets_set_timer(b);
	return OK;
}
