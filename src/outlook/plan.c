#include "outlook/plan.h"

#include "base/clock.h"
#include "link/speed.h"
#include "outlook/budget.h"
#include "outlook/speed.h"
#include "sched/order.h"
#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, SESSIONS = 50 };

/* --- what waits --- */

static const struct conf_peer *
peer_over(const struct conf *conf, const struct conf_link *link,
	const struct conf_route *route)
{
	for (size_t i = 0; i < route->peers.n; i++) {
		const struct conf_link *l;

		for (size_t k = 0;
			(l = conf_link_for(conf, route->peers.v[i], &k));)
			if (l == link)
				return conf_peer(conf, route->peers.v[i]);
	}
	return NULL;
}

/* What is looked at, and how much of it so far. */
struct sight {
	const struct conf_link *link;
	struct outlook_plan *plan;
	struct spool_stat *stats; /* owned */
	size_t stats_n, looked;
};

/* May LINK carry what is bound to LINKS, a line each; "": any? */
static bool
may_carry(const char *links, const char *link)
{
	struct str rest = str_of(links);

	while (rest.n)
		if (str_eq(str_cut(rest, '\n', &rest), str_of(link)))
			return true;
	return !links[0];
}

static void
add_rows(struct sight *s, const struct spool_row *rows, size_t n)
{
	struct outlook_plan *p = s->plan;

	p->rows = xrealloc(p->rows, (p->n + n) * sizeof(*p->rows));
	for (size_t i = 0; i < n; i++) {
		p->beyond--;
		p->beyond_bytes -= rows[i].size;
		if (may_carry(rows[i].d.links, s->link->name))
			p->rows[p->n++] = rows[i];
	}
	s->looked += n;
}

static void
count_waiting(struct sight *s, const char *route, enum spool_state state)
{
	for (size_t i = 0; i < s->stats_n; i++)
		if (s->stats[i].state == state &&
			strcmp(s->stats[i].route, route) == 0) {
			s->plan->beyond += s->stats[i].deliveries;
			s->plan->beyond_bytes += s->stats[i].bytes;
		}
}

static enum err_code
add_state(struct spool_txn *t, struct sight *s, const char *route,
	enum spool_state state, struct err *e)
{
	struct spool_filter f = {
		.route = route, .has_state = true, .state = state};
	struct spool_cursor after = {0, 0};
	size_t n = PAGE;
	enum err_code rc = OK;

	count_waiting(s, route, state);
	while (rc == OK && n == PAGE && s->looked + PAGE <= OUTLOOK_ROWS_MAX) {
		struct spool_row *rows = NULL;

		rc = spool_list(t, &f, &after, PAGE, &rows, &n, e);
		if (rc == OK && n)
			add_rows(s, rows, n);
		free(rows);
	}
	return rc;
}

static int
by_order(const void *a, const void *b)
{
	const struct spool_row *x = a, *y = b;
	int64_t rx = order_rank(x->d.priority, x->d.queued_at, x->d.queued_at);
	int64_t ry = order_rank(y->d.priority, y->d.queued_at, y->d.queued_at);
	int cx = order_size_class(x->size), cy = order_size_class(y->size);

	if (rx != ry)
		return rx < ry ? -1 : 1;
	if (cx != cy)
		return cx < cy ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->d.message != y->d.message)
		return x->d.message < y->d.message ? -1 : 1;
	return (x->d.n > y->d.n) - (x->d.n < y->d.n);
}

static struct plan_row
row_of(const struct spool_row *r)
{
	struct plan_row row = {.id = r->d.message,
		.size = r->size,
		.priority = r->d.priority,
		.sender = strlen(r->sender),
		.recipients = strlen(r->d.recipient),
		.recipients_n = 1};

	if (r->d.state == SPOOL_HELD)
		row.reason = r->reason == REASON_RULE_HOLD ? PLAN_RULE_HOLD
							   : PLAN_OPERATOR_HOLD;
	return row;
}

/* --- what is known of the peer, and of past sessions --- */

static void
add_keyword(struct str line, struct plan_peer *p)
{
	struct str rest, word = str_cut(line, ' ', &rest);

	if (str_eq(word, STR("PIPELINING")))
		p->extensions |= EXT_PIPELINING;
	else if (str_eq(word, STR("CHUNKING")))
		p->extensions |= EXT_CHUNKING;
	else if (str_eq(word, STR("8BITMIME")))
		p->extensions |= EXT_8BITMIME;
	else if (str_eq(word, STR("SMTPUTF8")))
		p->extensions |= EXT_SMTPUTF8;
	else if (str_eq(word, STR("SIZE"))) {
		p->extensions |= EXT_SIZE;
		if (!str_u64(rest, &p->size_max))
			p->size_max = 0;
	}
}

