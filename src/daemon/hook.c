#include "daemon/hook.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/hook_dir.h"
#include "daemon/hook_env.h"
#include "net/child.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A folder that had no program is not looked at again for each message. */
enum { HOOK_NONE_MS = 1000 };

static const char up_key[] = "hooks-up"; /* names, a line each */

struct item {
	struct list_node node; /* in items */
	enum hook_event what;
	char **env;
};

struct lane {
	struct list_node node; /* in lanes */
	struct hooks *h;
	char link[SPOOL_NAME_MAX + 1]; /* "": events of no link */
	struct list_node items;	       /* that wait */
	size_t items_n, link_items_n;
	unsigned dropped[HOOK_EVENTS_N];
	bool up; /* link-up was begun, and link-down was not */
	/* what runs */
	struct item *now; /* NULL: nothing */
	struct hook_dir dir;
	size_t at; /* the program of it */
	unsigned lines;
	struct child *child;
};

struct hooks {
	struct node *n;
	struct list_node lanes;
	size_t running;			 /* lanes */
	uint64_t none_ms[HOOK_EVENTS_N]; /* it had no program then; 0 never */
	char *complaints[HOOK_COMPLAINTS_MAX];
	size_t complaints_n;
	bool quitting;
	void (*quit)(void *arg);
	void *quit_arg;
};

static void go(struct hooks *h);
static void run_program(struct lane *lane);

static bool
is_of_link(enum hook_event what)
{
	return what == HOOK_LINK_UP || what == HOOK_LINK_DOWN;
}

/* --- lanes --- */

static struct lane *
find_lane(struct hooks *h, const char *link)
{
	struct lane *lane;

	LIST_EACH(node, next, &h->lanes)
	{
		lane = LIST_ITEM(node, struct lane, node);
		if (strcmp(lane->link, link) == 0)
			return lane;
	}
	lane = xcalloc(1, sizeof(*lane));
	lane->h = h;
	str_copyz(lane->link, sizeof(lane->link), link);
	list_init(&lane->items);
	list_push(&h->lanes, &lane->node);
	return lane;
}

static void
free_item(struct item *it)
{
	if (!it)
		return;
	hook_env_free(it->env);
	free(it);
}

static struct item *
take_out(struct lane *lane, struct item *it)
{
	list_remove(&it->node);
	lane->items_n--;
	lane->link_items_n -= is_of_link(it->what);
	return it;
}

static void
drop_items(struct lane *lane)
{
	while (!list_empty(&lane->items))
		free_item(take_out(
			lane, LIST_ITEM(lane->items.next, struct item, node)));
}

static void
put_in(struct lane *lane, enum hook_event what, const struct hook_facts *facts)
{
	const struct conf *conf = lane->h->n->conf;
	struct item *it = xcalloc(1, sizeof(*it));

	it->what = what;
	it->env = hook_env_new(what, conf->hostname, conf->file, facts);
	list_push(&lane->items, &it->node);
	lane->items_n++;
	lane->link_items_n += is_of_link(what);
}

/* What was dropped since this was last said. */
static void
tell_dropped(struct lane *lane)
{
	for (int what = 0; what < HOOK_EVENTS_N; what++) {
		if (!lane->dropped[what])
			continue;
		log_warning("hooks-dropped", LOG_STR("link", lane->link),
			LOG_STR("on", hook_event_name((enum hook_event)what)),
			LOG_INT("count", lane->dropped[what]),
			LOG_STR("why", "too many events wait for their hooks"));
		lane->dropped[what] = 0;
	}
}

/* --- what was told, in the spool --- */

struct mark {
	struct lane *lane;
	struct buf text;
};

static enum err_code
write_mark(struct spool_txn *t, void *arg, struct err *e)
{
	struct mark *m = arg;

	return spool_meta_put(t, up_key, buf_view(&m->text), e);
}

static void look_at_folder(struct lane *lane);

