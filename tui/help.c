/* Help: the table of requests, those of the view in hand first. */
#include <stdio.h>

#include "tui/console.h"
#include "tui/draw.h"
#include "tui/page.h"

struct help {
	const struct view_ops *about;
	struct page page;
};

enum { HELP_INDENT = 19 };

static void
add_requests(struct page *p, unsigned in, bool own)
{
	for (enum tui_request r = REQUEST_NONE + 1; r < REQUESTS_N; r++) {
		const struct request_row *row = &request_rows[r];

		if (!(row->where & in) || (row->where != IN_ALL) != own)
			continue;
		page_addf(p, TONE_PLAIN, HELP_INDENT, "  %-16s %s", row->keys,
			row->help);
	}
}

static void
help_load(struct view *v, unsigned width)
{
	struct help *h = v->data;

	page_clear(&h->page);
	page_addf(&h->page, TONE_HEAD, 0, "In %s:", h->about->name);
	add_requests(&h->page, h->about->in, true);
	page_add(&h->page, TONE_PLAIN, 0, STR(""));
	page_add(&h->page, TONE_HEAD, 0, STR("Everywhere:"));
	add_requests(&h->page, h->about->in, false);
	page_add(&h->page, TONE_PLAIN, 0, STR(""));
	page_add(&h->page, TONE_PLAIN, 0,
		STR("Whatever changes something asks first: y does it, any "
		    "other answer does not. NOT RUNNING in the bar: the daemon "
		    "is down, what is shown is what the spool says, and changes "
		    "are made there. More: tidepost-console(1)."));
	page_wrap(&h->page, width);
}

static void
help_open(struct view *v, const void *arg)
{
	struct help *h = v->data;

	h->about = arg ? arg : &overview_view;
}

static void
help_close(struct view *v)
{
	struct help *h = v->data;

	page_free(&h->page);
}

static size_t
help_rows(const struct view *v)
{
	const struct help *h = v->data;

	return h->page.pieces_n;
}

static void
help_row(struct view *v, size_t i, struct row *out)
{
	const struct help *h = v->data;

	page_row(&h->page, i, out);
}

const struct view_ops help_view = {
	.name = "help",
	.in = IN_HELP,
	.data_size = sizeof(struct help),
	.open = help_open,
	.close = help_close,
	.load = help_load,
	.rows = help_rows,
	.row = help_row,
	.hints = "q back  j k move  / search",
};
