#include "daemon/mx.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch_private.h"
#include "daemon/mx_settle.h"
#include "daemon/mx_utf8.h"
#include "daemon/mx_waits.h"
#include "net/mxlook.h"
#include "sched/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SCAN_MAX = 100, /* domains found in one transaction */
	AGAIN_S = 60,	/* after a fault of our own */
	WHY_MAX = 600,
	/* Whose hosts say nothing for so long takes no place of mx.sessions,
	 * for so many times as many domains as these are. */
	SLOW_MS = 10 * 1000,
	SLOW_TIMES = 4,
};

struct domain {
	char z[WIRE_DOMAIN_MAX + 1];
};

/* A domain in hand: looked up, then delivered to, then settled. */
struct run {
	struct mx *m;
	struct list_node node;
	char domain[WIRE_DOMAIN_MAX + 1];
	const char **routes; /* names borrowed from the configuration */
	size_t routes_n;
	char link[SPOOL_NAME_MAX + 1]; /* of the exchange; "" none */
	struct mxlook *look;
	struct mxlook_host *hosts; /* owned: those that are still to be asked */
	size_t hosts_n;
	struct exchange *exchange;
	struct exchange_result result; /* of the exchange before */
	struct loop_timer *slow_timer;
	bool slow;
};

struct mx {
	struct node *n;
	struct resolver *resolver; /* NULL: not needed yet */
	struct list_node runs;
	size_t runs_n, slow_n; /* slow_n: of these */
	struct mx_waits *waits;
	bool scanning, again;
	bool wake; /* the next scan makes due what is deferred */
	bool stopping;
	/* Where the next scan begins, so that each domain has its turn. */
	struct domain after;
	bool whole;		  /* this round began with the first domain */
	struct loop_timer *renew; /* the resolver: a link went down */
};

static void scan(struct mx *m);
static void renew(void *arg);
static void run_exchange(struct run *r);

/* --- which routes go by MX now --- */

/* Does it come to MX, or does a peer before it do the work? */
static bool
is_next(const struct mx *m, const struct conf_route *route)
{
	for (size_t i = 0; i < route->peers.n; i++) {
		const char *peer = route->peers.v[i], *text;
		struct link_way way;

		if (strcmp(peer, CONF_MX) == 0)
			return true;
		if (links_way_to(m->n->links, peer, &way) &&
			dispatch_trouble(m->n->dispatch, peer, &text) ==
				REASON_NONE)
			return false;
	}
	return false;
}

static size_t
routes_now(const struct mx *m, const char **routes_r)
{
	const struct conf *conf = m->n->conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->routes_n; i++)
		if (is_next(m, &conf->routes[i]))
			routes_r[n++] = conf_route_name(&conf->routes[i]);
	return n;
}

/* --- the end of a run --- */

static void
run_free(struct run *r)
{
	list_remove(&r->node);
	r->m->runs_n--;
	r->m->slow_n -= r->slow;
	loop_timer_free(r->slow_timer);
	free(r->routes);
	free(r->hosts);
	free(r);
}

/* Something ended: links that have nothing more to do now are told. */
static void
rest(struct mx *m)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(m->n->conf, CONF_MX, &i)) != NULL;)
		dispatch_settle_link(m->n->dispatch, cl->name);
}

static void
run_end(struct run *r)
{
	struct mx *m = r->m;
	char link[SPOOL_NAME_MAX + 1];

	memcpy(link, r->link, sizeof(link));
	run_free(r);
	if (m->stopping)
		return;
	mx_kick(m, false);
	rest(m);
	if (link[0] && !dispatch_is_of_link(m->n->dispatch, CONF_MX, link))
		dispatch_settle_link(m->n->dispatch, link); /* any more */
}

static void
settled(void *arg)
{
	run_end(arg);
}

static void
run_settle(struct run *r, struct mx_settle_conf *c)
{
	c->domain = r->domain;
	c->routes = r->routes;
	c->routes_n = r->routes_n;
	c->done = settled;
	c->arg = r;
	mx_settle(r->m->n, c);
}

static void
run_waits(struct run *r)
{
	const struct conf *conf = r->m->n->conf;
	int64_t now = clock_sane_s();

	mx_waits_add(r->m->waits, r->domain, now, conf->queue.retry_s,
		conf->queue.retry_n);
	dispatch_due_at(
		r->m->n->dispatch, mx_waits_until(r->m->waits, r->domain, now));
}

