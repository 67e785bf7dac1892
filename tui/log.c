/* The event log, live: the newest at the end, and what comes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "faces/text.h"
#include "tui/message.h"

enum {
	LOG_FIRST = 500, /* events read at first */
	LOG_STEP = 200,	 /* at a time, of those that come */
	LOG_MAX = 5000,	 /* kept; older ones: tidepost log */
};

struct log {
	int64_t message;       /* only of this one; 0: all */
	uint64_t session;      /* likewise */
	struct spool_event *v; /* owned; all, in order */
	size_t n, cap;
	size_t *shown; /* owned; which of them fit the filter */
	size_t shown_n;
};

static const struct view_column columns[] = {
	{.title = "TIME", .width = 8},
	{.title = "EVENT", .width = 14, .flex = 1},
	{.title = "MESSAGE", .width = 8},
	{.title = "SESSION", .width = 7, .drop = 3},
	{.title = "LINK", .width = 8, .drop = 2},
	{.title = "PEER", .width = 10, .flex = 1, .drop = 1},
	{.title = "TEXT", .width = 6, .flex = 3},
};

struct page_of {
	struct spool_event_filter filter;
	size_t limit;
	struct spool_event *v; /* owned */
	size_t n;
};

static enum err_code
read_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct page_of *p = arg;

	free(p->v);
	p->v = NULL;
	p->n = 0;
	return spool_event_list(t, &p->filter, p->limit, &p->v, &p->n, e);
}

static void
row_of(const struct spool_event *ev, struct row *out)
{
	char time[TEXT_SHORT_MAX], id[PROTOCOL_ID_TEXT_MAX] = "";

	text_time(ev->time, time);
	if (ev->message)
		protocol_id_format(ev->message, ev->n, id);
	out->tone = ev->level >= LOG_ERROR     ? TONE_BAD
		    : ev->level >= LOG_WARNING ? TONE_WARN
					       : TONE_PLAIN;
	/* the day is in the lines below: "2026-03-01 06:00:00Z" */
	row_cellf(out, "%.8s", ev->time ? time + 11 : "-");
	row_cell(out, ev->event);
	row_cell(out, id);
	if (ev->session)
		row_cellf(out, "%" PRIu64, ev->session);
	else
		row_cell(out, "");
	row_cell(out, ev->link);
	row_cell(out, ev->peer);
	row_cell(out, ev->text);
}

/* Which of the events from FROM on have the words of the filter. */
static void
show_from(struct view *v, size_t from)
{
	struct log *l = v->data;
	struct row row;

	l->shown = xrealloc(l->shown, (l->n + 1) * sizeof(*l->shown));
	row_init(&row);
	for (size_t i = from; i < l->n; i++) {
		row_empty(&row);
		row_of(&l->v[i], &row);
		if (row_has(&row, v->filter))
			l->shown[l->shown_n++] = i;
	}
	row_free(&row);
}

static void
show_all(struct view *v)
{
	struct log *l = v->data;

	l->shown_n = 0;
	show_from(v, 0);
}

