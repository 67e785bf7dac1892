/*
 * Which message goes next, as a key that stands in indexed columns: smaller
 * goes first, columns compared from left to right.
 *
 *	rank    priority, with ageing in it
 *	class   size, roughly: small before large
 *	turn    senders in turn
 *	size, id
 *
 * Ageing needs no clock afterwards. Mail below urgent gains one step of
 * priority each ORDER_STEP_S it waits, all of it alike; so which of two goes
 * first is settled when they are queued: rank counts the steps of its time of
 * arrival, plus one for each step of priority below urgent. Nothing that comes
 * later than (urgent - priority) steps after a message goes before it, so
 * nothing starves. Urgent mail and above stands in front of all that,
 * by priority alone; ageing never reaches it.
 */
#ifndef SCHED_ORDER_H
#define SCHED_ORDER_H

#include <stdint.h>

enum {
	ORDER_URGENT = 4, /* the word "urgent" of RFC 6710 priorities */
	ORDER_MOST = 9,
	ORDER_LEAST = -9,
	ORDER_STEP_S = 14400, /* of ageing, for one step of priority */
	ORDER_TURN_MAX = 1000000000,
};

/* Size classes: below the first border, below the second, ... */
#define ORDER_BORDERS                                                          \
	{                                                                      \
		4096, 16384, 65536, 262144, 1048576, 8388608                   \
	}

struct order_facts {
	int priority;
	uint64_t size;
	int64_t queued_at; /* UTC seconds */
	/*
	 * Messages of the same sender that wait already in the same route and
	 * rank, and the lowest turn that waits there (0: none does), so that
	 * a sender who comes later does not overtake all that waits.
	 */
	uint64_t position, lowest_turn;
	int64_t id;
};

struct order_key {
	int64_t rank;
	int size_class;
	int64_t turn;
	uint64_t size;
	int64_t id;
};

/*
 * NOW: a message of a clock that was ahead counts as queued now.
 */
struct order_key order_key(const struct order_facts *f, int64_t now);
int64_t order_rank(int priority, int64_t queued_at, int64_t now);
/* The part of rank that the time of arrival makes, below urgent. */
int64_t order_age(int64_t queued_at, int64_t now);
int order_size_class(uint64_t size);
/* Below 0: A goes before B. */
int order_compare(const struct order_key *a, const struct order_key *b);

#endif