static void
run_fail(struct run *r, const char *status, const char *why)
{
	char text[WHY_MAX];

	snprintf(text, sizeof(text), "%.255s: %.300s", r->domain, why);
	log_warning("no-mail-host", LOG_STR("domain", r->domain),
		LOG_STR("why", why));
	run_settle(
		r, &(struct mx_settle_conf){
			   .verdict = MX_FAIL, .status = status, .text = text});
}

static void
run_postpone(struct run *r, const char *why)
{
	char text[WHY_MAX];

	snprintf(text, sizeof(text),
		"where mail for %.255s goes is not known "
		"now: %.250s",
		r->domain, why);
	log_warning("mail-host-unknown", LOG_STR("domain", r->domain),
		LOG_STR("why", why));
	run_waits(r);
	run_settle(r, &(struct mx_settle_conf){.verdict = MX_POSTPONE,
			      .reason = REASON_RETRY_WAIT,
			      .text = text});
}

/* --- the exchange --- */

/*
 * The name service answered, so there is a network; its hosts do not let us in:
 * an attempt, since else the mail for a domain that died would never end.
 */
static void
run_unreached(struct run *r, const struct exchange_result *result)
{
	bool trust = result->code == EXCHANGE_NOT_TRUSTED;
	char text[WHY_MAX];

	snprintf(text, sizeof(text), "no mail host of %.255s %s: %.300s",
		r->domain, trust ? "can be trusted" : "takes mail now",
		result->text);
	run_waits(r);
	run_settle(r, &(struct mx_settle_conf){.verdict = MX_DEFER,
			      .reason = trust ? REASON_TLS : REASON_RETRY_WAIT,
			      .text = text});
}

/*
 * Nothing went, though all was well: it may not go to this host. What the host
 * put off has its own time, and does not hold up what comes.
 */
static void
run_left(struct run *r, const struct exchange_result *result)
{
	if (result->due)
		mx_waits_note(r->m->waits, r->domain);
	else
		run_waits(r);
	run_settle(r, &(struct mx_settle_conf){.verdict = MX_LEFT,
			      .size_max = result->size_max,
			      .extensions = result->extensions});
}

static bool
went_well(const struct exchange_result *result)
{
	return result->code == EXCHANGE_OK || result->code == EXCHANGE_LEFT ||
	       result->code == EXCHANGE_BUDGET;
}

static void
run_over(struct run *r)
{
	const struct exchange_result *result = &r->result;

	if (r->m->stopping || result->taken_down ||
		result->code == EXCHANGE_LINK_LOST) {
		run_end(r);
	} else if (went_well(result) && result->pushed > 0) {
		mx_waits_remove(r->m->waits, r->domain);
		run_end(r);
	} else if (went_well(result) || result->met) {
		run_left(r, result);
	} else {
		run_unreached(r, result);
	}
}

/* --- the other hosts, for UTF-8 ------------------------------------------- */

static bool
has_address(const struct mxlook_host *h, const char *address)
{
	for (size_t i = 0; i < h->addresses_n; i++)
		if (strcmp(h->addresses[i], address) == 0)
			return true;
	return false;
}

/* The host that served us was asked. */
static void
drop_asked(struct run *r)
{
	size_t at = 0;

	while (at < r->hosts_n &&
		!has_address(&r->hosts[at], r->result.address))
		at++;
	if (at == r->hosts_n)
		at = 0;
	r->hosts_n--;
	memmove(&r->hosts[at], &r->hosts[at + 1],
		(r->hosts_n - at) * sizeof(*r->hosts));
}

static void
utf8_asked(void *arg, bool waits)
{
	struct run *r = arg;

	if (!waits || r->m->stopping) {
		run_over(r);
		return;
	}
	drop_asked(r);
	run_exchange(r);
}

/* Did it leave what needs SMTPUTF8, and can another be asked? */
static bool
leaves_utf8(const struct run *r)
{
	return went_well(&r->result) && r->result.code != EXCHANGE_BUDGET &&
	       r->result.met && r->hosts_n > 1 && !r->result.taken_down &&
	       !r->m->stopping && !(r->result.extensions & EXT_SMTPUTF8);
}

