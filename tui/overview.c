/* The node at a glance. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faces/text.h"
#include "tui/linkact.h"
#include "tui/linkwords.h"
#include "tui/message.h"
#include "tui/page.h"

enum { INDENT = 4, GAUGE = 10, ROUTES_MAX = 40 };

struct overview {
	struct page page;
	struct rates rates;
};

struct stats {
	struct spool_stat *v; /* owned */
	size_t n;
};

static const struct record *
only(const struct console *c, const char *kind)
{
	size_t at = 0;

	return facts_next(&c->facts, kind, &at);
}

/* --- the node --- */

static void
add_node(struct view *v, struct page *p)
{
	struct console *c = v->c;
	const struct record *node = only(c, KIND_NODE), *r;
	char text[TEXT_SHORT_MAX];
	size_t at = 0;

	text_age(facts_int(node, KEY_UPTIME), text);
	if (console_running(c) && !c->daemon_why[0])
		page_addf(p, TONE_HEAD, INDENT,
			"%s  tidepost %s, running for %s",
			facts_text(node, KEY_HOSTNAME),
			facts_text(node, KEY_VERSION), text);
	else
		page_addf(p, TONE_HEAD, INDENT, "%s", c->conf->hostname);
	if (c->daemon_why[0])
		page_addf(p, TONE_BAD, INDENT,
			"! %s. What follows is what the spool says.",
			c->daemon_why);
	else if (!console_running(c))
		page_add(p, TONE_BAD, INDENT,
			STR("! The daemon is not running: nothing moves. What "
			    "follows is what the spool says."));
	if (!c->spool)
		page_addf(p, TONE_BAD, INDENT, "! %s", c->spool_why);
	if (strcmp(facts_text(node, KEY_CLOCK), CLOCK_NOT_TRUSTED) == 0)
		page_add(p, TONE_BAD, INDENT,
			STR("! The clock is not trusted: nothing expires, "
			    "windows are off. Set it."));
	while ((r = facts_next(&c->facts, KIND_WARNING, &at)))
		page_addf(
			p, TONE_WARN, INDENT, "! %s", facts_text(r, KEY_TEXT));
}

/* --- links --- */

static void
add_bytes(struct overview *o, struct buf *line, const struct record *r,
	const char *key, const char *word, uint64_t bps)
{
	uint64_t octets = (uint64_t)facts_int(r, key);
	char name[RATE_KEY_MAX], text[TEXT_SHORT_MAX];
	double rate;

	snprintf(name, sizeof(name), "%s/%.60s", word, facts_text(r, KEY_NAME));
	rate = rates_note(&o->rates, name, octets);
	text_size(octets, text);
	buf_addf(line, "  %s ", word);
	if (bps)
		linkwords_gauge(line, GAUGE, rate * 8, (double)bps);
	buf_addf(line, "%s%s", bps ? " " : "", text);
	if (rate >= 1) {
		text_size((uint64_t)rate, text);
		buf_addf(line, " (%s/s)", text);
	}
}

/* "down 3h  12 waiting, 48.3K  left today 480.0K  next window 06:00Z  why" */
static void
add_link(struct view *v, struct page *p, const struct record *r)
{
	struct overview *o = v->data;
	const char *name = facts_text(r, KEY_NAME);
	const struct conf_link *link = conf_link(v->c->conf, name);
	int64_t waiting = facts_int(r, KEY_WAITING_MESSAGES);
	int64_t since = facts_int(r, KEY_SINCE);
	char text[TEXT_SHORT_MAX];
	struct buf line, part;

	buf_init(&line, 0);
	buf_init(&part, 0);
	buf_addf(&line, "  %-10s %s", name, facts_text(r, KEY_STATE));
	text_age(console_now() - since, text);
	if (since)
		buf_addf(&line, " %s", text);
	text_size((uint64_t)facts_int(r, KEY_WAITING_BYTES), text);
	if (waiting)
		buf_addf(&line, "  %" PRId64 " waiting, %s", waiting, text);
	if (linkwords_tone(r) == TONE_GOOD) {
		add_bytes(o, &line, r, KEY_BYTES_SENT, "out",
			link ? link->bit_rate : 0);
		add_bytes(o, &line, r, KEY_BYTES_RECEIVED, "in",
			link ? link->bit_rate : 0);
	}
	linkwords_left(v->c, r, "day", &part);
	if (part.len)
		buf_addf(&line, "  left today %s", buf_z(&part));
	buf_clear(&part);
	linkwords_left(v->c, r, "month", &part);
	if (part.len)
		buf_addf(&line, "  this month %s", buf_z(&part));
	buf_clear(&part);
	linkwords_window(r, &part);
	if (part.len)
		buf_addf(&line, "  next window %s", buf_z(&part));
	if (facts_text(r, KEY_REASON)[0])
		buf_addf(&line, "  %s", facts_text(r, KEY_REASON));
	page_add(p, linkwords_tone(r), INDENT + 9, buf_view(&line));
	page_about(p, ABOUT_LINK, name, 0);
	buf_free(&line);
	buf_free(&part);
}

