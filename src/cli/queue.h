/* What the verbs of the queue family share. */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

#include "cli/args.h"
#include "cli/context.h"
#include "base/json.h"
#include "faces/queue.h"

/*
 * Calls EACH with every row that F names, page by page; LIMIT 0: all. *N_R (may
 * be NULL): how many.
 */
typedef void queue_row(void *arg, const struct spool_row *row);
int queue_each(struct cli *c, const struct spool_filter *f, uint64_t limit,
	queue_row *each, void *arg, uint64_t *n_r);

/* The fields of queue list, into an open object. */
void queue_json_row(struct json *j, const struct spool_row *row);
int queue_show(struct cli *c, const struct args *a);

#endif
