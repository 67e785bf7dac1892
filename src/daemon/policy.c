#include "daemon/policy.h"

#include "daemon/accounts.h"
#include "daemon/addressee.h"
#include "daemon/dovecot.h"
#include "daemon/fill.h"
#include "base/clock.h"
#include "conf/aliases.h"
#include "daemon/receive.h"
#include "sched/rate.h"
#include "daemon/userlist.h"
#include "net/listen.h"

#include <stdio.h>
#include <string.h>

static const char customer_prefix[] = "customer:";

void
policy_customer_route(const char *name, char route_r[SPOOL_NAME_MAX + 1])
{
	snprintf(route_r, SPOOL_NAME_MAX + 1, "%s%s", customer_prefix, name);
}

const char *
policy_route_customer(const char *route)
{
	size_t n = sizeof(customer_prefix) - 1;

	return strncmp(route, customer_prefix, n) == 0 ? route + n : NULL;
}

bool
policy_route_is_others(const char *route)
{
	return policy_route_customer(route) || strcmp(route, CONF_UNKNOWN) == 0;
}

/*
 * Is this ours to deliver? Postmaster without domain, or at the host name, is
 * ours wherever there is local delivery (RFC 5321 4.5.1).
 */
static bool
is_local(const struct conf *conf, const struct mailbox *m)
{
	struct str domain = mailbox_domain(m);

	if (conf_is_local(conf, domain))
		return true;
	return mailbox_is_postmaster(m) &&
	       conf->local.deliver != DELIVER_NONE &&
	       (domain.n == 0 || str_eq_nocase(domain, str_of(conf->hostname)));
}

static bool
is_for_batches(const struct conf *conf, const struct mailbox *m)
{
	return conf->batches.address &&
	       strcasecmp(conf->batches.address, m->text) == 0;
}

bool
policy_sends_batches(const struct conf *conf, const char *sender)
{
	for (size_t i = 0; i < conf->batches.senders.n; i++)
		if (strcasecmp(conf->batches.senders.v[i], sender) == 0)
			return true;
	return false;
}

static enum userlist_answer
is_here(const struct policy_router *r, const struct mailbox *m)
{
	return r->loop ? userlist_ask(r->loop, m)
		       : userlist_ask_text(r->conf, r->accounts, r->users, m);
}

/*
 * Is M, at a domain of ours, a user of the site that shares it? What is on its
 * way into a mailbox stays; where nobody knows, all stays as it was.
 */
static bool
is_elsewhere(const struct policy_router *r, const struct mailbox *m,
	const char *route)
{
	if (!conf_is_shared(r->conf, mailbox_domain(m)) ||
		mailbox_is_postmaster(m) || aliases_has(r->conf, m) ||
		strcmp(route, "local") == 0)
		return false;
	switch (is_here(r, m)) {
	case USERLIST_NONE:
		return true;
	case USERLIST_UNSURE:
		return strcmp(route, CONF_UNKNOWN) == 0;
	case USERLIST_THERE:
		break;
	}
	return false;
}

bool
policy_route(void *arg, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1])
{
	const struct policy_router *r = arg;
	char customer[SASL_NAME_MAX + 1];
	const struct conf_route *route;

	if (is_for_batches(r->conf, recipient))
		return str_copyz(route_r, SPOOL_NAME_MAX + 1, POLICY_BATCH);
	if (is_local(r->conf, recipient))
		return str_copyz(route_r, SPOOL_NAME_MAX + 1,
			is_elsewhere(r, recipient, route_r) ? CONF_UNKNOWN
							    : "local");
	if (accounts_customer_name(
		    r->accounts, mailbox_domain(recipient), customer)) {
		policy_customer_route(customer, route_r);
		return true;
	}
	if (mailbox_domain(recipient).n == 0)
		return false; /* <postmaster> is this node's or nobody's */
	route = conf_route_for(r->conf, recipient);
	return route &&
	       str_copyz(route_r, SPOOL_NAME_MAX + 1, conf_route_name(route));
}

struct policy_router
policy_router(const struct node *n)
{
	return (struct policy_router){n->conf, n->accounts, NULL, NULL};
}

bool
policy_route_now(struct node *n, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1])
{
	struct policy_router r = {n->conf, n->accounts, n, NULL};

	route_r[0] = '\0';
	return policy_route(&r, recipient, route_r);
}

