/*
 * The connection to a peer: its hosts are tried in their order. When the first
 * name cannot be looked up, the address that served us last is tried before
 * the other hosts: an address needs no name server.
 *
 * A peer may be a program: its standard input and output are the connection,
 * what it says on standard error goes to the log, and reach_free lets it end.
 *
 * A name that does not resolve and a host that does not answer are "no link":
 * nobody refused anything.
 */
#ifndef DAEMON_REACH_H
#define DAEMON_REACH_H

#include "daemon/known.h"
#include "net/tls.h"

struct reach;

/* A host whose address is known: one attempt. Texts borrowed. */
struct reach_host {
	const char *name, *address;
	const struct tls_dane *dane; /* what its zone says; NULL: nothing */
};

struct reach_conf {
	const struct conf_peer *peer;	/* borrowed */
	const struct reach_host *hosts; /* borrowed; NULL: those of PEER */
	size_t hosts_n;
	unsigned port;
	const char *interface, *address; /* borrowed; NULL: any */
	const char *link;		 /* for the log; NULL: none */
	struct known known;		 /* copied */
	/* The host to begin with, as reached before; NULL: the first. */
	const char *first;
};

struct reached {
	int fd;			     /* given; -1: no host is left */
	const char *host;	     /* its name; borrowed; "": a program */
	const struct tls_dane *dane; /* of reach_host; NULL: none */
	bool no_link;		     /* without fd: nobody answered at all */
	const char *why;	     /* without fd: of each host, in words */
};

typedef void reach_fn(void *arg, const struct reached *r);

/* FN is told of what reach_next found. */
struct reach *reach_new(
	struct node *n, const struct reach_conf *conf, reach_fn *fn, void *arg);
/* Goes on to the next host; FN is called once for it, later. */
void reach_next(struct reach *r);
/* Is there one that was not tried? */
bool reach_has_next(const struct reach *r);
void reach_free(struct reach *r); /* FN is not called; NULL is fine */

#endif
