/* What the verbs of the queue family share. */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

#include "cli/args.h"
#include "cli/context.h"
#include "cli/json.h"

enum { QUEUE_PAGE = 200 }; /* rows read in one transaction */

/* A page of a list, for queue_page. */
struct queue_page {
	struct spool_filter filter;
	struct spool_cursor after;
	size_t limit;
	struct spool_row *rows; /* owned */
	size_t n;
};

/* A spool_fn: the rows behind page->after, which is moved. */
enum err_code queue_page(struct spool_txn *t, void *page, struct err *e);

/*
 * Calls EACH with every row that F names, page by page; LIMIT 0: all. *N_R (may
 * be NULL): how many.
 */
typedef void queue_row(void *arg, const struct spool_row *row);
int queue_each(struct cli *c, const struct spool_filter *f, uint64_t limit,
	queue_row *each, void *arg, uint64_t *n_r);

/* Why it waits, in a sentence; "" where there is nothing to say. */
void queue_reason(const struct spool_row *row, char *out, size_t size);
/* The fields of queue list, into an open object. */
void queue_json_row(struct json *j, const struct spool_row *row);
/* "<a@b.example>", or "<>" */
const char *queue_sender(const char *sender);

int queue_show(struct cli *c, const struct args *a);

#endif