static bool
in_networks(const struct conf *conf, const char *address)
{
	for (size_t i = 0; i < conf->relay.networks.n; i++)
		if (net_in_network(address, conf->relay.networks.v[i]))
			return true;
	return false;
}

/* NULL: nobody logged in, or the account is gone. */
static const struct spool_account *
account_of(struct node *n, const struct policy_client *c)
{
	const struct spool_account *a = NULL;

	if (c->ended)
		return NULL;
	if (c->account[0])
		a = accounts_get(n->accounts, c->account);
	if (!a && c->account[0] && dovecot_is_used(n->dovecot))
		a = accounts_guest(n->accounts, c->account);
	return a;
}

int
policy_max_priority(struct node *n, const struct policy_client *c)
{
	const struct spool_account *a = account_of(n, c);

	if (c->turned || c->service == SERVICE_LMTP ||
		(c->program && c->program->trusted))
		return 9; /* our own provider, or a program of this host */
	if (c->program)
		return n->conf->relay.max_priority;
	if (c->account[0])
		return a ? a->max_priority : 0;
	return in_networks(n->conf, c->address) ? n->conf->relay.max_priority
						: 0;
}

static void
accept_mail(struct mail_params *p, int max_priority, struct reply *reply_r)
{
	if (p->has_priority && p->priority > max_priority) {
		p->priority = max_priority;
		reply_set(reply_r, 250, "2.3.6",
			"%d is the highest priority you may ask for",
			max_priority);
		return;
	}
	reply_set(reply_r, 250, "2.1.0", "Ok");
}

/* limits.messages_per_user and messages_per_client, each hour */
static bool
may_send_now(
	struct node *n, const struct policy_client *c, struct reply *reply_r)
{
	bool user = c->account[0] != '\0' || c->program;
	char program[80];
	unsigned wait_s;

	if (c->turned || c->service == SERVICE_LMTP ||
		(c->program && c->program->returns))
		return true;
	if (c->program)
		snprintf(program, sizeof(program), "user %s", c->program->user);
	if (rate_take(n->rate,
		    c->program ? program
		    : user     ? c->account
			       : c->address,
		    user ? n->conf->limits.messages_per_user
			 : n->conf->limits.messages_per_client,
		    clock_mono_ms(), &wait_s))
		return true;
	reply_set(reply_r, 450, "4.7.1",
		"Too many messages in this hour; the next in %u seconds",
		wait_s);
	return false;
}

bool
policy_may_come(
	struct node *n, const struct policy_client *c, struct reply *reply_r)
{
	const struct spool_account *a = account_of(n, c);

	if (!a || account_may_come_from(a, c->address))
		return true;
	reply_set(reply_r, 550, "5.7.1", "%s may not be used from %s",
		c->account, c->address);
	return false;
}

/* Its own name at this host or our domains, or none. */
static bool
is_own_sender(struct node *n, const char *user, const struct mailbox *sender)
{
	struct str domain = mailbox_domain(sender);
	char plain[WIRE_LOCAL_PART_MAX + 1];

	if (mailbox_is_null(sender))
		return true;
	return mailbox_local_plain(sender, plain, sizeof(plain)) &&
	       str_eq_nocase(str_of(plain), str_of(user)) &&
	       (conf_is_local(n->conf, domain) ||
		       str_eq_nocase(domain, str_of(n->conf->hostname)));
}

void
policy_mail(struct node *n, const struct policy_client *c,
	const struct mailbox *sender, struct mail_params *p,
	struct reply *reply_r)
{
	const struct spool_account *a = account_of(n, c);
	uint64_t size = p->has_size ? p->size_bytes : 0;

	if (n->stopping)
		reply_set(reply_r, 421, "4.3.2", "%s is shutting down",
			n->conf->hostname);
	else if (!spool_has_room(n->spool, size))
		reply_set(reply_r, 452, "4.3.1",
			"No room on the disk for this message now");
	else if (!fill_has_room(n->fill, size, reply_r))
		;
	else if (c->account[0] && !a)
		reply_set(reply_r, 550, "5.7.1", "This account is gone");
	else if (a && a->suspended)
		reply_set(reply_r, 550, "5.7.1", "This account is suspended");
	else if (a && !account_may_send(a, sender, n->conf))
		reply_set(reply_r, 550, "5.7.1", "%s may not send as <%s>",
			c->account, sender->text);
	else if (c->program && !c->program->trusted &&
		 !is_own_sender(n, c->program->user, sender))
		reply_set(reply_r, 550, "5.7.1",
			"user %s may not send as <%s>: see programs.trusted",
			c->program->user, sender->text);
	else if (!may_send_now(n, c, reply_r))
		;
	else
		accept_mail(p, policy_max_priority(n, c), reply_r);
}

