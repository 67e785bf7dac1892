#include "spool/private.h"

#include "base/log.h"

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
has_ripe(struct spool_txn *t, const char *route, const struct spool_carrier *by,
	struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM};
	char links[SPOOL_LINKS_MAX + 1];
	struct delivery_row r;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	rc = tx_first(t, &q, &r, e);
	memcpy(links, r.d.links, sizeof(links));
	while (rc == OK && !bound_allows(links, by))
		rc = bound_next(t, route, links, e);
	return rc;
}

/* The first that waits for its time and that BY may carry. */
static enum err_code
first_due(struct spool_txn *t, const char *route,
	const struct spool_carrier *by, int64_t *at_r, struct err *e)
{
	struct delivery_row r = {.size = 0};
	bool first = true;
	enum err_code rc;

	do {
		struct delivery_row after = r;
		struct query q = {.table = T_DELIVERY,
			.index = DELIVERY_BY_DUE,
			.after = first ? NULL : &after};

		query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
		rc = tx_first(t, &q, &r, e);
		first = false;
	} while (rc == OK && !bound_allows(r.d.links, by));
	*at_r = r.d.next_attempt;
	return rc;
}

enum err_code
spool_route_due(struct spool_txn *t, const char *route,
	const struct spool_carrier *by, int64_t now, int64_t *due_r,
	struct err *e)
{
	static const struct spool_carrier any;
	int64_t at;
	enum err_code rc;

	by = by ? by : &any;
	rc = has_ripe(t, route, by, e);
	*due_r = 0;
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = first_due(t, route, by, &at, e);
	if (rc == ERR_NOTFOUND)
		*due_r = -1;
	else if (rc == OK && at > now)
		*due_r = at;
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_domain_routes_put(
	struct spool_txn *t, const char *const *routes, size_t n, struct err *e)
{
	struct spool *s = t->spool;

	if (!t->writes)
		return err_set(e, ERR_READONLY, "routes by domain");
	free(s->domain_routes.v);
	s->domain_routes.v = xcalloc(n, sizeof(*s->domain_routes.v));
	s->domain_routes.n = n;
	for (size_t i = 0; i < n; i++)
		str_copyz(s->domain_routes.v[i], sizeof(s->domain_routes.v[i]),
			routes[i]);
	return OK;
}

/* --- turns --- */

static enum err_code
last_turn(struct spool_txn *t, const char *route, const char *sender,
	int64_t rank, int64_t *last_r, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_TURN,
		.backward = true};
	struct delivery_row r;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_number(&q, DELIVERY_RANK, OP_EQ, rank);
	query_text(&q, DELIVERY_SENDER, OP_EQ, sender);
	rc = tx_first(t, &q, &r, e);
	*last_r = rc == OK ? r.d.order.turn : -1;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* Of those that are bound to no link: the others are an exception. */
static enum err_code
lowest_turn(struct spool_txn *t, const char *route, int64_t rank,
	int size_class, int64_t *lowest_r, struct err *e)
{
	struct stretch s = {.route = route, .links = ""};
	struct delivery_row r;
	int64_t lowest = INT64_MAX;
	enum err_code rc;

	for (; (rc = stretch_need(t, &s, e)) == OK; s.needs++) {
		struct query q;

		stretch_query(&s, &q);
		query_number(&q, DELIVERY_RANK, OP_EQ, rank);
		query_number(&q, DELIVERY_SIZE_CLASS, OP_EQ, size_class);
		rc = tx_first(t, &q, &r, e);
		if (rc == OK && r.d.order.turn < lowest)
			lowest = r.d.order.turn;
		if (rc != OK && rc != ERR_NOTFOUND)
			return rc;
	}
	*lowest_r = lowest < INT64_MAX ? lowest : 0;
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_turns_get(struct spool_txn *t, const char *route, const char *sender,
	int64_t rank, int size_class, int64_t *last_r, int64_t *lowest_r,
	struct err *e)
{
	enum err_code rc = last_turn(t, route, sender, rank, last_r, e);

	*lowest_r = 0;
	if (rc == OK && *last_r < 0)
		rc = lowest_turn(t, route, rank, size_class, lowest_r, e);
	return rc;
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

enum err_code
without_route_event(struct spool_txn *t, const struct delivery_row *old,
	const struct delivery_row *r, int64_t now, struct err *e)
{
	bool held = r->d.state == SPOOL_HELD;
	struct spool_event ev = {.level = held ? LOG_WARNING : LOG_INFO};

	if (old->d.state == r->d.state)
		return OK;
	str_copyz(ev.text, sizeof(ev.text),
		held ? NO_ROUTE_TEXT : "it has a route again");
	return delivery_event(t, r, held ? "held" : "released", now, &ev, e);
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

/* *BUSY_R: it is under way and has no route any more; it stays stale. */
static enum err_code
reroute_one(struct spool_txn *t, const struct delivery_row *old,
	int64_t generation, int64_t now, spool_router *fn, void *arg,
	bool *busy_r, struct err *e)
{
	struct delivery_row r = *old;
	char route[SPOOL_NAME_MAX + 1];
	struct mailbox m;
	enum err_code rc;

	mailbox_of(old->d.recipient, &m);
	memcpy(route, old->d.route, sizeof(route));
	r.d.route_generation = generation;
	if (fn(arg, &m, route)) {
		/* another way: it need not wait for the one before */
		if (strcmp(r.d.route, route) != 0)
			r.ripe |= r.d.state == SPOOL_DEFERRED;
		memcpy(r.d.route, route, sizeof(route));
		free_with_route(&r);
	} else if (r.d.state == SPOOL_ACTIVE) {
		*busy_r = true;
		return OK;
	} else {
		hold_without_route(&r);
	}
	delivery_set_domain(t->spool, &r);
	rc = delivery_update(t, old, &r, e);
	return rc == OK ? without_route_event(t, old, &r, now, e) : rc;
}

enum err_code
spool_reroute(struct spool_txn *t, int64_t generation, int64_t now,
	size_t limit, spool_router *fn, void *arg, size_t *n_r, size_t *busy_r,
	struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_GENERATION,
		.limit = limit};
	struct rows stale;
	size_t busy = 0;
	enum err_code rc;

	query_number(&q, DELIVERY_GENERATION, OP_LT, generation);
	rows_init(&stale, T_DELIVERY);
	rc = tx_query(t, &q, &stale, e);
	for (size_t i = 0; i < stale.n && rc == OK; i++) {
		bool is_busy = false;

		rc = reroute_one(t, rows_at(&stale, i), generation, now, fn,
			arg, &is_busy, e);
		busy += is_busy;
	}
	if (n_r)
		*n_r = stale.n - busy;
	if (busy_r)
		*busy_r = busy;
	rows_free(&stale);
	return rc;
}
