#include "outlook/record.h"

#include <stdio.h>

static void
add(struct record *r, enum budget_period period, const char *what, double n)
{
	char key[RECORD_KEY_MAX + 1], value[40];

	snprintf(key, sizeof(key), "left_%s_%s", budget_period_name(period),
		what);
	snprintf(value, sizeof(value), "%.2f", n);
	record_add(r, key, value);
}

void
outlook_record_left(struct record *r, enum budget_period period,
	const struct budget_left *left)
{
	if (left->has_seconds)
		add(r, period, "seconds", (double)left->v.seconds);
	if (left->has_bytes)
		add(r, period, "bytes", (double)left->v.bytes);
	if (left->has_cost)
		add(r, period, "cost", left->v.cost);
}