static void
add_links(struct view *v, struct page *p)
{
	const struct record *r;
	size_t at = 0;

	if (!only(v->c, KIND_LINK))
		return;
	page_add(p, TONE_PLAIN, 0, STR(""));
	page_add(p, TONE_HEAD, 0, STR("Links"));
	while ((r = facts_next(&v->c->facts, KIND_LINK, &at)))
		add_link(v, p, r);
}

/* --- the queue --- */

static enum err_code
read_stats(struct spool_txn *t, void *arg, struct err *e)
{
	struct stats *s = arg;

	free(s->v);
	*s = (struct stats){0};
	return spool_stats(t, &s->v, &s->n, e);
}

/* All states of the route of S->v[i] that have something, once. */
static void
add_route(struct page *p, struct stats *s, size_t i)
{
	char route[SPOOL_NAME_MAX + 1], size[TEXT_SHORT_MAX];
	char age[TEXT_SHORT_MAX];
	int64_t oldest = 0;
	uint64_t bytes = 0;
	struct buf line;

	str_copyz(route, sizeof(route), s->v[i].route);
	buf_init(&line, 0);
	buf_addf(&line, "  %-18s", route[0] ? route : "-");
	for (; i < s->n; i++) {
		struct spool_stat *x = &s->v[i];

		if (strcmp(x->route, route) != 0 || x->deliveries == 0 ||
			x->state == SPOOL_DELETED)
			continue;
		buf_addf(&line, " %" PRIu64 " %s ", x->deliveries,
			spool_state_name(x->state));
		bytes += x->bytes;
		if (x->oldest && (!oldest || x->oldest < oldest))
			oldest = x->oldest;
		x->deliveries = 0;
	}
	text_size(bytes, size);
	text_age(console_now() - oldest, age);
	buf_addf(&line, " %s, oldest %s", size, oldest ? age : "-");
	page_add(p, TONE_PLAIN, INDENT + 2, buf_view(&line));
	page_about(p, ABOUT_ROUTE, route, 0);
	buf_free(&line);
}

static void
add_queue(struct view *v, struct page *p)
{
	const struct record *q = only(v->c, KIND_QUEUE);
	struct stats s = {.v = NULL};
	char size[TEXT_SHORT_MAX];
	size_t routes = 0;

	text_size((uint64_t)facts_int(q, KEY_BYTES), size);
	page_add(p, TONE_PLAIN, 0, STR(""));
	page_addf(p, TONE_HEAD, INDENT,
		"Queue  %" PRId64 " ready, %" PRId64 " deferred, %" PRId64
		" held, %" PRId64 " active, %s",
		facts_int(q, KEY_READY), facts_int(q, KEY_DEFERRED),
		facts_int(q, KEY_HELD), facts_int(q, KEY_ACTIVE), size);
	page_about(p, ABOUT_ROUTE, "", 0);
	if (!v->c->spool || !console_read(v->c, read_stats, &s))
		return;
	for (size_t i = 0; i < s.n && routes < ROUTES_MAX; i++)
		if (s.v[i].deliveries && s.v[i].state != SPOOL_DELETED) {
			add_route(p, &s, i);
			routes++;
		}
	free(s.v);
}

/* --- sessions --- */

