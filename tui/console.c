#include "tui/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "faces/load.h"
#include "faces/store.h"
#include "faces/text.h"
#include "tui/act.h"
#include "tui/draw.h"
#include "tui/prompt.h"
#include "tui/search.h"

enum err_code
console_init(struct console *c, const char *conf_option)
{
	*c = (struct console){
		.conf_option = conf_option, .conf = load_conf(conf_option)};
	return c->conf ? OK : ERR_CONFIG;
}

void
console_free(struct console *c)
{
	view_free(c->view);
	ask_drop(c->status);
	ask_drop(c->work);
	job_free(c->job);
	free(c->asked);
	undo_clear(&c->undo);
	facts_free(&c->facts);
	facts_free(&c->coming);
	spool_close(c->spool);
	conf_free(c->conf);
	screen_close(c->screen);
	*c = (struct console){0};
}

void
console_say(struct console *c, enum tone tone, const char *fmt, ...)
{
	char text[CONSOLE_NOTE_MAX];
	struct buf clean;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&clean, 0);
	text_clean(&clean, str_of(text));
	snprintf(c->note, sizeof(c->note), "%.*s", (int)clean.len,
		buf_view(&clean).p);
	buf_free(&clean);
	c->note_tone = tone;
}

void
console_fail(struct console *c, const char *what, const struct err *e)
{
	console_say(c, TONE_BAD, "%s: %s", what,
		e->text[0] ? e->text : err_text(e->code));
}

int64_t
console_now(void)
{
	return clock_sane_s();
}

bool
console_running(const struct console *c)
{
	return c->pid != 0;
}

/* --- the spool --- */

static void
open_spool(struct console *c)
{
	struct err e = {0};

	if (c->spool)
		return;
	c->spool_why[0] = '\0';
	if (store_open(c->conf, &c->spool, &e) != OK) {
		c->spool = NULL;
		str_copyz(c->spool_why, sizeof(c->spool_why), e.text);
	}
}

bool
console_read(struct console *c, spool_fn *fn, void *arg)
{
	struct err e = {0};

	open_spool(c);
	if (!c->spool) {
		console_say(c, TONE_BAD, "%s", c->spool_why);
		return false;
	}
	if (spool_read(c->spool, fn, arg, &e) == OK)
		return true;
	console_fail(c, "spool", &e);
	return false;
}

/* --- the state of the node --- */

static void
load_view(struct console *c)
{
	if (c->view && c->view->ops->load)
		c->view->ops->load(c->view, draw_width(c));
}

static void
look_at_rest(struct console *c)
{
	struct err e = {0};

	open_spool(c);
	facts_free(&c->facts);
	if (facts_at_rest(c->conf, c->spool, &c->facts, &e) != OK)
		console_fail(c, "spool", &e);
	c->asked_once = true;
	load_view(c);
}

/* Another start of the daemon may have another spool (a restored one). */
static void
note_daemon(struct console *c, int64_t pid)
{
	if (pid != c->pid) {
		spool_close(c->spool);
		c->spool = NULL;
	}
	c->pid = pid;
	open_spool(c);
}

static void
status_each(void *arg, const struct record *r)
{
	struct console *c = arg;

	facts_keep(&c->coming, r);
}

static void
status_done(void *arg, enum err_code code, const struct err *e, int status,
	const char *text, int64_t count)
{
	struct console *c = arg;
	size_t at = 0;
	const struct record *node;

	(void)count;
	c->status = NULL;
	if (code != OK || status != 0) {
		str_copyz(c->daemon_why, sizeof(c->daemon_why),
			code != OK ? e->text : text);
		c->denied = code == OK;
		look_at_rest(c);
		return;
	}
	node = facts_next(&c->coming, KIND_NODE, &at);
	c->daemon_why[0] = '\0';
	c->denied = false;
	note_daemon(c, node ? facts_int(node, KEY_PID) : 1);
	facts_free(&c->facts);
	c->facts = c->coming;
	c->facts.running = true;
	c->coming = (struct facts){0};
	c->asked_once = true;
	load_view(c);
}

