#include "daemon/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/call.h"
#include "daemon/ashore.h"
#include "daemon/crash.h"
#include "daemon/deliver.h"
#include "daemon/history.h"
#include "daemon/policy.h"
#include "sched/rate.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A session that moves nothing this long gives way to a new one. */
	SERVE_TAKEOVER_MS = 60000,
	/* There may be a thousand of them, on slow lines. */
	SERVE_AHEAD_BYTES = 16384,
};

struct serve {
	struct session *s;
	struct node *n;
	char name[SASL_NAME_MAX + 1];
	char route[SPOOL_NAME_MAX + 1];
	int64_t now, refused_before, due;
	struct ashore_call *ashore;
	char *domains; /* owned, lower case, as ATRN has them; NULL none */
};

/* --- may it have its mail? --- */

static bool
has_all_domains(const struct spool_account *a, const char *domains)
{
	struct str rest = str_of(domains);

	while (rest.n)
		if (!account_has_domain(a, str_cut(rest, ',', &rest)))
			return false;
	return true;
}

static struct session *
serving(struct node *n, const char *account)
{
	LIST_EACH(node, tmp, &n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->role, "serve") == 0 &&
			strcmp(s->peer, account) == 0)
			return s;
	}
	return NULL;
}

bool
serve_is_taken(struct node *n, const char *account)
{
	struct session *other = serving(n, account);

	if (!other)
		return false;
	if (clock_mono_ms() - other->progress_ms < SERVE_TAKEOVER_MS)
		return true;
	session_close(other, "a new session of this customer takes over");
	return false;
}

/* limits.atrn_per_hour */
static bool
is_too_often(struct node *n, const char *account, unsigned *wait_s_r)
{
	return !rate_take(n->atrn_rate, account, n->conf->limits.atrn_per_hour,
		clock_mono_ms(), wait_s_r);
}

/* To the caller in R, to the provider's people in WHY: with what to do. */
static bool
refuse(struct session *s, const char *account, const char *domains,
	struct reply *r, char *why, size_t size)
{
	struct node *n = s->n;
	const struct spool_account *a = accounts_get(n->accounts, account);
	const char *address = stream_peer_address(s->stream);
	unsigned wait_s;

	if (!a || a->kind != ACCOUNT_CUSTOMER || a->suspended) {
		reply_set(r, 450, "4.7.1", "No mail is held for this account");
		snprintf(why, size,
			"refused (450): it is suspended; customer resume ends "
			"that");
	} else if (!account_may_come_from(a, address)) {
		reply_set(r, 450, "4.7.1", "%s may not be used from %s",
			account, address);
		snprintf(why, size,
			"refused (450): it called from %s, which is in none of "
			"its networks; customer set --network changes them",
			address);
	} else if (is_too_often(n, account, &wait_s)) {
		reply_set(r, 450, "4.3.2",
			"Too many calls in this hour; the next in %u seconds",
			wait_s);
		snprintf(why, size,
			"refused (450): it called too often and may call again "
			"%u seconds later; limits.atrn_per_hour is %u",
			wait_s, n->conf->limits.atrn_per_hour);
	} else if (!has_all_domains(a, domains)) {
		reply_set(r, 450, "4.7.1",
			"Not all of these domains are yours: nothing is sent");
		snprintf(why, size,
			"refused (450): it asked for %.300s, and not all of "
			"that is its own; it should ask for its domains only, "
			"or give none",
			domains);
	} else if (serve_is_taken(n, account)) {
		reply_set(r, 451, "4.3.2",
			"Another session is collecting this mail");
		snprintf(why, size,
			"refused (451): another session was collecting its "
			"mail; it may call again when that has ended");
	} else {
		return false;
	}
	return true;
}

/* Of the domains that were asked for, has one mail that may go now? */
static enum err_code
look_at_domains(struct spool_txn *t, struct serve *sv, struct err *e)
{
	struct str rest = str_of(sv->domains);
	enum err_code rc = OK;
	bool due = rest.n == 0; /* all of them */

	while (rc == OK && rest.n && !due) {
		char *domain = str_dup(str_cut(rest, ',', &rest));

		rc = spool_domain_due(t, sv->route, domain, sv->now, &due, e);
		free(domain);
	}
	if (!due)
		sv->due = -1;
	return rc;
}

