#include "daemon/node.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/links.h"
#include "daemon/policy.h"
#include "daemon/services.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdlib.h>

enum {
	NODE_REROUTE_BATCH = 500, /* deliveries routed anew at a time */
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

/* --- routing anew ------------------------------------------------------------
 */

struct reroute {
	struct node *n;
	struct policy_router router;
	int64_t generation;
	size_t stale;
};

static enum err_code
write_routes(struct spool_txn *t, void *arg, struct err *e)
{
	struct reroute *r = arg;

	return spool_reroute(t, r->generation, NODE_REROUTE_BATCH, policy_route,
		&r->router, &r->stale, e);
}

static void
routes_written(void *arg, enum err_code code, const struct err *e)
{
	struct reroute *r = arg;
	struct node *n = r->n;

	if (code != OK)
		log_error("routes-not-stored", LOG_STR("why", e->text));
	else if (r->stale && r->generation == n->route_generation)
		node_reroute(n); /* the next batch */
	else
		dispatch_all(n->dispatch);
	free(r);
}

void
node_reroute(struct node *n)
{
	struct reroute *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->router = policy_router(n);
	r->generation = n->route_generation;
	spool_submit(n->spool, write_routes, routes_written, r);
}

/* --- reading the configuration again
 * ------------------------------------------ */

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
	enum err_code rc;

	rc = daemon_load_conf(old->file, &next, e);
	if (rc != OK) {
		log_error("reload-refused", LOG_STR("why", e->text));
		return rc;
	}
	rc = daemon_make_tls(n, next, &tls_server, &tls_client, e);
	if (rc == OK)
		rc = services_reload(n->services, next, e);
	if (rc != OK) {
		tls_server_free(tls_server);
		tls_client_free(tls_client);
		conf_free(next);
		log_error("reload-refused", LOG_STR("why", e->text));
		return rc;
	}
	retire(n, old);
	n->conf = next;
	tls_server_free(n->tls_server);
	tls_client_free(n->tls_client);
	n->tls_server = tls_server;
	n->tls_client = tls_client;
	links_reload(n->links);
	dispatch_reload(n->dispatch);
	n->route_generation++;
	node_reroute(n);
	log_info("reloaded", LOG_STR("file", next->file));
	return OK;
}
