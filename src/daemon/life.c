#include "daemon/life.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/delay.h"
#include "daemon/dispatch.h"
#include "daemon/policy.h"
#include "daemon/giveup.h"
#include "daemon/lifetime.h"
#include "daemon/settle.h"
#include "daemon/steady.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	LIFE_LOOK_MOST_S = 600, /* between two looks */
	LIFE_AGAIN_S = 60,	/* what is due could not be done */
	LIFE_BATCH = 200,	/* deliveries of one transaction */
	LIFE_STATES = 2,
};

static const enum spool_state states[LIFE_STATES] = {
	SPOOL_READY, SPOOL_DEFERRED};

struct life {
	struct node *n;
	struct loop_timer *timer;
	bool running, again;
	bool moved; /* something was done: more may be due */
	int64_t wall, steady;
	bool trusted;
	struct spool_timed next;
	struct spool_filter *old; /* owned: what queue.longest ends */
	size_t old_n;
	int64_t longest_s;
	bool has_old;
	struct spool_filter *untold; /* owned: for want of room for a notice */
	size_t untold_n;
	size_t released;
};

static void release(struct life *l);
static void return_late(struct life *l);
static void return_old(struct life *l);
static void return_untold(struct life *l);
static void tell(struct life *l);
static void finish(struct life *l);

/* --- the look --- */

static void
add_old(struct life *l, const char *route)
{
	for (size_t i = 0; i < LIFE_STATES; i++)
		l->old[l->old_n++] = (struct spool_filter){.route = route,
			.has_state = true,
			.state = states[i],
			.arrived_before = l->steady - l->longest_s};
}

/* A customer's mail has its own lifetime. */
static void
find_old(struct life *l)
{
	const struct conf *conf = l->n->conf;

	free(l->old);
	l->old = NULL;
	l->old_n = 0;
	l->longest_s = conf->queue.longest_s;
	if (!l->longest_s || !l->trusted)
		return;
	l->old = xcalloc((conf->routes_n + 2) * LIFE_STATES, sizeof(*l->old));
	add_old(l, "local");
	add_old(l, POLICY_BATCH);
	for (size_t i = 0; i < conf->routes_n; i++)
		add_old(l, conf_route_name(&conf->routes[i]));
}

/* What failed while the disk was full, and was kept to be told. */
static enum err_code
find_untold(struct spool_txn *t, struct life *l, struct err *e)
{
	const struct spool_filter kept = {.has_state = true,
		.state = SPOOL_HELD,
		.has_reason = true,
		.reason = REASON_DISK};
	struct spool_cursor from = {0, 0};
	struct spool_row *rows = NULL;
	size_t n = 0;
	enum err_code rc =
		spool_list(t, &kept, &from, LIFE_BATCH, &rows, &n, e);

	free(l->untold);
	l->untold = xcalloc(n, sizeof(*l->untold));
	l->untold_n = 0;
	for (size_t i = 0; i < n && rc == OK; i++) {
		if (!settle_is_untold(&rows[i].d))
			continue;
		l->untold[l->untold_n] = kept;
		l->untold[l->untold_n].id = rows[i].d.message;
		l->untold[l->untold_n++].n = rows[i].d.n;
	}
	free(rows);
	return rc;
}

static enum err_code
look(struct spool_txn *t, void *arg, struct err *e)
{
	struct life *l = arg;
	enum err_code rc = spool_timed_next(t, &l->next, e);

	if (rc == OK)
		rc = find_untold(t, l, e);
	l->has_old = false;
	for (size_t i = 0; i < l->old_n && rc == OK && !l->has_old; i++) {
		struct spool_cursor from = {0, 0};
		struct spool_row *rows;
		size_t n;

		rc = spool_list(t, &l->old[i], &from, 1, &rows, &n, e);
		l->has_old = rc == OK && n;
		free(rows);
	}
	return rc;
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct life *l = arg;

	if (code != OK) {
		log_error("queue-unreadable", LOG_STR("why", e->text));
		l->next = (struct spool_timed){0};
		finish(l);
		return;
	}
	release(l);
}

void
life_look(struct life *l)
{
	if (l->n->stopping)
		return;
	l->again = l->running;
	if (l->running)
		return;
	l->running = true;
	l->moved = false;
	l->wall = clock_sane_s();
	l->steady = steady_now(l->n->steady);
	l->trusted = clock_trusted();
	find_old(l);
	spool_submit_read(l->n->spool, look, looked, l);
}

