#include "daemon/mx_utf8.h"

#include "base/log.h"
#include "spool/queue.h"

#include <stdlib.h>

struct job {
	char **routes, *domain; /* owned */
	size_t routes_n;
	unsigned needs;
	void (*done)(void *arg, bool waits);
	void *arg;
};

static enum err_code
look(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	j->needs = 0;
	for (size_t i = 0; rc == OK && i < j->routes_n; i++) {
		unsigned needs;

		rc = spool_domain_needs(t, j->routes[i], j->domain, &needs, e);
		j->needs |= needs;
	}
	return rc;
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK)
		log_error("queue-unreadable", LOG_STR("domain", j->domain),
			LOG_STR("why", e->text));
	j->done(j->arg, code == OK && (j->needs & NEED_UTF8));
	for (size_t i = 0; i < j->routes_n; i++)
		free(j->routes[i]);
	free(j->routes);
	free(j->domain);
	free(j);
}

void
mx_utf8_ask(struct node *n, const char *const *routes, size_t routes_n,
	const char *domain, void (*done)(void *arg, bool waits), void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->domain = str_dupz(domain);
	j->routes = xcalloc(routes_n, sizeof(*j->routes));
	for (; j->routes_n < routes_n; j->routes_n++)
		j->routes[j->routes_n] = str_dupz(routes[j->routes_n]);
	j->done = done;
	j->arg = arg;
	spool_submit_read(n->spool, look, looked, j);
}
