#include "daemon/mx_settle.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/settle_pages.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 50 }; /* messages in one transaction */

struct job {
	struct mx_settle_conf conf;
	char **routes, *domain, *text; /* owned */
};

/* --- in the transaction --- */

static enum err_code
claim(struct spool_txn *t, void *arg, uint64_t owner, struct settle_page *page,
	struct err *e)
{
	struct job *j = arg;
	const char *domain = j->domain;
	struct spool_claim c = {
		.owner = owner,
		.routes = (const char *const *)j->routes,
		.routes_n = j->conf.routes_n,
		.now = clock_sane_s(),
		.domains = &domain,
		.domains_n = 1,
	};
	enum err_code rc = OK;

	while (rc == OK && page->n < PAGE) {
		struct spool_claimed m;

		rc = spool_claim_next(t, &c, &m, e);
		if (rc == OK)
			settle_page_add(page, &m);
	}
	/* What is released would be found again and again. */
	page->more = rc == OK && j->conf.verdict != MX_LEFT;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* --- on the loop --- */

/* What the host has no extension for; REASON_NONE: nothing. */
static enum spool_reason
lacks(const struct job *j, const struct spool_message *m)
{
	if (m->params.smtputf8 && !(j->conf.extensions & EXT_SMTPUTF8))
		return REASON_NO_SMTPUTF8;
	if (m->has_8bit && !(j->conf.extensions & EXT_8BITMIME))
		return REASON_NO_8BITMIME;
	return REASON_NONE;
}

static void
settle_left(struct job *j, struct settle *st, const struct spool_message *m,
	size_t i)
{
	enum spool_reason reason = lacks(j, m);
	char text[400];

	if (j->conf.size_max && m->size > j->conf.size_max) {
		snprintf(text, sizeof(text),
			"the message is larger than %.255s takes (%llu octets)",
			j->domain, (unsigned long long)j->conf.size_max);
		settle_fail(st, i, "5.3.4", text);
	} else if (reason != REASON_NONE) {
		settle_postpone(st, i, reason, j->domain);
	}
}

static void
verdict(void *arg, struct settle *st, const struct spool_claimed *m, size_t i)
{
	struct job *j = arg;

	switch (j->conf.verdict) {
	case MX_FAIL:
		settle_fail(st, i, j->conf.status, j->text);
		break;
	case MX_DEFER:
		settle_defer(st, i, j->conf.reason, j->text);
		break;
	case MX_POSTPONE:
		settle_postpone(st, i, j->conf.reason, j->text);
		break;
	case MX_LEFT:
		settle_left(j, st, &m->message, i);
		break;
	}
}

static void
done(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct job *j = arg;

	(void)count;
	if (code != OK)
		log_error("outcome-not-stored", LOG_STR("domain", j->domain),
			LOG_STR("why", e->text));
	j->conf.done(j->conf.arg);
	for (size_t i = 0; i < j->conf.routes_n; i++)
		free(j->routes[i]);
	free(j->routes);
	free(j->domain);
	free(j->text);
	free(j);
}

void
mx_settle(struct node *n, const struct mx_settle_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->conf = *conf;
	j->domain = str_dupz(conf->domain);
	j->text = str_dupz(conf->text ? conf->text : "");
	j->routes = xcalloc(conf->routes_n, sizeof(*j->routes));
	for (size_t i = 0; i < conf->routes_n; i++)
		j->routes[i] = str_dupz(conf->routes[i]);
	settle_pages(n, &(struct settle_pages_conf){.claim = claim,
				.verdict = verdict,
				.done = done,
				.arg = j,
				.peer = j->domain});
}
