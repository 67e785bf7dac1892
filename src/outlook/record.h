/* What is told of a link's budget over the control socket, and at rest. */
#ifndef OUTLOOK_RECORD_H
#define OUTLOOK_RECORD_H

#include "control/record.h"
#include "link/budget.h"

/* left_day_bytes ...: what has a limit. */
void outlook_record_left(struct record *r, enum budget_period period,
	const struct budget_left *left);

#endif
