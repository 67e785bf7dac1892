/*
 * The message by which this node says once a day how it is (report.to).
 *
 * It is mail as any, with the lowest priority unless told otherwise, and a null
 * sender: nobody hears if it fails. But it asks for no call (report_waiting),
 * and one that still waits when the next is made goes, in the transaction that
 * adds the new one; so at most one of them waits. What was made when is in the
 * spool (meta "report": day, steady time, message, last event told of).
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include "daemon/node.h"

enum {
	REPORT_LOOK_MS = 30000,
	REPORT_AGAIN_MS = 600000,  /* after a failure */
	REPORT_EVENTS_MAX = 20000, /* looked at for faults */
};

struct report;

struct report *report_new(struct node *n);
/* What earlier starts did. Blocking. */
enum err_code report_load(struct report *r, struct err *e);
void report_free(struct report *r); /* NULL is fine */

/*
 * The message of the last one that this transaction sees, whether it still
 * waits or not; 0: none.
 */
enum err_code report_waiting(
	struct spool_txn *t, int64_t *message_r, struct err *e);

#endif
