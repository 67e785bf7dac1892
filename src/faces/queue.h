/* Rows of the queue by pages, and their words. */
#ifndef FACES_QUEUE_H
#define FACES_QUEUE_H

#include "spool/queue.h"

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

/* Why it waits, in a sentence; "" where there is nothing to say. */
void queue_reason(const struct spool_row *row, char *out, size_t size);
enum { QUEUE_WAY_MAX = 2 * WIRE_MAILBOX_MAX + 40 };
/* How it came to its recipient, where RCPT named another. False: it did not. */
bool queue_way(const struct spool_delivery *d, char *out, size_t size);
/* "<a@b.example>", or "<>" */
const char *queue_sender(const char *sender);

#endif
