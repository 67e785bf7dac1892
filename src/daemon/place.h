/*
 * The place of a new message among those that wait (sched/order.h), for the
 * spool, which keeps it (struct spool_order).
 */
#ifndef DAEMON_PLACE_H
#define DAEMON_PLACE_H

#include "spool/queue.h"

/*
 * In the transaction that adds M: the place of its N deliveries, whose route,
 * priority and queued_at are set.
 */
enum err_code place_set(struct spool_txn *t, const struct spool_message *m,
	struct spool_delivery *deliveries, size_t n, int64_t now,
	struct err *e);

#endif
