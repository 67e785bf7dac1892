/*
 * Links: when they call by themselves, and the windows outside which they are
 * not used. One timer looks at all of them, soon after mail came or a link
 * changed, when a window opens or shuts, and at least once a minute.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/links_private.h"
#include "daemon/report.h"
#include "outlook/budget.h"
#include "sched/call.h"
#include "spool/queue.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	AUTO_SOON_MS = 200,
	AUTO_EVERY_MS = 60000,
	AUTO_LATE_MS = 20, /* so that the second has begun */
};

/* --- windows --- */

static struct window_times
times_of(const struct link_run *r)
{
	struct calendar c = outlook_calendar(r->conf);

	return windows_times(&r->windows, &c, clock_sane_s());
}

int64_t
links_next_window(const struct link_run *r)
{
	struct calendar c = outlook_calendar(r->conf);
	struct window_times now = times_of(r);

	if (r->windows.n == 0)
		return 0;
	if (!now.open)
		return now.opens;
	return now.shuts ? windows_times(&r->windows, &c, now.shuts).opens : 0;
}

static bool
is_in_use(const struct link_run *r)
{
	return r->machine.state.now == LINK_DIALING ||
	       r->machine.state.now == LINK_UP ||
	       r->machine.state.now == LINK_EXCHANGING;
}

/* A call begun when nobody knew the time is not ended by learning it. */
static void
look_at_window(struct link_run *r)
{
	bool shut;

	if (!clock_known())
		r->timeless = true;
	else if (!is_in_use(r))
		r->timeless = false;
	shut = r->windows.n && !r->timeless && !times_of(r).open;
	if (shut == r->window_shut)
		return;
	r->window_shut = shut;
	log_info("window", LOG_STR("link", r->row.name),
		LOG_STR("state", shut ? "shut" : "open"));
	links_event(r, shut ? LINK_EV_WINDOW_SHUT : LINK_EV_WINDOW_OPEN);
	links_explain(r->l);
}

void
links_auto_configure(struct link_run *r)
{
	const struct conf_strings *s = &r->conf->windows;
	struct err e;

	r->windows.n = 0;
	/* the configuration was checked: all of them can be read */
	for (size_t i = 0; i < s->n; i++)
		windows_add(&r->windows, str_of(s->v[i]), &e);
	look_at_window(r);
}

void
links_clock_known(struct links *l)
{
	for (size_t i = 0; i < l->count; i++)
		look_at_window(l->v[i]);
	links_auto_soon(l);
}

/* --- no longer stuck --- */

static bool
changed_after(const char *path, int64_t when)
{
	struct stat st;

	return path && stat(path, &st) == 0 && st.st_mtime > when;
}

/* A person mended what two calls failed by. */
static bool
is_mended(const struct link_run *r)
{
	const struct conf *conf = r->l->n->conf;

	for (size_t i = 0; i < conf->peers_n; i++)
		if (conf_link_carries(conf, r->row.name, conf->peers[i].name) &&
			changed_after(
				conf->peers[i].password_file, r->row.since))
			return true;
	return false;
}

void
links_auto_mend(struct link_run *r, bool at_start)
{
	if (!r->machine.stuck)
		return;
	if (!is_mended(r) &&
		!(at_start && changed_after(r->l->n->conf->file, r->row.since)))
		return;
	log_info("not-stuck", LOG_STR("link", r->row.name),
		LOG_STR("why", "its configuration or password file changed"));
	links_configure(r, r->conf);
}

/* --- is it time to call? --- */

static bool
calls_by_itself(const struct link_run *r)
{
	return r->conf->dial_up &&
	       (r->conf->windows.n || r->conf->call_when_waiting_s ||
		       r->conf->has_call_at_once);
}

/* What was there by then had its chance. */
static int64_t
last_chance(const struct link_run *r)
{
	return r->chance_at > clock_sane_s() ? 0 : r->chance_at;
}

struct wish_job {
	struct links *l;
	const struct conf *conf; /* borrowed; configurations live on */
	struct wish_of {
		struct link_run *r;
		const struct conf_link *link;
		int64_t since;
		struct spool_wish wish;
	} * v;
	size_t n;
	int64_t now;
	int64_t aside; /* report_waiting, as the transaction sees it */
};

static enum err_code
read_wish(struct spool_txn *t, const struct wish_job *j, struct wish_of *w,
	struct err *e)
{
	struct spool_limits limits = {
		.has_min_priority = w->link->has_min_priority,
		.min_priority = w->link->min_priority,
		.max_size = w->link->max_size,
	};
	const struct spool_carrier by = {true, w->link->name};
	enum err_code rc = OK;

	w->wish = (struct spool_wish){.waiting = false};
	for (size_t i = 0; i < j->conf->routes_n && rc == OK; i++) {
		const char *route = conf_route_name(&j->conf->routes[i]);

		if (conf_link_carries_route(j->conf, w->link->name, route))
			rc = spool_route_wish(t, route, &by, &limits, w->since,
				j->now, j->aside, &w->wish, e);
	}
	return rc;
}

static enum err_code
read_wishes(struct spool_txn *t, void *arg, struct err *e)
{
	struct wish_job *j = arg;
	enum err_code rc = report_waiting(t, &j->aside, e);

	for (size_t i = 0; i < j->n && rc == OK; i++)
		rc = read_wish(t, j, &j->v[i], e);
	return rc;
}

