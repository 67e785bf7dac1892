/* What the files of net share about the loop; nobody else includes this. */
#ifndef NET_LOOP_PRIVATE_H
#define NET_LOOP_PRIVATE_H

#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>

struct event_base *loop_base(struct loop *loop);

/*
 * Something that nobody owns any more but the loop (a stream that lingers):
 * loop_free calls END on it. Leave by list_remove(&node).
 */
struct loop_ward {
	struct list_node node;
	void (*end)(struct loop_ward *w);
};
void loop_adopt(struct loop *loop, struct loop_ward *w);

/* Forgets what was posted with ARG. */
void loop_unpost(struct loop *loop, const void *arg);

/* DELAY_MS for event_add(). */
struct timeval loop_timeval(uint64_t delay_ms);

#endif
