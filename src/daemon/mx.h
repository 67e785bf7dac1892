/*
 * Delivery by MX, for nodes whose link is always there: finds the domains that
 * something waits for on a route with the peer mx, looks up where their mail
 * goes (net/mxlook.h), and has an exchange with the best host of each, some of
 * them at once (mx.sessions).
 *
 * A domain that cannot be found out or reached keeps its own mail waiting and
 * nobody else's (docs/decisions/010). Part of dispatch.
 */
#ifndef DAEMON_MX_H
#define DAEMON_MX_H

#include "daemon/node.h"

struct mx;

struct mx *mx_new(struct node *n);
/* Something may be due. NOW: domains that failed are tried again at once. */
void mx_kick(struct mx *m, bool now);
void mx_reload(struct mx *m);
/* As dispatch has them; with a link that comes up all is due once. */
void mx_link_up(struct mx *m);
void mx_link_finish(struct mx *m, const char *link);
void mx_link_lost(struct mx *m, const char *link);
/* Also while it is not known yet whether it will be. */
bool mx_is_busy_on(const struct mx *m, const char *link);
/* Ends what runs, no attempt is counted; begins nothing any more. */
void mx_stop(struct mx *m);
/* After mx_stop, when the spool has reported everything. NULL is fine. */
void mx_free(struct mx *m);

#endif
