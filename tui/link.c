/* One link: its state, what is left of its budgets, its past. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faces/text.h"
#include "tui/linkact.h"
#include "tui/linkwords.h"
#include "tui/page.h"
#include "tui/plan.h"

enum {
	DAY_S = 86400,
	DAYS = 14,
	SESSIONS_MAX = 2000, /* looked at for the days */
	SESSIONS_SHOWN = 40,
	GAUGE = 20,
	BAR = 16,
	INDENT = 4,
};

struct link {
	char name[SPOOL_NAME_MAX + 1];
	struct buf plan; /* in words; made when it is opened */
	uint64_t planned;
	bool has_plan;
	struct page page;
};

struct past {
	const char *link;
	int64_t since;
	struct spool_session *v; /* owned; the newest first */
	size_t n;
};

struct day {
	int64_t begins;
	unsigned calls;
	uint64_t sent, received;
	double cost;
};

static enum err_code
read_past(struct spool_txn *t, void *arg, struct err *e)
{
	struct past *p = arg;

	free(p->v);
	p->v = NULL;
	p->n = 0;
	return spool_session_list(
		t, p->link, p->since, SESSIONS_MAX, &p->v, &p->n, e);
}

/* --- state and budgets --- */

static void
add_state(struct view *v, const struct record *r)
{
	struct link *l = v->data;
	char age[TEXT_SHORT_MAX], size[TEXT_SHORT_MAX];
	struct buf window;

	if (!r) {
		page_addf(&l->page, TONE_WARN, 0, "%s is not configured.",
			l->name);
		return;
	}
	text_age(console_now() - facts_int(r, KEY_SINCE), age);
	page_addf(&l->page, linkwords_tone(r), INDENT, "%s: %s%s%s%s%s%s",
		l->name, facts_text(r, KEY_STATE),
		facts_int(r, KEY_SINCE) ? " for " : "",
		facts_int(r, KEY_SINCE) ? age : "",
		facts_text(r, KEY_INTERFACE)[0] ? ", on " : "",
		facts_text(r, KEY_INTERFACE),
		facts_int(r, KEY_VERIFIED) ? ", its peer greeted as itself"
					   : "");
	if (facts_text(r, KEY_REASON)[0])
		page_addf(&l->page, TONE_WARN, INDENT, "    %s",
			facts_text(r, KEY_REASON));
	text_size((uint64_t)facts_int(r, KEY_WAITING_BYTES), size);
	page_addf(&l->page, TONE_PLAIN, INDENT, "    %" PRId64 " waiting, %s",
		facts_int(r, KEY_WAITING_MESSAGES), size);
	buf_init(&window, 0);
	linkwords_window(r, &window);
	if (window.len)
		page_addf(&l->page, TONE_PLAIN, INDENT, "    next window %s",
			buf_z(&window));
	buf_free(&window);
}

static void
add_amount(struct buf *line, const char *what, double n, const char *currency)
{
	char text[TEXT_SHORT_MAX];

	if (strcmp(what, "bytes") == 0)
		text_size(linkwords_whole(n), text);
	else if (strcmp(what, "seconds") == 0)
		text_duration((int64_t)linkwords_whole(n), text);
	else
		snprintf(text, sizeof(text), "%.2f %s", n, currency);
	buf_addz(line, text);
}

/* "    day    [#####...............] 480.0K of 1.0M left" */
static void
add_left(struct link *l, const struct record *r, const char *period,
	const char *what, double whole, const char *currency)
{
	const char *text = linkwords_left_text(r, period, what);
	double n = text ? strtod(text, NULL) : 0;
	struct buf line;

	if (!text)
		return;
	buf_init(&line, 0);
	buf_addf(&line, "    %-8s", period);
	linkwords_gauge(&line, GAUGE, n, whole);
	buf_addz(&line, " ");
	add_amount(&line, what, n, currency);
	buf_addz(&line, " of ");
	add_amount(&line, what, whole, currency);
	buf_addz(&line, " left");
	page_add(&l->page, n > 0 ? TONE_PLAIN : TONE_BAD, INDENT,
		buf_view(&line));
	buf_free(&line);
}

static void
add_budgets(struct view *v, const struct record *r)
{
	struct link *l = v->data;
	const struct conf_link *link = conf_link(v->c->conf, l->name);
	const struct {
		const char *period;
		const struct conf_budget *budget;
	} periods[] = {
		{"session", link ? &link->session : NULL},
		{"day", link ? &link->day : NULL},
		{"month", link ? &link->month : NULL},
	};

	for (size_t i = 0; link && r && i < 3; i++) {
		const struct conf_budget *b = periods[i].budget;
		const char *currency = link->currency ? link->currency : "";

		add_left(l, r, periods[i].period, "bytes", (double)b->bytes,
			currency);
		add_left(l, r, periods[i].period, "seconds", (double)b->time_s,
			currency);
		add_left(l, r, periods[i].period, "cost", b->cost, currency);
	}
}

static void
add_plan(struct view *v)
{
	struct link *l = v->data;

	if (!conf_link(v->c->conf, l->name))
		return;
	if (!l->has_plan || l->planned != v->c->changes) {
		buf_clear(&l->plan);
		plan_summary(v->c, l->name, &l->plan);
		l->planned = v->c->changes;
		l->has_plan = true;
	}
	page_addf(&l->page, TONE_PLAIN, INDENT, "    a call now: %s",
		buf_z(&l->plan));
}

