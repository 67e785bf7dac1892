#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/dispatch.h"
#include "daemon/links_private.h"
#include "daemon/receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link_run *
links_find(struct links *l, const char *name)
{
	for (size_t i = 0; name && i < l->count; i++)
		if (strcmp(l->v[i]->row.name, name) == 0)
			return l->v[i];
	return NULL;
}

/* --- what a machine says --- */

void
links_tell_rest(struct link_run *r)
{
	log_info("link-idle", LOG_STR("link", r->row.name),
		LOG_INT("code", r->worst), LOG_STR("text", r->worst_text));
	links_end_waits(r, r->worst,
		r->worst ? r->worst_text
			 : "everything that may use this link has moved");
}

void
links_begin(struct link_run *r)
{
	r->worst = 0;
	r->worst_text[0] = '\0';
	dispatch_link_up(r->l->n->dispatch, r->row.name);
}

static void
stop(struct link_run *r)
{
	if (r->machine.blocks & LINK_BLOCK_BUDGET)
		links_end_waits(r, 11, link_why_text(LINK_WHY_BUDGET));
	else
		links_end_waits(r, 12, "the link was taken down");
	r->row.verified = false;
	dispatch_link_lost(r->l->n->dispatch, r->row.name);
	receive_link_lost(r->l->n, r->row.name);
}

static void
record(struct link_run *r, bool dial)
{
	r->row.since = clock_wall_s();
	links_record_save(r, dial);
	links_explain(r->l);
	log_info("link", LOG_STR("link", r->row.name),
		LOG_STR("state", link_state_name(&r->machine)));
}

static void
tell_stuck(struct link_run *r)
{
	log_warning("stuck", LOG_STR("link", r->row.name),
		LOG_STR("text",
			link_why_text(link_why(&r->machine, clock_mono_ms()))),
		LOG_STR("why", r->worst_text[0] ? r->worst_text : r->trouble));
	links_hook_tell(r, HOOK_STUCK, NULL,
		r->worst_text[0] ? r->worst_text : r->trouble);
}

/* For hooks it is drained each time it comes to rest, all having moved. */
static void
come_to_rest(struct link_run *r)
{
	if (r->worst == EXCHANGE_OK)
		links_hook_tell(r, HOOK_DRAINED, "idle", NULL);
	else if (r->worst == EXCHANGE_BUDGET)
		links_hook_budget(r, r->worst_text);
	links_tell_rest(r);
}

static void
obey(struct link_run *r, unsigned commands)
{
	if (commands & LINK_DO_SAVE)
		record(r, commands & LINK_DO_DIAL);
	if (commands & LINK_DO_KILL)
		links_dial_kill(r);
	if (commands & LINK_DO_FINISH)
		dispatch_link_finish(r->l->n->dispatch, r->row.name);
	if (commands & LINK_DO_IDLE)
		come_to_rest(r);
	if (commands & LINK_DO_STOP)
		stop(r);
	if (commands & LINK_DO_HANG_UP)
		links_dial_hang_up(r);
	if (commands & (LINK_DO_START | LINK_DO_AGAIN))
		links_begin(r);
	if (commands & LINK_DO_STUCK)
		tell_stuck(r);
}

/* --- events --- */

/* Does it cost: dialling, up, or not yet hung up? */
static void
tell_used(struct link_run *r)
{
	int state = (int)r->machine.state.now;

	budgets_use(r->l->n->budgets, r->row.name,
		state == LINK_DIALING || state == LINK_UP ||
			state == LINK_EXCHANGING || state == LINK_IDLE ||
			state == LINK_HANGING_UP);
}

/* A call that did not go through is no lost link. */
static void
tell_failed_call(struct link_run *r, bool late)
{
	char text[240];

	if (late)
		snprintf(r->trouble, sizeof(r->trouble),
			"no connection within %lld s",
			(long long)r->conf->dial_timeout_s);
	snprintf(text, sizeof(text), "the call did not go through%s%s",
		r->trouble[0] ? ": " : "", r->trouble);
	log_warning("call-failed", LOG_STR("link", r->row.name),
		LOG_STR("why", r->trouble));
	links_end_waits(r, 13, text);
}

bool
links_is_at_rest(const struct link_run *r)
{
	return r->machine.state.now == LINK_DOWN ||
	       r->machine.state.now == LINK_FAILED ||
	       r->machine.state.now == LINK_DISABLED;
}

/* Called again straight away: each call is counted and paid by itself. */
static void
end_call(struct link_run *r)
{
	links_hook_hung_up(r);
	budgets_use(r->l->n->budgets, r->row.name, false);
	links_dial_over(r);
}

