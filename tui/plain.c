#include "tui/plain.h"

#include <stdio.h>
#include <string.h>

#include "faces/text.h"
#include "tui/loop.h"
#include "tui/prompt.h"

enum { PLAIN_PAGE = 20, PLAIN_LINE_MAX = 512 };

static void
print(struct str text)
{
	text_print(stdout, text);
	putchar('\n');
}

/* --- showing --- */

/* Lists have numbers to act on; so has the overview, to open what is there. */
static bool
has_numbers(const struct view *v)
{
	return v->ops->columns || v->ops == &overview_view;
}

static void
print_row(struct view *v, size_t i, const struct row *r)
{
	struct buf line;

	buf_init(&line, 0);
	if (has_numbers(v))
		buf_addf(&line, "%zu. ", i + 1);
	for (size_t k = 0; k < r->n; k++) {
		if (r->cells[k].len == 0 && v->ops->columns)
			continue;
		if (v->ops->columns)
			buf_addf(&line, "%s%s ", k ? ", " : "",
				v->ops->columns[k].title);
		buf_adds(&line, buf_view(&r->cells[k]));
	}
	if (r->marked)
		buf_addz(&line, ", marked");
	print(buf_view(&line));
	buf_free(&line);
}

static void
print_rows(struct view *v)
{
	size_t rows = v->ops->rows(v);
	size_t end = v->top + PLAIN_PAGE < rows ? v->top + PLAIN_PAGE : rows;
	struct row row;

	if (v->ops->prepare)
		v->ops->prepare(v, v->top, PLAIN_PAGE);
	row_init(&row);
	for (size_t i = v->top; i < end; i++) {
		view_row(v, i, &row);
		print_row(v, i, &row);
	}
	row_free(&row);
	if (end < rows)
		printf("%zu more; an empty line shows them.\n", rows - end);
}

static void
print_view(struct console *c)
{
	struct view *v = c->view;
	struct buf title;

	buf_init(&title, 0);
	buf_addf(&title, "== %s ", v->ops->name);
	if (v->ops->title)
		v->ops->title(v, &title);
	if (c->daemon_why[0])
		buf_addf(&title, " (%s)", c->daemon_why);
	else if (!console_running(c))
		buf_addz(&title, " (the daemon is not running)");
	print(buf_view(&title));
	buf_free(&title);
	print_rows(v);
	if (v->ops->rows(v) == 0 && v->ops->foot) {
		struct buf foot;

		buf_init(&foot, 0);
		v->ops->foot(v, &foot);
		print(buf_view(&foot));
		buf_free(&foot);
	}
}

/* --- asking --- */

/* A line without its end; false: there are no more. */
static bool
read_line(char line[PLAIN_LINE_MAX])
{
	fflush(stdout);
	if (!fgets(line, PLAIN_LINE_MAX, stdin))
		return false;
	if (!strchr(line, '\n')) { /* the rest of a line that is too long */
		int c;

		while ((c = getchar()) != '\n' && c != EOF)
			;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* Whatever was asked is answered, however many questions follow. */
static void
answer_all(struct console *c)
{
	char line[PLAIN_LINE_MAX];

	while (c->prompt.label) {
		bool yes_no = c->prompt.yes_no;

		text_printf(stdout, "%s%s%s ", c->prompt.question,
			c->prompt.question[0] ? " " : "", c->prompt.label);
		if (!read_line(line)) {
			prompt_answer(c, NULL);
			c->quit = true;
		} else {
			prompt_answer(
				c, yes_no && line[0] == '\0' ? NULL : line);
		}
		loop_settle(c);
	}
}

static bool
take_number(struct console *c, struct str text)
{
	struct view *v = c->view;
	uint64_t n;

	if (!str_u64(text, &n))
		return false;
	if (n == 0 || n > v->ops->rows(v)) {
		console_say(c, TONE_BAD, "there is no row %.*s", STR_FMT(text));
		return true;
	}
	v->cursor = (size_t)n - 1;
	return true;
}

/* The one before. */
static void
page_back(struct view *v)
{
	v->top = v->top > PLAIN_PAGE ? v->top - PLAIN_PAGE : 0;
	v->cursor = v->top;
}

/* The next page; true: it is to be shown. */
static bool
next_page(struct view *v)
{
	size_t rows = v->ops->rows(v);

	if (v->top + PLAIN_PAGE >= rows)
		return false;
	v->top += PLAIN_PAGE;
	v->cursor = v->top;
	return true;
}

static void
carry_out(struct console *c, struct str line)
{
	struct str rest;
	struct str word = str_cut(str_trim(line), ' ', &rest);
	enum tui_request r = request_of_name(word);
	bool number = take_number(c, word);

	if (number) {
		r = c->note[0] ? REQUEST_NONE : REQUEST_OPEN;
	} else {
		if (r == REQUEST_NONE && key_of_name(word) != KEYS_NONE)
			r = request_of_key(key_of_name(word), c->view->ops->in);
		if (r == REQUEST_NONE)
			console_say(c, TONE_BAD,
				"no request \"%.*s\"; \"help\" lists them",
				STR_FMT(word));
		else if (str_trim(rest).n && !take_number(c, str_trim(rest)))
			console_say(c, TONE_BAD, "\"%.*s\" is no row's number",
				STR_FMT(rest));
		if (c->note[0])
			r = REQUEST_NONE;
	}
	if (r == REQUEST_PAGE_UP)
		page_back(c->view);
	else if (r != REQUEST_PAGE_DOWN)
		console_request(c, r);
	else if (!next_page(c->view))
		console_say(c, TONE_WARN, "this is the last page");
}

/* True: the view is to be shown again. */
static bool
one_line(struct console *c, struct str line)
{
	c->note[0] = '\0';
	if (str_trim(line).n == 0) {
		if (next_page(c->view))
			return true;
		console_refresh(c);
		loop_settle(c);
		return true;
	}
	carry_out(c, line);
	loop_settle(c);
	answer_all(c);
	if (!c->status && !c->quit)
		console_refresh(c);
	loop_settle(c);
	return true;
}

void
plain_run(struct console *c)
{
	char line[PLAIN_LINE_MAX];

	puts("Names of requests, or a row's number to open it; \"help\" lists "
	     "them, \"quit\" ends.");
	loop_settle(c);
	while (!c->quit) {
		if (c->note[0])
			print(str_of(c->note));
		print_view(c);
		fputs("> ", stdout);
		if (!read_line(line))
			break;
		one_line(c, str_of(line));
	}
}
