/*
 * What the clock does to waiting mail (docs/life.md): released at the time that
 * its sender gave (RFC 4865), returned when its time to be delivered is over
 * (RFC 2852) or when it is older than queue.longest, and told of when it is
 * late. In the background, page by page; nothing is returned while the clock
 * is not trusted.
 */
#ifndef DAEMON_LIFE_H
#define DAEMON_LIFE_H

#include "daemon/node.h"

struct life;

/* Why it returns when its sender gave it a time (RFC 2852). */
#define LIFE_LATE_TEXT                                                         \
	"it could not be delivered within the time that its sender gave it"

struct life *life_new(struct node *n);
/*
 * Looks what is due, and sets its timer for what comes next; returns at once.
 * To be asked when mail with such a time came or came back.
 */
void life_look(struct life *l);
/* The spool is closed by then. NULL is fine. */
void life_free(struct life *l);

#endif