/* --- held by its sender --- */

static bool
is_due(int64_t at, int64_t now)
{
	return at && at <= now;
}

static enum err_code
write_release(struct spool_txn *t, void *arg, struct err *e)
{
	struct life *l = arg;

	return spool_timed_release(
		t, l->wall, l->steady, LIFE_BATCH, &l->released, e);
}

static void
set_going(struct life *l)
{
	const struct conf *conf = l->n->conf;

	dispatch_arrived(l->n->dispatch, "local");
	dispatch_arrived(l->n->dispatch, POLICY_BATCH);
	for (size_t i = 0; i < conf->routes_n; i++)
		dispatch_arrived(
			l->n->dispatch, conf_route_name(&conf->routes[i]));
}

static void
release_written(void *arg, enum err_code code, const struct err *e)
{
	struct life *l = arg;

	if (code != OK) {
		log_error("not-released", LOG_STR("why", e->text));
	} else if (l->released) {
		log_info(
			"released-in-time", LOG_INT("deliveries", l->released));
		l->moved = true;
		node_reroute_stale(l->n);
		set_going(l);
	}
	return_late(l);
}

static void
release(struct life *l)
{
	if (is_due(l->next.release_wall, l->wall) ||
		is_due(l->next.release_steady, l->steady))
		spool_submit(l->n->spool, write_release, release_written, l);
	else
		return_late(l);
}

/* --- returned --- */

static void
note_returned(struct life *l, enum err_code code, const struct err *e,
	size_t count, const char *event)
{
	if (code != OK)
		log_error("not-returned", LOG_STR("why", e->text));
	else if (count)
		log_warning(event, LOG_INT("deliveries", count));
	l->moved |= count > 0;
}

static void
late_returned(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct life *l = arg;

	note_returned(l, code, e, count, "too-late");
	return_old(l);
}

static void
return_late(struct life *l)
{
	struct spool_filter late = {.return_by = l->steady};

	if (!l->trusted || !is_due(l->next.return_at, l->steady) ||
		l->n->stopping) {
		return_old(l);
		return;
	}
	giveup(l->n, &(struct giveup_conf){.filters = &late,
			     .filters_n = 1,
			     .expired = true,
			     .text = LIFE_LATE_TEXT,
			     .done = late_returned,
			     .arg = l});
}

static void
old_returned(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct life *l = arg;

	note_returned(l, code, e, count, "too-old");
	return_untold(l);
}

static void
return_old(struct life *l)
{
	char text[200], duration[40];

	if (!l->has_old || l->n->stopping) {
		return_untold(l);
		return;
	}
	lifetime_words(l->longest_s, duration, sizeof(duration));
	snprintf(text, sizeof(text),
		"it could not be delivered in %s, the longest that mail waits "
		"here",
		duration);
	giveup(l->n, &(struct giveup_conf){.filters = l->old,
			     .filters_n = l->old_n,
			     .expired = true,
			     .text = text,
			     .done = old_returned,
			     .arg = l});
}

static void
untold_returned(
	void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct life *l = arg;

	note_returned(l, code, e, count, "told-at-last");
	tell(l);
}

/* If there is no room yet they stay as they are. */
static void
return_untold(struct life *l)
{
	if (!l->untold_n || l->n->stopping) {
		tell(l);
		return;
	}
	giveup(l->n, &(struct giveup_conf){.filters = l->untold,
			     .filters_n = l->untold_n,
			     .untold = true,
			     .text = "",
			     .done = untold_returned,
			     .arg = l});
}

/* --- told --- */

static void
warned(void *arg, size_t count)
{
	struct life *l = arg;

	l->moved |= count > 0;
	finish(l);
}

/* The first minutes of a start are given to the links. */
static bool
is_up_for(const struct life *l, int64_t after_s)
{
	uint64_t up_s = (clock_mono_ms() - l->n->started_ms) / 1000;

	return up_s >= LIFE_LOOK_MOST_S || (int64_t)up_s >= after_s;
}

static const enum spool_reason known_waits[] = {
	REASON_WINDOW, REASON_BUDGET, REASON_SIZE, REASON_PRIORITY};

enum { KNOWN_WAITS = sizeof(known_waits) / sizeof(known_waits[0]) };

