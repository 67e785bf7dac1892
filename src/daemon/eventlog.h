/*
 * What the log tells also goes into the event log of the spool, but for
 * what the transactions of the queue write there themselves. Facts are
 * gathered for a few seconds and written in one job, so that telling costs no
 * sync of its own while mail moves.
 */
#ifndef DAEMON_EVENTLOG_H
#define DAEMON_EVENTLOG_H

#include "daemon/node.h"

struct eventlog;

struct eventlog *eventlog_new(struct node *n);
/* Writes what is left; the spool must still be open. */
void eventlog_stop(struct eventlog *l);
void eventlog_free(struct eventlog *l); /* NULL is fine */

#endif
