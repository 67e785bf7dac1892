/*
 * The provider's side of on-demand relay (RFC 2645): may this customer have
 * its mail now, and the handing over once the roles have turned.
 */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

#include "daemon/session.h"

/*
 * ATRN by the authenticated ACCOUNT; DOMAINS comma separated, "" for all it
 * has. Answers at once or later: 250, 450, 451, 453 (RFC 2645 7).
 */
void serve_atrn(struct session *s, const char *account, const char *domains);

/* The turn: S gets a client machine that hands the account's mail over. */
void serve_turn(struct session *s, const char *account, const char *domains);

/*
 * Is a session handing over this customer's mail? One that has not moved for
 * a while is closed: false.
 */
bool serve_is_taken(struct node *n, const char *account);

#endif