/* --- the past --- */

static void
sum_up(const struct past *p, struct day days[DAYS], int64_t today)
{
	for (int64_t i = 0; i < DAYS; i++)
		days[i] = (struct day){.begins = today - i * DAY_S};
	for (size_t i = 0; i < p->n; i++) {
		const struct spool_session *s = &p->v[i];
		int64_t at = (today + DAY_S - 1 - s->started) / DAY_S;

		if (at < 0 || at >= DAYS)
			continue;
		days[at].calls++;
		days[at].sent += s->bytes_sent;
		days[at].received += s->bytes_received;
		days[at].cost += s->cost;
	}
}

static void
add_day(struct page *p, const struct day *d, double most, double dearest)
{
	char time[TEXT_SHORT_MAX], size[TEXT_SHORT_MAX];
	struct buf line;

	text_time(d->begins, time);
	text_size(d->sent + d->received, size);
	buf_init(&line, 0);
	buf_addf(&line, "    %.5s %3u %7s ", time + 5, d->calls, size);
	linkwords_gauge(&line, BAR, (double)(d->sent + d->received), most);
	buf_addf(&line, " %8.2f ", d->cost);
	if (dearest > 0)
		linkwords_gauge(&line, BAR, d->cost, dearest);
	page_add(p, TONE_PLAIN, INDENT, buf_view(&line));
	buf_free(&line);
}

static void
add_days(struct page *p, const struct past *past, int64_t today)
{
	struct day days[DAYS];
	double most = 0, dearest = 0;

	sum_up(past, days, today);
	for (size_t i = 0; i < DAYS; i++) {
		double bytes = (double)(days[i].sent + days[i].received);

		most = bytes > most ? bytes : most;
		dearest = days[i].cost > dearest ? days[i].cost : dearest;
	}
	page_add(p, TONE_PLAIN, 0, STR(""));
	page_add(p, TONE_HEAD, 0,
		STR("    DAY  USES  OCTETS                        COST"));
	for (size_t i = 0; i < DAYS; i++)
		if (days[i].calls || i == 0)
			add_day(p, &days[i], most, dearest);
}

static void
add_session(struct page *p, const struct spool_session *s)
{
	char time[TEXT_SHORT_MAX], took[TEXT_SHORT_MAX];
	char sent[TEXT_SHORT_MAX], received[TEXT_SHORT_MAX];

	text_time(s->started, time);
	text_duration(s->ended - s->started, took);
	text_size(s->bytes_sent, sent);
	text_size(s->bytes_received, received);
	page_addf(p, TONE_PLAIN, INDENT * 2,
		"    %.11s%.5sZ %7s  out %u, %s  in %u, %s  %.2f  %s", time + 0,
		time + 11, took, s->messages_sent, sent, s->messages_received,
		received, s->cost, s->result);
}

static void
add_past(struct view *v)
{
	struct link *l = v->data;
	int64_t today = console_now() / DAY_S * DAY_S;
	struct past p = {.link = l->name, .since = today - (DAYS - 1) * DAY_S};

	if (!v->c->spool || !console_read(v->c, read_past, &p)) {
		free(p.v);
		return;
	}
	add_days(&l->page, &p, today);
	page_add(&l->page, TONE_PLAIN, 0, STR(""));
	page_addf(&l->page, TONE_HEAD, 0, "    %s",
		p.n ? "THE LAST USES" : "NOT USED IN THESE DAYS");
	for (size_t i = 0; i < p.n && i < SESSIONS_SHOWN; i++)
		add_session(&l->page, &p.v[i]);
	free(p.v);
}

/* --- the view --- */

static void
link_load(struct view *v, unsigned width)
{
	struct link *l = v->data;
	const struct record *r = linkwords_find(v->c, l->name);

	page_clear(&l->page);
	add_state(v, r);
	add_budgets(v, r);
	add_plan(v);
	add_past(v);
	page_wrap(&l->page, width);
}

static void
link_open(struct view *v, const void *arg)
{
	struct link *l = v->data;

	str_copyz(l->name, sizeof(l->name), arg);
	buf_init(&l->plan, 0);
}

static void
link_close(struct view *v)
{
	struct link *l = v->data;

	buf_free(&l->plan);
	page_free(&l->page);
}

static size_t
link_rows(const struct view *v)
{
	const struct link *l = v->data;

	return l->page.pieces_n;
}

static void
link_row(struct view *v, size_t i, struct row *out)
{
	const struct link *l = v->data;

	page_row(&l->page, i, out);
}

static void
link_title(const struct view *v, struct buf *out)
{
	const struct link *l = v->data;

	buf_addz(out, l->name);
}

static bool
link_request(struct view *v, enum tui_request r)
{
	struct link *l = v->data;

	if (r == REQUEST_PLAN || r == REQUEST_OPEN) {
		console_open(v->c, &plan_view, l->name);
		return true;
	}
	return linkact(v->c, r, l->name);
}

const struct view_ops link_view = {
	.name = "link",
	.in = IN_LINK,
	.data_size = sizeof(struct link),
	.open = link_open,
	.close = link_close,
	.load = link_load,
	.rows = link_rows,
	.row = link_row,
	.title = link_title,
	.request = link_request,
	.hints = "q back  p plan  c call  x hang up  X disable  e enable  "
		 "a allow  ? help",
};
