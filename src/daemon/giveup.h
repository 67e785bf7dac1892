/*
 * Giving deliveries up whatever their time and route: returned by a person,
 * held for a customer too long, or failed before without a word. Claims them,
 * settles them as failed (with notices), page by page.
 */
#ifndef DAEMON_GIVEUP_H
#define DAEMON_GIVEUP_H

#include "daemon/node.h"
#include "spool/queue.h"

/* COUNT: deliveries given up. */
typedef void giveup_done(
	void *arg, enum err_code code, const struct err *e, size_t count);

struct giveup_conf {
	const struct spool_filter *filters; /* copied; texts borrowed */
	size_t filters_n;
	bool expired;	    /* their lifetime is over: settle_expire */
	bool untold;	    /* settle_tell_now, where it is so */
	const char *status; /* "5.3.4"; static; not used with one of these */
	const char *text;   /* copied; "" with UNTOLD */
	/* Run first, in the transaction; NULL: nothing. ARG is for both. */
	spool_fn *check;
	giveup_done *done;
	void *arg;
};

void giveup(struct node *n, const struct giveup_conf *conf);

#endif
