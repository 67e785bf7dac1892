/*
 * Links that are followed: by a program that is run from time to time, or by
 * their interface. A change is a report, as link up and link down are; what a
 * person said in between holds until the next change.
 */
#include "base/log.h"
#include "daemon/helper.h"
#include "daemon/links_private.h"
#include "net/iface.h"

#include <string.h>

enum {
	WATCH_SETTLE_MS = 50,	    /* several changes come at once */
	WATCH_TOLD_MS = 30000,	    /* looked at nevertheless, if never told */
	WATCH_UNTOLD_MS = 1000,	    /* where the kernel does not tell */
	WATCH_PROBE_MAX_MS = 60000, /* for a probe to answer */
};

static bool
is_watched(const struct link_run *r)
{
	return r->conf->probe_command || r->conf->interface;
}

static uint64_t
every_ms(const struct link_run *r)
{
	if (r->conf->probe_command)
		return (uint64_t)r->conf->probe_every_s * 1000;
	return r->l->ifwatch && !r->l->ifwatch_ended ? WATCH_TOLD_MS
						     : WATCH_UNTOLD_MS;
}

static void
report(struct link_run *r, bool up, const char *how)
{
	bool changed = !r->seen || r->seen_up != up;
	struct err e;

	r->seen = true;
	r->seen_up = up;
	if (!changed && !(up && r->machine.state.now == LINK_DIALING))
		return;
	if (changed)
		log_info("seen", LOG_STR("link", r->row.name),
			LOG_STR("state", up ? "up" : "down"),
			LOG_STR("text", how));
	if (up)
		links_up(r->l, r->row.name, r->conf->interface, NULL, &e);
	else
		links_down(r->l, r->row.name, &e);
}

static void
on_probe_line(void *arg, struct str line)
{
	const struct link_run *r = arg;

	log_debug("probe-output", LOG_STR("link", r->row.name),
		LOG_VIEW("text", line));
}

static void
on_probe_ended(void *arg, enum child_end end, const char *how)
{
	struct link_run *r = arg;

	child_free(r->probe);
	r->probe = NULL;
	loop_timer_set(r->watch, every_ms(r));
	report(r, end == CHILD_GOOD, how);
}

static void
probe(struct link_run *r)
{
	uint64_t most = every_ms(r);
	struct err e = {0};

	r->probe = helper_spawn(r->l->n->helper, r->l->n->loop,
		&(struct helper_request){.kind = HELPER_PROBE,
			.name = r->row.name,
			.command = r->conf->probe_command},
		&(struct child_conf){.timeout_ms = most < WATCH_PROBE_MAX_MS
							   ? most
							   : WATCH_PROBE_MAX_MS,
			.line = on_probe_line,
			.ended = on_probe_ended,
			.arg = r},
		&e);
	if (r->probe)
		return;
	log_warning("probe-failed", LOG_STR("link", r->row.name),
		LOG_STR("why", e.text));
	loop_timer_set(r->watch, every_ms(r));
	report(r, false, e.text);
}

static void
on_watch(void *arg)
{
	struct link_run *r = arg;

	if (r->l->n->told_to_stop || r->l->n->stopping)
		return;
	if (r->conf->probe_command) {
		probe(r);
		return;
	}
	r->look_soon = false;
	r->index = iface_index(r->conf->interface);
	loop_timer_set(r->watch, every_ms(r));
	report(r, iface_is_up(r->conf->interface), r->conf->interface);
}

/* A name may have been given to another one, or be gone. */
static bool
concerns(const struct link_run *r, const struct rtnl_change *change)
{
	return !change || (change->index && change->index == r->index) ||
	       strcmp(change->name, r->conf->interface) == 0 ||
	       (!r->index && !change->name[0]);
}

static void
on_change(void *arg, enum rtnl_what what, const struct rtnl_change *change)
{
	struct links *l = arg;

	if (what == RTNL_END) {
		log_warning("interfaces-untold",
			LOG_STR("why", "the kernel tells no more of changes: "
				       "they are looked at each second"));
		l->ifwatch_ended = true;
	}
	for (size_t i = 0; i < l->count; i++) {
		struct link_run *r = l->v[i];

		if (!r->watch || r->conf->probe_command || r->look_soon ||
			!concerns(r, change))
			continue;
		r->look_soon = true;
		loop_timer_set(r->watch, WATCH_SETTLE_MS);
	}
}

static void
listen_to_kernel(struct links *l)
{
	if (l->ifwatch || l->ifwatch_ended)
		return;
	l->ifwatch = ifwatch_new(l->n->loop, on_change, l);
	if (l->ifwatch)
		return;
	l->ifwatch_ended = true;
	log_info("interfaces-untold",
		LOG_STR("why", "no netlink socket: they are looked at each "
			       "second"));
}

void
links_watch_configure(struct link_run *r)
{
	links_watch_free(r);
	r->seen = r->look_soon = false;
	if (!is_watched(r))
		return;
	if (!r->conf->probe_command)
		listen_to_kernel(r->l);
	r->watch = loop_timer_new(r->l->n->loop, on_watch, r);
	loop_timer_set(r->watch, 0);
}

void
links_watch_free(struct link_run *r)
{
	child_free(r->probe);
	r->probe = NULL;
	loop_timer_free(r->watch);
	r->watch = NULL;
}
