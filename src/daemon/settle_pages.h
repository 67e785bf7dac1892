/*
 * Settling much mail that is in no session: a page is claimed in one
 * transaction, each of its deliveries gets a verdict on the loop, and these are
 * written in the next one; then the next page.
 */
#ifndef DAEMON_SETTLE_PAGES_H
#define DAEMON_SETTLE_PAGES_H

#include "daemon/settle.h"

struct settle_page {
	struct spool_claimed *messages; /* owned by the page */
	size_t n;
	size_t deliveries;
	bool more; /* there may be another page */
};

/* A message with its deliveries, which the page owns from now on. */
void settle_page_add(struct settle_page *p, const struct spool_claimed *m);

struct settle_pages_conf {
	/* In the transaction: claims for OWNER and adds to PAGE. May run again.
	 */
	enum err_code (*claim)(struct spool_txn *t, void *arg, uint64_t owner,
		struct settle_page *page, struct err *e);
	/* On the loop: what becomes of delivery I of M. */
	void (*verdict)(void *arg, struct settle *st,
		const struct spool_claimed *m, size_t i);
	/* Once, last. COUNT: deliveries of the pages that were written. */
	void (*done)(void *arg, enum err_code code, const struct err *e,
		size_t count);
	void *arg;
	const char *peer; /* for the log, borrowed until done; "" none */
};

void settle_pages(struct node *n, const struct settle_pages_conf *conf);

#endif
