#include "daemon/leftover.h"

#include "base/log.h"
#include "spool/queue.h"

#include <stdlib.h>

enum { LEFTOVER_PAGE = 500 };

struct job {
	struct node *n;
	char **routes; /* owned: a reload may come */
	size_t routes_n, at;
	struct spool_cursor after;
	bool end;
};

static enum err_code
write_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	struct spool_cursor after = j->after; /* this may run again */
	enum err_code rc = spool_left_clear(
		t, j->routes[j->at], &after, LEFTOVER_PAGE, &j->end, e);

	if (rc == OK && !j->end)
		j->after = after;
	return rc;
}

static void
free_job(struct job *j)
{
	for (size_t i = 0; i < j->routes_n; i++)
		free(j->routes[i]);
	free(j->routes);
	free(j);
}

static void
page_written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK)
		log_error("reasons-not-recorded", LOG_STR("why", e->text));
	if (j->end) {
		j->at++;
		j->after = (struct spool_cursor){0, 0};
	}
	if (code != OK || j->n->stopping || j->at == j->routes_n)
		free_job(j);
	else
		spool_submit(j->n->spool, write_page, page_written, j);
}

void
leftover_clear(struct node *n)
{
	const struct conf *conf = n->conf;
	struct job *j;

	if (!conf->routes_n)
		return;
	j = xcalloc(1, sizeof(*j));
	j->n = n;
	j->routes = xcalloc(conf->routes_n, sizeof(*j->routes));
	j->routes_n = conf->routes_n;
	for (size_t i = 0; i < j->routes_n; i++)
		j->routes[i] = str_dupz(conf_route_name(&conf->routes[i]));
	spool_submit(n->spool, write_page, page_written, j);
}
