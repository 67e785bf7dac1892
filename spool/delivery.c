#include "spool/private.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* Customers' routes (ATRN with a list), and what spool_domain_routes says. */
static bool
goes_by_domain(const struct spool *s, const char *route)
{
	if (route_customer(route))
		return true;
	for (size_t i = 0; i < s->domain_routes.n; i++)
		if (strcmp(s->domain_routes.v[i], route) == 0)
			return true;
	return false;
}

void
delivery_set_domain(const struct spool *s, struct delivery_row *r)
{
	const char *at = strrchr(r->d.recipient, '@');

	r->domain[0] = '\0';
	if (!at || !goes_by_domain(s, r->d.route))
		return;
	str_copyz(r->domain, sizeof(r->domain), at + 1);
	str_lower(r->domain);
}

void
delivery_route_anew(struct delivery_row *r)
{
	r->d.route_generation = 0;
}

/* As sched/order.h has it, where the age comes from. */
static void
settle_rank(struct delivery_row *r)
{
	enum { MOST = 9 };

	r->rank = MOST - r->d.priority;
	if (r->d.priority < SPOOL_URGENT)
		r->rank += r->d.order.age;
}

void
delivery_settle(struct delivery_row *r)
{
	settle_rank(r);
	if (r->d.state == SPOOL_READY)
		r->ripe = true;
	else if (r->d.state != SPOOL_DEFERRED)
		r->ripe = false;
	/* Somebody ends it, not a time, save the one that its sender gave. */
	if (r->d.state == SPOOL_READY ||
		(r->d.state == SPOOL_HELD &&
			r->d.reason != REASON_RELEASE_TIME))
		r->d.next_attempt = 0;
	if (r->d.state != SPOOL_ACTIVE) {
		r->d.owner = 0;
		r->d.in_doubt = false;
		r->d.link[0] = '\0';
	}
}

/* A reply is the same with another text behind its code. */
static bool
is_same_reason(const struct spool_delivery *a, const struct spool_delivery *b)
{
	enum { CODE = 3 };

	if (a->reason != b->reason)
		return false;
	return a->reason == REASON_PEER_4XX
		       ? !strncmp(a->reason_arg, b->reason_arg, CODE)
		       : !strcmp(a->reason_arg, b->reason_arg);
}

/* What the customer was told holds no longer: it is told anew. */
static void
settle_warned(const struct delivery_row *old, struct delivery_row *r)
{
	if (route_customer(r->d.route) && r->d.state != SPOOL_ACTIVE &&
		old->d.warned_at == r->d.warned_at &&
		old->d.reason != REASON_NONE && !is_same_reason(&old->d, &r->d))
		r->d.warned_at = 0;
}

enum err_code
delivery_insert(struct spool_txn *t, struct delivery_row *r, struct err *e)
{
	delivery_set_domain(t->spool, r);
	delivery_settle(r);
	return tx_insert(t, T_DELIVERY, r, e);
}

enum err_code
delivery_update(struct spool_txn *t, const struct delivery_row *old,
	struct delivery_row *r, struct err *e)
{
	delivery_settle(r);
	settle_warned(old, r);
	return tx_update(t, T_DELIVERY, old, r, e);
}

enum err_code
delivery_get(struct spool_txn *t, int64_t message, unsigned n,
	struct delivery_row *r, struct err *e)
{
	enum err_code rc;

	memset(r, 0, sizeof(*r));
	r->d.message = message;
	r->d.n = n;
	rc = tx_get(t, T_DELIVERY, r, e);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc, "no delivery %lld.%u", (long long)message, n);
	return rc;
}

/* A message without deliveries: its body goes, then itself. */
static enum err_code
message_remove(struct spool_txn *t, int64_t id, struct err *e)
{
	struct spool_message m = {.id = id};
	enum err_code rc = spool_body_drop(t, id, e);

	return rc == OK ? tx_remove(t, T_MESSAGE, &m, e) : rc;
}

enum err_code
delivery_remove(
	struct spool_txn *t, const struct delivery_row *r, struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = BY_KEY};
	struct delivery_row other;
	enum err_code rc = tx_remove(t, T_DELIVERY, r, e);

	if (rc != OK)
		return rc;
	query_number(&q, DELIVERY_MESSAGE, OP_EQ, r->d.message);
	rc = tx_first(t, &q, &other, e);
	return rc == ERR_NOTFOUND ? message_remove(t, r->d.message, e) : rc;
}

enum err_code
delivery_event(struct spool_txn *t, const struct delivery_row *r,
	const char *name, int64_t now, const struct spool_event *proto,
	struct err *e)
{
	struct spool_event ev = {.level = LOG_INFO};

	if (proto)
		ev = *proto;
	ev.id = 0;
	ev.time = now;
	ev.message = r->d.message;
	ev.n = r->d.n;
	str_copyz(ev.event, sizeof(ev.event), name);
	if (!ev.link[0])
		str_copyz(ev.link, sizeof(ev.link), r->d.link);
	return tx_insert(t, T_EVENT, &ev, e);
}

/* A reply to the last octet never came, or never reached the disk. */
enum err_code
delivery_doubt_event(struct spool_txn *t, const struct delivery_row *r,
	int64_t now, struct err *e)
{
	struct spool_event ev = {.level = LOG_WARNING};

	snprintf(ev.text, sizeof(ev.text),
		"%lld.%u to %s may be delivered twice: it was sent, and no "
		"answer is known",
		(long long)r->d.message, r->d.n, r->d.recipient);
	return delivery_event(t, r, "may-be-delivered-twice", now, &ev, e);
}

enum err_code
delivery_give_back(struct spool_txn *t, const struct delivery_row *old,
	struct delivery_row *r, int64_t now, struct err *e)
{
	enum err_code rc = OK;

	if (old->d.in_doubt)
		rc = delivery_doubt_event(t, old, now, e);
	return rc == OK ? delivery_put_back(t, old, r, e) : rc;
}

enum err_code
delivery_put_back(struct spool_txn *t, const struct delivery_row *old,
	struct delivery_row *r, struct err *e)
{
	r->d.state = old->came_from;
	/* what was claimed was due; claiming does not make it less so */
	r->ripe = r->d.state == SPOOL_DEFERRED;
	return delivery_update(t, old, r, e);
}
