/* The queue: a row per delivery, in any order, filtered as one types. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "faces/queue.h"
#include "faces/text.h"
#include "tui/act.h"
#include "tui/index.h"
#include "tui/message.h"
#include "tui/target.h"

enum {
	WINDOW_MAX = SCREEN_ROWS_MAX,
	REST_FACTOR = 20, /* a walk is followed by so many times its length */
	REST_LEAST_MS = 2000,
};

struct seen {
	bool there; /* it is still in the spool */
	struct spool_row row;
};

struct queue {
	struct index index;
	char route[SPOOL_NAME_MAX + 1]; /* "": all */
	enum spool_state which;		/* SPOOL_STATES_N: all but deleted */
	uint64_t changes;		/* of the console, when last walked */
	uint64_t signature;		/* of the counters, likewise */
	/* rows near the ones on the screen, as they were at the last look */
	struct seen *seen; /* owned */
	size_t seen_first, seen_n;
	bool stale;
	size_t marked;
};

static const struct view_column columns[] = {
	{.title = "ID", .width = 7},
	{.title = "STATE", .width = 8, .drop = 3},
	{.title = "SIZE", .width = 6, .right = true, .drop = 4},
	{.title = "AGE", .width = 3, .right = true},
	{.title = "PRI", .width = 3, .right = true, .drop = 5},
	{.title = "FROM", .width = 10, .flex = 2, .drop = 6},
	{.title = "TO", .width = 12, .flex = 3},
	{.title = "ROUTE", .width = 10, .drop = 7},
	{.title = "WHY IT WAITS", .width = 17, .flex = 5},
};

/* --- rows on the screen --- */

struct fetch {
	struct queue *q;
	size_t first, n;
};

static enum err_code
fetch_rows(struct spool_txn *t, void *arg, struct err *e)
{
	const struct fetch *f = arg;
	enum err_code code = OK;

	for (size_t i = 0; code == OK && i < f->n; i++) {
		const struct entry *x = &f->q->index.v[f->first + i];
		struct seen *seen = &f->q->seen[i];

		code = target_row(
			t, x->id, x->n, x->state, &seen->row, &seen->there, e);
	}
	return code;
}

static void
queue_prepare(struct view *v, size_t first, size_t n)
{
	struct queue *q = v->data;
	struct fetch f = {.q = q, .first = first};

	if (first >= q->index.n)
		return;
	f.n = q->index.n - first < n ? q->index.n - first : n;
	if (f.n > WINDOW_MAX)
		f.n = WINDOW_MAX;
	if (!q->stale && first >= q->seen_first &&
		first + f.n <= q->seen_first + q->seen_n)
		return;
	q->seen = xrealloc(q->seen, f.n * sizeof(*q->seen));
	q->seen_first = first;
	q->seen_n = console_read(v->c, fetch_rows, &f) ? f.n : 0;
	q->stale = false;
}

static const struct seen *
seen_row(const struct queue *q, size_t i)
{
	if (i < q->seen_first || i >= q->seen_first + q->seen_n)
		return NULL;
	return &q->seen[i - q->seen_first];
}

static enum tone
tone_of(enum spool_state state)
{
	return state == SPOOL_ACTIVE	 ? TONE_GOOD
	       : state == SPOOL_DEFERRED ? TONE_WARN
	       : state == SPOOL_HELD	 ? TONE_BAD
	       : state == SPOOL_DELETED	 ? TONE_DIM
					 : TONE_PLAIN;
}

static void
id_cell(struct row *out, const struct entry *x)
{
	char id[PROTOCOL_ID_TEXT_MAX];

	protocol_id_format(x->id, x->n, id);
	row_cellf(out, "%s%s", x->marked ? "*" : "", id);
}

static void
fill_row(struct row *out, const struct spool_row *r)
{
	char size[TEXT_SHORT_MAX], age[TEXT_SHORT_MAX];
	char reason[SPOOL_TEXT_MAX + 128];

	text_size(r->size, size);
	text_age(console_now() - r->d.queued_at, age);
	queue_reason(r, reason, sizeof(reason));
	out->tone = tone_of(r->d.state);
	row_cell(out, spool_state_name(r->d.state));
	row_cell(out, size);
	row_cell(out, age);
	row_cellf(out, "%d", r->d.priority);
	row_cell(out, queue_sender(r->sender));
	row_cell(out, r->d.recipient);
	row_cell(out, r->d.route);
	row_cell(out, reason);
}

static void
queue_row(struct view *v, size_t i, struct row *out)
{
	struct queue *q = v->data;
	const struct seen *seen = seen_row(q, i);

	id_cell(out, &q->index.v[i]);
	out->marked = q->index.v[i].marked;
	if (seen && seen->there) {
		fill_row(out, &seen->row);
		return;
	}
	out->tone = TONE_DIM;
	row_cell(out, seen ? "gone" : "");
}

static size_t
queue_rows(const struct view *v)
{
	const struct queue *q = v->data;

	return q->index.n;
}

