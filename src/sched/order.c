#include "sched/order.h"

#include <stddef.h>

static const uint64_t borders[] = ORDER_BORDERS;

enum { BORDERS_N = sizeof(borders) / sizeof(borders[0]) };

int64_t
order_age(int64_t queued_at, int64_t now)
{
	int64_t at = queued_at < now ? queued_at : now;

	/* before 1970 is a clock that was never set */
	return at > 0 ? at / ORDER_STEP_S : 0;
}

int64_t
order_rank(int priority, int64_t queued_at, int64_t now)
{
	if (priority >= ORDER_URGENT)
		return ORDER_MOST - priority;
	return (ORDER_MOST - priority) + order_age(queued_at, now);
}

int
order_size_class(uint64_t size)
{
	int n = 0;

	while (n < BORDERS_N && size >= borders[n])
		n++;
	return n;
}

struct order_key
order_key(const struct order_facts *f, int64_t now)
{
	uint64_t turn = f->lowest_turn + f->position;

	return (struct order_key){
		.rank = order_rank(f->priority, f->queued_at, now),
		.size_class = order_size_class(f->size),
		.turn = turn < ORDER_TURN_MAX ? (int64_t)turn : ORDER_TURN_MAX,
		.size = f->size,
		.id = f->id,
	};
}

int
order_compare(const struct order_key *a, const struct order_key *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->size_class != b->size_class)
		return a->size_class < b->size_class ? -1 : 1;
	if (a->turn != b->turn)
		return a->turn < b->turn ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}
