/* What budget.c and budget_ask.c share. */
#ifndef LINK_BUDGET_PRIVATE_H
#define LINK_BUDGET_PRIVATE_H

#include "link/budget.h"

enum { BUDGET_SECOND_MS = 1000, BUDGET_MINUTE_S = 60 };

/* The period of kind P that AT is in; *end_r: its end. */
int64_t budget_span(const struct budget_conf *c, enum budget_period p,
	int64_t at, int64_t *end_r);
/* NULL: nothing was used in it. */
const struct budget_row *budget_find(
	const struct budget *b, enum budget_period p, int64_t starts_at);
/*
 * One for a period of which none is kept, with what was used in it already
 * where days and months were counted otherwise then (another zone, another
 * first of the month): all of each such row, rather too much than too little.
 */
struct budget_row budget_new_row(const struct budget *b, enum budget_period p,
	int64_t starts_at, int64_t ends_at);
/* Calendar time of NOW, in ms: that of the running session, if there is one. */
int64_t budget_wall_ms(const struct budget *b, struct budget_time now);
int64_t budget_step_ms(const struct budget_conf *c);
double budget_step_cost(const struct budget_conf *c);
double budget_bytes_cost(const struct budget_conf *c, uint64_t bytes);

#endif
