/*
 * What is remembered of a peer from one connection to the next, besides its
 * row (and how careful one must be with it: careful.h): which host answered
 * last.
 */
#ifndef DAEMON_KNOWN_H
#define DAEMON_KNOWN_H

#include "daemon/node.h"
#include "spool/trust.h"

enum { KNOWN_HOST_MAX = 256, KNOWN_ADDRESS_MAX = 64 };

struct known {
	/* The host that served us last, and at which address; "" none. */
	char host[KNOWN_HOST_MAX], address[KNOWN_ADDRESS_MAX];
	struct spool_trust trust;
};

/* In a transaction, at NOW. What is not known is none of it, and no error. */
enum err_code known_get(struct spool_txn *t, const char *peer, int64_t now,
	struct known *k_r, struct err *e);
/* In a transaction: HOST served us, at ADDRESS. */
enum err_code known_put_host(struct spool_txn *t, const char *peer,
	const char *host, const char *address, struct err *e);

#endif