static void
exchange_done(void *arg, const struct exchange_result *result)
{
	struct run *r = arg;

	r->exchange = NULL;
	r->result = *result;
	log_info("exchange-end", LOG_STR("peer", r->domain),
		LOG_STR("link", r->link), LOG_INT("code", result->code),
		LOG_STR("text", result->text));
	if (leaves_utf8(r))
		mx_utf8_ask(r->m->n, r->routes, r->routes_n, r->domain,
			utf8_asked, r);
	else
		run_over(r);
}

static void
run_exchange(struct run *r)
{
	struct node *node = r->m->n;
	struct exchange_mx mx = {.domain = r->domain,
		.hosts = r->hosts,
		.hosts_n = r->hosts_n,
		.leave_utf8 = r->hosts_n > 1};
	struct link_way way;

	if (!links_way_to(node->links, CONF_MX, &way)) {
		run_end(r); /* its link went down meanwhile */
		return;
	}
	str_copyz(r->link, sizeof(r->link), way.link);
	r->exchange = exchange_start(node,
		&(struct exchange_conf){
			.peer = &node->conf->mx.peer,
			.mx = &mx,
			.routes = r->routes,
			.routes_n = r->routes_n,
			.link = way.link,
			.interface = way.interface,
			.address = way.address,
			.push = true,
			.recovering = mx_waits_has(r->m->waits, r->domain),
			.done = exchange_done,
			.arg = r,
		});
	if (way.link)
		links_working(node->links, r->link);
}

static void
run_try_hosts(struct run *r, const struct mxlook_answer *a)
{
	struct host_rank ranks[MXLOOK_HOSTS_MAX];
	size_t n;

	r->hosts = xcalloc(a->hosts_n, sizeof(*r->hosts));
	for (size_t i = 0; i < a->hosts_n; i++)
		ranks[i] = (struct host_rank){
			a->hosts[i].name, a->hosts[i].preference, i};
	n = hosts_order(
		ranks, a->hosts_n, r->m->n->conf->hostname, clock_mono_ms());
	for (size_t i = 0; i < n; i++)
		r->hosts[i] = a->hosts[ranks[i].which];
	r->hosts_n = n;
	if (n)
		run_exchange(r);
	else
		run_fail(r, "5.4.6",
			"its mail comes to this node, which does not take it");
}

static void
on_looked(void *arg, const struct mxlook_answer *a)
{
	struct run *r = arg;

	r->look = NULL;
	switch (a->kind) {
	case MXLOOK_HOSTS:
		run_try_hosts(r, a);
		break;
	case MXLOOK_NO_MAIL:
		run_fail(r, "5.1.10", a->why); /* RFC 7505 4.1 */
		break;
	case MXLOOK_NO_DOMAIN:
	case MXLOOK_NO_HOST:
		run_fail(r, "5.1.2", a->why);
		break;
	case MXLOOK_TROUBLE:
		run_postpone(r, a->why);
		break;
	}
}

/* --- the beginning of a run --- */

static bool
has_room(const struct mx *m)
{
	size_t most = m->n->conf->mx.sessions, slow = SLOW_TIMES * most;

	return m->runs_n - (m->slow_n < slow ? m->slow_n : slow) < most;
}

/* Dead hosts and name servers must not hold up those that live. */
static void
on_slow(void *arg)
{
	struct run *r = arg;

	if (r->exchange && exchange_met(r->exchange))
		return;
	r->slow = true;
	r->m->slow_n++;
	mx_kick(r->m, false);
}

static const struct run *
find_run(const struct mx *m, const char *domain)
{
	LIST_EACH(node, tmp, &m->runs)
	{
		const struct run *r = LIST_ITEM(node, struct run, node);

		if (strcmp(r->domain, domain) == 0)
			return r;
	}
	return NULL;
}

static bool
need_resolver(struct mx *m)
{
	const struct conf *conf = m->n->conf;
	struct err e = {0};

	if (m->resolver)
		return true;
	if (resolver_new(m->n->loop,
		    &(struct resolver_conf){.server = conf->mx.server,
			    .root_key = conf->mx.root_key},
		    &m->resolver, &e) == OK)
		return true;
	log_error("no-resolver", LOG_STR("why", e.text));
	dispatch_due_at(m->n->dispatch, clock_sane_s() + AGAIN_S);
	return false;
}