static void
add_progress(struct overview *o, struct buf *line, const struct record *r)
{
	uint64_t done = (uint64_t)facts_int(r, KEY_BYTES_DONE);
	uint64_t total = (uint64_t)facts_int(r, KEY_BYTES_TOTAL);
	char a[TEXT_SHORT_MAX], b[TEXT_SHORT_MAX];
	double rate;

	if (!total)
		return;
	text_size(done, a);
	text_size(total, b);
	buf_addz(line, " ");
	linkwords_gauge(line, GAUGE, (double)done, (double)total);
	buf_addf(line, " %s of %s", a, b);
	rate = rates_note(&o->rates, facts_text(r, KEY_ID), done);
	if (rate < 1 || done >= total)
		return;
	text_duration((int64_t)((double)(total - done) / rate) + 1, a);
	buf_addf(line, ", %s left", a);
}

static void
add_session(struct view *v, struct page *p, const struct record *r)
{
	const char *message = facts_text(r, KEY_MESSAGE);
	const char *link = facts_text(r, KEY_LINK);
	char age[TEXT_SHORT_MAX];
	struct buf line;
	int64_t id = 0;
	unsigned n;

	text_age(console_now() - facts_int(r, KEY_SINCE), age);
	buf_init(&line, 0);
	buf_addf(&line, "  #%s %s%s%s, %s %s %s", facts_text(r, KEY_ID),
		facts_text(r, KEY_PEER), link[0] ? " over " : "", link,
		facts_text(r, KEY_ROLE), facts_text(r, KEY_STATE), age);
	if (message[0])
		buf_addf(&line, "  %s", message);
	add_progress(v->data, &line, r);
	page_add(p, TONE_PLAIN, INDENT, buf_view(&line));
	if (protocol_id_parse(str_of(message), &id, &n))
		page_about(p, ABOUT_MESSAGE, NULL, id);
	buf_free(&line);
}

static void
add_sessions(struct view *v, struct page *p)
{
	const struct record *r;
	size_t at = 0;

	if (!only(v->c, KIND_SESSION))
		return;
	page_add(p, TONE_PLAIN, 0, STR(""));
	page_add(p, TONE_HEAD, 0, STR("Sessions"));
	while ((r = facts_next(&v->c->facts, KIND_SESSION, &at)))
		add_session(v, p, r);
}

/* --- the view --- */

static void
overview_load(struct view *v, unsigned width)
{
	struct overview *o = v->data;

	page_clear(&o->page);
	add_node(v, &o->page);
	add_links(v, &o->page);
	add_queue(v, &o->page);
	add_sessions(v, &o->page);
	page_wrap(&o->page, width);
}

static void
overview_close(struct view *v)
{
	struct overview *o = v->data;

	page_free(&o->page);
}

static size_t
overview_rows(const struct view *v)
{
	const struct overview *o = v->data;

	return o->page.pieces_n;
}

static void
overview_row(struct view *v, size_t i, struct row *out)
{
	const struct overview *o = v->data;

	page_row(&o->page, i, out);
}

static bool
overview_request(struct view *v, enum tui_request r)
{
	struct overview *o = v->data;
	const char *name;
	int64_t id;
	enum page_about about = page_what(&o->page, v->cursor, &name, &id);
	const char *link = about == ABOUT_LINK ? name : NULL;

	if (r == REQUEST_PLAN && link)
		console_open(v->c, &plan_view, link);
	else if (r == REQUEST_OPEN && link)
		console_open(v->c, &link_view, link);
	else if (r == REQUEST_OPEN && about == ABOUT_ROUTE)
		console_open(v->c, &queue_view, name);
	else if (r == REQUEST_OPEN && about == ABOUT_MESSAGE)
		message_open(v->c, id, 0);
	else
		return linkact(v->c, r, link);
	return true;
}

const struct view_ops overview_view = {
	.name = "overview",
	.in = IN_OVERVIEW,
	.data_size = sizeof(struct overview),
	.close = overview_close,
	.load = overview_load,
	.rows = overview_rows,
	.row = overview_row,
	.request = overview_request,
	.hints = "? help  1 overview  2 queue  3 links  4 customers  5 log  "
		 "Enter open  q out",
};
