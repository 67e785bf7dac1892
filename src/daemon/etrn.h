/*
 * The provider's side of ETRN (RFC 1985): a customer asks, and its mail goes
 * over a new connection to the host that its entry names, never to an address
 * the asker chooses. ETRN proves nothing about who asks (RFC 2645 1), so only
 * the customer who logged in is heard, or one who calls from its networks.
 *
 * One delivery runs for a customer at a time. Who asks while it runs is told
 * so, and it looks once more before it ends.
 */
#ifndef DAEMON_ETRN_H
#define DAEMON_ETRN_H

#include "daemon/session.h"

struct etrn;

struct etrn *etrn_new(struct node *n);
/* Ends what dials; begins nothing any more. Sessions end by themselves. */
void etrn_stop(struct etrn *e);
/* After etrn_stop, when the spool has reported everything. NULL is fine. */
void etrn_free(struct etrn *e);

/* Shown in EHLO: is there a customer whose mail could be asked for? */
bool etrn_is_offered(const struct node *n);

/*
 * ETRN WHAT (domain, @domain or #customer) in session S, whose client logged
 * in as ACCOUNT ("" nobody). Answers at once or later: 250, 251, 253 (counted),
 * 252 (it runs already), 458 (cannot be started), 459 (not for this client,
 * whether there is such a domain or not).
 */
void etrn_ask(struct session *s, const char *account, struct str what);

#endif
