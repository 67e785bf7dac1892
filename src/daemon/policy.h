/*
 * Who may send what to whom, and where it goes: the one place that says no.
 * The rules are those of the interface's chapter of the same name.
 */
#ifndef DAEMON_POLICY_H
#define DAEMON_POLICY_H

#include "daemon/admit.h"
#include "daemon/dovecot_users.h"
#include "daemon/node.h"

struct receive_program;

struct policy_client {
	enum conf_service service;
	const char *address; /* of the client */
	const char *account; /* who authenticated; "" nobody */
	bool ended;	     /* the account is not that of the login any more */
	bool turned;	     /* a turned session: our own domains only */
	/* the peer on the other side, as far as is known; "" none */
	const char *peer;
	const char *helo;		       /* the name it gave */
	const struct receive_program *program; /* NULL: none of this host */
};

/* What is asked about, and what others said of it. */
struct policy_recipient {
	struct admit_message message;
	/* what Dovecot says of the recipient, where policy_asks_dovecot */
	enum dovecot_user user;
	/* what the spool says, where policy_asks_spool; FACTS may be NULL */
	const char *customer;
	const struct spool_customer_facts *facts;
};

/*
 * May who logged in do so from this address (the networks of a customer)?
 * False: REPLY_R refuses MAIL.
 */
bool policy_may_come(
	struct node *n, const struct policy_client *c, struct reply *reply_r);
/*
 * The answer to MAIL. A priority above what this client may ask for is lowered
 * in P, and the reply says so (RFC 6710 4.1).
 */
void policy_mail(struct node *n, const struct policy_client *c,
	const struct mailbox *sender, struct mail_params *p,
	struct reply *reply_r);
/* The highest priority this client may ask for. */
int policy_max_priority(struct node *n, const struct policy_client *c);
/* Must Dovecot be asked whether RECIPIENT exists, before policy_rcpt? */
bool policy_asks_dovecot(struct node *n, const struct mailbox *recipient);
/*
 * Likewise, must the spool be asked for facts about the customer NAME_R
 * (admit.h)?
 */
bool policy_asks_spool(struct node *n, const struct policy_client *c,
	const struct mailbox *recipient, char name_r[SASL_NAME_MAX + 1]);
/* The answer to RCPT; with 250 route_r says where it goes. */
void policy_rcpt(struct node *n, const struct policy_client *c,
	const struct policy_recipient *q, struct reply *reply_r,
	char route_r[SPOOL_NAME_MAX + 1]);

/*
 * May a recipient of the customer NAME have the message? As policy_rcpt, for
 * one that RCPT did not name itself: an alias led to it.
 */
void policy_admit(struct node *n, const char *name,
	const struct policy_recipient *q, struct reply *reply_r);

/*
 * Does a client stand before us whose Authentication-Results count? One that
 * is trusted, and has not logged in as somebody.
 */
bool policy_is_front(struct node *n, const struct policy_client *c);
/* May the client see what aliases stand for (EXPN)? */
bool policy_may_expand(struct node *n, const struct policy_client *c);
/*
 * Is SENDER certainly who it says: somebody who logged in, or from a trusted
 * client an address at a domain of ours or of a customer?
 */
bool policy_vouches(struct node *n, const struct policy_client *c,
	const struct mailbox *sender);

/* What routing reads: safe to use from any thread while the daemon lives. */
struct policy_router {
	const struct conf *conf;
	struct accounts *accounts;
	/*
	 * Who asks whether a user is here: the loop, of the node; others by the
	 * text of the list (userlist_read), owned by the caller.
	 */
	const struct node *loop;
	const char *users;
};
/* For other threads. */
struct policy_router policy_router(const struct node *n);

/*
 * The next hop of RECIPIENT: "local", "customer:NAME", POLICY_BATCH or a
 * route's name, CONF_UNKNOWN among them. False: none. A spool_router; ARG is a
 * struct policy_router.
 */
bool policy_route(void *arg, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1]);
/* The same for the node as it is now. */
bool policy_route_now(struct node *n, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1]);

/* The route of mail that holds a batch (unpack.h). */
#define POLICY_BATCH "batch:in"
/* Is SENDER one of batches.senders? */
bool policy_sends_batches(const struct conf *conf, const char *sender);

/* "customer:NAME". NAME is at most POLICY_CUSTOMER_MAX octets. */
enum { POLICY_CUSTOMER_MAX = SPOOL_NAME_MAX - 9 };
void policy_customer_route(const char *name, char route_r[SPOOL_NAME_MAX + 1]);
/*
 * Is it kept here for others, who may refuse it when its sender is gone? Who
 * nobody vouches for is not told of that then (RFC 5321 6.2).
 */
bool policy_route_is_others(const char *route);
/* The name behind "customer:", or NULL. */
const char *policy_route_customer(const char *route);

#endif
