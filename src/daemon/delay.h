/*
 * Word to senders of mail that waits: *delayed* (RFC 3461 4.1, RFC 3464). Only
 * to those whose mailbox is here, so that it never goes over a link, but for
 * mail whose time is over (RFC 2852 4.1.3), where the sender asked for it.
 * Each delivery is told of once; what may not be told is marked all the same.
 */
#ifndef DAEMON_DELAY_H
#define DAEMON_DELAY_H

#include "daemon/node.h"
#include "spool/queue.h"

struct delay_conf {
	const struct spool_filter *filters; /* copied; texts borrowed */
	size_t filters_n;
	bool late; /* its time is over; else: it waits for long */
	/* Once, last. COUNT: deliveries that were marked. */
	void (*done)(void *arg, size_t count);
	void *arg;
};

void delay_tell(struct node *n, const struct delay_conf *conf);

#endif