/* What a lax mailer would forward: user%host, host!user, user@host@here. */
static bool
asks_to_forward(const struct mailbox *m)
{
	char plain[WIRE_LOCAL_PART_MAX + 1];

	return !mailbox_local_plain(m, plain, sizeof(plain)) ||
	       strpbrk(plain, "%!@") != NULL;
}

/* <postmaster> without a domain */
static bool
is_postmaster_alone(const struct mailbox *m)
{
	return mailbox_domain(m).n == 0 && mailbox_is_postmaster(m);
}

/* Is it a name that a mailbox of this node can have? */
static bool
may_be_mailbox(const struct node *n, const struct mailbox *recipient,
	struct reply *reply_r)
{
	struct addressee a;

	if (asks_to_forward(recipient))
		reply_set(reply_r, 550, "5.7.1",
			"Forwarding by the local part is not done here");
	else if (!is_postmaster_alone(recipient) &&
		 !addressee_of(&a, recipient, n->conf->local.separators))
		reply_set(reply_r, 550, "5.1.1",
			"This cannot be the name of a mailbox here");
	else
		return true;
	return false;
}

bool
policy_asks_dovecot(struct node *n, const struct mailbox *recipient)
{
	char route[SPOOL_NAME_MAX + 1];
	struct reply unused;

	return dovecot_users_is_used(n->dovecot_users) &&
	       !mailbox_is_postmaster(recipient) &&
	       !aliases_has(n->conf, recipient) &&
	       policy_route_now(n, recipient, route) &&
	       strcmp(route, "local") == 0 &&
	       may_be_mailbox(n, recipient, &unused);
}

static enum dovecot_user
user_of(struct node *n, const struct policy_recipient *q)
{
	const struct mailbox *recipient = q->message.recipient;

	if (mailbox_is_postmaster(recipient) || /* RFC 5321 4.5.1 */
		aliases_has(n->conf, recipient))
		return DOVECOT_USER_THERE;
	if (dovecot_users_is_used(n->dovecot_users))
		return q->user;
	switch (userlist_ask(n, recipient)) {
	case USERLIST_NONE:
		return DOVECOT_USER_NONE;
	case USERLIST_UNSURE: /* it is one or the other site's */
		if (conf_is_shared(n->conf, mailbox_domain(recipient)))
			return DOVECOT_USER_TEMP;
		break;
	case USERLIST_THERE:
		break;
	}
	return DOVECOT_USER_THERE;
}

static bool
has_name(const struct conf_peer *p, const char *name)
{
	for (size_t i = 0; i < p->host.n; i++)
		if (str_eq_nocase(str_of(p->host.v[i]), str_of(name)))
			return true;
	return p->tls_name && str_eq_nocase(str_of(p->tls_name), str_of(name));
}

/* Is it the site that has the users who are not here? */
static bool
is_other_site(const struct conf *conf, const struct policy_client *c)
{
	const struct conf_peer *p = conf_peer(conf, conf->local.unknown_peer);

	return p && (strcmp(c->peer, p->name) == 0 || has_name(p, c->helo));
}

/* Both may think that the other one has it: it goes once, and comes not back.
 */
static void
answer_unknown(struct node *n, const struct policy_client *c,
	const struct mailbox *recipient, struct reply *reply_r,
	char route_r[SPOOL_NAME_MAX + 1])
{
	if (!conf_is_shared(n->conf, mailbox_domain(recipient))) {
		reply_set(reply_r, 550, "5.1.1", "No such user here");
	} else if (is_other_site(n->conf, c)) {
		reply_set(reply_r, 550, "5.1.1",
			"No such user here, and not with you, it seems");
	} else {
		str_copyz(route_r, SPOOL_NAME_MAX + 1, CONF_UNKNOWN);
		reply_set(reply_r, 250, "2.1.5",
			"Ok; not a user here, to be sent on");
	}
}

