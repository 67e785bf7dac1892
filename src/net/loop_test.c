#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { POSTS = 5000, WRITERS = 3 };

struct posted {
	struct loop *loop;
	int writer, number;
};

static int last_number[WRITERS];
static int posts_run;
static bool in_order;

static void
on_post(void *arg)
{
	struct posted *p = arg;

	if (p->number != last_number[p->writer] + 1)
		in_order = false;
	last_number[p->writer] = p->number;
	if (++posts_run == WRITERS * POSTS)
		loop_stop(p->loop);
	free(p);
}

struct writer {
	struct loop *loop;
	int number;
};

static void *
writer_thread(void *arg)
{
	struct writer *w = arg;

	for (int i = 1; i <= POSTS; i++) {
		struct posted *p = malloc(sizeof(*p));

		*p = (struct posted){w->loop, w->number, i};
		loop_post(w->loop, on_post, p);
	}
	return NULL;
}

static void
test_post_order(void **state)
{
	struct loop *loop = loop_new();
	pthread_t threads[WRITERS];
	struct writer writers[WRITERS];

	(void)state;
	in_order = true;
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){loop, i};
		pthread_create(&threads[i], NULL, writer_thread, &writers[i]);
	}
	loop_run(loop);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_true(in_order);
	assert_int_equal(posts_run, WRITERS * POSTS);
	loop_free(loop);
}

struct repost {
	struct loop *loop;
	int left;
};

static void
on_repost(void *arg)
{
	struct repost *r = arg;

	if (--r->left == 0)
		loop_stop(r->loop);
	else
		loop_post(r->loop, on_repost, r);
}

static void
test_post_from_post(void **state)
{
	struct loop *loop = loop_new();
	struct repost r = {loop, 100};

	(void)state;
	loop_post(loop, on_repost, &r);
	loop_run(loop);
	assert_int_equal(r.left, 0);
	loop_free(loop);
}

static void
test_stop_leaves_the_rest(void **state)
{
	struct loop *loop = loop_new();
	struct repost r = {loop, 2};

	(void)state;
	loop_post(loop, probe_stop, loop);
	loop_post(loop, on_repost, &r);
	loop_run(loop);
	assert_int_equal(r.left, 2);
	loop_run(loop);
	assert_int_equal(r.left, 0);
	loop_free(loop);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
test_timer(void **state)
{
	struct loop *loop = loop_new();
	int fast = 0, moved = 0, cleared = 0, freed = 0;
	struct loop_timer *a = loop_timer_new(loop, count, &fast);
	struct loop_timer *b = loop_timer_new(loop, count, &moved);
	struct loop_timer *c = loop_timer_new(loop, count, &cleared);
	struct loop_timer *d = loop_timer_new(loop, count, &freed);
	uint64_t start = clock_mono_ms();

	(void)state;
	loop_timer_set(a, 20);
	loop_timer_set(b, 5);
	loop_timer_set(b, 100000);
	loop_timer_set(c, 5);
	loop_timer_clear(c);
	loop_timer_set(d, 5);
	loop_timer_free(d);
	RUN_UNTIL(loop, fast == 1);
	assert_true(clock_mono_ms() - start >= 20);
	probe_run_ms(loop, 30);
	assert_int_equal(fast, 1); /* one shot */
	assert_int_equal(moved + cleared + freed, 0);
	loop_timer_set(a, UINT64_MAX); /* no overflow: simply never */
	probe_run_ms(loop, 5);
	assert_int_equal(fast, 1);
	loop_timer_free(a);
	loop_timer_free(b);
	loop_timer_free(c);
	loop_timer_free(NULL);
	loop_free(loop);
}

static void
test_signal(void **state)
{
	struct loop *loop = loop_new();
	int seen = 0;

	(void)state;
	loop_signal(loop, SIGUSR1, count, &seen);
	raise(SIGUSR1);
	RUN_UNTIL(loop, seen == 1);
	raise(SIGUSR1);
	RUN_UNTIL(loop, seen == 2);
	loop_free(loop);
}

struct work {
	pthread_t loop_thread;
	atomic_int worked;
	int done;
	bool wrong_thread;
};

static void
work_do(void *arg)
{
	struct work *w = arg;

	if (pthread_equal(pthread_self(), w->loop_thread))
		w->wrong_thread = true;
	usleep(2000);
	w->worked++;
}

static void
work_done(void *arg)
{
	struct work *w = arg;

	if (!pthread_equal(pthread_self(), w->loop_thread))
		w->wrong_thread = true;
	w->done++;
}

static void
test_pool(void **state)
{
	struct loop *loop = loop_new();
	struct pool *pool = pool_new(loop, 3);
	struct work w = {.loop_thread = pthread_self()};

	(void)state;
	for (int i = 0; i < 20; i++)
		pool_submit(pool, work_do, work_done, &w);
	RUN_UNTIL(loop, w.done == 20);
	assert_int_equal(w.worked, 20);
	assert_false(w.wrong_thread);
	pool_free(pool);
	pool_free(NULL);
	loop_free(loop);
}

/* What a helper finished is told even though the loop runs no more. */
static void
test_pool_free_tells(void **state)
{
	struct loop *loop = loop_new();
	struct pool *pool = pool_new(loop, 1);
	struct work w = {.loop_thread = pthread_self()};

	(void)state;
	for (int i = 0; i < 50; i++)
		pool_submit(pool, work_do, work_done, &w);
	while (w.worked == 0)
		usleep(100);
	pool_free(pool);
	assert_true(w.worked < 50); /* the rest is dropped */
	assert_int_equal(w.done, w.worked);
	probe_run_ms(loop, 5); /* and nothing comes later */
	assert_int_equal(w.done, w.worked);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post_order),
		cmocka_unit_test(test_post_from_post),
		cmocka_unit_test(test_stop_leaves_the_rest),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_free_tells),
	};

	alarm(PROBE_TEST_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
