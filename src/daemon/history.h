/* What past sessions leave in the spool: history rows, what peers are. */
#ifndef DAEMON_HISTORY_H
#define DAEMON_HISTORY_H

#include "daemon/session.h"

/*
 * One row of link history for S, closed; LINK "" where there is none. Takes
 * the shares of S.
 */
void history_session(struct session *s, const char *link, const char *peer,
	const char *result);
/* What LINK cost beside its sessions: a row of its own; nothing for nothing. */
void history_line(struct node *n, const char *link, double cost);
/* When a customer last called, and what came of it. */
void history_customer(struct node *n, const char *name, const char *result);
/* A connection that did not come about: a row of link history as well. */
void history_unreached(struct node *n, const char *link, const char *peer,
	int64_t started_s, const char *why);

/* What an exchange tells of a peer; "": not known this time. */
struct history_peer {
	const char *host; /* that served us; "": none did */
	const char *address, *keywords;
	const struct tls_certificate *certificate; /* NULL: none shown */
	bool success;
	const char *result; /* in words */
};
void history_peer(
	struct node *n, const char *name, const struct history_peer *h);

#endif