/*
 * Since when mail waits. A clock that is not trusted stands still, but the
 * time since we saw the mail goes on.
 */
static int64_t
waits_since(struct wish_of *w)
{
	struct link_run *r = w->r;
	uint64_t now_ms = clock_mono_ms();

	if (!w->wish.waiting)
		r->waits_since_ms = 0;
	else if (!r->waits_since_ms)
		r->waits_since_ms = now_ms;
	if (!clock_known() && w->wish.waiting)
		return clock_sane_s() -
		       (int64_t)(now_ms - r->waits_since_ms) / 1000;
	return w->wish.oldest > w->since ? w->wish.oldest : w->since;
}

static bool
is_due(struct wish_of *w, int64_t *next_r)
{
	const struct link_run *r = w->r;
	struct call_rule rule = {
		.windows = &r->windows,
		.calendar = outlook_calendar(r->conf),
		.when_waiting_s = r->conf->call_when_waiting_s,
		.has_at_once = r->conf->has_call_at_once,
		.at_once_priority = r->conf->call_at_once_priority,
	};
	struct call_facts facts = {
		.now = clock_sane_s(),
		.clock_trusted = clock_known(),
		.waiting = w->wish.waiting,
		.oldest = waits_since(w),
		.most_urgent = w->wish.fresh ? w->wish.most_urgent : INT_MIN,
		.last_call = r->row.called_at,
	};

	return call_is_due(&rule, &facts, next_r);
}

static void
look_again_at(struct links *l, int64_t when)
{
	int64_t now = clock_sane_s(), delay = when > now ? when - now : 0;

	if (when && !l->auto_soon && delay * 1000 < AUTO_EVERY_MS)
		loop_timer_set(
			l->auto_timer, (uint64_t)delay * 1000 + AUTO_LATE_MS);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* When a window opens or shuts next; 0: never. */
static int64_t
next_change(const struct links *l)
{
	int64_t at = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->v[i]->windows.n) {
			struct window_times t = times_of(l->v[i]);

			at = sooner(at, t.open ? t.shuts : t.opens);
		}
	return at;
}

/* When the back-off of a link is over; 0: there is none. */
static int64_t
next_retry(const struct links *l)
{
	uint64_t now_ms = clock_mono_ms();
	int64_t at = 0;

	for (size_t i = 0; i < l->count; i++) {
		uint64_t retry_ms = l->v[i]->machine.retry_at_ms;

		if (calls_by_itself(l->v[i]) && retry_ms > now_ms)
			at = sooner(at,
				clock_sane_s() + 1 +
					(int64_t)(retry_ms - now_ms) / 1000);
	}
	return at;
}

static void
call_what_is_due(struct wish_job *j)
{
	int64_t at = sooner(next_change(j->l), next_retry(j->l));

	for (size_t i = 0; i < j->n; i++) {
		struct wish_of *w = &j->v[i];
		int64_t next = 0;

		if (!link_may_call(&w->r->machine, clock_mono_ms()) ||
			!calls_by_itself(w->r))
			continue;
		if (is_due(w, &next)) {
			log_info("call", LOG_STR("link", w->r->row.name),
				LOG_STR("why", "it is time"));
			w->r->waits_since_ms = 0;
			links_event(w->r, LINK_EV_AUTO_CALL);
		}
		at = sooner(at, next);
	}
	look_again_at(j->l, at);
}

static void
wishes_read(void *arg, enum err_code code, const struct err *e)
{
	struct wish_job *j = arg;
	struct links *l = j->l;

	l->auto_looking = false;
	if (code != OK)
		log_error("queue-unreadable", LOG_STR("why", e->text));
	else if (!l->n->told_to_stop && !l->n->stopping)
		call_what_is_due(j);
	if (l->auto_again)
		links_auto_soon(l);
	free(j->v);
	free(j);
}

static void
ask(struct links *l)
{
	struct wish_job *j = xcalloc(1, sizeof(*j));

	j->l = l;
	j->conf = l->n->conf;
	j->now = clock_sane_s();
	j->v = xcalloc(l->count, sizeof(*j->v));
	for (size_t i = 0; i < l->count; i++) {
		struct link_run *r = l->v[i];

		if (calls_by_itself(r) &&
			link_may_call(&r->machine, clock_mono_ms()))
			j->v[j->n++] = (struct wish_of){.r = r,
				.link = r->conf,
				.since = last_chance(r)};
	}
	l->auto_looking = true;
	spool_submit_read(l->n->spool, read_wishes, wishes_read, j);
}

static void
on_auto(void *arg)
{
	struct links *l = arg;

	l->auto_soon = false;
	loop_timer_set(l->auto_timer, AUTO_EVERY_MS);
	for (size_t i = 0; i < l->count; i++) {
		look_at_window(l->v[i]);
		links_auto_mend(l->v[i], false);
	}
	l->auto_again = l->auto_looking;
	if (!l->auto_looking && !l->n->told_to_stop)
		ask(l);
}

void
links_auto_soon(struct links *l)
{
	if (!l->auto_timer || l->auto_soon)
		return;
	l->auto_soon = true;
	loop_timer_set(l->auto_timer, AUTO_SOON_MS);
}

void
links_waiting_changed(struct links *l)
{
	links_auto_soon(l);
}

void
links_auto_begin(struct links *l)
{
	l->auto_timer = loop_timer_new(l->n->loop, on_auto, l);
	links_auto_soon(l);
}