static void
run_start(struct mx *m, const char *domain)
{
	struct run *r = xcalloc(1, sizeof(*r));

	r->m = m;
	str_copyz(r->domain, sizeof(r->domain), domain);
	r->routes = xcalloc(m->n->conf->routes_n, sizeof(*r->routes));
	r->routes_n = routes_now(m, r->routes);
	list_push(&m->runs, &r->node);
	m->runs_n++;
	r->slow_timer = loop_timer_new(m->n->loop, on_slow, r);
	loop_timer_set(r->slow_timer, SLOW_MS);
	r->look = mxlook_start(m->n->loop, m->resolver, domain, on_looked, r);
}

/* --- the scan --- */

struct scan {
	struct mx *m;
	char **routes; /* copies: a reload may come */
	size_t routes_n;
	bool wake;
	int64_t refused_before;
	int64_t now, due; /* due: the next one; -1: none */
	struct domain after, found[SCAN_MAX];
	size_t found_n;
};

static void
free_scan(struct scan *s)
{
	for (size_t i = 0; i < s->routes_n; i++)
		free(s->routes[i]);
	free(s->routes);
	free(s);
}

/* The next domain of any route. */
static enum err_code
find_next(struct spool_txn *t, struct scan *s, const char *after,
	struct domain *next_r, struct err *e)
{
	struct domain one;
	bool found = false;
	enum err_code rc = OK;

	for (size_t i = 0; i < s->routes_n && rc == OK; i++) {
		rc = spool_domain_next(
			t, s->routes[i], s->now, after, one.z, e);
		if (rc == OK && (!found || strcmp(one.z, next_r->z) < 0))
			*next_r = one;
		found |= rc == OK;
		rc = rc == ERR_NOTFOUND ? OK : rc;
	}
	return rc == OK && !found ? ERR_NOTFOUND : rc;
}

static enum err_code
find_due(struct spool_txn *t, struct scan *s, struct err *e)
{
	enum err_code rc = OK;

	s->due = -1;
	for (size_t i = 0; i < s->routes_n && rc == OK; i++) {
		int64_t due;

		rc = spool_route_due(t, s->routes[i], NULL, s->now, &due, e);
		if (rc == OK && due > 0 && (s->due < 0 || due < s->due))
			s->due = due;
	}
	return rc;
}

static enum err_code
wake_all(struct spool_txn *t, const struct scan *s, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < s->routes_n && rc == OK; i++)
		rc = spool_route_wake(t,
			&(struct spool_wake){.route = s->routes[i],
				.now = s->now,
				.refused_before = s->refused_before},
			NULL, e);
	return rc;
}

static enum err_code
write_scan(struct spool_txn *t, void *arg, struct err *e)
{
	struct scan *s = arg;
	const char *after = s->after.z;
	enum err_code rc = s->wake ? wake_all(t, s, e) : OK;

	s->found_n = 0;
	while (rc == OK && s->found_n < SCAN_MAX) {
		rc = find_next(t, s, after, &s->found[s->found_n], e);
		if (rc == OK)
			after = s->found[s->found_n++].z;
	}
	if (rc == ERR_NOTFOUND)
		rc = find_due(t, s, e);
	return rc;
}

/* Begins what was found. True: all of it, there may be more behind it. */
static bool
start_found(struct mx *m, const struct scan *s)
{
	for (size_t i = 0; i < s->found_n; i++) {
		const char *domain = s->found[i].z;

		if (!has_room(m))
			return false;
		m->after = s->found[i];
		if (!find_run(m, domain) &&
			!mx_waits_until(m->waits, domain, s->now))
			run_start(m, domain);
	}
	return true;
}

static void
scanned(void *arg, enum err_code code, const struct err *e)
{
	struct scan *s = arg;
	struct mx *m = s->m;
	bool all = true;

	m->scanning = false;
	if (m->stopping) {
		free_scan(s);
		return;
	}
	if (code != OK) {
		log_error("queue-unreadable", LOG_STR("why", e->text));
		m->wake |= s->wake;
		dispatch_due_at(m->n->dispatch, clock_sane_s() + AGAIN_S);
	} else {
		all = start_found(m, s);
		/* Behind it, or what stands before the place it began at. */
		m->again |= all && (s->found_n == SCAN_MAX || !m->whole);
		if (all && s->found_n < SCAN_MAX) {
			m->after.z[0] = '\0';
			m->whole = true;
			if (s->due > 0)
				dispatch_due_at(m->n->dispatch, s->due);
		}
	}
	free_scan(s);
	if (m->again)
		scan(m);
	rest(m);
}

