#include "daemon/lifetime.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/giveup.h"
#include "daemon/policy.h"
#include "daemon/steady.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIFETIME_STATES = 2 };

static const enum spool_state states[LIFETIME_STATES] = {
	SPOOL_READY, SPOOL_DEFERRED};

struct customer {
	char name[SASL_NAME_MAX + 1];
	int64_t lifetime_s;
};

struct lifetime {
	struct node *n;
	struct conf *conf; /* as it was when this round began */
	bool running;
	struct customer *list; /* of this round */
	size_t list_n, at;
	char route[SPOOL_NAME_MAX + 1]; /* of the one in hand */
	struct spool_filter filters[LIFETIME_STATES];
	bool found;
};

static void next_customer(struct lifetime *l);

int64_t
lifetime_of(const struct conf *conf, const struct spool_account *a)
{
	return a->lifetime_s ? a->lifetime_s : conf->queue.customer_lifetime_s;
}

/* --- one customer --- */

static enum err_code
look_for_old(struct spool_txn *t, void *arg, struct err *e)
{
	struct lifetime *l = arg;
	enum err_code rc = OK;

	l->found = false;
	for (size_t i = 0; i < LIFETIME_STATES && rc == OK && !l->found; i++) {
		struct spool_cursor from = {0, 0};
		struct spool_row *rows;
		size_t n;

		rc = spool_list(t, &l->filters[i], &from, 1, &rows, &n, e);
		l->found = rc == OK && n;
		free(rows);
	}
	return rc;
}

static void
given_up(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct lifetime *l = arg;
	const struct customer *c = &l->list[l->at];

	if (code != OK)
		log_error("lifetime-not-ended", LOG_STR("account", c->name),
			LOG_STR("why", e->text));
	else if (count)
		log_warning("lifetime-ended", LOG_STR("account", c->name),
			LOG_INT("deliveries", count));
	l->at++;
	next_customer(l);
}

void
lifetime_words(int64_t s, char *out, size_t size)
{
	int64_t unit = s % 86400 == 0 ? 86400 : s % 3600 == 0 ? 3600 : 60;
	const char *word = unit == 86400  ? "day"
			   : unit == 3600 ? "hour"
					  : "minute";
	int64_t n = s / unit;

	snprintf(out, size, "%lld %s%s", (long long)n, word, n == 1 ? "" : "s");
}

static void
give_up(struct lifetime *l)
{
	const struct customer *c = &l->list[l->at];
	char text[400], duration[40];

	lifetime_words(c->lifetime_s, duration, sizeof(duration));
	snprintf(text, sizeof(text), "it was held for %s and never collected",
		duration);
	giveup(l->n, &(struct giveup_conf){.filters = l->filters,
			     .filters_n = LIFETIME_STATES,
			     .expired = true,
			     .text = text,
			     .done = given_up,
			     .arg = l});
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct lifetime *l = arg;

	if (code != OK)
		log_error("queue-unreadable", LOG_STR("why", e->text));
	if (code == OK && l->found && !l->n->stopping) {
		give_up(l);
		return;
	}
	l->at++;
	next_customer(l);
}

/* --- one after the other --- */

static void
end_round(struct lifetime *l)
{
	free(l->list);
	l->list = NULL;
	l->list_n = l->at = 0;
	l->running = false;
}

static void
next_customer(struct lifetime *l)
{
	int64_t before;

	if (l->n->stopping || l->at == l->list_n) {
		end_round(l);
		return;
	}
	before = clock_wall_s() - l->list[l->at].lifetime_s;
	policy_customer_route(l->list[l->at].name, l->route);
	for (size_t i = 0; i < LIFETIME_STATES; i++)
		l->filters[i] = (struct spool_filter){.route = l->route,
			.has_state = true,
			.state = states[i],
			.queued_before = before};
	spool_submit_read(l->n->spool, look_for_old, looked, l);
}

static enum err_code
read_customers(struct spool_txn *t, void *arg, struct err *e)
{
	struct lifetime *l = arg;
	struct spool_account *accounts = NULL;
	size_t n = 0;
	enum err_code rc = spool_account_list(t, &accounts, &n, e);

	free(l->list); /* of an earlier run of this function */
	l->list = xcalloc(n, sizeof(*l->list));
	l->list_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct customer *c = &l->list[l->list_n];

		if (accounts[i].kind == ACCOUNT_CUSTOMER) {
			str_copyz(c->name, sizeof(c->name), accounts[i].name);
			c->lifetime_s = lifetime_of(l->conf, &accounts[i]);
			l->list_n++;
		}
		spool_account_clear(&accounts[i]);
	}
	free(accounts);
	return rc;
}

static void
customers_read(void *arg, enum err_code code, const struct err *e)
{
	struct lifetime *l = arg;

	if (code != OK)
		log_error("queue-unreadable", LOG_STR("why", e->text));
	l->at = 0;
	next_customer(l);
}

void
lifetime_look(struct lifetime *l)
{
	if (!steady_may_end(l->n->steady) || l->running || l->n->stopping)
		return;
	l->running = true;
	l->conf = l->n->conf;
	spool_submit_read(l->n->spool, read_customers, customers_read, l);
}

struct lifetime *
lifetime_new(struct node *n)
{
	struct lifetime *l = xcalloc(1, sizeof(*l));

	l->n = n;
	return l;
}

void
lifetime_free(struct lifetime *l)
{
	if (!l)
		return;
	free(l->list);
	free(l);
}
