/* Links: who waits for one to come to rest (--wait). */
#include "base/clock.h"
#include "daemon/links_private.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_TICK_MS = 1000 };

struct link_wait {
	struct list_node node;
	struct link_run *r;
	struct link_wait_ops ops;
	void *arg;
	struct loop_timer *timer, *tick;
};

static void
end_wait(struct link_wait *w, int code, const char *text)
{
	struct link_wait_ops ops = w->ops;
	void *arg = w->arg;

	links_wait_cancel(w);
	ops.over(arg, code, text);
}

void
links_end_waits(struct link_run *r, int code, const char *text)
{
	while (!list_empty(&r->waits))
		end_wait(LIST_ITEM(r->waits.next, struct link_wait, node), code,
			text);
}

static void
on_deadline(void *arg)
{
	end_wait(arg, 15, "the deadline passed");
}

/* Tells how far the sessions over the link are. */
static void
on_tick(void *arg)
{
	struct link_wait *w = arg;

	LIST_EACH(node, tmp, &w->r->l->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (s->stream && strcmp(s->link, w->r->row.name) == 0)
			w->ops.progress(w->arg, s, NULL);
	}
	loop_timer_set(w->tick, WAIT_TICK_MS);
}

struct link_wait *
links_wait(struct links *l, const char *name, int64_t deadline_s,
	const struct link_wait_ops *ops, void *arg)
{
	struct link_run *r = links_find(l, name);
	struct link_wait *w = xcalloc(1, sizeof(*w));

	w->r = r;
	w->ops = *ops;
	w->arg = arg;
	list_push(&r->waits, &w->node);
	w->timer = loop_timer_new(l->n->loop, on_deadline, w);
	if (deadline_s > 0)
		loop_timer_set(w->timer, (uint64_t)deadline_s * 1000);
	w->tick = loop_timer_new(l->n->loop, on_tick, w);
	loop_timer_set(w->tick, WAIT_TICK_MS);
	return w;
}

void
links_wait_cancel(struct link_wait *w)
{
	list_remove(&w->node);
	loop_timer_free(w->timer);
	loop_timer_free(w->tick);
	free(w);
}

void
links_progress(struct links *l, const struct session *s,
	const struct spool_message *moved)
{
	struct link_run *r = links_find(l, s->link);

	if (!r)
		return;
	LIST_EACH(node, tmp, &r->waits)
	{
		struct link_wait *w = LIST_ITEM(node, struct link_wait, node);

		w->ops.progress(w->arg, s, moved);
	}
}
