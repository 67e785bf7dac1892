/*
 * Local mail by LMTP (RFC 2033) to another program, such as Dovecot: one
 * session hands over all that waits, then quits. Where it cannot be reached
 * mail stays ready, says why, and is tried again by itself; nothing is returned
 * for it.
 */
#ifndef DAEMON_LMTP_H
#define DAEMON_LMTP_H

#include "daemon/node.h"

struct lmtp;

struct lmtp *lmtp_new(struct node *n);
/* Something may be due. */
void lmtp_kick(struct lmtp *l);
/* Begins nothing any more; a session ends with all others. */
void lmtp_stop(struct lmtp *l);
void lmtp_free(struct lmtp *l); /* NULL is fine */

#endif
