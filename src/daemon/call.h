/*
 * What all outgoing connections share: dialling within our limits, the session
 * of the new stream, its client machine's settings, TLS.
 */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include "daemon/session.h"
#include "net/dial.h"
#include "smtp/client.h"

/* As dial_start, with the node's deadline in the place of WHERE's. */
struct dial *call_dial(
	struct node *n, const struct dial_conf *where, dial_fn *fn, void *arg);

/*
 * A session over FD (given) with PEER (of the log and status), over LINK or
 * NULL. It is held for the caller, who gives machine and host.
 */
struct session *call_session(struct node *n, int fd, const char *peer,
	const char *link, const char *role);

/* Our name, deadlines and window; all else is the caller's. */
struct smtp_client_conf call_client(const struct node *n);

/*
 * Fits C to link L (NULL: no link). Where each turn costs there is no needless
 * one; where the line is slow little is in flight, so that an urgent message, a
 * budget or a cut meets little of it. *ahead_r: as in struct deliver_conf.
 */
void call_fit(struct session *s, const struct conf_link *l,
	struct smtp_client_conf *c, uint64_t *ahead_r);

void call_tls(struct session *s, const struct tls_policy *policy);

#endif
