#include "tui/search.h"

#include "tui/draw.h"
#include "tui/prompt.h"

enum { SEARCH_STEP = 200 }; /* rows looked at in one go */

/* From FROM on, in the direction of R; around the end it goes on. */
static void
start(struct console *c, bool back)
{
	size_t rows = c->view->ops->rows(c->view);

	if (c->search[0] == '\0' || rows == 0)
		return;
	c->searching = (struct searching){
		.view = c->view,
		.at = c->view->cursor,
		.left = rows,
		.back = back,
	};
}

static void
answered(struct console *c, const char *input)
{
	if (!input)
		return;
	if (*input)
		str_copyz(c->search, sizeof(c->search), input);
	start(c, false);
}

void
search_request(struct console *c, enum tui_request r)
{
	if (r == REQUEST_SEARCH)
		prompt_line(c, "search:", NULL, NULL, answered);
	else if (c->search[0] == '\0')
		console_say(c, TONE_WARN, "nothing was searched for; / does");
	else
		start(c, r == REQUEST_SEARCH_BACK);
}

void
search_stop(struct console *c)
{
	c->searching.view = NULL;
}

static size_t
next_row(const struct searching *s, size_t rows)
{
	if (s->back)
		return s->at ? s->at - 1 : rows - 1;
	return s->at + 1 < rows ? s->at + 1 : 0;
}

/* Views fetch rows by pages: those that come next are made ready. */
static void
prepare(struct view *v, const struct searching *s, size_t rows)
{
	size_t first = next_row(s, rows);

	if (!v->ops->prepare)
		return;
	if (s->back)
		first = first >= SEARCH_STEP ? first - SEARCH_STEP + 1 : 0;
	v->ops->prepare(v, first, SEARCH_STEP);
}

bool
search_work(struct console *c)
{
	struct searching *s = &c->searching;
	struct view *v = c->view;
	size_t rows = v->ops->rows(v);
	struct row row;
	bool found = false;

	if (s->view != v || rows == 0) {
		s->view = NULL;
		return false;
	}
	row_init(&row);
	prepare(v, s, rows);
	for (unsigned i = 0; i < SEARCH_STEP && s->left && !found; i++) {
		s->at = next_row(s, rows);
		s->left--;
		view_row(v, s->at, &row);
		found = row_has(&row, c->search);
		if ((s->back && s->at == 0) || (!s->back && s->at + 1 == rows))
			break; /* around the end with the next step */
	}
	row_free(&row);
	if (found) {
		v->cursor = s->at;
		view_settle(v, draw_height(c));
	} else if (s->left == 0) {
		console_say(c, TONE_WARN, "not found: %s", c->search);
	}
	if (found || s->left == 0)
		s->view = NULL;
	return s->view != NULL;
}
