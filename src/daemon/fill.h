/*
 * How full the queue is (limits.queue_size, limits.queue_messages), known
 * without waiting for the disk: the counters of the spool are read in the
 * background after commits, and what was stored since is added. What is still
 * being received is not in it, so the limits may be overshot by that much.
 */
#ifndef DAEMON_FILL_H
#define DAEMON_FILL_H

#include "daemon/node.h"
#include "wire/reply.h"

struct fill;

struct fill *fill_new(struct node *n);
/* After the spool is closed. NULL is fine. */
void fill_free(struct fill *f);
/* Reads the counters now; blocking. Nothing is read where there is no limit. */
enum err_code fill_load(struct fill *f, struct err *e);
/* The limits may be others. */
void fill_reload(struct fill *f);

/* A message of SIZE octets was stored for RECIPIENTS_N recipients. */
void fill_stored(struct fill *f, uint64_t size, size_t recipients_n);
/* Is there room for one more of SIZE octets? False: REPLY_R refuses MAIL. */
bool fill_has_room(const struct fill *f, uint64_t size, struct reply *reply_r);

#endif
