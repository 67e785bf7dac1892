/* The helper threads of net/loop.h. */
#include "net/loop.h"

#include "base/str.h"
#include "net/loop_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { POOL_THREADS_MAX = 32 };

struct pool {
	struct loop *loop;
	pthread_mutex_t lock; /* guards all below but threads */
	pthread_cond_t wake;
	struct list_node waiting;  /* struct job, oldest first */
	struct list_node finished; /* struct job, DONE not yet called */
	bool ending;
	unsigned threads_n;
	pthread_t threads[POOL_THREADS_MAX];
};

struct job {
	struct list_node node;
	loop_fn *work, *done, *dropped;
	void *arg;
};

/* On the loop: calls DONE of what is finished, in order. */
static void
pool_report(void *arg)
{
	struct pool *pool = arg;
	struct job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	if (!list_empty(&pool->finished)) {
		job = LIST_ITEM(pool->finished.next, struct job, node);
		list_remove(&job->node);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!job)
		return;
	if (job->done)
		job->done(job->arg); /* may free the pool */
	free(job);
}

/* The next job, or NULL at the end of the pool. Called with the lock. */
static struct job *
pool_take(struct pool *pool)
{
	struct job *job;

	while (list_empty(&pool->waiting) && !pool->ending)
		pthread_cond_wait(&pool->wake, &pool->lock);
	if (pool->ending)
		return NULL;
	job = LIST_ITEM(pool->waiting.next, struct job, node);
	list_remove(&job->node);
	return job;
}

static void *
pool_thread(void *arg)
{
	struct pool *pool = arg;
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while ((job = pool_take(pool)) != NULL) {
		pthread_mutex_unlock(&pool->lock);
		job->work(job->arg);
		pthread_mutex_lock(&pool->lock);
		list_push(&pool->finished, &job->node);
		loop_post(pool->loop, pool_report, pool);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

struct pool *
pool_new(struct loop *loop, unsigned threads)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	sigset_t all, before;

	pool->loop = loop;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	list_init(&pool->waiting);
	list_init(&pool->finished);
	if (threads < 1)
		threads = 1;
	if (threads > POOL_THREADS_MAX)
		threads = POOL_THREADS_MAX;
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->threads_n < threads &&
		pthread_create(&pool->threads[pool->threads_n], NULL,
			pool_thread, pool) == 0)
		pool->threads_n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pool->threads_n == 0)
		abort(); /* as without memory: nothing can go on */
	return pool;
}

void
pool_submit(struct pool *pool, loop_fn *work, loop_fn *done, void *arg)
{
	pool_submit_droppable(pool, work, done, NULL, arg);
}

void
pool_submit_droppable(struct pool *pool, loop_fn *work, loop_fn *done,
	loop_fn *dropped, void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->work = work;
	job->done = done;
	job->dropped = dropped;
	job->arg = arg;
	pthread_mutex_lock(&pool->lock);
	list_push(&pool->waiting, &job->node);
	pthread_cond_signal(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
}

/* What no helper has begun is given up. */
static void
pool_drop(struct pool *pool)
{
	while (!list_empty(&pool->waiting)) {
		struct job *job =
			LIST_ITEM(pool->waiting.next, struct job, node);

		list_remove(&job->node);
		if (job->dropped)
			job->dropped(job->arg);
		free(job);
	}
}

void
pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads_n; i++)
		pthread_join(pool->threads[i], NULL);
	loop_unpost(pool->loop, pool);
	while (!list_empty(&pool->finished))
		pool_report(pool);
	pool_drop(pool); /* also what those DONE have submitted */
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