/* --- walking --- */

static void
begin(struct view *v, bool anew)
{
	struct queue *q = v->data;
	struct index_conf conf = {
		.sort = q->index.conf.sort,
		.reverse = q->index.conf.reverse,
		.has_state = q->which != SPOOL_STATES_N,
		.state = q->which,
		.route = q->route[0] ? q->route : NULL,
		.words = v->filter,
	};

	q->changes = v->c->changes;
	index_begin(&q->index, &conf, anew);
}

static void
queue_open(struct view *v, const void *arg)
{
	struct queue *q = v->data;

	q->which = SPOOL_STATES_N;
	str_copyz(q->route, sizeof(q->route), arg);
	begin(v, true);
}

static void
queue_close(struct view *v)
{
	struct queue *q = v->data;

	index_free(&q->index);
	free(q->seen);
}

static enum err_code
read_signature(struct spool_txn *t, void *arg, struct err *e)
{
	uint64_t *signature = arg;
	struct spool_stat *stats;
	size_t n;
	enum err_code code = spool_stats(t, &stats, &n, e);

	*signature = 1;
	for (size_t i = 0; code == OK && i < n; i++)
		*signature = *signature * 1000003 + stats[i].deliveries * 31 +
			     stats[i].bytes + stats[i].state;
	if (code == OK)
		free(stats);
	return code;
}

/* The queue is walked again when its counters moved, but not all the time. */
static void
queue_load(struct view *v, unsigned width)
{
	struct queue *q = v->data;
	uint64_t signature, rest = q->index.took_ms * REST_FACTOR;

	(void)width;
	q->stale = true;
	if (q->changes != v->c->changes) {
		begin(v, false);
		return;
	}
	if (q->index.walking ||
		clock_mono_ms() - q->index.ended_ms <
			(rest > REST_LEAST_MS ? rest : REST_LEAST_MS) ||
		!console_read(v->c, read_signature, &signature) ||
		signature == q->signature)
		return;
	q->signature = signature;
	begin(v, false);
}

static void
count_marks(struct queue *q)
{
	q->marked = 0;
	for (size_t i = 0; i < q->index.n; i++)
		q->marked += q->index.v[i].marked;
}

/* The cursor stays on its delivery when the order changes under it. */
static void
follow(struct view *v, const struct entry *was)
{
	struct queue *q = v->data;
	size_t at, offset = v->cursor - v->top;

	q->stale = true;
	count_marks(q);
	if (!was || !index_find(&q->index, was->id, was->n, &at))
		return;
	v->cursor = at;
	v->top = at > offset ? at - offset : 0;
}

static bool
queue_work(struct view *v)
{
	struct queue *q = v->data;
	struct entry was;
	bool had = v->cursor < q->index.n, more;
	size_t n = q->index.n;

	if (!q->index.walking)
		return false;
	if (had)
		was = q->index.v[v->cursor];
	more = index_work(&q->index, v->c);
	if (!more || n != q->index.n)
		follow(v, had && v->cursor ? &was : NULL);
	return more;
}

static void
queue_filter(struct view *v)
{
	v->cursor = v->top = 0;
	begin(v, true);
}

/* --- what is asked for --- */

static struct target
target_of(const struct entry *x)
{
	return (struct target){.id = x->id,
		.n = x->n,
		.state = x->state,
		.priority = x->priority,
		.size = x->size};
}

/* The marked ones, or the one in hand. */
static void
act(struct view *v, enum tui_request r)
{
	struct queue *q = v->data;
	struct target *targets;
	const struct seen *seen;
	char name[WIRE_MAILBOX_MAX + PROTOCOL_ID_TEXT_MAX + 8] = "";
	char id[PROTOCOL_ID_TEXT_MAX];
	size_t n = 0;

	queue_prepare(v, v->cursor, 1); /* typed ahead, it was not seen yet */
	seen = seen_row(q, v->cursor);
	targets = xcalloc(q->marked + 1, sizeof(*targets));
	for (size_t i = 0; i < q->index.n && n < q->marked; i++)
		if (q->index.v[i].marked)
			targets[n++] = target_of(&q->index.v[i]);
	if (n == 0 && v->cursor < q->index.n) {
		targets[n++] = target_of(&q->index.v[v->cursor]);
		protocol_id_format(targets->id, targets->n, id);
		snprintf(name, sizeof(name), "%s%s%s", id,
			seen && seen->there ? " to " : "",
			seen && seen->there ? seen->row.d.recipient : "");
	}
	act_ask(v->c, r, targets, n, name);
}

static void
mark(struct view *v)
{
	struct queue *q = v->data;

	if (v->cursor >= q->index.n)
		return;
	q->index.v[v->cursor].marked ^= true;
	count_marks(q);
	if (v->cursor + 1 < q->index.n)
		v->cursor++;
}