/* Whatever it waits for. */
static size_t
add_long(const struct life *l, const char *route, struct spool_filter *f)
{
	for (size_t i = 0; i < LIFE_STATES; i++)
		f[i] = (struct spool_filter){.route = route,
			.has_state = true,
			.state = states[i],
			.unwarned = true,
			.arrived_before =
				l->steady - l->n->conf->queue.warn_after_s};
	return LIFE_STATES;
}

/* It is known already what for: a window, or another link. */
static size_t
add_known(const struct life *l, const char *route, struct spool_filter *f)
{
	for (size_t i = 0; i < KNOWN_WAITS; i++)
		f[i] = (struct spool_filter){.route = route,
			.has_state = true,
			.state = SPOOL_READY,
			.has_reason = true,
			.reason = known_waits[i],
			.unwarned = true,
			.arrived_before =
				l->steady - l->n->conf->queue.note_after_s};
	return KNOWN_WAITS;
}

/*
 * What waits for a link or a mailbox says why; a customer's mail waits for its
 * call.
 */
static void
warn(struct life *l)
{
	const struct conf *conf = l->n->conf;
	int64_t warn_s = conf->queue.warn_after_s,
		note_s = conf->queue.note_after_s;
	bool may = l->trusted && !l->n->stopping;
	struct spool_filter *f;
	size_t n = 0;

	f = xcalloc(
		conf->routes_n + 1, (LIFE_STATES + KNOWN_WAITS) * sizeof(*f));
	if (may && warn_s && is_up_for(l, warn_s))
		n += add_long(l, "local", f);
	for (size_t i = 0; may && i < conf->routes_n; i++) {
		const char *route = conf_route_name(&conf->routes[i]);

		if (warn_s && is_up_for(l, warn_s))
			n += add_long(l, route, &f[n]);
		if (note_s && is_up_for(l, note_s))
			n += add_known(l, route, &f[n]);
	}
	if (n)
		delay_tell(l->n, &(struct delay_conf){.filters = f,
					 .filters_n = n,
					 .done = warned,
					 .arg = l});
	else
		finish(l);
	free(f);
}

static void
late_told(void *arg, size_t count)
{
	struct life *l = arg;

	l->moved |= count > 0;
	warn(l);
}

static void
tell(struct life *l)
{
	struct spool_filter late = {.tell_by = l->steady};

	if (!l->trusted || !is_due(l->next.tell_at, l->steady) ||
		l->n->stopping) {
		warn(l);
		return;
	}
	delay_tell(l->n, &(struct delay_conf){.filters = &late,
				 .filters_n = 1,
				 .late = true,
				 .done = late_told,
				 .arg = l});
}

/* --- and then --- */

static void
sooner(int64_t *delay_s, int64_t at, int64_t now)
{
	int64_t in = at > now ? at - now : LIFE_AGAIN_S;

	if (at && in < *delay_s)
		*delay_s = in;
}

/* A short wait before a warning wants a closer look. */
static int64_t
look_every_s(const struct life *l)
{
	const int64_t waits[] = {
		l->n->conf->queue.warn_after_s, l->n->conf->queue.note_after_s};
	int64_t s = LIFE_LOOK_MOST_S;

	for (size_t i = 0; i < 2; i++)
		if (waits[i] && waits[i] / 4 < s)
			s = waits[i] < 4 ? 1 : waits[i] / 4;
	return s;
}

static void
finish(struct life *l)
{
	int64_t delay_s = look_every_s(l);

	l->running = false;
	if (l->n->stopping)
		return;
	if (l->again || l->moved) {
		life_look(l);
		return;
	}
	sooner(&delay_s, l->next.release_wall, l->wall);
	sooner(&delay_s, l->next.release_steady, l->steady);
	sooner(&delay_s, l->next.return_at, l->steady);
	sooner(&delay_s, l->next.tell_at, l->steady);
	loop_timer_set(l->timer, (uint64_t)delay_s * 1000 + 50);
}

static void
on_timer(void *arg)
{
	life_look(arg);
}

struct life *
life_new(struct node *n)
{
	struct life *l = xcalloc(1, sizeof(*l));

	l->n = n;
	l->timer = loop_timer_new(n->loop, on_timer, l);
	return l;
}

void
life_free(struct life *l)
{
	if (!l)
		return;
	loop_timer_free(l->timer);
	free(l->old);
	free(l->untold);
	free(l);
}
