#include "sched/order.h"

#include <stdlib.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { NOW = 1767225600, STEP = ORDER_STEP_S, SENDERS = 40, QUEUE = 4000 };

/* --- a queue as the spool keeps it --- */

struct item {
	struct order_key key;
	unsigned sender;
	int64_t queued_at;
};

struct queue {
	struct item v[QUEUE];
	size_t n;
	int64_t last_id;
};

static void
put(struct queue *q, unsigned sender, int priority, uint64_t size, int64_t now)
{
	struct order_facts f = {.priority = priority,
		.size = size,
		.queued_at = now,
		.id = ++q->last_id};
	int64_t rank = order_rank(priority, now, now), lowest = INT64_MAX;

	assert_true(q->n < QUEUE);
	for (size_t i = 0; i < q->n; i++) {
		const struct item *x = &q->v[i];

		if (x->key.rank != rank ||
			x->key.size_class != order_size_class(size))
			continue;
		f.position += x->sender == sender;
		if (x->key.turn < lowest)
			lowest = x->key.turn;
	}
	f.lowest_turn = lowest == INT64_MAX ? 0 : (uint64_t)lowest;
	q->v[q->n++] = (struct item){order_key(&f, now), sender, now};
}

static struct item
take(struct queue *q)
{
	size_t best = 0;
	struct item x;

	for (size_t i = 1; i < q->n; i++)
		if (order_compare(&q->v[i].key, &q->v[best].key) < 0)
			best = i;
	x = q->v[best];
	q->v[best] = q->v[--q->n];
	return x;
}

static struct queue *
queue_new(void)
{
	struct queue *q = calloc(1, sizeof(*q));

	assert_non_null(q);
	return q;
}

/* --- */

static void
test_priority_then_size(void **state)
{
	struct queue *q = queue_new();
	static const unsigned want[] = {6, 5, 3, 2, 1, 4};

	(void)state;
	put(q, 1, 0, 70000, NOW);
	put(q, 2, 0, 3000, NOW);
	put(q, 3, 0, 900, NOW); /* the same class: smaller first */
	put(q, 4, -5, 100, NOW);
	put(q, 5, 4, 9000000, NOW); /* urgent, however large */
	put(q, 6, 9, 9000000, NOW);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(take(q).sender, want[i]);
	free(q);
}

static void
test_ageing_stops_below_urgent(void **state)
{
	(void)state;
	for (int p = ORDER_LEAST; p < ORDER_URGENT; p++) {
		int64_t old = order_rank(p, NOW, NOW);

		/* a step of priority is worth a step of time */
		assert_int_equal(order_rank(p + (p < 3), NOW + (p < 3) * STEP,
					 NOW + STEP),
			old);
		/* what comes this much later, of whatever priority below
		   urgent, comes after it */
		assert_true(order_rank(3, NOW + (4 - p) * STEP,
				    NOW + 100 * STEP) > old);
		assert_true(order_rank(4, NOW + 1000 * STEP, INT64_MAX) <
			    old - 1000);
	}
	assert_true(order_rank(5, NOW, NOW) < order_rank(4, 0, NOW));
	assert_true(order_rank(4, NOW, NOW) < order_rank(3, 0, NOW));
}

static void
test_clocks_that_are_wrong(void **state)
{
	(void)state;
	/* queued by a clock ten years ahead: as if it came now */
	assert_int_equal(order_rank(0, NOW + INT64_C(87600) * STEP, NOW),
		order_rank(0, NOW, NOW));
	assert_int_equal(order_rank(0, -5, NOW), order_rank(0, 0, NOW));
	assert_int_equal(order_size_class(0), 0);
	assert_int_equal(order_size_class(4095), 0);
	assert_int_equal(order_size_class(4096), 1);
	assert_int_equal(order_size_class(UINT64_MAX), 6);
}

static void
test_one_with_1000_and_one_with_3(void **state)
{
	struct queue *q = queue_new();
	unsigned of_two = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		put(q, 1, 0, 1000, NOW);
	for (int i = 0; i < 3; i++)
		put(q, 2, 0, 1000, NOW + 1);
	for (int i = 0; i < 6; i++)
		of_two += take(q).sender == 2;
	assert_int_equal(of_two, 3);
	/* Half way through, another one comes: it is not behind all the rest,
	   and not before those who wait in the same turn. */
	for (int i = 0; i < 500; i++)
		take(q);
	put(q, 3, 0, 1000, NOW + 2);
	assert_int_equal(take(q).sender, 1);
	assert_int_equal(take(q).sender, 3);
	free(q);
}

/*
 * More comes than goes, for a simulated month: urgent and normal mail without
 * end, small and large. All that is older than the time its priority allows
 * has gone.
 */
static void
test_nothing_starves(void **state)
{
	struct queue *q = queue_new();
	int64_t longest[2] = {0, 0};
	unsigned urgent_behind = 0;

	(void)state;
	srand(3);
	for (int64_t now = NOW; now < NOW + 30 * 86400; now += 1800) {
		unsigned come = 4;

		/* a message of bulk, large, now and then */
		if ((now - NOW) % 86400 == 0)
			put(q, 99, -5, 5000000, now);
		while (come-- && q->n < QUEUE)
			put(q, (unsigned)rand() % SENDERS, rand() % 3,
				(uint64_t)(rand() % 30000), now);
		if (rand() % 4 == 0)
			put(q, 50, 6, 2000, now);
		for (int i = 0; i < 4 && q->n; i++) {
			struct item x = take(q);
			int64_t waited = now - x.queued_at;
			bool bulk = x.sender == 99;

			urgent_behind += x.sender == 50 && waited > 1800;
			if (waited > longest[bulk])
				longest[bulk] = waited;
		}
	}
	/* 9 steps below urgent, and the work that was there before it */
	assert_true(longest[1] > 0 && longest[1] < 30 * STEP);
	assert_int_equal(urgent_behind, 0);
	for (size_t i = 0; i < q->n; i++)
		assert_true(q->v[i].queued_at > NOW + 20 * 86400);
	free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority_then_size),
		cmocka_unit_test(test_ageing_stops_below_urgent),
		cmocka_unit_test(test_clocks_that_are_wrong),
		cmocka_unit_test(test_one_with_1000_and_one_with_3),
		cmocka_unit_test(test_nothing_starves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
