#include "daemon/hook.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/hook_env.h"
#include "daemon/hook_private.h"

#include <stdlib.h>
#include <string.h>

/* A folder that had no program is not looked at again for each message. */
enum { HOOK_NONE_MS = 1000 };

static void go(struct hooks *h);

/* --- lanes --- */

struct hook_lane *
hook_lane_of(struct hooks *h, const char *link)
{
	struct hook_lane *lane;

	LIST_EACH(node, next, &h->lanes)
	{
		lane = LIST_ITEM(node, struct hook_lane, node);
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
free_item(struct hook_item *it)
{
	if (!it)
		return;
	hook_env_free(it->env);
	free(it);
}

static struct hook_item *
take_out(struct hook_lane *lane, struct hook_item *it)
{
	list_remove(&it->node);
	lane->items_n--;
	lane->link_items_n -= hook_is_of_link(it->what);
	return it;
}

static void
drop_items(struct hook_lane *lane)
{
	while (!list_empty(&lane->items))
		free_item(take_out(lane,
			LIST_ITEM(lane->items.next, struct hook_item, node)));
}

static void
put_in(struct hook_lane *lane, enum hook_event what,
	const struct hook_facts *facts)
{
	struct hook_item *it = xcalloc(1, sizeof(*it));

	it->what = what;
	it->env = hook_env_facts(facts);
	list_push(&lane->items, &it->node);
	lane->items_n++;
	lane->link_items_n += hook_is_of_link(what);
}

/* What was dropped since this was last said. */
static void
tell_dropped(struct hook_lane *lane)
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

/* --- whose turn it is --- */

static bool
has_none(const struct hooks *h, enum hook_event what)
{
	return !hook_is_of_link(what) && h->none_ms[what] &&
	       clock_mono_ms() - h->none_ms[what] < HOOK_NONE_MS;
}

static struct hook_item *
next_item(struct hook_lane *lane)
{
	while (!list_empty(&lane->items)) {
		struct hook_item *it = take_out(lane,
			LIST_ITEM(lane->items.next, struct hook_item, node));

		if (!has_none(lane->h, it->what))
			return it;
		free_item(it);
	}
	return NULL;
}

static void
begin(struct hook_lane *lane)
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
	if (!hook_is_of_link(lane->now->what)) {
		hook_run(lane);
		return;
	}
	lane->up = lane->now->what == HOOK_LINK_UP;
	hook_mark(lane);
}

static void
quit_if_done(struct hooks *h)
{
	void (*quit)(void *arg) = h->quit;

	LIST_EACH(node, next, &h->lanes)
	{
		if (LIST_ITEM(node, struct hook_lane, node)->child)
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
		struct hook_lane *lane =
			LIST_ITEM(node, struct hook_lane, node);

		if (h->running == HOOK_AT_ONCE_MAX)
			return;
		if (!lane->now && !list_empty(&lane->items))
			begin(lane);
	}
}

void
hook_end_event(struct hook_lane *lane)
{
	hook_dir_clear(&lane->dir);
	free_item(lane->now);
	lane->now = NULL;
	lane->h->running--;
	if (list_empty(&lane->items))
		tell_dropped(lane);
	go(lane->h);
}

/* --- what happens --- */

void
hooks_tell(struct hooks *h, enum hook_event what, const struct hook_facts *f)
{
	struct hook_lane *lane;

	if (!h->n->conf->hooks || h->quitting || has_none(h, what))
		return;
	lane = hook_lane_of(h, f->link ? f->link : "");
	if (lane->items_n >= HOOK_QUEUE_MAX) {
		lane->dropped[what]++;
		return;
	}
	put_in(lane, what, f);
	go(h);
}

/* The link-up or link-down that waits and came last; NULL: none. */
static struct hook_item *
last_of_link(const struct hook_lane *lane)
{
	for (struct list_node *node = lane->items.prev; node != &lane->items;
		node = node->prev) {
		struct hook_item *it = LIST_ITEM(node, struct hook_item, node);

		if (hook_is_of_link(it->what))
			return it;
	}
	return NULL;
}

/* As it will be when all that waits has run. */
static bool
will_be_up(const struct hook_lane *lane)
{
	const struct hook_item *last = last_of_link(lane);

	return last ? last->what == HOOK_LINK_UP : lane->up;
}

bool
hooks_is_news(struct hooks *h, const char *link, bool up)
{
	return h->n->conf->hooks && !h->quitting &&
	       will_be_up(hook_lane_of(h, link)) != up;
}

void
hooks_link(struct hooks *h, bool up, const struct hook_facts *f)
{
	struct hook_lane *lane;
	struct hook_item *last;

	if (!hooks_is_news(h, f->link, up))
		return;
	lane = hook_lane_of(h, f->link);
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
			drop_items(LIST_ITEM(node, struct hook_lane, node));
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
		struct hook_lane *lane =
			LIST_ITEM(node, struct hook_lane, node);

		if (lane->child)
			child_kill(lane->child);
		tell_dropped(lane);
	}
	quit_if_done(h);
}

static void
free_lane(struct hook_lane *lane)
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
	free_lane(LIST_ITEM(node, struct hook_lane, node));
	forget_complaints(h);
	free(h);
}
