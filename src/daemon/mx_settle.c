#include "daemon/mx_settle.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 50 }; /* messages in one transaction */

struct job {
	struct node *n;
	struct mx_settle_conf conf;
	char **routes, *domain, *text; /* owned */
	uint64_t owner;
	struct spool_claimed messages[PAGE];
	struct settle *settles[PAGE];
	size_t messages_n;
};

static void claim_page(struct job *j);

static void
forget_page(struct job *j)
{
	for (size_t i = 0; i < j->messages_n; i++) {
		spool_claimed_clear(&j->messages[i]);
		settle_free(j->settles[i]);
		j->settles[i] = NULL;
	}
	j->messages_n = 0;
}

static void
end(struct job *j)
{
	void (*done)(void *arg) = j->conf.done;
	void *arg = j->conf.arg;

	forget_page(j);
	for (size_t i = 0; i < j->conf.routes_n; i++)
		free(j->routes[i]);
	free(j->routes);
	free(j->domain);
	free(j->text);
	free(j);
	done(arg);
}

static void
failed(struct job *j, const struct err *e)
{
	log_error("outcome-not-stored", LOG_STR("domain", j->domain),
		LOG_STR("why", e->text));
	settle_release_owner(j->n, j->owner);
	end(j);
}

/* --- the transaction that ends them --- */

static enum err_code
write_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->messages_n; i++)
		rc = settle_write(t, j->settles[i], e);
	return rc;
}

static void
page_written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;
	bool last = j->messages_n < PAGE;

	if (code != OK) {
		failed(j, e);
		return;
	}
	for (size_t i = 0; i < j->messages_n; i++)
		settle_written(j->settles[i]);
	/* What was released would be found again and again. */
	if (last || j->conf.verdict == MX_LEFT)
		end(j);
	else
		claim_page(j);
}

/* --- verdicts --- */

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
settle_left(struct job *j, size_t i, size_t k)
{
	const struct spool_message *m = &j->messages[i].message;
	enum spool_reason reason = lacks(j, m);
	char text[300];

	if (j->conf.size_max && m->size > j->conf.size_max) {
		snprintf(text, sizeof(text),
			"the message is larger than %.200s takes (%llu octets)",
			j->text, (unsigned long long)j->conf.size_max);
		settle_fail(j->settles[i], k, "5.3.4", text);
	} else if (reason != REASON_NONE) {
		settle_postpone(j->settles[i], k, reason, j->text);
	}
}

static void
settle_one(struct job *j, size_t i, size_t k)
{
	switch (j->conf.verdict) {
	case MX_FAIL:
		settle_fail(j->settles[i], k, j->conf.status, j->text);
		break;
	case MX_DEFER:
		settle_defer(j->settles[i], k, j->conf.reason, j->text);
		break;
	case MX_POSTPONE:
		settle_postpone(j->settles[i], k, j->conf.reason, j->text);
		break;
	case MX_LEFT:
		settle_left(j, i, k);
		break;
	}
}

/* --- the transaction that claims them --- */

static enum err_code
write_claims(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	const char *domain = j->domain;
	struct spool_claim c = {
		.owner = j->owner,
		.routes = (const char *const *)j->routes,
		.routes_n = j->conf.routes_n,
		.now = clock_sane_s(),
		.domains = &domain,
		.domains_n = 1,
	};
	enum err_code rc = OK;

	forget_page(j); /* of an earlier run of this function */
	while (rc == OK && j->messages_n < PAGE) {
		rc = spool_claim_next(t, &c, &j->messages[j->messages_n], e);
		j->messages_n += rc == OK;
	}
	return rc == ERR_NOTFOUND ? OK : rc;
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK) {
		failed(j, e);
		return;
	}
	if (j->messages_n == 0) {
		end(j);
		return;
	}
	for (size_t i = 0; i < j->messages_n; i++) {
		j->settles[i] = settle_new(
			j->n, &j->messages[i], j->owner, j->domain, NULL, 0);
		for (size_t k = 0; k < j->messages[i].n; k++)
			settle_one(j, i, k);
	}
	spool_submit(j->n->spool, write_page, page_written, j);
}

static void
claim_page(struct job *j)
{
	forget_page(j);
	spool_submit(j->n->spool, write_claims, claimed, j);
}

void
mx_settle(struct node *n, const struct mx_settle_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->n = n;
	j->conf = *conf;
	j->domain = str_dupz(conf->domain);
	j->text = str_dupz(conf->text);
	j->routes = xcalloc(conf->routes_n, sizeof(*j->routes));
	for (size_t i = 0; i < conf->routes_n; i++)
		j->routes[i] = str_dupz(conf->routes[i]);
	j->owner = node_new_id(n);
	claim_page(j);
}