static enum err_code
know_peer(struct spool_txn *t, const struct conf_peer *conf,
	struct plan_peer *p, struct err *e)
{
	struct spool_peer row;
	enum err_code rc = spool_peer_get(t, conf->name, &row, e);
	struct str rest = str_of(rc == OK ? row.keywords : "");

	p->tls = conf->tls == TLS_IMPLICIT ? PLAN_TLS_IMPLICIT
		 : conf->tls == TLS_NONE   ? PLAN_TLS_NONE
					   : PLAN_TLS_STARTTLS;
	p->auth_turns = conf->user ? 1 : 0;
	while (rest.n)
		add_keyword(str_cut(rest, '\n', &rest), p);
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
know_past(struct spool_txn *t, const char *link, struct plan_inbound *in,
	struct err *e)
{
	struct spool_session *list = NULL;
	size_t n = 0;
	enum err_code rc =
		spool_session_list(t, link, 0, SESSIONS, &list, &n, e);

	for (size_t i = 0; rc == OK && i < n; i++) {
		if (!list[i].messages_received)
			continue;
		in->sessions++;
		in->messages += list[i].messages_received;
		in->bytes += list[i].bytes_received;
	}
	if (in->sessions) {
		in->messages /= in->sessions;
		in->bytes /= in->sessions;
	}
	free(list);
	return rc;
}

/* --- all together --- */

static enum err_code
gather(struct spool_txn *t, const struct conf *conf,
	const struct conf_link *link, struct outlook_plan *p,
	struct plan_peer *peer, struct err *e)
{
	struct sight s = {.link = link, .plan = p};
	enum err_code rc = know_past(t, link->name, &p->inbound, e);
	bool known = false;

	if (rc == OK)
		rc = spool_stats(t, &s.stats, &s.stats_n, e);
	for (size_t i = 0; i < conf->routes_n && rc == OK; i++) {
		const struct conf_route *route = &conf->routes[i];
		const struct conf_peer *over = peer_over(conf, link, route);
		const char *name = conf_route_name(route);

		if (!over)
			continue;
		if (!known)
			rc = know_peer(t, over, peer, e);
		known = true;
		if (rc == OK)
			rc = add_state(t, &s, name, SPOOL_READY, e);
		if (rc == OK)
			rc = add_state(t, &s, name, SPOOL_DEFERRED, e);
		if (rc == OK)
			rc = add_state(t, &s, name, SPOOL_HELD, e);
	}
	free(s.stats);
	return rc;
}

static void
make(struct outlook_plan *p, const struct conf_link *link,
	const struct budget *budget, const struct speed *speed,
	const struct plan_peer *peer)
{
	struct plan_row *rows = xcalloc(p->n + 1, sizeof(*rows));
	struct plan_link l = {.budget = budget,
		.now = {clock_sane_s(), clock_mono_ms()},
		.max_size = link->max_size,
		.has_min_priority = link->has_min_priority,
		.min_priority = link->min_priority};

	l.bps = speed_bps(speed);
	l.rtt_ms = speed_rtt_ms(speed);
	if (p->n)
		qsort(p->rows, p->n, sizeof(*p->rows), by_order);
	for (size_t i = 0; i < p->n; i++)
		rows[i] = row_of(&p->rows[i]);
	p->items = xcalloc(p->n + 1, sizeof(*p->items));
	plan_make(&l, peer, &p->inbound, rows, p->n, p->items, &p->total);
	free(rows);
}

enum err_code
outlook_plan(struct spool_txn *t, const struct conf *conf,
	const struct conf_link *link, struct outlook_plan *plan_r,
	struct err *e)
{
	struct budget_conf bc = outlook_budget_conf(link);
	struct plan_peer peer = {.extensions = 0};
	struct budget_row session;
	struct budget budget;
	struct speed speed;
	enum err_code rc;

	outlook_plan_clear(plan_r);
	budget_init(&budget, &bc);
	rc = outlook_budget_load(t, link->name, &budget, &session, e);
	if (rc == OK)
		rc = outlook_speed_load(t, link, &speed, e);
	if (rc == OK)
		rc = gather(t, conf, link, plan_r, &peer, e);
	if (rc == OK)
		make(plan_r, link, &budget, &speed, &peer);
	budget_free(&budget);
	return rc;
}

void
outlook_plan_clear(struct outlook_plan *p)
{
	free(p->rows);
	free(p->items);
	*p = (struct outlook_plan){.rows = NULL};
}
