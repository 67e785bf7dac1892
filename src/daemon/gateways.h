/*
 * Routes that end at a program or in a folder instead of at a peer: their mail
 * goes as a batch (mail/bsmtp.h) on the standard input of a command, or as a
 * file on a stick; with the format rmail each message goes by itself.
 *
 * A batch is claimed, marked in doubt, written to a file, and handed over. The
 * command has taken it when it ends with 0; a folder has it when file and
 * name are synced. Then all its deliveries are done, in one transaction. If
 * the command fails none is, no attempt is counted, and the route waits
 * (queue.retry). If nobody knows (it was killed, or we were), the mail goes
 * again and the log says may-be-delivered-twice; the ids in a batch let a
 * tidepost at the far end see that it has it already.
 */
#ifndef DAEMON_GATEWAYS_H
#define DAEMON_GATEWAYS_H

#include "daemon/node.h"

struct gateways;

struct gateways *gateways_new(struct node *n);
/* The configuration is another: a batch under way ends as it was begun. */
void gateways_reload(struct gateways *g);
/* Mail for ROUTE may be due (NULL: for any). */
void gateways_kick(struct gateways *g, const char *route);
/* Routes that failed need not wait any longer. */
void gateways_now(struct gateways *g);
/* Ends commands; begins nothing any more. */
void gateways_stop(struct gateways *g);
void gateways_free(struct gateways *g); /* NULL is fine */

#endif
