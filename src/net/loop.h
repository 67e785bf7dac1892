/*
 * The event loop: one thread, libevent. Everything of net runs on it; other
 * threads reach it only by loop_post().
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"
#include "base/list.h"

#include <stdint.h>

struct loop;
typedef void loop_fn(void *arg);

/* Also makes the program ignore SIGPIPE: a dead peer is an error, no end. */
/* "libevent 2.1.12-stable" */
const char *loop_library(void);

struct loop *loop_new(void);
void loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(struct loop *loop);
/* What was posted and has not run is dropped; lingering streams end. */
void loop_free(struct loop *loop);

/* Runs FN on the loop soon, in order of posting. From any thread. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/* A one-shot timer; set again to move it. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *t, uint64_t delay_ms);
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* FN for each SIGNO until the loop is freed. */
void loop_signal(struct loop *loop, int signo, loop_fn *fn, void *arg);

/*
 * A small pool of helper threads for what may wait: name look-ups, file
 * syncs, password hashing. WORK runs on a helper, then DONE on the loop.
 */
struct pool;
struct pool *pool_new(struct loop *loop, unsigned threads);
void pool_submit(struct pool *pool, loop_fn *work, loop_fn *done, void *arg);
/* The same, but says by DROPPED that the pool ends before WORK began. */
void pool_submit_droppable(struct pool *pool, loop_fn *work, loop_fn *done,
	loop_fn *dropped, void *arg);
/*
 * Waits for the work in hand; DONE of what is finished is still called. Work
 * that no helper has begun is dropped, and its DONE is not called. Free the
 * pool before its loop.
 */
void pool_free(struct pool *pool);

#endif