static void
marked(void *arg, enum err_code code, const struct err *e)
{
	struct mark *m = arg;

	if (code != OK)
		log_warning("hooks-not-recorded", LOG_STR("why", e->text));
	look_at_folder(m->lane);
	buf_free(&m->text);
	free(m);
}

static void
mark(struct lane *lane)
{
	struct mark *m = xcalloc(1, sizeof(*m));

	m->lane = lane;
	buf_init(&m->text, 0);
	LIST_EACH(node, next, &lane->h->lanes)
	{
		const struct lane *l = LIST_ITEM(node, struct lane, node);

		if (l->up)
			buf_addf(&m->text, "%s\n", l->link);
	}
	spool_submit(lane->h->n->spool, write_mark, marked, m);
}

static enum err_code
read_mark(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = spool_meta_get(t, up_key, arg, e);

	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
hooks_load(struct hooks *h, struct err *e)
{
	enum err_code rc;
	struct buf text;
	struct str rest;
	char name[SPOOL_NAME_MAX + 1];

	buf_init(&text, 0);
	rc = spool_read(h->n->spool, read_mark, &text, e);
	rest = buf_view(&text);
	while (rc == OK && rest.n) {
		str_copy(name, sizeof(name), str_cut(rest, '\n', &rest));
		find_lane(h, name)->up = name[0] != '\0';
	}
	buf_free(&text);
	return rc;
}

void
hooks_loaded(struct hooks *h)
{
	LIST_EACH(node, next, &h->lanes)
	{
		const struct lane *lane = LIST_ITEM(node, struct lane, node);

		if (lane->link[0] && !conf_link(h->n->conf, lane->link))
			hooks_link(h, false,
				&(struct hook_facts){.link = lane->link,
					.state = "down",
					.reason = "the link is no longer "
						  "configured"});
	}
}

/* --- running --- */

static void
log_line(void *arg, struct str line)
{
	struct lane *lane = arg;

	log_info("hook-output", LOG_STR("link", lane->link),
		LOG_STR("on", hook_event_name(lane->now->what)),
		LOG_STR("hook", lane->dir.programs[lane->at]),
		LOG_VIEW("text", line));
	if (++lane->lines == CHILD_LINES_MAX)
		log_warning("hook-output", LOG_STR("link", lane->link),
			LOG_STR("on", hook_event_name(lane->now->what)),
			LOG_STR("hook", lane->dir.programs[lane->at]),
			LOG_STR("text", "it says too much: no more of it"));
}

static void
log_end(const struct lane *lane, bool good, const char *how)
{
	log_write(good ? LOG_INFO : LOG_WARNING, "hook",
		LOG_FIELDS(LOG_STR("link", lane->link),
			LOG_STR("on", hook_event_name(lane->now->what)),
			LOG_STR("hook", lane->dir.programs[lane->at]),
			LOG_STR("text", how)));
}

static void
end_event(struct lane *lane)
{
	hook_dir_clear(&lane->dir);
	free_item(lane->now);
	lane->now = NULL;
	lane->h->running--;
	if (list_empty(&lane->items))
		tell_dropped(lane);
	go(lane->h);
}

static void
ended(void *arg, bool good, const char *how)
{
	struct lane *lane = arg;

	log_end(lane, good, how);
	child_free(lane->child);
	lane->child = NULL;
	lane->at++;
	run_program(lane);
}

/* A script without its first line cannot be told from a broken program. */
static void
log_not_started(const struct lane *lane, const struct err *e)
{
	char text[sizeof(e->text) + 60];

	snprintf(text, sizeof(text), "%s%s", e->text,
		strstr(e->text, "xec format")
			? " (a script begins with #!/bin/sh)"
			: "");
	log_end(lane, false, text);
}

/* The next one of the event that can be started. */
static void
run_program(struct lane *lane)
{
	struct err e = {0};

	for (; !lane->h->quitting && lane->at < lane->dir.programs_n;
		lane->at++) {
		const char *const argv[] = {lane->dir.programs[lane->at], NULL};

		lane->lines = 0;
		lane->child = child_spawn(lane->h->n->loop,
			&(struct child_conf){.argv = argv,
				.env = (const char *const *)lane->now->env,
				.folder = "/",
				.timeout_ms = HOOK_TIMEOUT_MS,
				.line = log_line,
				.ended = ended,
				.arg = lane},
			&e);
		if (lane->child)
			return;
		log_not_started(lane, &e);
	}
	end_event(lane);
}

/* --- which programs --- */

struct look {
	struct lane *lane;
	char *folder; /* owned: a reload may come */
	enum hook_event what;
	struct hook_dir found;
};

static void
free_look(struct look *j)
{
	hook_dir_clear(&j->found);
	free(j->folder);
	free(j);
}

/* On a helper thread. */
static void
look(void *arg)
{
	struct look *j = arg;

	hook_dir_read(j->folder, hook_event_name(j->what), &j->found);
}

static void
complain_once(struct hooks *h, const char *text)
{
	for (size_t i = 0; i < h->complaints_n; i++)
		if (strcmp(h->complaints[i], text) == 0)
			return;
	if (h->complaints_n == HOOK_COMPLAINTS_MAX)
		return;
	h->complaints[h->complaints_n++] = str_dupz(text);
	log_warning("hook-not-run", LOG_STR("text", text));
}

static void
looked(void *arg)
{
	struct look *j = arg;
	struct lane *lane = j->lane;

	for (size_t i = 0; i < j->found.complaints_n; i++)
		complain_once(lane->h, j->found.complaints[i]);
	if (j->found.programs_n == 0) {
		lane->h->none_ms[j->what] = clock_mono_ms();
		lane->dropped[j->what] = 0;
	}
	lane->dir = j->found;
	lane->at = 0;
	j->found = (struct hook_dir){.programs_n = 0};
	free_look(j);
	run_program(lane);
}

/* The daemon ends. */
static void
not_looked(void *arg)
{
	free_look(arg);
}

static void
look_at_folder(struct lane *lane)
{
	struct hooks *h = lane->h;
	struct look *j;

	if (h->quitting || !h->n->conf->hooks) {
		end_event(lane);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->lane = lane;
	j->folder = str_dupz(h->n->conf->hooks);
	j->what = lane->now->what;
	pool_submit_droppable(h->n->pool, look, looked, not_looked, j);
}

/* --- whose turn it is --- */

static bool
has_none(const struct hooks *h, enum hook_event what)
{
	return !is_of_link(what) && h->none_ms[what] &&
	       clock_mono_ms() - h->none_ms[what] < HOOK_NONE_MS;
}

static struct item *
next_item(struct lane *lane)
{
	while (!list_empty(&lane->items)) {
		struct item *it = take_out(
			lane, LIST_ITEM(lane->items.next, struct item, node));

		if (!has_none(lane->h, it->what))
			return it;
		free_item(it);
	}
	return NULL;
}

static void
begin(struct lane *lane)
{
	lane->now = next_item(lane);
	if (!lane->now) {
		tell_dropped(lane);
		return;
	}
	lane->h->running++;
	/* who had a turn comes last */
	list_remove(&lane->node);
	list_push(&lane->h->lanes, &lane->node);
	if (!is_of_link(lane->now->what)) {
		look_at_folder(lane);
		return;
	}
	lane->up = lane->now->what == HOOK_LINK_UP;
	mark(lane);
}

static void
quit_if_done(struct hooks *h)
{
	void (*quit)(void *arg) = h->quit;

	LIST_EACH(node, next, &h->lanes)
	{
		if (LIST_ITEM(node, struct lane, node)->child)
			return;
	}
	h->quit = NULL;
	if (quit)
		quit(h->quit_arg);
}

static void
go(struct hooks *h)
{
	if (h->quitting) {
		quit_if_done(h);
		return;
	}
	LIST_EACH(node, next, &h->lanes)
	{
		struct lane *lane = LIST_ITEM(node, struct lane, node);

		if (h->running == HOOK_AT_ONCE_MAX)
			return;
		if (!lane->now && !list_empty(&lane->items))
			begin(lane);
	}
}

/* --- what happens --- */

void
hooks_tell(struct hooks *h, enum hook_event what, const struct hook_facts *f)
{
	struct lane *lane;

	if (!h->n->conf->hooks || h->quitting || has_none(h, what))
		return;
	lane = find_lane(h, f->link ? f->link : "");
	if (lane->items_n >= HOOK_QUEUE_MAX) {
		lane->dropped[what]++;
		return;
	}
	put_in(lane, what, f);
	go(h);
}

/* The link-up or link-down that waits and came last; NULL: none. */
static struct item *
last_of_link(const struct lane *lane)
{
	for (struct list_node *node = lane->items.prev; node != &lane->items;
		node = node->prev) {
		struct item *it = LIST_ITEM(node, struct item, node);

		if (is_of_link(it->what))
			return it;
	}
	return NULL;
}

/* As it will be when all that waits has run. */
static bool
will_be_up(const struct lane *lane)
{
	const struct item *last = last_of_link(lane);

	return last ? last->what == HOOK_LINK_UP : lane->up;
}

bool
hooks_is_news(struct hooks *h, const char *link, bool up)
{
	return h->n->conf->hooks && !h->quitting &&
	       will_be_up(find_lane(h, link)) != up;
}

void
hooks_link(struct hooks *h, bool up, const struct hook_facts *f)
{
	struct lane *lane;
	struct item *last;

	if (!hooks_is_news(h, f->link, up))
		return;
	lane = find_lane(h, f->link);
	last = last_of_link(lane);
	if (last && lane->link_items_n >= HOOK_LINK_QUEUE_MAX) {
		free_item(take_out(lane, last));
		lane->dropped[HOOK_LINK_UP]++;
		lane->dropped[HOOK_LINK_DOWN]++;
		return;
	}
	put_in(lane, up ? HOOK_LINK_UP : HOOK_LINK_DOWN, f);
	go(h);
}

/* --- beginning and end --- */

struct hooks *
hooks_new(struct node *n)
{
	struct hooks *h = xcalloc(1, sizeof(*h));

	h->n = n;
	list_init(&h->lanes);
	return h;
}

static void
forget_complaints(struct hooks *h)
{
	for (size_t i = 0; i < h->complaints_n; i++)
		free(h->complaints[i]);
	h->complaints_n = 0;
}

void
hooks_reload(struct hooks *h)
{
	forget_complaints(h);
	memset(h->none_ms, 0, sizeof(h->none_ms));
	LIST_EACH(node, next, &h->lanes)
	{
		if (!h->n->conf->hooks)
			drop_items(LIST_ITEM(node, struct lane, node));
	}
}

void
hooks_quit(struct hooks *h, void (*done)(void *arg), void *arg)
{
	h->quitting = true;
	h->quit = done;
	h->quit_arg = arg;
	LIST_EACH(node, next, &h->lanes)
	{
		struct lane *lane = LIST_ITEM(node, struct lane, node);

		if (lane->child)
			child_kill(lane->child);
		tell_dropped(lane);
	}
	quit_if_done(h);
}

static void
free_lane(struct lane *lane)
{
	list_remove(&lane->node);
	drop_items(lane);
	child_free(lane->child);
	hook_dir_clear(&lane->dir);
	free_item(lane->now);
	free(lane);
}

void
hooks_free(struct hooks *h)
{
	if (!h)
		return;
	LIST_EACH(node, next, &h->lanes)
	free_lane(LIST_ITEM(node, struct lane, node));
	forget_complaints(h);
	free(h);
}
