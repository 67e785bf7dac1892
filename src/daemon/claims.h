/*
 * Claims that end without an outcome: what could not be settled goes back to
 * the queue; what was in doubt is logged as such. Where the spool does not take
 * that, it is tried again until it does, so that nothing waits for the next
 * start of the daemon.
 */
#ifndef DAEMON_CLAIMS_H
#define DAEMON_CLAIMS_H

#include "daemon/node.h"

struct claims;

struct claims *claims_new(struct node *n);
void claims_free(struct claims *c); /* NULL is fine */

/* All that OWNER still holds; it claims no more. */
void claims_release(struct node *n, uint64_t owner);

#endif