static void
answer_local(struct node *n, const struct policy_client *c,
	const struct policy_recipient *q, struct reply *reply_r,
	char route_r[SPOOL_NAME_MAX + 1])
{
	if (!may_be_mailbox(n, q->message.recipient, reply_r))
		return;
	switch (user_of(n, q)) {
	case DOVECOT_USER_THERE:
		reply_set(reply_r, 250, "2.1.5", "Ok");
		break;
	case DOVECOT_USER_NONE:
		answer_unknown(n, c, q->message.recipient, reply_r, route_r);
		break;
	case DOVECOT_USER_UNKNOWN:
	case DOVECOT_USER_TEMP:
		reply_set(reply_r, 451, "4.3.0",
			"The list of users cannot be asked now, try again "
			"later");
		break;
	}
}

bool
policy_asks_spool(struct node *n, const struct policy_client *c,
	const struct mailbox *recipient, char name_r[SASL_NAME_MAX + 1])
{
	char route[SPOOL_NAME_MAX + 1];
	const struct spool_account *a;
	const char *name = NULL;

	if (!c->turned && policy_route_now(n, recipient, route))
		name = policy_route_customer(route);
	a = name ? accounts_get(n->accounts, name) : NULL;
	return a && admit_needs_facts(a) &&
	       str_copyz(name_r, SASL_NAME_MAX + 1, name);
}

/* The settings may have changed while the spool was asked. */
void
policy_admit(struct node *n, const char *name, const struct policy_recipient *q,
	struct reply *reply_r)
{
	const struct spool_account *a = accounts_get(n->accounts, name);
	bool known = q->facts && strcmp(q->customer, name) == 0;

	if (a && (known || !admit_needs_facts(a)))
		admit_rcpt(a, known ? q->facts : NULL, &q->message, reply_r);
	else
		reply_set(reply_r, 451, "4.3.0",
			"What is known of this recipient cannot be read now, "
			"try again later");
}

static void
answer_batch(
	struct node *n, const struct policy_recipient *q, struct reply *reply_r)
{
	if (policy_sends_batches(n->conf, q->message.sender->text))
		reply_set(reply_r, 250, "2.1.5", "Ok");
	else
		reply_set(reply_r, 550, "5.7.1",
			"Batches are taken from known senders only");
}

/* May this client send to anybody? */
static bool
is_trusted(struct node *n, const struct policy_client *c)
{
	if (c->turned)
		return false;
	if (c->program)
		return !c->program->home;
	if (c->service == SERVICE_LMTP)
		return true; /* the rights of the socket decided */
	if (c->account[0])
		return account_of(n, c) != NULL;
	return in_networks(n->conf, c->address);
}

void
policy_rcpt(struct node *n, const struct policy_client *c,
	const struct policy_recipient *q, struct reply *reply_r,
	char route_r[SPOOL_NAME_MAX + 1])
{
	bool routed = policy_route_now(n, q->message.recipient, route_r);
	bool local = routed && (strcmp(route_r, "local") == 0 ||
				       strcmp(route_r, CONF_UNKNOWN) == 0);
	const char *customer = routed ? policy_route_customer(route_r) : NULL;
	bool trusted = is_trusted(n, c);

	if (local)
		answer_local(n, c, q, reply_r, route_r);
	else if (routed && strcmp(route_r, POLICY_BATCH) == 0)
		answer_batch(n, q, reply_r);
	else if (c->turned)
		reply_set(reply_r, 550, "5.7.1",
			"Only mail for this site is taken here");
	else if (customer)
		policy_admit(n, customer, q, reply_r);
	else if (!trusted)
		reply_set(reply_r, 550, "5.7.1",
			"Relaying is not allowed without a login");
	else if (!routed)
		reply_set(reply_r, 550, "5.1.2", "No route to this domain");
	else
		reply_set(reply_r, 250, "2.1.5", "Ok");
}

bool
policy_is_front(struct node *n, const struct policy_client *c)
{
	return !c->account[0] && !c->program && is_trusted(n, c);
}

bool
policy_may_expand(struct node *n, const struct policy_client *c)
{
	return n->conf->local.expn && is_trusted(n, c);
}

bool
policy_vouches(struct node *n, const struct policy_client *c,
	const struct mailbox *sender)
{
	struct str domain = mailbox_domain(sender);
	char customer[SASL_NAME_MAX + 1];

	if (!is_trusted(n, c))
		return false;
	return c->account[0] || conf_is_local(n->conf, domain) ||
	       str_eq_nocase(domain, str_of(n->conf->hostname)) ||
	       accounts_customer_name(n->accounts, domain, customer);
}
