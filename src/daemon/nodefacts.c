#include "daemon/nodefacts.h"

#include "base/clock.h"
#include "daemon/budgets.h"
#include "daemon/certwatch.h"
#include "daemon/helper.h"
#include "daemon/links.h"
#include "daemon/sandbox.h"
#include "daemon/services.h"
#include "daemon/session.h"
#include "net/resolve.h"
#include "outlook/record.h"

#include <string.h>
#include <unistd.h>

static void
add_node(struct facts *f, const struct node *n)
{
	struct record *r;

	facts_add_node(f, n->conf);
	r = &f->v[f->n - 1];
	record_add_int(r, KEY_PID, getpid());
	record_add_int(r, KEY_UPTIME,
		(int64_t)((clock_mono_ms() - n->started_ms) / 1000));
	record_add(r, KEY_SANDBOX, sandbox_text(n->sandbox));
	record_add(r, KEY_LIBRARY, spool_engine_version());
	record_add(r, KEY_LIBRARY, tls_library());
	record_add(r, KEY_LIBRARY, loop_library());
	if (resolver_is_there())
		record_add(r, KEY_LIBRARY, resolver_library());
}

static void
add_warnings(struct facts *f, const struct node *n)
{
	const char *text = helper_trouble(n->helper);

	if (text)
		record_add(facts_add(f, KIND_WARNING), KEY_TEXT, text);
	for (size_t i = 0; (text = certwatch_warning(n->certwatch, i)); i++)
		record_add(facts_add(f, KIND_WARNING), KEY_TEXT, text);
}

static void
add_listeners(struct facts *f, const struct node *n)
{
	const struct conf *conf = n->conf;

	for (size_t i = 0; i < conf->listeners_n; i++) {
		struct record *r = facts_add(f, KIND_LISTENER);

		record_add(r, KEY_NAME, conf->listeners[i].name);
		record_add(r, KEY_ADDRESS, conf->listeners[i].address);
		record_add_int(r, KEY_PORT, services_port(n->services, i));
	}
}

static void
fill_link(struct record *r, const struct link_facts *f, struct node *n)
{
	record_add(r, KEY_NAME, f->name);
	record_add(r, KEY_STATE, f->state);
	record_add_int(r, KEY_SINCE, f->since);
	if (f->interface[0])
		record_add(r, KEY_INTERFACE, f->interface);
	if (f->verified)
		record_add(r, KEY_VERIFIED, "1");
	if (f->reason[0])
		record_add(r, KEY_REASON, f->reason);
	record_add_int(r, KEY_BYTES_SENT, (int64_t)f->bytes_sent);
	record_add_int(r, KEY_BYTES_RECEIVED, (int64_t)f->bytes_received);
	if (f->next_window)
		record_add_int(r, KEY_NEXT_WINDOW, f->next_window);
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
		struct budget_left left = budgets_left(n->budgets, f->name, p);

		outlook_record_left(r, p, &left);
	}
}

void
nodefacts_links(struct node *n, const char *only,
	const struct spool_stat *stats, size_t stats_n, struct facts *f)
{
	struct link_facts link;

	for (size_t i = 0; links_facts(n->links, i, &link); i++) {
		struct record *r;

		if (only && strcmp(only, link.name) != 0)
			continue;
		r = facts_add(f, KIND_LINK);
		fill_link(r, &link, n);
		facts_waiting(n->conf, link.name, stats, stats_n, r);
	}
}

static void
add_session(struct facts *f, const struct session *s)
{
	struct record *r = facts_add(f, KIND_SESSION);
	bool server = strcmp(s->role, "receive") == 0 ||
		      strcmp(s->role, "collect") == 0;

	record_add_int(r, KEY_ID, (int64_t)s->id);
	record_add(r, KEY_PEER, s->peer);
	if (s->link[0])
		record_add(r, KEY_LINK, s->link);
	record_add(r, KEY_ROLE, server ? "server" : "client");
	record_add(r, KEY_STATE, s->doing);
	if (s->message)
		record_add_int(r, KEY_MESSAGE, s->message);
	record_add_int(r, KEY_BYTES_DONE, (int64_t)s->bytes_done);
	record_add_int(r, KEY_BYTES_TOTAL, (int64_t)s->bytes_total);
	record_add_int(r, KEY_SINCE, s->started_s);
}

void
nodefacts(struct node *n, const struct spool_stat *stats, size_t stats_n,
	size_t sessions_most, struct facts *f)
{
	add_node(f, n);
	add_warnings(f, n);
	add_listeners(f, n);
	nodefacts_links(n, NULL, stats, stats_n, f);
	facts_add_queue(f, stats, stats_n);
	LIST_EACH(node, tmp, &n->sessions)
	{
		if (sessions_most-- == 0)
			break;
		add_session(f, LIST_ITEM(node, struct session, node));
	}
}
