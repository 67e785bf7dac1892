#include "daemon/ashore.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/lifetime.h"
#include "daemon/place.h"
#include "daemon/policy.h"
#include "mail/ashore.h"
#include "spool/queue.h"
#include "wire/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ASHORE_ROWS_MAX = 200,	   /* deliveries looked at in one call */
	ASHORE_ITEMS_MAX = 16,	   /* more never fit */
	ASHORE_HEADER_MAX = 16384, /* octets searched for a subject */
	ASHORE_PRIORITY = 9,	   /* it goes before all else */
};

struct ashore_call {
	struct accounts *accounts; /* borrowed */
	char customer[SASL_NAME_MAX + 1];
	char route[SPOOL_NAME_MAX + 1];
	char hostname[WIRE_DOMAIN_MAX + 1];
	char postmaster[WIRE_MAILBOX_MAX + 1];
	char date[CLOCK_TEXT_MAX]; /* "" while the clock is not trusted */
	char **domains;
	size_t domains_n;
	int64_t lifetime_s, now, generation;
	int64_t id;  /* of the message, if there is one */
	size_t kept; /* messages told of */
};

/* What is gathered in one run of the transaction. */
struct gathering {
	struct spool_row *rows; /* those to tell of */
	size_t n;
	struct ashore_item items[ASHORE_ITEMS_MAX];
	char why[ASHORE_ITEMS_MAX][SPOOL_TEXT_MAX + 80];
	char *headers[ASHORE_ITEMS_MAX];
	size_t items_n, messages_n;
	bool one_recipient;
};

static bool
is_asked_for(const struct ashore_call *c, const char *recipient)
{
	const char *at = strrchr(recipient, '@');

	for (size_t i = 0; at && i < c->domains_n; i++)
		if (str_eq_nocase(str_of(at + 1), str_of(c->domains[i])))
			return true;
	return c->domains_n == 0;
}

/*
 * A delivery may stand on the route of a customer that lost its domain; then
 * it is told neither of it nor by it. (Safe in the thread of the spool.)
 */
static bool
is_its_own(const struct ashore_call *c, const char *recipient)
{
	const char *at = strrchr(recipient, '@');
	char owner[SASL_NAME_MAX + 1];

	return at &&
	       accounts_customer_name(c->accounts, str_of(at + 1), owner) &&
	       strcmp(owner, c->customer) == 0;
}

/* A message of ours that waits itself is no news. */
static bool
is_own(const struct spool_row *r)
{
	return r->sender[0] == '\0' && r->d.priority == ASHORE_PRIORITY;
}

/* Marks what was seen, and keeps in G what is to be told. */
static enum err_code
gather(struct spool_txn *t, const struct ashore_call *c, struct gathering *g,
	struct err *e)
{
	size_t n = 0, kept = 0;
	enum err_code rc =
		spool_kept_list(t, c->route, ASHORE_ROWS_MAX, &g->rows, &n, e);

	for (size_t i = 0; i < n && rc == OK; i++) {
		const struct spool_row *r = &g->rows[i];

		if (!is_asked_for(c, r->d.recipient) ||
			!is_its_own(c, r->d.recipient))
			continue;
		rc = spool_set_warned(t, r->d.message, r->d.n, c->now, e);
		if (!is_own(r))
			g->rows[kept++] = *r;
	}
	g->n = kept;
	return rc;
}

/* --- the items --- */

static void
say_why(const struct ashore_call *c, const struct spool_row *r, char *out,
	size_t size)
{
	char reason[SPOOL_TEXT_MAX + 1];

	spool_reason_text(r->reason, r->reason_arg, 0, reason, sizeof(reason));
	if (r->reason == REASON_SIZE)
		snprintf(out, size, "larger than your host takes");
	else if (r->reason == REASON_PEER_4XX)
		snprintf(out, size, "your host said: %s", r->reason_arg);
	else if (r->reason == REASON_OPERATOR_HOLD)
		snprintf(out, size, "held by the operator of %s", c->hostname);
	else
		snprintf(out, size, "%s", reason);
}

static enum err_code
add_item(struct spool_txn *t, const struct ashore_call *c, struct gathering *g,
	const struct spool_row *r, struct err *e)
{
	size_t i = g->items_n, n = 0;
	enum err_code rc;

	g->headers[i] = xmalloc(ASHORE_HEADER_MAX);
	rc = spool_body_read(
		t, r->d.message, 0, g->headers[i], ASHORE_HEADER_MAX, &n, e);
	say_why(c, r, g->why[i], sizeof(g->why[i]));
	g->items[i] = (struct ashore_item){.from = r->sender,
		.to = g->one_recipient ? NULL : r->d.recipient,
		.header = {g->headers[i], n},
		.size = r->size,
		.why = g->why[i],
		.until = r->d.state == SPOOL_HELD
				 ? 0
				 : r->d.queued_at + c->lifetime_s};
	g->items_n++;
	return rc;
}

/* The recipients of one message stand side by side. */
static enum err_code
make_items(struct spool_txn *t, const struct ashore_call *c,
	struct gathering *g, struct err *e)
{
	enum err_code rc = OK;

