/*
 * Who may send what to whom, and where it goes: the one place that says no.
 * The rules are those of the interface's chapter of the same name.
 */
#ifndef DAEMON_POLICY_H
#define DAEMON_POLICY_H

#include "daemon/node.h"
#include "wire/reply.h"

struct policy_client {
	enum conf_service service;
	const char *address; /* of the client */
	const char *account; /* who authenticated; "" nobody */
	bool turned;	     /* a turned session: our own domains only */
};

/* The answer to MAIL. */
void policy_mail(struct node *n, const struct policy_client *c,
	const struct mailbox *sender, const struct mail_params *p,
	struct reply *reply_r);
/* The answer to RCPT; with 250 route_r says where it goes. */
void policy_rcpt(struct node *n, const struct policy_client *c,
	const struct mailbox *recipient, struct reply *reply_r,
	char route_r[SPOOL_NAME_MAX + 1]);

/* What routing reads: safe to use from any thread while the daemon lives. */
struct policy_router {
	const struct conf *conf;
	struct accounts *accounts;
};
struct policy_router policy_router(const struct node *n);

/*
 * The next hop of RECIPIENT: "local", "customer:NAME" or a route's name.
 * False: none. A spool_router; ARG is a struct policy_router.
 */
bool policy_route(void *arg, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1]);
/* The same for the node as it is now. */
bool policy_route_now(struct node *n, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1]);

/* "customer:NAME". NAME is at most POLICY_CUSTOMER_MAX octets. */
enum { POLICY_CUSTOMER_MAX = SPOOL_NAME_MAX - 9 };
void policy_customer_route(const char *name, char route_r[SPOOL_NAME_MAX + 1]);
/* The name behind "customer:", or NULL. */
const char *policy_route_customer(const char *route);

#endif
