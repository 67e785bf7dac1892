/* Making a TCP connection: look-up on a helper, then each address in turn. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/loop.h"

struct dial;

struct dial_conf {
	const char *host; /* name or address; copied */
	unsigned port;
	const char *interface; /* SO_BINDTODEVICE; NULL: any */
	const char *address;   /* bind to; NULL: any */
	uint64_t timeout_ms;   /* for the whole */
	/* what the far side may have under way to us; 0: as the system likes */
	uint32_t window;
};

/*
 * FD (non-blocking) is given, or -1 and ERR_* with words. Called once. The
 * code is that of the first failure: ERR_NOTFOUND no such host or local
 * address, ERR_BUSY no name server answered, ERR_CLOSED refused, ERR_TIMEOUT,
 * ERR_PERM, ERR_INVALID a local address that is none, ERR_IO unreachable.
 */
typedef void dial_fn(void *arg, int fd, enum err_code code, const char *why);

struct dial *dial_start(struct loop *loop, struct pool *pool,
	const struct dial_conf *conf, dial_fn *fn, void *arg);
/*
 * A Unix socket, which connects at once or not at all: a descriptor,
 * non-blocking, given; or -1 and errno.
 */
int dial_unix(const char *path);
/* FN will not be called. NULL is fine. */
void dial_cancel(struct dial *d);

#endif
