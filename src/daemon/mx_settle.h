/*
 * What becomes of all mail for a domain that no host takes now: claims what
 * waits for it and settles it, page by page.
 */
#ifndef DAEMON_MX_SETTLE_H
#define DAEMON_MX_SETTLE_H

#include "daemon/node.h"
#include "spool/queue.h"

enum mx_verdict {
	MX_FAIL,     /* there is no such host, and there will be none */
	MX_DEFER,    /* it was tried, and counts as an attempt */
	MX_POSTPONE, /* nobody could say where it goes: no attempt */
	/*
	 * Its host was there and was sent nothing: what is too large for it
	 * fails, what it cannot take waits, the rest stays as it is.
	 */
	MX_LEFT,
};

struct mx_settle_conf {
	enum mx_verdict verdict;
	const char *domain;	   /* copied */
	const char *const *routes; /* copied */
	size_t routes_n;
	const char *status;	  /* FAIL: "5.1.2"; static */
	const char *text;	  /* in words; copied; not for LEFT */
	enum spool_reason reason; /* DEFER and POSTPONE */
	uint64_t size_max;	  /* LEFT: of the host; 0: it does not say */
	unsigned extensions;	  /* LEFT: of the host */
	/* Once, when all is on the disk, or could not be brought there. */
	void (*done)(void *arg);
	void *arg;
};

void mx_settle(struct node *n, const struct mx_settle_conf *conf);

#endif
