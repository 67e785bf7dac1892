/*
 * Mail that needs SMTPUTF8, where a mail host of its domain has none: another
 * one of the domain may have it (RFC 6531 3.2), so each is asked before the
 * mail returns.
 */
#ifndef DAEMON_MX_UTF8_H
#define DAEMON_MX_UTF8_H

#include "daemon/node.h"

/* Does any such mail for DOMAIN wait on ROUTES? Both are copied. */
void mx_utf8_ask(struct node *n, const char *const *routes, size_t routes_n,
	const char *domain, void (*done)(void *arg, bool waits), void *arg);

#endif
