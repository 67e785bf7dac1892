/*
 * One page of text over HTTP/1.1, for programs of this host that watch it: GET
 * and HEAD of /metrics are answered with what was put last, then the connection
 * ends (docs/decisions/013 says why there is no library).
 *
 * PAGE_CONNS_MAX connections at once, those that still close included; more
 * wait in the kernel. A request has PAGE_REQUEST_MS to arrive as a whole, its
 * answer PAGE_LINGER_MS to be taken.
 */
#ifndef NET_PAGE_H
#define NET_PAGE_H

#include "base/str.h"
#include "net/loop.h"

enum {
	PAGE_CONNS_MAX = 16,
	PAGE_REQUEST_MS = 10000,
	PAGE_LINGER_MS = 5000,
	PAGE_REQUEST_MAX = 8192, /* octets of a request */
};

/* The path of a Unix socket, or address and port (0: any free one). */
struct page_place {
	const char *socket; /* NULL: address and port */
	const char *address;
	unsigned port;
};

struct page;

enum err_code page_new(struct loop *loop, const struct page_place *place,
	struct page **page_r, struct err *e);
/* What is served from now on (copied). Before the first: 503. */
void page_put(struct page *p, struct str text);
unsigned page_port(const struct page *p); /* 0: a Unix socket */
void page_free(struct page *p);		  /* NULL is fine */

/*
 * What a request deserves (RFC 9112 3): 0 while it is not whole, else the
 * status, with *head_r: without the text.
 */
unsigned page_request_status(struct str octets, bool *head_r);

#endif
