/*
 * What a link would move now: the waiting mail as the spool has it, in the
 * order in which it would go, and what sched/plan.h says of it.
 */
#ifndef OUTLOOK_PLAN_H
#define OUTLOOK_PLAN_H

#include "conf/conf.h"
#include "sched/plan.h"
#include "spool/queue.h"

enum { OUTLOOK_ROWS_MAX = 5000 };

struct outlook_plan {
	struct spool_row *rows;	 /* owned; in order */
	struct plan_item *items; /* owned; as many */
	size_t n;
	/* Deliveries that were not looked at, since there are too many. */
	uint64_t beyond, beyond_bytes;
	struct plan_total total;
	struct plan_inbound inbound;
};

/* A reading transaction; at most OUTLOOK_ROWS_MAX deliveries are looked at. */
enum err_code outlook_plan(struct spool_txn *t, const struct conf *conf,
	const struct conf_link *link, struct outlook_plan *plan_r,
	struct err *e);
void outlook_plan_clear(struct outlook_plan *p);

#endif
