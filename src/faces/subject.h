/*
 * The subject of a message, read from its body when somebody asks: the spool
 * keeps none, and a list of many messages should not cost a read of each.
 */
#ifndef FACES_SUBJECT_H
#define FACES_SUBJECT_H

#include "spool/queue.h"

enum { SUBJECT_LOOK_MAX = 16384 }; /* octets of a message looked at */

/* For subject_read. */
struct subject_job {
	int64_t id;
	struct buf text; /* decoded, not clean; empty: there is none */
};

/* A spool_fn. A message that is gone meanwhile has no subject. */
enum err_code subject_read(struct spool_txn *t, void *job, struct err *e);

#endif
