/* Links: what is told of them, and why mail waits for them. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/dispatch.h"
#include "daemon/links_private.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- why routes wait --- */

struct reason_row {
	char route[SPOOL_NAME_MAX + 1];
	enum spool_reason reason;
	char arg[SPOOL_TEXT_MAX + 1];
};

struct reason_job {
	struct reason_row *rows;
	size_t n;
};

static enum err_code
write_reasons(struct spool_txn *t, void *arg, struct err *e)
{
	struct reason_job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->n; i++)
		rc = spool_route_reason_put(t, j->rows[i].route,
			j->rows[i].reason, j->rows[i].arg, e);
	return rc;
}

static void
reasons_written(void *arg, enum err_code code, const struct err *e)
{
	struct reason_job *j = arg;

	if (code != OK)
		log_error("reasons-not-recorded", LOG_STR("why", e->text));
	free(j->rows);
	free(j);
}

/* Why a link is not called either; "" where it only waits for its time. */
static const char *
trouble_of(const struct link_run *r)
{
	enum link_why why = link_why(&r->machine, clock_mono_ms());

	if (why == LINK_WHY_NONE || why == LINK_WHY_DOWN ||
		why == LINK_WHY_NO_DIAL)
		return "";
	return link_why_text(why);
}

/* "iridium (disabled) or vsat": the links that could carry PEER. */
static void
add_links(struct links *l, const char *peer, char *out, size_t n)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(l->n->conf, peer, &i)) != NULL;) {
		const struct link_run *r = links_find(l, cl->name);
		const char *why = r ? trouble_of(r) : "";
		size_t at = strlen(out);

		if (strstr(out, cl->name))
			continue;
		snprintf(out + at, n - at, "%s%s%s%s%s", at ? " or " : "",
			cl->name, why[0] ? " (" : "", why, why[0] ? ")" : "");
	}
}

/* Is there a link to PEER that only its budget keeps from use? */
static bool
lacks_budget(struct links *l, const char *peer, struct reason_row *row)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(l->n->conf, peer, &i)) != NULL;) {
		if (!budgets_why(l->n->budgets, cl->name)[0])
			continue;
		row->reason = REASON_BUDGET;
		str_copyz(row->arg, sizeof(row->arg), cl->name);
		return true;
	}
	return false;
}

/* The first that only its window keeps from carrying PEER; NULL: none. */
static const struct link_run *
outside_window(struct links *l, const char *peer)
{
	const struct conf_link *cl;

	for (size_t i = 0;
		(cl = conf_link_for(l->n->conf, peer, &i)) != NULL;) {
		const struct link_run *r = links_find(l, cl->name);

		if (r && link_why(&r->machine, clock_mono_ms()) ==
				 LINK_WHY_WINDOW)
			return r;
	}
	return NULL;
}

static void
explain_route(
	struct links *l, const struct conf_route *route, struct reason_row *row)
{
	const struct link_run *shut = NULL;
	struct link_way way;

	str_copyz(row->route, sizeof(row->route), conf_route_name(route));
	row->reason = REASON_LINK_DOWN;
	row->arg[0] = '\0';
	for (size_t i = 0; i < route->peers.n; i++) {
		if (links_way_to(l, route->peers.v[i], &way)) {
			const char *text = "";

			row->reason = dispatch_trouble(
				l->n->dispatch, route->peers.v[i], &text);
			str_copyz(row->arg, sizeof(row->arg), text);
			return;
		}
		if (lacks_budget(l, route->peers.v[i], row))
			return;
		add_links(l, route->peers.v[i], row->arg, sizeof(row->arg));
		if (!shut)
			shut = outside_window(l, route->peers.v[i]);
	}
	if (!shut)
		return;
	row->reason = REASON_WINDOW;
	str_copyz(row->arg, sizeof(row->arg), shut->row.name);
}

void
links_explain(struct links *l)
{
	struct conf *conf = l->n->conf;
	struct reason_job *j = xcalloc(1, sizeof(*j));

	j->n = conf->routes_n;
	j->rows = xcalloc(j->n, sizeof(*j->rows));
	for (size_t i = 0; i < j->n; i++)
		explain_route(l, &conf->routes[i], &j->rows[i]);
	spool_submit(l->n->spool, write_reasons, reasons_written, j);
}

/* --- what is told --- */

void
links_reason(const struct link_run *r, char *out, size_t size)
{
	enum link_why why = link_why(&r->machine, clock_mono_ms());
	const char *more = why == LINK_WHY_RETRY || why == LINK_WHY_NOT_HUNG_UP
				   ? r->trouble
			   : why == LINK_WHY_STUCK ? r->worst_text
			   : why == LINK_WHY_BUDGET
				   ? budgets_why(r->l->n->budgets, r->row.name)
				   : "";

	if (r->row.reason[0] || why == LINK_WHY_DISABLED ||
		why == LINK_WHY_DOWN || why == LINK_WHY_NO_DIAL)
		str_copyz(out, size, r->row.reason);
	else
		snprintf(out, size, "%s%s%s", link_why_text(why),
			more[0] ? ": " : "", more);
}

bool
links_facts(struct links *l, size_t i, struct link_facts *facts_r)
{
	struct link_run *r;

	if (i >= l->count)
		return false;
	r = l->v[i];
	*facts_r = (struct link_facts){
		.name = r->row.name,
		.state = link_state_name(&r->machine),
		.interface = r->row.interface,
		.since = r->row.since,
		.verified = r->row.verified,
		.usable = link_is_usable(&r->machine),
		.next_window = links_next_window(r),
		.window_shut = r->window_shut,
	};
	links_reason(r, facts_r->reason, sizeof(facts_r->reason));
	LIST_EACH(node, tmp, &l->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);
		struct stream_counts c = stream_counts(s->stream);

		if (strcmp(s->link, r->row.name) == 0) {
			facts_r->bytes_sent += c.sent;
			facts_r->bytes_received += c.received;
		}
	}
	return true;
}