static enum err_code
wake_and_look(struct spool_txn *t, void *arg, struct err *e)
{
	struct serve *sv = arg;
	const struct spool_wake all = {.route = sv->route,
		.now = sv->now,
		.refused_before = sv->refused_before};
	enum err_code rc;

	rc = spool_route_wake(t, &all, NULL, e);
	if (rc == OK)
		rc = ashore_tell(t, sv->ashore, e);
	if (rc == OK)
		rc = spool_route_due(t, sv->route, NULL, sv->now, &sv->due, e);
	return rc == OK && sv->due == 0 ? look_at_domains(t, sv, e) : rc;
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct serve *sv = arg;
	struct session *s = sv->s;
	struct reply r;

	if (code != OK) {
		log_error("queue-unreadable", LOG_INT("session", s->id),
			LOG_STR("why", e->text));
		/* RFC 2645 5.2.1: cannot tell now is never "no mail" */
		reply_set(&r, 451, "4.3.0", "The queue cannot be read now");
	} else if (sv->due != 0) {
		ashore_told(sv->ashore);
		reply_set(&r, 453, "4.2.0", "You have no mail");
	} else {
		ashore_told(sv->ashore);
		reply_set(&r, 250, "2.0.0", "Ok now reversing the connection");
	}
	if (r.code != 250) {
		s->role = "receive";
		history_customer(sv->n, sv->name,
			r.code == 453 ? "no mail was waiting"
				      : "could not be served (451): the queue "
					"cannot be read; see the log of this "
					"node");
	}
	session_answer(s, &r);
	session_release(s);
	ashore_call_free(sv->ashore);
	free(sv->domains);
	free(sv);
}

/* Each to be freed; at most WIRE_ATRN_DOMAINS_MAX. */
static size_t
split_domains(const char *domains, char **list)
{
	struct str rest = str_of(domains);
	size_t n = 0;

	while (rest.n && n < WIRE_ATRN_DOMAINS_MAX)
		list[n++] = str_dup(str_cut(rest, ',', &rest));
	return n;
}

static void
free_domains(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
}

static struct serve *
serve_new(struct session *s, const char *account)
{
	struct serve *sv = xcalloc(1, sizeof(*sv));

	sv->s = s;
	sv->n = s->n;
	str_copyz(sv->name, sizeof(sv->name), account);
	policy_customer_route(account, sv->route);
	sv->now = clock_sane_s();
	sv->refused_before = sv->now - s->n->conf->queue.retry_s[0];
	return sv;
}

void
serve_atrn(struct session *s, const char *account, const char *domains)
{
	char line[256], why[600], *list[WIRE_ATRN_DOMAINS_MAX];
	struct serve *sv;
	struct reply r;
	size_t n;

	if (refuse(s, account, domains, &r, why, sizeof(why))) {
		reply_one_line(&r, line, sizeof(line));
		log_info("atrn-refused", LOG_INT("session", s->id),
			LOG_STR("account", account), LOG_STR("reply", line));
		history_customer(s->n, account, why);
		machine_answer(s->machine, &r);
		return;
	}
	s->role = "serve"; /* from now on nobody else has its mail */
	session_hold(s);
	sv = serve_new(s, account);
	sv->domains = str_dupz(domains);
	str_lower(sv->domains);
	n = split_domains(domains, list);
	sv->ashore =
		ashore_call_new(s->n, account, (const char *const *)list, n);
	free_domains(list, n);
	spool_submit(s->n->spool, wake_and_look, looked, sv);
}

/* --- handing over --- */

static void
on_idle(void *arg, struct deliver *d)
{
	(void)arg;
	deliver_quit(d);
}

/* What went wrong, and the customer's own words where it had some. */
static void
tell_why(const struct deliver_result *result, char *out, size_t size)
{
	const char *why = result->why[0] ? result->why : result->reply;

	if (result->why[0] && result->reply[0] &&
		strcmp(result->why, result->reply) != 0)
		snprintf(out, size, "%s: %s", why, result->reply);
	else
		snprintf(out, size, "%s",
			why[0] ? why : "the connection was lost");
}

static void
on_over(void *arg, const struct deliver_result *result)
{
	struct serve *sv = arg;
	unsigned n = sv->s->messages_sent;
	char text[560], why[440];

	tell_why(result, why, sizeof(why));
	if (result->fail == FAIL_NONE)
		snprintf(text, sizeof(text), "%u message%s collected", n,
			n == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text),
			"broken off after %u message%s: %s; what was not taken "
			"waits for the next call",
			n, n == 1 ? "" : "s", why);
	history_customer(sv->n, sv->name, text);
	history_session(sv->s, "", sv->name, text);
	free(sv);
}

void
serve_turn(struct session *s, const char *account, const char *domains)
{
	struct serve *sv = serve_new(s, account);
	const char *routes[1] = {sv->route};
	char *list[WIRE_ATRN_DOMAINS_MAX];
	size_t n = split_domains(domains, list);
	struct deliver_conf c = {
		.client = call_client(s->n),
		.routes = routes,
		.routes_n = 1,
		.push = true,
		.customer = true,
		.ahead = SERVE_AHEAD_BYTES,
		.peer = account,
		.domains = (const char *const *)list,
		.domains_n = n,
		.owner = {.idle = on_idle, .over = on_over},
		.arg = sv,
	};

	c.client.tls_active = s->has_tls;
	c.client.turned = true;
	deliver_start(s, &c, "serve");
	free_domains(list, n);
	crash_point("turn-swapped");
}