/* The oldest make room. */
static void
make_room(struct view *v, size_t n)
{
	struct log *l = v->data;
	size_t drop = l->n + n > LOG_MAX ? l->n + n - LOG_MAX : 0;

	if (l->n + n > l->cap) {
		l->cap = l->n + n;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	if (drop == 0)
		return;
	memmove(l->v, l->v + drop, (l->n - drop) * sizeof(*l->v));
	l->n -= drop;
	v->cursor = v->cursor > drop ? v->cursor - drop : 0;
	v->top = v->top > drop ? v->top - drop : 0;
	show_all(v);
}

static size_t
add_page(struct view *v, bool newest)
{
	struct log *l = v->data;
	struct page_of p = {
		.filter = {.message = l->message,
			.session = l->session,
			.after_id = l->n ? l->v[l->n - 1].id : 0,
			.newest = newest},
		.limit = newest ? LOG_FIRST : LOG_STEP,
	};
	size_t from;

	if (!console_read(v->c, read_page, &p))
		p.n = 0;
	if (p.n) {
		make_room(v, p.n);
		from = l->n;
		memcpy(l->v + l->n, p.v, p.n * sizeof(*p.v));
		l->n += p.n;
		show_from(v, from);
	}
	free(p.v);
	return p.n;
}

static void
log_load(struct view *v, unsigned width)
{
	struct log *l = v->data;
	bool at_end = v->cursor + 1 >= l->shown_n;

	(void)width;
	if (l->n == 0)
		add_page(v, true);
	else
		while (add_page(v, false) == LOG_STEP)
			;
	if (at_end && l->shown_n)
		v->cursor = l->shown_n - 1;
}

static void
log_open(struct view *v, const void *arg)
{
	struct log *l = v->data;

	if (arg)
		l->message = *(const int64_t *)arg;
}

static void
log_close(struct view *v)
{
	struct log *l = v->data;

	free(l->v);
	free(l->shown);
}

static size_t
log_rows(const struct view *v)
{
	const struct log *l = v->data;

	return l->shown_n;
}

static void
log_row(struct view *v, size_t i, struct row *out)
{
	const struct log *l = v->data;

	row_of(&l->v[l->shown[i]], out);
}

static const struct spool_event *
in_hand(const struct view *v)
{
	const struct log *l = v->data;

	return v->cursor < l->shown_n ? &l->v[l->shown[v->cursor]] : NULL;
}

static void
log_title(const struct view *v, struct buf *out)
{
	const struct log *l = v->data;

	if (l->message)
		buf_addf(out, "message %" PRId64 " ", l->message);
	if (l->session)
		buf_addf(out, "session %" PRIu64 " ", l->session);
	if (v->filter[0])
		buf_addf(out, "\"%s\" ", v->filter);
	if (v->cursor + 1 >= l->shown_n)
		buf_addz(out, "live");
	else
		buf_addf(out, "%zu/%zu", v->cursor + 1, l->shown_n);
}

static void
log_foot(struct view *v, struct buf *out)
{
	const struct spool_event *ev = in_hand(v);
	char time[TEXT_SHORT_MAX];

	if (!ev) {
		buf_addz(out, "Nothing yet.");
		return;
	}
	text_time(ev->time, time);
	buf_addf(out, "%s %s", time, ev->event);
	if (ev->link[0])
		buf_addf(out, ", link %s", ev->link);
	if (ev->peer[0])
		buf_addf(out, ", peer %s", ev->peer);
	if (ev->text[0])
		buf_addf(out, ": %s", ev->text);
}

static void
begin_anew(struct view *v)
{
	struct log *l = v->data;

	l->n = l->shown_n = 0;
	v->cursor = v->top = 0;
	log_load(v, 0);
}

static void
log_filter(struct view *v)
{
	struct log *l = v->data;

	show_all(v);
	v->cursor = l->shown_n ? l->shown_n - 1 : 0;
}

static bool
log_request(struct view *v, enum tui_request r)
{
	struct log *l = v->data;
	const struct spool_event *ev = in_hand(v);

	if (r == REQUEST_LOG_MESSAGE) {
		l->message = l->message || !ev ? 0 : ev->message;
		begin_anew(v);
	} else if (r == REQUEST_LOG_SESSION) {
		l->session = l->session || !ev ? 0 : ev->session;
		begin_anew(v);
	} else if (r == REQUEST_OPEN) {
		if (ev && ev->message)
			message_open(v->c, ev->message, ev->n);
	} else {
		return false;
	}
	return true;
}

const struct view_ops log_view = {
	.name = "log",
	.in = IN_LOG,
	.data_size = sizeof(struct log),
	.columns = columns,
	.columns_n = sizeof(columns) / sizeof(*columns),
	.open = log_open,
	.close = log_close,
	.load = log_load,
	.rows = log_rows,
	.row = log_row,
	.title = log_title,
	.foot = log_foot,
	.filter = log_filter,
	.request = log_request,
	.hints = "q back  Enter message  m this message  s this session  "
		 "f filter  G live  ? help",
};