void
console_refresh(struct console *c)
{
	struct request request;
	struct err e = {0};
	enum err_code code;

	if (c->status)
		return;
	facts_free(&c->coming);
	request_init(&request, VERB_STATUS, NULL);
	code = ask_begin(
		&(struct ask_conf){
			.run_dir = c->conf->run_dir,
			.request = &request,
			.patience_ms = CONSOLE_PATIENCE_MS,
			.each = status_each,
			.done = status_done,
			.arg = c,
		},
		&c->status, &e);
	request_free(&request);
	if (code == OK)
		return;
	c->daemon_why[0] = '\0';
	c->denied = code == ERR_PERM;
	if (code == ERR_CLOSED)
		note_daemon(c, 0);
	else
		str_copyz(c->daemon_why, sizeof(c->daemon_why), e.text);
	look_at_rest(c);
}

enum err_code
console_work(struct console *c, const struct request *request, ask_done *done,
	struct err *e)
{
	return ask_begin(
		&(struct ask_conf){
			.run_dir = c->conf->run_dir,
			.request = request,
			.patience_ms = CONSOLE_ACT_MS,
			.done = done,
			.arg = c,
		},
		&c->work, e);
}

bool
console_step(struct console *c)
{
	bool moved = false;

	if (c->status)
		moved = ask_step(c->status);
	if (c->work)
		moved |= ask_step(c->work);
	return moved;
}

/* --- views --- */

void
console_open(struct console *c, const struct view_ops *ops, const void *arg)
{
	c->view = view_new(c, ops, arg, c->view);
	load_view(c);
}

void
console_show(struct console *c, const struct view_ops *ops)
{
	struct view *old = c->view;

	c->view = NULL;
	console_open(c, ops, NULL);
	view_free(old);
}

void
console_back(struct console *c)
{
	struct view *v = c->view;

	if (!v->below && v->filter[0]) {
		v->filter[0] = '\0';
		v->ops->filter(v);
	} else if (v->below) {
		c->view = v->below;
		v->below = NULL;
		view_free(v);
		load_view(c);
	} else if (v->ops != &overview_view) {
		console_show(c, &overview_view);
	} else {
		c->quit = true;
	}
}

static const struct {
	enum tui_request request;
	const struct view_ops *ops;
} main_views[] = {
	{REQUEST_OVERVIEW, &overview_view},
	{REQUEST_QUEUE, &queue_view},
	{REQUEST_LINKS, &links_view},
	{REQUEST_CUSTOMERS, &customers_view},
	{REQUEST_LOG, &log_view},
};
enum { MAIN_N = sizeof(main_views) / sizeof(*main_views) };

static void
next_view(struct console *c)
{
	size_t i = 0;

	while (i < MAIN_N && main_views[i].ops != c->view->ops)
		i++;
	console_show(c, main_views[i < MAIN_N ? (i + 1) % MAIN_N : 0].ops);
}

static bool
show_main(struct console *c, enum tui_request r)
{
	for (size_t i = 0; i < MAIN_N; i++)
		if (main_views[i].request == r) {
			console_show(c, main_views[i].ops);
			return true;
		}
	return false;
}

static void
other_request(struct console *c, enum tui_request r)
{
	switch (r) {
	case REQUEST_HELP:
		if (c->view->ops != &help_view)
			console_open(c, &help_view, c->view->ops);
		break;
	case REQUEST_NEXT_VIEW:
		next_view(c);
		break;
	case REQUEST_BACK:
		console_back(c);
		break;
	case REQUEST_QUIT:
		c->quit = true;
		break;
	case REQUEST_SEARCH:
	case REQUEST_SEARCH_NEXT:
	case REQUEST_SEARCH_BACK:
		search_request(c, r);
		break;
	case REQUEST_FILTER:
		prompt_filter(c);
		break;
	case REQUEST_REFRESH:
		c->changes++;
		console_refresh(c);
		break;
	case REQUEST_REDRAW:
		if (c->screen)
			screen_repaint(c->screen);
		break;
	case REQUEST_UNDO:
		act_undo(c);
		break;
	default:
		break;
	}
}

void
console_request(struct console *c, enum tui_request r)
{
	struct view *v = c->view;

	if (r == REQUEST_NONE || show_main(c, r))
		return;
	if (!(request_rows[r].where & v->ops->in)) {
		console_say(c, TONE_WARN, "%s means nothing here; ? is help",
			request_rows[r].name);
		return;
	}
	if (v->ops->request && v->ops->request(v, r))
		return;
	if (!view_move(v, r, draw_height(c)))
		other_request(c, r);
}
