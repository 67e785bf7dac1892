/* All links, a row each. */
#include <inttypes.h>
#include <string.h>

#include "faces/text.h"
#include "tui/linkact.h"
#include "tui/linkwords.h"

enum { LINKS_MAX = 200 };

struct links {
	const struct record *shown[LINKS_MAX]; /* of the console's facts */
	size_t n;
};

static const struct view_column columns[] = {
	{.title = "LINK", .width = 10, .flex = 1},
	{.title = "STATE", .width = 10},
	{.title = "SINCE", .width = 5, .right = true, .drop = 4},
	{.title = "WAITING", .width = 7, .right = true},
	{.title = "SIZE", .width = 7, .right = true},
	{.title = "OUT", .width = 7, .right = true, .drop = 5},
	{.title = "IN", .width = 7, .right = true, .drop = 6},
	{.title = "LEFT TODAY", .width = 12, .flex = 1, .drop = 2},
	{.title = "WINDOW", .width = 7, .drop = 3},
};

static void
fill(const struct console *c, const struct record *r, struct row *out)
{
	char text[TEXT_SHORT_MAX] = "-";
	int64_t since = facts_int(r, KEY_SINCE);
	struct buf part;

	buf_init(&part, 0);
	out->tone = linkwords_tone(r);
	row_cell(out, facts_text(r, KEY_NAME));
	row_cell(out, facts_text(r, KEY_STATE));
	if (since)
		text_age(console_now() - since, text);
	row_cell(out, text);
	row_cellf(out, "%" PRId64, facts_int(r, KEY_WAITING_MESSAGES));
	text_size((uint64_t)facts_int(r, KEY_WAITING_BYTES), text);
	row_cell(out, text);
	text_size((uint64_t)facts_int(r, KEY_BYTES_SENT), text);
	row_cell(out, text);
	text_size((uint64_t)facts_int(r, KEY_BYTES_RECEIVED), text);
	row_cell(out, text);
	linkwords_left(c, r, "day", &part);
	row_cell(out, buf_z(&part));
	buf_clear(&part);
	linkwords_window(r, &part);
	row_cell(out, buf_z(&part));
	buf_free(&part);
}

static void
links_load(struct view *v, unsigned width)
{
	struct links *l = v->data;
	const struct record *r;
	struct row row;
	size_t at = 0;

	(void)width;
	l->n = 0;
	row_init(&row);
	while ((r = facts_next(&v->c->facts, KIND_LINK, &at)) &&
		l->n < LINKS_MAX) {
		row_empty(&row);
		fill(v->c, r, &row);
		if (row_has(&row, v->filter))
			l->shown[l->n++] = r;
	}
	row_free(&row);
}

static void
links_filter(struct view *v)
{
	links_load(v, 0);
}

static size_t
links_rows(const struct view *v)
{
	const struct links *l = v->data;

	return l->n;
}

static void
links_row(struct view *v, size_t i, struct row *out)
{
	const struct links *l = v->data;

	fill(v->c, l->shown[i], out);
}

static const struct record *
in_hand(const struct view *v)
{
	const struct links *l = v->data;

	return v->cursor < l->n ? l->shown[v->cursor] : NULL;
}

static void
links_foot(struct view *v, struct buf *out)
{
	const struct record *r = in_hand(v);

	if (!r) {
		buf_addz(out, v->filter[0] ? "None has these words."
					   : "No links: this node is an "
					     "ordinary relay.");
		return;
	}
	buf_addf(out, "%s: %s", facts_text(r, KEY_NAME),
		facts_text(r, KEY_STATE));
	if (facts_text(r, KEY_INTERFACE)[0])
		buf_addf(out, " on %s", facts_text(r, KEY_INTERFACE));
	if (facts_int(r, KEY_VERIFIED))
		buf_addz(out, ", its peer greeted as itself");
	if (facts_text(r, KEY_REASON)[0])
		buf_addf(out, "; %s", facts_text(r, KEY_REASON));
}

static bool
links_request(struct view *v, enum tui_request r)
{
	const struct record *link = in_hand(v);
	const char *name = link ? facts_text(link, KEY_NAME) : NULL;

	if (r == REQUEST_OPEN || r == REQUEST_PLAN) {
		if (name)
			console_open(v->c,
				r == REQUEST_OPEN ? &link_view : &plan_view,
				name);
		return true;
	}
	return linkact(v->c, r, name);
}

const struct view_ops links_view = {
	.name = "links",
	.in = IN_LINKS,
	.data_size = sizeof(struct links),
	.columns = columns,
	.columns_n = sizeof(columns) / sizeof(*columns),
	.load = links_load,
	.rows = links_rows,
	.row = links_row,
	.foot = links_foot,
	.filter = links_filter,
	.request = links_request,
	.hints = "? help  Enter history  p plan  c call  x hang up  X disable  "
		 "e enable  a allow  q back",
};