	g->messages_n = 0;
	for (size_t i = 0; i < g->n && rc == OK; i++) {
		bool same =
			i && g->rows[i - 1].d.message == g->rows[i].d.message;

		if (!same)
			g->messages_n++;
		if (same && g->items_n == g->messages_n)
			g->items[g->items_n - 1].to_more++;
		else if (!same && g->items_n < ASHORE_ITEMS_MAX)
			rc = add_item(t, c, g, &g->rows[i], e);
	}
	return rc;
}

/* The one recipient of all, where it can stand in an ASCII header. */
static const char *
whom_to_tell(const struct ashore_call *c, struct gathering *g)
{
	const char *first = g->rows[0].d.recipient;

	g->one_recipient = grammar_is_ascii(str_of(first));
	for (size_t i = 1; i < g->n; i++)
		g->one_recipient &= str_eq_nocase(
			str_of(first), str_of(g->rows[i].d.recipient));
	return g->one_recipient ? first : c->postmaster;
}

/* --- the message --- */

static enum err_code
store(struct spool_txn *t, const struct ashore_call *c, const char *to,
	struct str body, struct err *e)
{
	struct spool_message m = {
		.id = c->id,
		.received_at = c->now,
		.received_from = "local",
		.size = body.n,
		.is_notice = true,
	};
	struct spool_delivery d = {
		.message = c->id,
		.n = 1,
		.state = SPOOL_READY,
		.route_generation = c->generation,
		.queued_at = c->now,
		.priority = ASHORE_PRIORITY,
		.params.notify = NOTIFY_NEVER,
	};
	enum err_code rc;

	str_copyz(d.recipient, sizeof(d.recipient), to);
	str_copyz(d.route, sizeof(d.route), c->route);
	rc = spool_body_append(t, c->id, body, e);
	if (rc == OK)
		rc = place_set(t, &m, &d, 1, c->now, e);
	return rc == OK ? spool_message_add(t, &m, &d, 1, e) : rc;
}

static enum err_code
compose(struct spool_txn *t, struct ashore_call *c, struct gathering *g,
	struct err *e)
{
	const char *to = whom_to_tell(c, g);
	enum err_code rc = make_items(t, c, g, e);
	struct ashore a = {.hostname = c->hostname,
		.to = to,
		.date = c->date,
		.id = c->id,
		.items = g->items,
		.items_n = g->items_n,
		.more = g->messages_n - g->items_n};
	struct buf body;

	buf_init(&body, 0);
	ashore_compose(&a, &body);
	if (rc == OK)
		rc = store(t, c, to, buf_view(&body), e);
	buf_free(&body);
	c->kept = g->messages_n;
	return rc;
}

enum err_code
ashore_tell(struct spool_txn *t, struct ashore_call *c, struct err *e)
{
	struct gathering *g;
	enum err_code rc;

	if (!c)
		return OK;
	c->kept = 0; /* of an earlier run of this */
	g = xcalloc(1, sizeof(*g));
	rc = gather(t, c, g, e);
	if (rc == OK && g->n)
		rc = compose(t, c, g, e);
	for (size_t i = 0; i < g->items_n; i++)
		free(g->headers[i]);
	free(g->rows);
	free(g);
	return rc;
}

/* --- on the loop --- */

struct ashore_call *
ashore_call_new(struct node *n, const char *customer,
	const char *const *domains, size_t domains_n)
{
	const struct spool_account *a = accounts_get(n->accounts, customer);
	struct ashore_call *c;
	struct str rest, domain;

	if (!n->conf->customers.tell_kept || !a || a->kind != ACCOUNT_CUSTOMER)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->accounts = n->accounts;
	str_copyz(c->customer, sizeof(c->customer), customer);
	policy_customer_route(customer, c->route);
	str_copyz(c->hostname, sizeof(c->hostname), n->conf->hostname);
	domain = str_cut(str_of(a->domains), '\n', &rest);
	if (domains_n)
		domain = str_of(domains[0]);
	snprintf(c->postmaster, sizeof(c->postmaster), "postmaster@%.*s",
		STR_FMT(domain));
	if (clock_known())
		clock_rfc5322(clock_sane_s(), c->date);
	c->domains_n = domains_n;
	c->domains = xcalloc(domains_n, sizeof(*c->domains));
	for (size_t i = 0; i < domains_n; i++)
		c->domains[i] = str_dupz(domains[i]);
	c->lifetime_s = lifetime_of(n->conf, a);
	c->now = clock_sane_s();
	c->generation = n->route_generation;
	c->id = spool_new_id(n->spool);
	return c;
}

void
ashore_told(const struct ashore_call *c)
{
	if (c && c->kept)
		log_info("kept-told", LOG_INT("msg", c->id),
			LOG_STR("account", c->customer),
			LOG_INT("messages", c->kept));
}

void
ashore_call_free(struct ashore_call *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->domains_n; i++)
		free(c->domains[i]);
	free(c->domains);
	free(c);
}
