#include "daemon/downgrade.h"

#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

struct other {
	size_t route;
	char *peer; /* owned */
};

struct downgrade {
	struct other *others; /* owned */
	size_t others_n;
	struct spool_takes *takes; /* owned; one a route */
	size_t routes_n;
	bool leave_utf8;
};

static void
add_others(struct downgrade *g, const struct conf_route *route, size_t i,
	const char *peer)
{
	for (size_t k = 0; k < route->peers.n; k++) {
		/* The hosts of a domain are nobody known by name. */
		if (strcmp(route->peers.v[k], peer) == 0 ||
			strcmp(route->peers.v[k], CONF_MX) == 0)
			continue;
		g->others = xrealloc(
			g->others, (g->others_n + 1) * sizeof(*g->others));
		g->others[g->others_n++] =
			(struct other){i, str_dupz(route->peers.v[k])};
	}
}

struct downgrade *
downgrade_new(const struct conf *conf, const char *peer,
	const char *const *routes, size_t n)
{
	struct downgrade *g = xcalloc(1, sizeof(*g));

	g->routes_n = n;
	g->takes = xcalloc(n, sizeof(*g->takes));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < conf->routes_n; k++)
			if (strcmp(conf_route_name(&conf->routes[k]),
				    routes[i]) == 0)
				add_others(g, &conf->routes[k], i, peer);
	return g;
}

static bool
offers(const struct spool_peer *p, const char *keyword)
{
	struct str rest = str_of(p->keywords), blank;

	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);

		if (str_eq_nocase(str_cut(line, ' ', &blank), str_of(keyword)))
			return true;
	}
	return false;
}

/* What of the mail of a route is left for the peer P, if it is a row. */
static void
leave_to(struct spool_takes *takes, const struct spool_peer *p, bool row,
	int64_t now)
{
	/* One that never answered has a row, too. */
	bool known = row && p->last_success > 0;
	bool good = known && p->last_success + DOWNGRADE_TRUST_S > now;

	if (good && offers(p, "8BITMIME"))
		takes->eight_bit = false;
	if (good && offers(p, "BINARYMIME") && offers(p, "CHUNKING"))
		takes->binary = false;
	if (!known || offers(p, "SMTPUTF8"))
		takes->smtputf8 = false;
	if (!known || offers(p, "REQUIRETLS"))
		takes->requiretls = false;
	if (!known || offers(p, "DELIVERBY"))
		takes->deliver_by = false;
}

void
downgrade_leave_utf8(struct downgrade *g)
{
	g->leave_utf8 = true;
}

enum err_code
downgrade_read(
	struct spool_txn *t, struct downgrade *g, int64_t now, struct err *e)
{
	struct spool_peer *p = xcalloc(1, sizeof(*p));
	enum err_code rc = OK;

	for (size_t i = 0; i < g->routes_n; i++)
		g->takes[i] = (struct spool_takes){
			true, !g->leave_utf8, true, true, true};
	for (size_t i = 0; i < g->others_n && rc == OK; i++) {
		const struct other *o = &g->others[i];

		rc = spool_peer_get(t, o->peer, p, e);
		if (rc != OK && rc != ERR_NOTFOUND)
			break;
		leave_to(&g->takes[o->route], p, rc == OK, now);
		rc = OK;
	}
	free(p);
	return rc;
}

const struct spool_takes *
downgrade_takes(const struct downgrade *g)
{
	return g->takes;
}

void
downgrade_free(struct downgrade *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->others_n; i++)
		free(g->others[i].peer);
	free(g->others);
	free(g->takes);
	free(g);
}
