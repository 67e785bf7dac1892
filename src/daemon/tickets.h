/*
 * TLS sessions kept for the next connection to a peer. Each is used once: it is
 * taken when a connection stands, and the peer gives new ones over it.
 */
#ifndef DAEMON_TICKETS_H
#define DAEMON_TICKETS_H

#include "daemon/node.h"

enum { TICKETS_POLICY_MAX = 600 };

/* TICKET (valid during the call) is empty where there is none. */
typedef void tickets_fn(void *arg, uint64_t session, struct str ticket);

/*
 * Takes a ticket of PEER under POLICY (what it must have been made under); FN
 * is called once, later, with SESSION as given here.
 */
void tickets_take(struct node *n, const char *peer, const char *policy,
	uint64_t session, tickets_fn *fn, void *arg);
/* Keeps TICKET, in the background. */
void tickets_keep(struct node *n, const char *peer, const char *policy,
	struct str ticket);

#endif
