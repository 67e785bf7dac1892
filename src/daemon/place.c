#include "daemon/place.h"

#include "sched/order.h"

#include <string.h>

_Static_assert((int)SPOOL_URGENT == (int)ORDER_URGENT,
	"the spool makes the rank from priority and age");

static enum err_code
place_one(struct spool_txn *t, const struct spool_message *m,
	struct spool_delivery *d, int64_t now, struct err *e)
{
	struct order_facts f = {.priority = d->priority,
		.size = m->size,
		.queued_at = d->queued_at,
		.id = m->id};
	struct order_key key = order_key(&f, now);
	int64_t last, lowest;
	enum err_code rc = spool_turns_get(t, d->route,
		d->list_owner[0] ? d->list_owner : m->sender, key.rank,
		key.size_class, &last, &lowest, e);

	if (rc != OK)
		return rc;
	f.position = last < 0 ? 0 : (uint64_t)last + 1;
	f.lowest_turn = (uint64_t)lowest;
	key = order_key(&f, now);
	d->order = (struct spool_order){
		.age = order_age(d->queued_at, now),
		.size_class = key.size_class,
		.turn = key.turn,
	};
	return OK;
}

/* Do A and B, of one message, have the same place? */
static bool
is_beside(const struct spool_delivery *a, const struct spool_delivery *b)
{
	return a->priority == b->priority && a->queued_at == b->queued_at &&
	       spool_is_sent_as(a, b) && strcmp(a->route, b->route) == 0;
}

enum err_code
place_set(struct spool_txn *t, const struct spool_message *m,
	struct spool_delivery *deliveries, size_t n, int64_t now, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < n && rc == OK; i++) {
		if (i && is_beside(&deliveries[i - 1], &deliveries[i]))
			deliveries[i].order = deliveries[i - 1].order;
		else
			rc = place_one(t, m, &deliveries[i], now, e);
	}
	return rc;
}