void
links_event(struct link_run *r, enum link_event ev)
{
	int before = (int)r->machine.state.now;
	unsigned commands = link_event(&r->machine, ev, clock_mono_ms());

	if (before == LINK_HANGING_UP && r->machine.state.now == LINK_DIALING)
		end_call(r);

	if (before == LINK_DIALING && r->machine.state.now == LINK_HANGING_UP &&
		r->machine.failed)
		tell_failed_call(r, ev == LINK_EV_TICK);
	tell_used(r);
	links_hook_begin(r, before);
	obey(r, commands);
	links_hook_end(r);
	links_dial_tidy(r);
	if ((int)r->machine.state.now != before && links_is_at_rest(r))
		links_end_waits(r, 12, "the link was taken down");
	links_look_for_better(r->l);
	links_set_timer(r->l);
	if ((int)r->machine.state.now != before)
		links_auto_soon(r->l);
	links_quit_if_closed(r->l);
}

static void
on_timer(void *arg)
{
	struct links *l = arg;

	for (size_t i = 0; i < l->count + l->gone_n; i++) {
		struct link_run *r =
			i < l->count ? l->v[i] : l->gone[i - l->count];

		if (link_wake_ms(&r->machine) <= clock_mono_ms())
			links_event(r, LINK_EV_TICK);
	}
	links_set_timer(l);
}

void
links_set_timer(struct links *l)
{
	uint64_t now = clock_mono_ms(), at = UINT64_MAX;

	for (size_t i = 0; i < l->count + l->gone_n; i++) {
		struct link_run *r =
			i < l->count ? l->v[i] : l->gone[i - l->count];

		if (link_wake_ms(&r->machine) < at)
			at = link_wake_ms(&r->machine);
	}
	loop_timer_clear(l->timer);
	if (at != UINT64_MAX)
		loop_timer_set(l->timer, at > now ? at - now : 0);
}

/* --- making --- */

struct link_run *
links_run_new(struct links *l, const struct conf_link *conf)
{
	struct link_run *r = xcalloc(1, sizeof(*r));

	list_init(&r->waits);
	r->l = l;
	r->conf = conf;
	r->row.since = clock_wall_s();
	str_copyz(r->row.name, sizeof(r->row.name), conf->name);
	return r;
}

/* What is up is begun with when the daemon looks at all its mail. */
void
links_run_begin(struct link_run *r, size_t i)
{
	struct link_conf conf = links_dial_conf(r);
	struct link_record record = {.up = r->row.up,
		.disabled = r->row.disabled,
		.dialed = r->row.dialed,
		.stuck = r->row.stuck};
	unsigned commands = link_init(&r->machine, i, &conf, &record,
		strcmp(r->row.boot, r->l->boot) != 0, clock_mono_ms());

	if (r->machine.dialed)
		log_warning("link-left-open", LOG_STR("link", r->row.name));
	tell_used(r);
	links_hook_begin(r, LINK_DOWN);
	obey(r, commands & ~(unsigned)(LINK_DO_START | LINK_DO_AGAIN));
	links_hook_end(r);
	links_auto_configure(r);
	links_auto_mend(r, true);
	links_watch_configure(r);
}

void
links_configure(struct link_run *r, const struct conf_link *conf)
{
	struct link_conf c;

	r->conf = conf;
	c = links_dial_conf(r);
	obey(r, link_configure(&r->machine, &c));
	/* there may be hooks now that were not told */
	links_hook_begin(r, (int)r->machine.state.now);
	links_hook_end(r);
	links_auto_configure(r);
	links_watch_configure(r);
}

enum err_code
links_new(struct node *n, struct links **links_r, struct err *e)
{
	struct links *l = xcalloc(1, sizeof(*l));
	enum err_code rc;

	l->n = n;
	l->timer = loop_timer_new(n->loop, on_timer, l);
	clock_boot(l->boot);
	rc = links_record_load(l, e);
	if (rc == OK) {
		/* the parts of the daemon that are told reach them by it */
		*links_r = l;
		for (size_t i = 0; i < l->count; i++)
			links_run_begin(l->v[i], i);
		links_set_timer(l);
		links_auto_begin(l);
		links_explain(l);
	} else {
		links_free(l);
	}
	return rc;
}

static void
free_runs(struct link_run **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		links_end_waits(v[i], 12, "the daemon stops");
		links_dial_free(v[i]);
		links_watch_free(v[i]);
		free(v[i]);
	}
	free(v);
}

void
links_free(struct links *l)
{
	if (!l)
		return;
	free_runs(l->v, l->count);
	free_runs(l->gone, l->gone_n);
	ifwatch_free(l->ifwatch);
	loop_timer_free(l->timer);
	loop_timer_free(l->auto_timer);
	free(l);
}
