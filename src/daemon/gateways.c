#include "daemon/gateway_private.h"

#include "base/clock.h"
#include "daemon/claims.h"
#include "daemon/dispatch.h"
#include "daemon/settle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void begin(struct gateway *w);

/* --- a job ---------------------------------------------------------------- */

static void
job_free(struct gateway_job *j)
{
	for (size_t i = 0; j->settles && i < j->messages_n; i++)
		settle_free(j->settles[i]);
	free(j->settles);
	gateway_forget_messages(j);
	free(j->messages);
	child_free(j->child);
	if (j->fd >= 0)
		close(j->fd);
	free(j->command);
	free(j->folder);
	free(j->hostname);
	free(j->dir);
	free(j->name);
	gateway_mail_free(j->mail);
	free(j);
}

static void
gateway_free(struct gateway *w)
{
	list_remove(&w->node);
	free(w);
}

void
gateway_end(struct gateway_job *j, bool again)
{
	struct gateway *w = j->w;

	w->job = NULL;
	w->busy = false;
	job_free(j);
	if (!w->known)
		gateway_free(w);
	else if (w->again || again)
		begin(w);
}

void
gateway_drop(void *job)
{
	struct gateway_job *j = job;

	claims_release(j->n, j->owner);
	gateway_end(j, false);
}

void
gateway_fault(struct gateway_job *j)
{
	j->w->wait_until = clock_sane_s() + GATEWAY_AGAIN_S;
	dispatch_due_at(j->n->dispatch, j->w->wait_until);
	gateway_end(j, false);
}

/* --- beginning ------------------------------------------------------------ */

static const struct conf_route *
route_of(const struct gateway *w)
{
	const struct conf *conf = w->g->n->conf;

	for (size_t i = 0; i < conf->routes_n; i++) {
		const struct conf_route *r = &conf->routes[i];

		if (conf_route_is_gateway(r) &&
			strcmp(conf_route_name(r), w->name) == 0)
			return r;
	}
	return NULL;
}

/* Where a batch for a command stands meanwhile. */
static const char *
work_folder(const struct conf *conf)
{
	return conf->programs.drop && access(conf->programs.drop, W_OK) == 0
		       ? conf->programs.drop
		       : conf->run_dir;
}

static void
begin(struct gateway *w)
{
	static const enum squeeze_kind kinds[] = {
		[COMPRESS_NONE] = SQUEEZE_NONE,
		[COMPRESS_GZIP] = SQUEEZE_GZIP,
		[COMPRESS_ZSTD] = SQUEEZE_ZSTD,
	};
	const struct conf_route *r = route_of(w);
	struct node *n = w->g->n;
	struct gateway_job *j;

	w->again = w->busy;
	if (w->busy || w->g->stopping || !r || clock_sane_s() < w->wait_until)
		return;
	j = xcalloc(1, sizeof(*j));
	j->w = w;
	j->n = n;
	j->owner = node_new_id(n);
	j->now = clock_sane_s();
	j->fd = -1;
	j->command = r->command ? str_dupz(r->command) : NULL;
	j->folder = r->folder ? str_dupz(r->folder) : NULL;
	j->hostname = str_dupz(n->conf->hostname);
	j->dir = str_dupz(work_folder(n->conf));
	j->format = r->format;
	j->squeeze = kinds[r->compress];
	j->octets_max = r->batch_size ? r->batch_size
			: r->mailto   ? GATEWAY_MAIL_MAX
				      : GATEWAY_OCTETS_MAX;
	j->mail = r->mailto ? gateway_mail_new(r) : NULL;
	j->timeout_s = r->timeout_s;
	w->busy = true;
	w->job = j;
	gateway_begin(j);
}

/* --- all of them ---------------------------------------------------------- */

static struct gateway *
find(struct gateways *g, const char *name)
{
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

static void
take_route(struct gateways *g, const struct conf_route *r)
{
	struct gateway *w = find(g, conf_route_name(r));

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->g = g;
		str_copyz(w->name, sizeof(w->name), conf_route_name(r));
		list_push(&g->list, &w->node);
	}
	w->known = true;
	w->wait_until = 0;
	w->failures = 0;
}

void
gateways_reload(struct gateways *g)
{
	const struct conf *conf = g->n->conf;

	LIST_EACH(node, tmp, &g->list)
	{
		LIST_ITEM(node, struct gateway, node)->known = false;
	}
	for (size_t i = 0; i < conf->routes_n; i++)
		if (conf_route_is_gateway(&conf->routes[i]))
			take_route(g, &conf->routes[i]);
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (!w->known && !w->busy)
			gateway_free(w);
	}
}

struct gateways *
gateways_new(struct node *n)
{
	struct gateways *g = xcalloc(1, sizeof(*g));

	g->n = n;
	list_init(&g->list);
	gateways_reload(g);
	return g;
}

void
gateways_kick(struct gateways *g, const char *route)
{
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (!route || strcmp(w->name, route) == 0)
			begin(w);
	}
}

void
gateways_now(struct gateways *g)
{
	LIST_EACH(node, tmp, &g->list)
	{
		LIST_ITEM(node, struct gateway, node)->wait_until = 0;
	}
}

void
gateways_stop(struct gateways *g)
{
	if (!g)
		return;
	g->stopping = true;
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway_job *j =
			LIST_ITEM(node, struct gateway, node)->job;

		if (!j || !j->child)
			continue;
		/* it may have done its work: said so by the mark in the row */
		claims_release(j->n, j->owner);
		gateway_end(j, false);
	}
}

void
gateways_free(struct gateways *g)
{
	if (!g)
		return;
	LIST_EACH(node, tmp, &g->list)
	{
		gateway_free(LIST_ITEM(node, struct gateway, node));
	}
	free(g);
}
