/*
 * Local delivery: claims deliveries of the route "local" and puts them into
 * Maildirs on helper threads.
 */
#ifndef DAEMON_LOCAL_H
#define DAEMON_LOCAL_H

#include "daemon/node.h"

struct local;

struct local *local_new(struct node *n);
/* Something may be due. */
void local_kick(struct local *l);
/* Begins nothing any more. */
void local_stop(struct local *l);
/* Waits for what is under way. */
void local_join(struct local *l);
void local_free(struct local *l); /* NULL is fine */

#endif