static void
scan(struct mx *m)
{
	const struct conf *conf = m->n->conf;
	const char **names;
	struct link_way way;
	struct scan *s;

	m->again = m->scanning;
	if (m->scanning || m->stopping || !has_room(m) ||
		!links_way_to(m->n->links, CONF_MX, &way))
		return;
	names = xcalloc(conf->routes_n, sizeof(*names));
	s = xcalloc(1, sizeof(*s));
	s->m = m;
	s->routes_n = routes_now(m, names);
	s->routes = xcalloc(s->routes_n, sizeof(*s->routes));
	for (size_t i = 0; i < s->routes_n; i++)
		s->routes[i] = str_dupz(names[i]);
	free(names);
	s->now = clock_sane_s();
	s->after = m->after;
	if (s->routes_n == 0 || !need_resolver(m)) {
		free_scan(s);
		return;
	}
	s->refused_before = s->now - conf->queue.retry_s[0];
	s->wake = m->wake;
	m->wake = false;
	m->scanning = true;
	spool_submit(m->n->spool, write_scan, scanned, s);
}

/* --- what dispatch calls --- */

struct mx *
mx_new(struct node *n)
{
	struct mx *m = xcalloc(1, sizeof(*m));

	m->n = n;
	list_init(&m->runs);
	m->waits = mx_waits_new();
	m->renew = loop_timer_new(n->loop, renew, m);
	return m;
}

void
mx_kick(struct mx *m, bool now)
{
	if (now)
		mx_waits_end(m->waits);
	m->whole = !m->after.z[0] && !m->scanning;
	scan(m);
}

void
mx_link_up(struct mx *m)
{
	m->wake = true;
	mx_kick(m, true);
}

void
mx_link_finish(struct mx *m, const char *link)
{
	LIST_EACH(node, tmp, &m->runs)
	{
		struct run *r = LIST_ITEM(node, struct run, node);

		if (r->exchange && strcmp(r->link, link) == 0)
			exchange_finish(r->exchange);
	}
}

/* With what is being looked up. */
static void
drop_resolver(struct mx *m)
{
	LIST_EACH(node, tmp, &m->runs)
	{
		struct run *r = LIST_ITEM(node, struct run, node);

		if (!r->look)
			continue;
		mxlook_cancel(r->look);
		run_free(r);
	}
	resolver_free(m->resolver);
	m->resolver = NULL;
}

void
mx_link_lost(struct mx *m, const char *link)
{
	LIST_EACH(node, tmp, &m->runs)
	{
		struct run *r = LIST_ITEM(node, struct run, node);

		if (r->exchange && strcmp(r->link, link) == 0)
			exchange_link_lost(r->exchange);
	}
	/* not from inside an answer */
	if (dispatch_is_of_link(m->n->dispatch, CONF_MX, link))
		loop_timer_set(m->renew, 0);
}

/* What was asked has no answer; the next link may have other name servers. */
static void
renew(void *arg)
{
	struct mx *m = arg;

	if (m->stopping)
		return;
	drop_resolver(m);
	mx_kick(m, false);
	rest(m);
}

bool
mx_is_busy_on(const struct mx *m, const char *link)
{
	bool any = m->scanning; /* it may be the one that is taken */

	LIST_EACH(node, tmp, &m->runs)
	{
		const struct run *r = LIST_ITEM(node, struct run, node);

		if (strcmp(r->link, link) == 0)
			return true;
		any |= !r->link[0];
	}
	return any && dispatch_is_of_link(m->n->dispatch, CONF_MX, link);
}

void
mx_reload(struct mx *m)
{
	drop_resolver(m);
	mx_kick(m, true);
}

void
mx_stop(struct mx *m)
{
	m->stopping = true;
	drop_resolver(m);
	LIST_EACH(node, tmp, &m->runs)
	{
		struct run *r = LIST_ITEM(node, struct run, node);

		if (r->exchange)
			exchange_link_lost(r->exchange);
	}
}

void
mx_free(struct mx *m)
{
	if (!m)
		return;
	mx_waits_free(m->waits);
	loop_timer_free(m->renew);
	free(m);
}