static void
mark_all(struct view *v, bool marked)
{
	struct queue *q = v->data;

	if (marked && q->index.walking) {
		console_say(v->c, TONE_WARN,
			"the list is not whole yet; once more in a moment");
		return;
	}
	for (size_t i = 0; i < q->index.n; i++)
		q->index.v[i].marked = marked;
	count_marks(q);
}

static void
reorder(struct view *v, enum tui_request r)
{
	struct queue *q = v->data;
	enum index_sort by = q->index.conf.sort;
	bool reverse = q->index.conf.reverse;

	if (r == REQUEST_SORT) {
		by = (enum index_sort)((by + 1) % SORTS_N);
		reverse = false;
	} else {
		reverse = !reverse;
	}
	index_sort(&q->index, by, reverse);
	v->cursor = v->top = 0;
	q->stale = true;
}

static void
next_which(struct view *v)
{
	static const enum spool_state order[] = {SPOOL_STATES_N, SPOOL_READY,
		SPOOL_DEFERRED, SPOOL_HELD, SPOOL_ACTIVE, SPOOL_DELETED};
	enum { N = sizeof(order) / sizeof(*order) };
	struct queue *q = v->data;
	size_t i = 0;

	while (i < N && order[i] != q->which)
		i++;
	q->which = order[(i + 1) % N];
	v->cursor = v->top = 0;
	begin(v, true);
}

static void
open_row(struct view *v, enum tui_request r)
{
	const struct queue *q = v->data;
	const struct entry *x;

	if (v->cursor >= q->index.n)
		return;
	x = &q->index.v[v->cursor];
	if (r == REQUEST_MESSAGE_LOG)
		console_open(v->c, &log_view, &x->id);
	else
		message_open(v->c, x->id, x->n);
}

static bool
queue_request(struct view *v, enum tui_request r)
{
	if (act_is(r)) {
		act(v, r);
		return true;
	}
	switch (r) {
	case REQUEST_MARK:
		mark(v);
		return true;
	case REQUEST_MARK_ALL:
	case REQUEST_UNMARK_ALL:
		mark_all(v, r == REQUEST_MARK_ALL);
		return true;
	case REQUEST_SORT:
	case REQUEST_SORT_REVERSE:
		reorder(v, r);
		return true;
	case REQUEST_WHICH:
		next_which(v);
		return true;
	case REQUEST_OPEN:
	case REQUEST_MESSAGE_LOG:
		open_row(v, r);
		return true;
	default:
		return false;
	}
}

/* --- around the list --- */

static void
queue_title(const struct view *v, struct buf *out)
{
	const struct queue *q = v->data;

	buf_addf(out, "%zu/%zu%s", q->index.n ? v->cursor + 1 : 0, q->index.n,
		q->index.whole ? "" : "+");
	if (q->which != SPOOL_STATES_N)
		buf_addf(out, " %s", spool_state_name(q->which));
	if (q->marked)
		buf_addf(out, ", %zu marked", q->marked);
	if (q->route[0])
		buf_addf(out, ", %s", q->route);
	if (v->filter[0])
		buf_addf(out, ", \"%s\"", v->filter);
	buf_addf(out, ", by %s%s", index_sort_names[q->index.conf.sort],
		q->index.conf.reverse ? " reversed" : "");
}

static void
queue_foot(struct view *v, struct buf *out)
{
	const struct queue *q = v->data;
	const struct seen *seen = seen_row(q, v->cursor);
	char reason[SPOOL_TEXT_MAX + 128];
	const struct spool_delivery *d;

	if (!seen && q->index.n == 0 && q->index.whole)
		buf_addz(out, v->filter[0] || q->which != SPOOL_STATES_N
				      ? "Nothing like that waits."
				      : "Nothing waits.");
	if (!seen)
		return;
	if (!seen->there) {
		buf_addz(out, "It is not in the queue any more; L shows what "
			      "became of it.");
		return;
	}
	d = &seen->row.d;
	queue_reason(&seen->row, reason, sizeof(reason));
	buf_addf(out, "%s%s%s", spool_state_name(d->state),
		reason[0] ? ": " : "", reason);
	if (d->attempts)
		buf_addf(out, "; tried %u %s", d->attempts,
			text_plural(d->attempts, "time", "times"));
	buf_addf(out, ". From %s to %s, route %s%s%s.",
		queue_sender(seen->row.sender), d->recipient,
		d->route[0] ? d->route : "-", d->link[0] ? ", link " : "",
		d->link);
}

const struct view_ops queue_view = {
	.name = "queue",
	.in = IN_QUEUE,
	.data_size = sizeof(struct queue),
	.columns = columns,
	.columns_n = sizeof(columns) / sizeof(*columns),
	.open = queue_open,
	.close = queue_close,
	.load = queue_load,
	.work = queue_work,
	.rows = queue_rows,
	.prepare = queue_prepare,
	.row = queue_row,
	.title = queue_title,
	.foot = queue_foot,
	.filter = queue_filter,
	.request = queue_request,
	.hints = "? help  Enter open  t mark  H hold  r release  y retry  "
		 "d delete  p priority  f filter  s sort  z undo",
};
