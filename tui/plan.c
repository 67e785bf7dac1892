#include "tui/plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "faces/text.h"
#include "outlook/plan.h"
#include "tui/linkact.h"
#include "tui/message.h"

struct planned {
	char link[SPOOL_NAME_MAX + 1];
	struct outlook_plan plan;
	bool known;
	uint64_t changes;
};

struct look {
	const struct conf *conf;
	const struct conf_link *link;
	struct outlook_plan plan;
};

static enum err_code
read_plan(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *l = arg;

	outlook_plan_clear(&l->plan);
	return outlook_plan(t, l->conf, l->link, &l->plan, e);
}

/* False: it cannot be known, and that was said. */
static bool
look(struct console *c, const char *name, struct outlook_plan *plan_r)
{
	struct look l = {.conf = c->conf, .link = conf_link(c->conf, name)};

	*plan_r = (struct outlook_plan){0};
	if (!l.link) {
		console_say(c, TONE_BAD, "no link \"%s\" in %s", name,
			c->conf->file);
		return false;
	}
	if (!console_read(c, read_plan, &l)) {
		outlook_plan_clear(&l.plan);
		return false;
	}
	*plan_r = l.plan;
	return true;
}

static const char *
currency(const struct console *c, const char *name)
{
	const struct conf_link *link = conf_link(c->conf, name);

	return link && link->currency ? link->currency : "";
}

static void
add_totals(const struct console *c, const char *name,
	const struct outlook_plan *p, struct buf *out)
{
	const struct plan_total *t = &p->total;
	char size[TEXT_SHORT_MAX], time[TEXT_SHORT_MAX];

	text_size(t->bytes, size);
	text_duration((int64_t)(t->ms / 1000), time);
	buf_addf(out, "%u %s, %s, about %s", t->messages,
		text_plural(t->messages, "message", "messages"), size, time);
	if (t->cost > 0)
		buf_addf(out, ", cost %.2f %s", t->cost, currency(c, name));
	if (t->stay)
		buf_addf(out, "; %u %s", t->stay,
			text_plural(t->stay, "stays", "stay"));
	if (p->beyond)
		buf_addf(out, "; %" PRIu64 " more not looked at", p->beyond);
}

static void
add_inbound(const struct outlook_plan *p, struct buf *out)
{
	char size[TEXT_SHORT_MAX];

	if (!p->inbound.sessions) {
		buf_addz(out, "What waits there for us is not known.");
		return;
	}
	text_size(p->inbound.bytes, size);
	buf_addf(out,
		"Inbound comes on top; in past sessions %" PRIu64 " %s, %s.",
		p->inbound.messages,
		text_plural(p->inbound.messages, "message", "messages"), size);
}

void
plan_summary(struct console *c, const char *link, struct buf *out)
{
	struct outlook_plan p;

	if (!look(c, link, &p))
		return;
	add_totals(c, link, &p, out);
	buf_addz(out, ". ");
	add_inbound(&p, out);
	outlook_plan_clear(&p);
}

/* --- the view --- */

static const struct view_column columns[] = {
	{.title = "ID", .width = 8},
	{.title = "GOES", .width = 13},
	{.title = "SIZE", .width = 6, .right = true},
	{.title = "SEC", .width = 5, .right = true, .drop = 1},
	{.title = "COST", .width = 6, .right = true, .drop = 2},
	{.title = "PRI", .width = 3, .right = true, .drop = 3},
	{.title = "TO", .width = 8, .flex = 1},
};

static void
plan_open(struct view *v, const void *arg)
{
	struct planned *p = v->data;

	str_copyz(p->link, sizeof(p->link), arg);
}

static void
plan_close(struct view *v)
{
	struct planned *p = v->data;

	outlook_plan_clear(&p->plan);
}

/* Made when it is opened, and again when it is asked for: it is no small work
 * with thousands of messages. */
static void
plan_load(struct view *v, unsigned width)
{
	struct planned *p = v->data;

	(void)width;
	if (p->known && p->changes == v->c->changes)
		return;
	outlook_plan_clear(&p->plan);
	p->known = look(v->c, p->link, &p->plan);
	p->changes = v->c->changes;
}

static size_t
plan_rows(const struct view *v)
{
	const struct planned *p = v->data;

	return p->plan.n;
}

static void
plan_row(struct view *v, size_t i, struct row *out)
{
	const struct planned *p = v->data;
	const struct spool_row *r = &p->plan.rows[i];
	const struct plan_item *it = &p->plan.items[i];
	char size[TEXT_SHORT_MAX];

	text_size(r->size, size);
	out->tone = it->reason ? TONE_DIM : TONE_PLAIN;
	row_cellf(out, "%" PRId64 ".%u", r->d.message, r->d.n);
	row_cell(out, it->reason ? plan_reason_name(it->reason) : "yes");
	row_cell(out, size);
	row_cellf(out, "%.0f", (double)it->ms / 1000);
	row_cellf(out, "%.2f", it->cost);
	row_cellf(out, "%d", r->d.priority);
	row_cell(out, r->d.recipient);
}

static void
plan_title(const struct view *v, struct buf *out)
{
	const struct planned *p = v->data;

	buf_addf(out, "of %s", p->link);
}

static void
plan_foot(struct view *v, struct buf *out)
{
	const struct planned *p = v->data;

	add_totals(v->c, p->link, &p->plan, out);
	buf_addz(out, ". ");
	add_inbound(&p->plan, out);
}

static bool
plan_request(struct view *v, enum tui_request r)
{
	struct planned *p = v->data;

	if (r == REQUEST_PLAN)
		return true;
	if (r == REQUEST_OPEN && v->cursor < p->plan.n) {
		message_open(v->c, p->plan.rows[v->cursor].d.message, 0);
		return true;
	}
	return linkact(v->c, r, p->link);
}

const struct view_ops plan_view = {
	.name = "plan",
	.in = IN_PLAN,
	.data_size = sizeof(struct planned),
	.columns = columns,
	.columns_n = sizeof(columns) / sizeof(*columns),
	.open = plan_open,
	.close = plan_close,
	.load = plan_load,
	.rows = plan_rows,
	.row = plan_row,
	.title = plan_title,
	.foot = plan_foot,
	.request = plan_request,
	.hints = "q back  c call  Enter message  R again  ? help",
};
