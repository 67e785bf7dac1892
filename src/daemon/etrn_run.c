/* One delivery that ETRN asked for: dial, hand over, tell how it went. */
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/call.h"
#include "daemon/deliver.h"
#include "daemon/etrn_private.h"
#include "daemon/history.h"
#include "daemon/policy.h"
#include "daemon/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ETRN_PORT = 25 };

struct etrn_run {
	struct list_node node;
	struct etrn *e;
	struct node *n;
	struct etrn_want want;
	char target[SPOOL_NAME_MAX + 1]; /* as the entry has it, for people */
	char host[SPOOL_NAME_MAX + 1];
	unsigned port;
	struct dial *dial;
	struct session *session; /* held; NULL while it dials */
	bool again;		 /* somebody asked since it last looked */
	bool more;		 /* to be done over another connection */
	bool clear;		 /* the handshake failed once: without TLS */
};

static void dial(struct etrn_run *r);

struct etrn_run *
etrn_run_find(struct etrn *e, const char *name)
{
	LIST_EACH(node, tmp, &e->runs)
	{
		struct etrn_run *r = LIST_ITEM(node, struct etrn_run, node);

		if (strcmp(r->want.name, name) == 0)
			return r;
	}
	return NULL;
}

void
etrn_run_again(struct etrn_run *r, const struct etrn_want *want)
{
	etrn_want_join(&r->want, want);
	r->again = true;
}

static void
end_run(struct etrn_run *r)
{
	list_remove(&r->node);
	if (r->more)
		etrn_restart(r->e, &r->want);
	etrn_want_clear(&r->want);
	free(r);
}

/* --- the session --- */

/* The host of the entry may be another by now, or not the customer's at all. */
static bool
has_target(void *arg)
{
	const struct etrn_run *r = arg;
	const struct spool_account *a =
		accounts_get(r->n->accounts, r->want.name);

	return a && strcmp(a->etrn, r->target) == 0;
}

static void
on_idle(void *arg, struct deliver *d)
{
	struct etrn_run *r = arg;

	if (deliver_is_spent(d) || !has_target(r)) {
		r->more = true;
	} else if (r->again) {
		r->again = false;
		deliver_domains(d, (const char *const *)r->want.domains,
			r->want.domains_n);
		return;
	}
	deliver_quit(d);
}

static void
on_start_tls(void *arg, struct session *s)
{
	struct etrn_run *r = arg;

	/* Opportunistic (RFC 7435): better than clear text, no proof. */
	call_tls(s, &(struct tls_policy){
			    .name = r->host, .verify = TLS_VERIFY_NONE});
}

static void
tell(struct etrn_run *r, const struct deliver_result *result)
{
	struct session *s = r->session;
	char text[600];
	int len = snprintf(text, sizeof(text), "ETRN: %u message%s to %s",
		s->messages_sent, s->messages_sent == 1 ? "" : "s", r->target);

	if (result->fail != FAIL_NONE && len > 0)
		snprintf(text + len, sizeof(text) - (size_t)len,
			", then broken off: %s", result->reply);
	history_customer(r->n, r->want.name, text);
	history_session(s, "", r->want.name, text);
}

static void
on_over(void *arg, const struct deliver_result *result)
{
	struct etrn_run *r = arg;
	struct session *s = r->session;

	if (result->fail == FAIL_TLS && !r->clear && !r->e->stopping) {
		log_info("etrn-without-tls", LOG_INT("session", s->id),
			LOG_STR("account", r->want.name),
			LOG_STR("why", result->reply));
		r->clear = true;
		r->session = NULL;
		dial(r);
	} else {
		tell(r, result);
		r->more |= r->again && result->fail == FAIL_NONE;
		end_run(r);
	}
	session_release(s);
}

static void
deliver(struct etrn_run *r)
{
	char route[SPOOL_NAME_MAX + 1];
	const char *routes[1] = {route};
	struct deliver_conf c = {
		.client = call_client(r->n),
		.routes = routes,
		.routes_n = 1,
		.push = true,
		.customer = true,
		.peer = r->want.name,
		.domains = (const char *const *)r->want.domains,
		.domains_n = r->want.domains_n,
		.owner = {.idle = on_idle,
			.start_tls = on_start_tls,
			.may_go = has_target,
			.over = on_over},
		.arg = r,
	};

	policy_customer_route(r->want.name, route);
	c.client.tls = r->clear ? CLIENT_TLS_NONE : CLIENT_TLS_OFFERED;
	r->again = false;
	deliver_start(r->session, &c, "serve");
	session_pump(r->session);
}

/* --- dialling --- */

static void
unreachable(struct etrn_run *r, const char *why)
{
	char text[600];

	snprintf(text, sizeof(text), "ETRN: %s cannot be reached: %s",
		r->target, why);
	log_warning("etrn-unreachable", LOG_STR("account", r->want.name),
		LOG_STR("host", r->target), LOG_STR("why", why));
	history_customer(r->n, r->want.name, text);
	end_run(r);
}

static void
dialled(void *arg, int fd, enum err_code code, const char *why)
{
	struct etrn_run *r = arg;

	(void)code;
	r->dial = NULL;
	if (fd < 0) {
		unreachable(r, why);
	} else if (!has_target(r)) {
		r->more = true; /* to where its entry says now */
		close(fd);
		end_run(r);
	} else if (serve_is_taken(r->n, r->want.name)) {
		/* It called meanwhile (ATRN) and has its mail already. */
		close(fd);
		end_run(r);
	} else {
		r->session =
			call_session(r->n, fd, r->want.name, NULL, "serve");
		deliver(r);
	}
}

static void
dial(struct etrn_run *r)
{
	r->dial = call_dial(r->n,
		&(struct dial_conf){.host = r->host, .port = r->port}, dialled,
		r);
}

/* "HOST[:PORT]"; an IPv6 address stands in brackets. */
static void
set_target(struct etrn_run *r, const char *target)
{
	const char *colon = strrchr(target, ':');
	struct str host = str_of(target);
	uint64_t port = ETRN_PORT;

	str_copyz(r->target, sizeof(r->target), target);
	if (colon && !strchr(colon, ']') && str_u64(str_of(colon + 1), &port))
		host.n = (size_t)(colon - target);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){host.p + 1, host.n - 2};
	str_copy(r->host, sizeof(r->host), host);
	r->port = (unsigned)port;
}

void
etrn_run_start(struct etrn *e, struct etrn_want *want, const char *target)
{
	struct etrn_run *r;

	if (e->stopping)
		return;
	r = xcalloc(1, sizeof(*r));
	r->e = e;
	r->n = e->n;
	r->want = *want;
	*want = (struct etrn_want){.domains = NULL};
	str_copyz(want->name, sizeof(want->name), r->want.name);
	set_target(r, target);
	list_push(&e->runs, &r->node);
	dial(r);
}

void
etrn_run_stop_all(struct etrn *e)
{
	LIST_EACH(node, tmp, &e->runs)
	{
		struct etrn_run *r = LIST_ITEM(node, struct etrn_run, node);

		if (r->session)
			continue; /* on_over follows its end */
		dial_cancel(r->dial);
		end_run(r);
	}
}
