/*
 * What stays ashore is known aboard: the message that a customer's session
 * begins with when mail for it is kept back (mail/ashore.h), stored in the
 * transaction that looks what waits, so that each thing is told once.
 */
#ifndef DAEMON_ASHORE_H
#define DAEMON_ASHORE_H

#include "daemon/node.h"

struct ashore_call;

/*
 * For a session of CUSTOMER with these DOMAINS (copied; N 0: all). NULL: there
 * is nothing to do (customers.tell_kept, no such customer).
 */
struct ashore_call *ashore_call_new(struct node *n, const char *customer,
	const char *const *domains, size_t domains_n);
/*
 * In the transaction, after spool_route_wake and before the look whether
 * anything is due. NULL is fine.
 */
enum err_code ashore_tell(
	struct spool_txn *t, struct ashore_call *c, struct err *e);
/* After the commit: the log line. NULL is fine. */
void ashore_told(const struct ashore_call *c);
void ashore_call_free(struct ashore_call *c); /* NULL is fine */

#endif
