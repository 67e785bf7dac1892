#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

enum err_code
spool_route_reason_put(struct spool_txn *t, const char *route,
	enum spool_reason reason, const char *arg, struct err *e)
{
	struct route_row old = {.reason = REASON_NONE}, r;
	enum err_code rc;

	str_copyz(old.route, sizeof(old.route), route);
	rc = tx_get(t, T_ROUTE, &old, e);
	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	r = old;
	r.reason = reason;
	str_copyz(r.reason_arg, sizeof(r.reason_arg), arg ? arg : "");
	if (rc == ERR_NOTFOUND)
		return tx_insert(t, T_ROUTE, &r, e);
	return tx_update(t, T_ROUTE, &old, &r, e);
}

static enum err_code
has_ripe(struct spool_txn *t, const char *route, struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM};
	struct delivery_row r;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	return tx_first(t, &q, &r, e);
}

enum err_code
spool_route_due(struct spool_txn *t, const char *route, int64_t now,
	int64_t *due_r, struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_DUE};
	struct delivery_row r;
	enum err_code rc = has_ripe(t, route, e);

	*due_r = 0;
	if (rc != ERR_NOTFOUND)
		return rc;
	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	rc = tx_first(t, &q, &r, e);
	if (rc == ERR_NOTFOUND)
		*due_r = -1;
	else if (rc == OK && r.d.next_attempt > now)
		*due_r = r.d.next_attempt;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* --- stale routes --- */

#define NO_ROUTE_TEXT "no route to this recipient"

/* The text was checked when it came in: the domain is behind the last '@'. */
static void
mailbox_of(const char *recipient, struct mailbox *m)
{
	const char *at = strrchr(recipient, '@');

	memset(m, 0, sizeof(*m));
	str_copyz(m->text, sizeof(m->text), recipient);
	m->local_n =
		(uint16_t)(at ? (size_t)(at - recipient) : strlen(m->text));
}

static bool
held_without_route(const struct delivery_row *r)
{
	return r->d.state == SPOOL_HELD && r->d.reason == REASON_RULE_HOLD &&
	       !strcmp(r->d.reason_arg, NO_ROUTE_TEXT);
}

void
hold_without_route(struct delivery_row *r)
{
	if (r->d.state != SPOOL_READY && r->d.state != SPOOL_DEFERRED)
		return;
	r->came_from = SPOOL_READY;
	r->d.state = SPOOL_HELD;
	r->d.reason = REASON_RULE_HOLD;
	str_copyz(r->d.reason_arg, sizeof(r->d.reason_arg), NO_ROUTE_TEXT);
}

static void
free_with_route(struct delivery_row *r)
{
	if (!held_without_route(r))
		return;
	r->d.state = SPOOL_READY;
	r->d.reason = REASON_NONE;
	r->d.reason_arg[0] = '\0';
}

static enum err_code
reroute_one(struct spool_txn *t, const struct delivery_row *old,
	int64_t generation, spool_router *fn, void *arg, struct err *e)
{
	struct delivery_row r = *old;
	char route[SPOOL_NAME_MAX + 1] = "";
	struct mailbox m;

	mailbox_of(old->d.recipient, &m);
	r.d.route_generation = generation;
	if (fn(arg, &m, route)) {
		memcpy(r.d.route, route, sizeof(route));
		free_with_route(&r);
	} else {
		hold_without_route(&r);
	}
	return delivery_update(t, old, &r, e);
}

enum err_code
spool_reroute(struct spool_txn *t, int64_t generation, size_t limit,
	spool_router *fn, void *arg, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_GENERATION,
		.limit = limit};
	struct rows stale;
	enum err_code rc;

	query_number(&q, DELIVERY_GENERATION, OP_LT, generation);
	rows_init(&stale, T_DELIVERY);
	rc = tx_query(t, &q, &stale, e);
	for (size_t i = 0; i < stale.n && rc == OK; i++)
		rc = reroute_one(t, rows_at(&stale, i), generation, fn, arg, e);
	if (n_r)
		*n_r = stale.n;
	rows_free(&stale);
	return rc;
}
