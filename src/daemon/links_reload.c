/* Links: another configuration, and the end of the daemon. */
#include "daemon/links_private.h"

#include <stdlib.h>
#include <string.h>

/* --- another configuration --- */

static struct link_run *
take_run(struct link_run **v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		struct link_run *r = v[i];

		if (r && strcmp(r->row.name, name) == 0) {
			v[i] = NULL;
			return r;
		}
	}
	return NULL;
}

static void
put_away(struct links *l, struct link_run *r)
{
	l->gone = xrealloc(l->gone, (l->gone_n + 1) * sizeof(*l->gone));
	l->gone[l->gone_n++] = r;
}

/* What is no longer configured is hung up; it may come back. */
static void
drop_run(struct links *l, struct link_run *r)
{
	links_end_waits(r, 12, "the link is no longer configured");
	put_away(l, r);
	links_watch_free(r);
	links_event(r, LINK_EV_HANGUP);
}

static void
forget_taken(struct links *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->gone_n; i++)
		if (l->gone[i])
			l->gone[n++] = l->gone[i];
	l->gone_n = n;
}

/* The runs of the configuration, old ones where the name is known. */
static void
adopt(struct links *l, struct link_run **old, size_t old_n)
{
	const struct conf *conf = l->n->conf;

	for (size_t i = 0; i < conf->links_n; i++) {
		const struct conf_link *cl = &conf->links[i];
		struct link_run *r = take_run(old, old_n, cl->name);

		if (!r) {
			r = take_run(l->gone, l->gone_n, cl->name);
			forget_taken(l);
		}
		l->v[i] = r ? r : links_run_new(l, cl);
		l->count = i + 1;
		if (r)
			links_configure(r, cl);
		else
			links_run_begin(l->v[i], i);
	}
}

void
links_reload(struct links *l)
{
	struct link_run **old = l->v;
	size_t old_n = l->count;

	l->v = xcalloc(l->n->conf->links_n, sizeof(struct link_run *));
	l->count = 0;
	adopt(l, old, old_n);
	for (size_t k = 0; k < old_n; k++)
		if (old[k])
			drop_run(l, old[k]);
	free(old);
	links_set_timer(l);
	links_look_for_better(l);
	links_auto_soon(l);
	links_explain(l);
}

/* --- the end --- */

static bool
is_closing(const struct link_run *r)
{
	return r->machine.state.now == LINK_HANGING_UP &&
	       !r->machine.again_at_ms;
}

void
links_quit_if_closed(struct links *l)
{
	void (*quit)(void *arg) = l->quit;

	for (size_t i = 0; quit && i < l->count + l->gone_n; i++)
		if (is_closing(i < l->count ? l->v[i] : l->gone[i - l->count]))
			return;
	l->quit = NULL;
	if (quit)
		quit(l->quit_arg);
}

void
links_quit(struct links *l, void (*done)(void *arg), void *arg)
{
	for (size_t i = 0; i < l->count; i++)
		links_event(l->v[i], LINK_EV_QUIT);
	l->quit = done;
	l->quit_arg = arg;
	links_quit_if_closed(l);
}
