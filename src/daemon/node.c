#include "daemon/node.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/leftover.h"
#include "daemon/certwatch.h"
#include "daemon/accounts.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/dovecot.h"
#include "daemon/dovecot_users.h"
#include "daemon/life.h"
#include "daemon/lifetime.h"
#include "daemon/fill.h"
#include "daemon/gateways.h"
#include "daemon/helper.h"
#include "daemon/hook.h"
#include "daemon/links.h"
#include "daemon/metrics.h"
#include "daemon/policy.h"
#include "daemon/sandbox.h"
#include "daemon/services.h"
#include "daemon/speeds.h"
#include "daemon/session.h"
#include "net/page.h"
#include "daemon/userlist.h"
#include "spool/queue.h"
#include "spool/records.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>

enum {
	NODE_HELD_MAX = 64 * 1024 * 1024, /* octets received, not yet stored */
	NODE_BACKLOG_MAX = 4096,	  /* jobs waiting for the spool */
	NODE_REROUTE_BATCH = 500,	  /* deliveries routed anew at a time */
	NODE_REROUTE_AGAIN_MS = 10000,	  /* after the spool failed */
	NODE_CROWD = 256,		  /* sessions at once */
	NODE_TRIM_MS = 10000,		  /* after most of them went */
};

uint64_t
node_new_id(struct node *n)
{
	return ++n->last_id;
}

uint64_t
node_limit_ms(int64_t limit_s, uint64_t most_ms)
{
	uint64_t ms = (uint64_t)limit_s * 1000;

	return ms < most_ms ? ms : most_ms;
}

/* --- back-pressure --- */

bool
node_may_take(struct node *n)
{
	if (n->held_octets < NODE_HELD_MAX &&
		spool_backlog(n->spool) < NODE_BACKLOG_MAX)
		return true;
	n->starved = true;
	return false;
}

/* On the loop, apart from whatever reported: sessions may end meanwhile. */
static void
pump_all(void *arg)
{
	struct node *n = arg;
	struct session **list = xcalloc(n->sessions_n, sizeof(*list));
	size_t count = 0;

	LIST_EACH(node, tmp, &n->sessions)
	{
		list[count] = LIST_ITEM(node, struct session, node);
		session_hold(list[count++]);
	}
	for (size_t i = 0; i < count; i++) {
		session_pump(list[i]);
		session_release(list[i]);
	}
	free(list);
}

void
node_held(struct node *n, int64_t octets)
{
	n->held_octets += (size_t)octets;
	if (!n->starved || octets > 0 || n->held_octets > NODE_HELD_MAX / 2)
		return;
	n->starved = false;
	loop_post(n->loop, pump_all, n);
}

/* --- memory of a crowd --- */

/* What was freed stays with the allocator unless it is told. */
static void
trim(void *arg)
{
	struct node *n = arg;

	n->sessions_peak = n->sessions_n;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void
node_sessions_changed(struct node *n)
{
	if (n->sessions_n > n->sessions_peak) {
		n->sessions_peak = n->sessions_n;
		return;
	}
	if (n->sessions_peak < NODE_CROWD || n->stopping ||
		n->sessions_n != n->sessions_peak / 8)
		return;
	if (!n->trim)
		n->trim = loop_timer_new(n->loop, trim, n);
	loop_timer_set(n->trim, NODE_TRIM_MS);
}

/* --- routing anew --- */

static const char generation_key[] = "route-generation";

static enum err_code
put_generation(struct spool_txn *t, int64_t generation, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)generation);
	return spool_meta_put(t, generation_key, str_of(text), e);
}

/* What goes by MX is claimed by domain. */
static enum err_code
put_domain_routes(struct spool_txn *t, const struct conf *conf, struct err *e)
{
	const char **routes = xcalloc(conf->routes_n, sizeof(*routes));
	size_t n = 0;
	enum err_code rc;

	for (size_t i = 0; i < conf->routes_n; i++)
		if (conf_route_is_mx(&conf->routes[i]))
			routes[n++] = conf_route_name(&conf->routes[i]);
	rc = spool_domain_routes_put(t, routes, n, e);
	free(routes);
	return rc;
}

static enum err_code
raise_generation(struct spool_txn *t, void *arg, struct err *e)
{
	struct node *n = arg;
	struct buf text;
	enum err_code rc;

	buf_init(&text, 0);
	rc = spool_meta_get(t, generation_key, &text, e);
	n->route_generation =
		rc == OK ? strtoll(buf_z(&text), NULL, 10) + 1 : 1;
	buf_free(&text);
	if (rc == OK || rc == ERR_NOTFOUND)
		rc = put_generation(t, n->route_generation, e);
	return rc == OK ? put_domain_routes(t, n->conf, e) : rc;
}

enum err_code
node_load_generation(struct node *n, struct err *e)
{
	return spool_write(n->spool, raise_generation, n, e);
}

