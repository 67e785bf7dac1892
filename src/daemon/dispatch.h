/*
 * Which exchanges run: a peer with mail due, or with mail to collect, and a
 * way to it, gets one at a time. Also wakes local delivery.
 */
#ifndef DAEMON_DISPATCH_H
#define DAEMON_DISPATCH_H

#include "daemon/node.h"

struct dispatch;

struct dispatch *dispatch_new(struct node *n);
/* Ends all exchanges, no attempt is counted; begins nothing any more. */
void dispatch_stop(struct dispatch *d);
/* After dispatch_stop, when the spool has reported everything. */
void dispatch_free(struct dispatch *d);
void dispatch_reload(struct dispatch *d);

/* A delivery for ROUTE was stored, released, or made due. */
void dispatch_arrived(struct dispatch *d, const char *route);
/* Something becomes due at WHEN (wall time). */
void dispatch_due_at(struct dispatch *d, int64_t when);
/* Looks at everything. */
void dispatch_all(struct dispatch *d);
/* The same, and peers that failed are tried without further waiting. */
void dispatch_now(struct dispatch *d);

/*
 * Why mail for PEER waits although it is reachable (REASON_TLS, REASON_AUTH);
 * REASON_NONE: it does not.
 */
enum spool_reason dispatch_trouble(
	const struct dispatch *d, const char *peer, const char **text_r);

/* LINK came up: each of its peers has a turn, deferred mail is due once. */
void dispatch_link_up(struct dispatch *d, const char *link);
/* The sessions over LINK end at the next message. */
void dispatch_link_finish(struct dispatch *d, const char *link);
void dispatch_link_lost(struct dispatch *d, const char *link);

/*
 * A session that receives began or ended on an smtp listener: mail asked for by
 * ETRN may come over it, so the links that wait for such mail wait on.
 */
void dispatch_receiving(struct dispatch *d, bool begins);
/* The link over which mail was asked for at ADDRESS, and awaited; NULL: none.
 */
const char *dispatch_awaits_from(const struct dispatch *d, const char *address);
/* The peer of which it was asked for there; "": none. */
void dispatch_awaited_peer(const struct dispatch *d, const char *address,
	char peer_r[SPOOL_NAME_MAX + 1]);

#endif
