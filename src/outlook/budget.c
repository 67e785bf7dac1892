#include "outlook/budget.h"

#include <stdlib.h>
#include <string.h>

static struct budget_amount
amount(const struct conf_budget *c)
{
	return (struct budget_amount){
		.seconds = c->time_s, .bytes = c->bytes, .cost = c->cost};
}

static int64_t
zone_offset(void *zone, int64_t at)
{
	return zone_offset_s(zone, at);
}

struct calendar
outlook_calendar(const struct conf_link *link)
{
	return (struct calendar){link->zone ? zone_offset : NULL, link->zone};
}

struct budget_conf
outlook_budget_conf(const struct conf_link *link)
{
	return (struct budget_conf){
		.limit = {[BUDGET_SESSION] = amount(&link->session),
			[BUDGET_DAY] = amount(&link->day),
			[BUDGET_MONTH] = amount(&link->month)},
		.month_starts = link->month.starts,
		.reserve_s = link->reserve.time_s,
		.reserve_min_priority = link->reserve_min_priority,
		.per_minute = link->cost_per_minute,
		.per_megabyte = link->cost_per_megabyte,
		.per_call = link->cost_per_call,
		.step_s = link->billing_step_s,
		.hangup_s = link->dial_down ? OUTLOOK_HANGUP_S : 0,
		.calendar = outlook_calendar(link),
	};
}

static bool
is_limited(const struct conf_budget *c)
{
	return c->time_s > 0 || c->bytes > 0 || c->cost > 0;
}

bool
outlook_has_budget(const struct conf_link *link)
{
	return is_limited(&link->session) || is_limited(&link->day) ||
	       is_limited(&link->month) || outlook_has_price(link);
}

bool
outlook_has_price(const struct conf_link *link)
{
	return link->cost_per_minute > 0 || link->cost_per_megabyte > 0 ||
	       link->cost_per_call > 0;
}

bool
outlook_budget_row(const struct spool_budget *s, struct budget_row *row_r)
{
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
		if (strcmp(s->period, budget_period_name(p)) != 0)
			continue;
		*row_r = (struct budget_row){.period = p,
			.starts_at = s->starts_at,
			.used = {s->seconds, s->bytes, s->cost},
			.extra = {s->extra_seconds, s->extra_bytes,
				s->extra_cost}};
		return true;
	}
	return false;
}

void
outlook_budget_store(const char *link, const struct budget_row *row,
	struct spool_budget *s_r)
{
	*s_r = (struct spool_budget){.starts_at = row->starts_at,
		.seconds = row->used.seconds,
		.bytes = row->used.bytes,
		.cost = row->used.cost,
		.extra_seconds = row->extra.seconds,
		.extra_bytes = row->extra.bytes,
		.extra_cost = row->extra.cost};
	str_copyz(s_r->link, sizeof(s_r->link), link);
	str_copyz(s_r->period, sizeof(s_r->period),
		budget_period_name(row->period));
}

enum err_code
outlook_budget_load(struct spool_txn *t, const char *link, struct budget *b,
	struct budget_row *session_r, struct err *e)
{
	struct spool_budget *list = NULL;
	size_t n = 0;
	enum err_code rc =
		spool_budget_list(t, link, BUDGET_ROWS_MAX, &list, &n, e);

	*session_r = (struct budget_row){.starts_at = 0};
	for (size_t i = 0; rc == OK && i < n; i++) {
		struct budget_row row;

		if (!outlook_budget_row(&list[i], &row))
			continue;
		if (row.period == BUDGET_SESSION)
			*session_r = row;
		else
			budget_load(b, &row);
	}
	free(list);
	return rc;
}