struct reroute {
	struct node *n;
	struct policy_router router;
	char *users; /* owned */
	int64_t generation;
	size_t stale, busy;
};

static enum err_code
write_routes(struct spool_txn *t, void *arg, struct err *e)
{
	struct reroute *r = arg;
	enum err_code rc = put_generation(t, r->generation, e);

	if (rc == OK)
		rc = put_domain_routes(t, r->router.conf, e);
	if (rc != OK)
		return rc;
	if (r->router.conf->local.unknown_peer && !r->users)
		r->router.users = r->users = userlist_read(r->router.conf);
	return spool_reroute(t, r->generation, clock_sane_s(),
		NODE_REROUTE_BATCH, policy_route, &r->router, &r->stale,
		&r->busy, e);
}

static void reroute_batch(struct node *n);

static void
reroute_again(void *arg)
{
	struct node *n = arg;

	if (!n->stopping)
		reroute_batch(n);
}

/* Until it is done, mail waits where nobody looks for it. */
static void
reroute_later(struct node *n)
{
	if (n->stopping)
		return;
	if (!n->reroute)
		n->reroute = loop_timer_new(n->loop, reroute_again, n);
	loop_timer_set(n->reroute, NODE_REROUTE_AGAIN_MS);
}

static void
routes_written(void *arg, enum err_code code, const struct err *e)
{
	struct reroute *r = arg;
	struct node *n = r->n;

	if (code != OK) {
		log_error("routes-not-stored", LOG_STR("why", e->text));
		reroute_later(n);
	} else if (r->stale && r->generation == n->route_generation) {
		reroute_batch(n);
	} else {
		dispatch_all(n->dispatch);
		if (r->busy)
			reroute_later(n);
	}
	free(r->users);
	free(r);
}

static void
reroute_batch(struct node *n)
{
	struct reroute *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->router = policy_router(n);
	r->generation = n->route_generation;
	spool_submit(n->spool, write_routes, routes_written, r);
}

void
node_reroute(struct node *n)
{
	n->route_generation++;
	reroute_batch(n);
}

void
node_reroute_stale(struct node *n)
{
	if (!n->stopping)
		reroute_batch(n);
}

void
node_stored(struct node *n, int64_t generation)
{
	if (generation != n->route_generation)
		node_reroute_stale(n);
}

/* --- reading the configuration again --- */

static void
retire(struct node *n, struct conf *old)
{
	n->retired =
		xrealloc(n->retired, (n->retired_n + 1) * sizeof(*n->retired));
	n->retired[n->retired_n++] = old;
}

enum err_code
node_reload(struct node *n, struct err *e)
{
	struct conf *next, *old = n->conf;
	struct tls_server *tls_server = NULL;
	struct tls_client *tls_client = NULL;
	struct page *page = NULL;
	uint64_t began = clock_mono_ms(), took;
	enum err_code rc;

	rc = daemon_load_conf(old->file, &next, e);
	took = clock_mono_ms() - began;
	if (rc != OK) {
		log_error("reload-refused", LOG_STR("why", e->text));
		return rc;
	}
	if (conf_is_same(old, next)) { /* there may be a new certificate */
		conf_free(next);
		next = old;
	}
	if (!sandbox_agrees(n->sandbox, next, e))
		rc = ERR_CONFIG;
	if (rc == OK)
		rc = helper_reload(n->helper, took, e);
	if (rc == OK)
		rc = daemon_make_tls(n, next, &tls_server, &tls_client, e);
	if (rc == OK)
		rc = metrics_open(n->metrics, next, &page, e);
	if (rc == OK)
		rc = services_reload(n->services, next, e);
	if (rc != OK) {
		page_free(page);
		tls_server_free(tls_server);
		tls_client_free(tls_client);
		if (next != old)
			conf_free(next);
		log_error("reload-refused", LOG_STR("why", e->text));
		return rc;
	}
	helper_adopt(n->helper);
	if (next != old)
		retire(n, old);
	n->conf = next;
	metrics_serve(n->metrics, page);
	tls_server_free(n->tls_server);
	tls_client_free(n->tls_client);
	n->tls_server = tls_server;
	n->tls_client = tls_client;
	dovecot_set_auth(n->dovecot, next->auth);
	dovecot_users_set_conf(n->dovecot_users, next);
	leftover_clear(n);
	speeds_reload(n->speeds);
	hooks_reload(n->hooks);
	budgets_reload(n->budgets);
	links_reload(n->links);
	gateways_reload(n->gateways);
	dispatch_reload(n->dispatch);
	fill_reload(n->fill);
	node_reroute(n);
	life_look(n->life);
	lifetime_look(n->lifetime);
	certwatch_look(n->certwatch);
	log_info("reloaded", LOG_STR("file", next->file));
	return OK;
}
