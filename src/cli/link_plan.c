/* link plan: what a link would move now, and what that would cost. */
#include "cli/link.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/table.h"
#include "outlook/plan.h"

struct look {
	const struct conf *conf;
	const struct conf_link *link;
	struct outlook_plan plan;
};

static enum err_code
read_plan(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *l = arg;

	return outlook_plan(t, l->conf, l->link, &l->plan, e);
}

static double
seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

/* Not in the total: nobody knows what peers hold for us. */
static void
json_inbound(struct json *j, const struct outlook_plan *p)
{
	json_object(j, "inbound");
	json_uint(j, "sessions", p->inbound.sessions);
	if (p->inbound.sessions) {
		json_uint(j, "messages", p->total.inbound_messages);
		json_uint(j, "bytes", p->total.inbound_bytes);
		json_real(j, "seconds", seconds(p->total.inbound_ms));
		json_real(j, "cost", p->total.inbound_cost);
	} else {
		json_null(j, "messages");
		json_null(j, "bytes");
		json_null(j, "seconds");
		json_null(j, "cost");
	}
	json_end(j);
}

static void
print_json(const struct outlook_plan *p)
{
	struct json j;

	json_init(&j);
	for (size_t i = 0; i < p->n; i++) {
		const struct spool_row *r = &p->rows[i];
		const struct plan_item *it = &p->items[i];
		char id[TEXT_SHORT_MAX];

		snprintf(
			id, sizeof(id), "%" PRId64 ".%u", r->d.message, r->d.n);
		json_begin(&j);
		json_text(&j, "id", id);
		json_uint(&j, "size", r->size);
		json_text(&j, "recipient", r->d.recipient);
		json_int(&j, "priority", r->d.priority);
		json_uint(&j, "bytes", it->bytes);
		json_real(&j, "seconds", seconds(it->ms));
		json_real(&j, "cost", it->cost);
		json_text(&j, "decision", it->reason ? "stay" : "go");
		json_word(&j, "reason_code", plan_reason_name(it->reason));
		json_print(&j, stdout);
	}
	json_begin(&j);
	json_object(&j, "total");
	json_uint(&j, "messages", p->total.messages);
	json_uint(&j, "bytes", p->total.bytes);
	json_real(&j, "seconds", seconds(p->total.ms));
	json_real(&j, "cost", p->total.cost);
	json_uint(&j, "turnarounds", p->total.turnarounds);
	json_end(&j);
	json_inbound(&j, p);
	json_object(&j, "not_looked_at");
	json_uint(&j, "deliveries", p->beyond);
	json_uint(&j, "bytes", p->beyond_bytes);
	json_end(&j);
	json_print(&j, stdout);
	json_free(&j);
}

static void
print_table(const struct outlook_plan *p)
{
	static const struct table_column columns[] = {
		{.title = "ID"},
		{.title = "SIZE", .right = true},
		{.title = "PRIORITY", .right = true},
		{.title = "SECONDS", .right = true},
		{.title = "COST", .right = true},
		{.title = "DECISION"},
		{.title = "RECIPIENT", .cut = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < p->n; i++) {
		const struct spool_row *r = &p->rows[i];
		const struct plan_item *it = &p->items[i];

		table_cellf(t, "%" PRId64 ".%u", r->d.message, r->d.n);
		table_cellf(t, "%" PRIu64, r->size);
		table_cellf(t, "%d", r->d.priority);
		table_cellf(t, "%.0f", seconds(it->ms));
		table_cellf(t, "%.2f", it->cost);
		table_cell(t, it->reason ? plan_reason_name(it->reason) : "go");
		table_cell(t, r->d.recipient);
	}
	table_end(t);
	printf("%u messages, %" PRIu64 " bytes, %.0f seconds, cost %.2f\n",
		p->total.messages, p->total.bytes, seconds(p->total.ms),
		p->total.cost);
	if (p->beyond)
		printf("not looked at, since that much waits: %" PRIu64
		       " more, %" PRIu64 " bytes as they are stored\n",
			p->beyond, p->beyond_bytes);
	if (p->inbound.sessions)
		printf("inbound is not known; the mean of %u past session%s: "
		       "%" PRIu64 " messages, %" PRIu64 " bytes, %.0f seconds, "
		       "cost %.2f\n",
			p->inbound.sessions,
			p->inbound.sessions == 1 ? "" : "s",
			p->total.inbound_messages, p->total.inbound_bytes,
			seconds(p->total.inbound_ms), p->total.inbound_cost);
	else
		puts("inbound is not known");
}

static int
status_of(const struct outlook_plan *p)
{
	if (p->total.messages)
		return 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].reason == PLAN_BUDGET)
			return PROTOCOL_WAIT_BUDGET;
	return p->n ? PROTOCOL_WAIT_LEFT : err_exit_status(ERR_CLOSED);
}

int
link_plan(struct cli *c, const struct args *a)
{
	struct look l = {.conf = NULL};
	int status = cli_load(c);

	if (status != 0)
		return status;
	l.conf = c->conf;
	l.link = conf_link(c->conf, a->words[0]);
	if (!l.link)
		return cli_refuse(ERR_NOTFOUND,
			"no link \"%s\" in %s; see: tidepost link list",
			a->words[0], c->conf->file);
	status = cli_read(c, read_plan, &l);
	if (status == 0) {
		if (args_has(a, "--json"))
			print_json(&l.plan);
		else
			print_table(&l.plan);
		status = status_of(&l.plan);
	}
	outlook_plan_clear(&l.plan);
	return status;
}
