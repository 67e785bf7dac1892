#include "daemon/links.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/dispatch.h"
#include "daemon/links_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_timer(void *arg);
static void set_timer(struct links *l);

/* --- the record in the spool --- */

static void
read_boot(char *out, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(out, (int)size, f))
		str_copyz(out, size, "unknown");
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

struct link_save {
	struct link_run *r;
	struct spool_link row;
	bool dial; /* dial.up runs when it is on the disk */
};

static enum err_code
write_link(struct spool_txn *t, void *arg, struct err *e)
{
	struct link_save *j = arg;

	return spool_link_put(t, &j->row, e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct link_save *j = arg;

	if (code != OK)
		log_error("link-not-recorded", LOG_STR("why", e->text));
	if (j->dial && !j->r->l->n->stopping)
		links_dial_saved(j->r, code, e);
	free(j);
}

static void
save(struct link_run *r, bool dial)
{
	struct link_save *j = xcalloc(1, sizeof(*j));
	struct link_record record = link_record(&r->machine);

	r->row.up = record.up;
	r->row.disabled = record.disabled;
	r->row.dialed = record.dialed;
	r->row.stuck = record.stuck;
	if (dial)
		r->row.called_at = clock_wall_s();
	str_copyz(r->row.boot, sizeof(r->row.boot), r->l->boot);
	j->r = r;
	j->row = r->row;
	j->dial = r->dial_waits = dial;
	spool_submit(r->l->n->spool, write_link, written, j);
}

/* --- making --- */

struct load_job {
	struct spool_link *rows;
	bool *found;
	const struct conf *conf;
};

static enum err_code
read_links(struct spool_txn *t, void *arg, struct err *e)
{
	struct load_job *j = arg;

	for (size_t i = 0; i < j->conf->links_n; i++) {
		enum err_code rc = spool_link_get(
			t, j->conf->links[i].name, &j->rows[i], e);

		if (rc != OK && rc != ERR_NOTFOUND)
			return rc;
		j->found[i] = rc == OK;
	}
	return OK;
}

static struct link_run *
new_run(struct links *l, const struct conf_link *conf)
{
	struct link_run *r = xcalloc(1, sizeof(*r));

	list_init(&r->waits);
	r->l = l;
	r->conf = conf;
	r->row.since = clock_wall_s();
	str_copyz(r->row.name, sizeof(r->row.name), conf->name);
	return r;
}

static void obey(struct link_run *r, unsigned commands);

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

/* What is up is begun with when the daemon looks at all its mail. */
static void
begin_run(struct link_run *r, size_t i)
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
	obey(r, commands & ~(unsigned)(LINK_DO_START | LINK_DO_AGAIN));
	links_auto_configure(r);
	links_auto_mend(r, true);
	links_watch_configure(r);
}

static enum err_code
load(struct links *l, struct err *e)
{
	struct conf *conf = l->n->conf;
	size_t n = conf->links_n;
	struct load_job j = {
		.rows = xcalloc(n, sizeof(struct spool_link)),
		.found = xcalloc(n, sizeof(bool)),
		.conf = conf,
	};
	enum err_code rc = spool_read(l->n->spool, read_links, &j, e);

	if (rc == OK) {
		l->v = xcalloc(n, sizeof(*l->v));
		for (size_t i = 0; i < n; i++) {
			l->v[i] = new_run(l, &conf->links[i]);
			if (j.found[i])
				l->v[i]->row = j.rows[i];
		}
		l->count = n;
	}
	free(j.rows);
	free(j.found);
	return rc;
}

enum err_code
links_new(struct node *n, struct links **links_r, struct err *e)
{
	struct links *l = xcalloc(1, sizeof(*l));
	enum err_code rc;

	l->n = n;
	l->timer = loop_timer_new(n->loop, on_timer, l);
	read_boot(l->boot, sizeof(l->boot));
	rc = load(l, e);
	if (rc == OK) {
		/* the parts of the daemon that are told reach them by it */
		*links_r = l;
		for (size_t i = 0; i < l->count; i++)
			begin_run(l->v[i], i);
		set_timer(l);
		links_auto_begin(l);
		links_explain(l);
	} else {
		links_free(l);
	}
	return rc;
}

/* --- events --- */

struct link_run *
links_find(struct links *l, const char *name)
{
	for (size_t i = 0; name && i < l->count; i++)
		if (strcmp(l->v[i]->row.name, name) == 0)
			return l->v[i];
	return NULL;
}

static void
tell_rest(struct link_run *r)
{
	log_info("link-idle", LOG_STR("link", r->row.name),
		LOG_INT("code", r->worst), LOG_STR("text", r->worst_text));
	links_end_waits(r, r->worst,
		r->worst ? r->worst_text
			 : "everything that may use this link has moved");
}

static void
begin(struct link_run *r)
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
}

static void
record(struct link_run *r, bool dial)
{
	r->row.since = clock_wall_s();
	save(r, dial);
	links_explain(r->l);
	log_info("link", LOG_STR("link", r->row.name),
		LOG_STR("state", link_state_name(&r->machine)));
}

static void
tell_stuck(const struct link_run *r)
{
	log_warning("stuck", LOG_STR("link", r->row.name),
		LOG_STR("text",
			link_why_text(link_why(&r->machine, clock_mono_ms()))),
		LOG_STR("why", r->worst_text[0] ? r->worst_text : r->trouble));
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
		tell_rest(r);
	if (commands & LINK_DO_STOP)
		stop(r);
	if (commands & LINK_DO_HANG_UP)
		links_dial_hang_up(r);
	if (commands & (LINK_DO_START | LINK_DO_AGAIN))
		begin(r);
	if (commands & LINK_DO_STUCK)
		tell_stuck(r);
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

static bool
is_at_rest(const struct link_run *r)
{
	return r->machine.state.now == LINK_DOWN ||
	       r->machine.state.now == LINK_FAILED ||
	       r->machine.state.now == LINK_DISABLED;
}

static void quit_if_closed(struct links *l);

void
links_event(struct link_run *r, enum link_event ev)
{
	int before = (int)r->machine.state.now;
	unsigned commands = link_event(&r->machine, ev, clock_mono_ms());

	if (before == LINK_DIALING && r->machine.state.now == LINK_HANGING_UP &&
		r->machine.failed)
		tell_failed_call(r, ev == LINK_EV_TICK);
	tell_used(r);
	obey(r, commands);
	links_dial_tidy(r);
	if ((int)r->machine.state.now != before && is_at_rest(r))
		links_end_waits(r, 12, "the link was taken down");
	links_look_for_better(r->l);
	set_timer(r->l);
	if ((int)r->machine.state.now != before)
		links_auto_soon(r->l);
	quit_if_closed(r->l);
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
	set_timer(l);
}

static void
set_timer(struct links *l)
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

void
links_configure(struct link_run *r, const struct conf_link *conf)
{
	struct link_conf c;

	r->conf = conf;
	c = links_dial_conf(r);
	obey(r, link_configure(&r->machine, &c));
	links_auto_configure(r);
	links_watch_configure(r);
}

static enum err_code
find_or_say(
	struct links *l, const char *name, struct link_run **r_r, struct err *e)
{
	struct buf known;

	*r_r = links_find(l, name);
	if (*r_r)
		return OK;
	buf_init(&known, 0);
	for (size_t i = 0; i < l->count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", l->v[i]->row.name);
	err_set(e, ERR_NOTFOUND,
		"no link \"%s\" in the configuration; there is %.300s",
		name ? name : "", known.len ? buf_z(&known) : "none");
	buf_free(&known);
	return ERR_NOTFOUND;
}

enum err_code
links_up(struct links *l, const char *name, const char *interface,
	const char *address, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	str_copyz(r->row.interface, sizeof(r->row.interface), interface);
	str_copyz(r->row.address, sizeof(r->row.address), address);
	links_event(r, LINK_EV_UP);
	if (!list_empty(&r->waits))
		links_event(r, LINK_EV_WAITED);
	if (r->machine.blocks & LINK_BLOCK_BUDGET)
		links_end_waits(
			r, EXCHANGE_BUDGET, budgets_why(l->n->budgets, name));
	return OK;
}

enum err_code
links_down(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		links_event(r, LINK_EV_DOWN);
	return rc;
}

enum err_code
links_disable(
	struct links *l, const char *name, const char *reason, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	str_copyz(r->row.reason, sizeof(r->row.reason), reason);
	links_event(r, LINK_EV_DISABLE);
	return OK;
}

enum err_code
links_enable(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	r->row.reason[0] = '\0';
	if (r->machine.stuck)
		links_configure(r, r->conf);
	links_event(r, LINK_EV_ENABLE);
	return OK;
}

/* What keeps even a person from calling. */
static enum err_code
may_be_called(struct link_run *r, struct err *e)
{
	if (r->machine.disabled)
		return err_set(
			e, ERR_BUSY, "the link is disabled: enable it first");
	if (is_at_rest(r) && !r->machine.conf.dials)
		return err_set(e, ERR_CONFIG,
			"link %s has no dial.up in the configuration: nothing "
			"can call it; tell with link up that it is there",
			r->row.name);
	if (r->machine.blocks & LINK_BLOCK_BUDGET) {
		links_end_waits(r, 11, link_why_text(LINK_WHY_BUDGET));
		return err_set(
			e, ERR_BUSY, "%s", link_why_text(LINK_WHY_BUDGET));
	}
	return OK;
}

enum err_code
links_call(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		rc = may_be_called(r, e);
	if (rc != OK)
		return rc;
	links_event(r, LINK_EV_CALL);
	if (!list_empty(&r->waits))
		links_event(r, LINK_EV_WAITED);
	return OK;
}

enum err_code
links_hangup(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		links_event(r, LINK_EV_HANGUP);
	return rc;
}

bool
links_way_at(
	struct links *l, const char *peer, size_t i, struct link_way *way_r)
{
	const struct conf_link *cl = NULL;
	bool named = false;

	*way_r = (struct link_way){NULL, NULL, NULL};
	while ((cl = links_next_cheapest(l->n->conf, peer, cl)) != NULL) {
		struct link_run *r = links_find(l, cl->name);

		named = true;
		if (!r || !link_is_usable(&r->machine) || i-- > 0)
			continue;
		way_r->link = r->row.name;
		way_r->interface =
			r->row.interface[0] ? r->row.interface : cl->interface;
		way_r->address = r->row.address;
		return true;
	}
	return !named && i == 0;
}

bool
links_way_to(struct links *l, const char *peer, struct link_way *way_r)
{
	return links_way_at(l, peer, 0, way_r);
}

void
links_budget(
	struct links *l, const char *name, enum link_event ev, const char *why)
{
	struct link_run *r = links_find(l, name);

	if (!r)
		return;
	if (ev != LINK_EV_BUDGET_FREE)
		links_end_waits(r, EXCHANGE_BUDGET, why);
	links_event(r, ev);
	links_explain(l);
}

void
links_more_room(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	if (r && link_is_usable(&r->machine))
		dispatch_link_up(l->n->dispatch, name);
}

void
links_again(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	if (r && link_is_usable(&r->machine))
		begin(r);
}

bool
links_exists(struct links *l, const char *name)
{
	return links_find(l, name) != NULL;
}

bool
links_is_usable(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	return r && link_is_usable(&r->machine);
}

bool
links_is_disabled(struct links *l, const char *name)
{
	struct link_run *r = links_find(l, name);

	return r && link_record(&r->machine).disabled;
}

void
links_connected(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (r)
		links_event(r, LINK_EV_CONNECTED);
}

void
links_working(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (r)
		links_event(r, LINK_EV_WORK);
}

/* Which of two results a script is told (the interface's order). */
static bool
is_worse(int a, int b)
{
	static const int order[] = {15, 12, 11, 14, 13, 10, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (order[i] == b)
			return false;
		if (order[i] == a)
			return true;
	}
	return false;
}

void
links_peer_result(
	struct links *l, const char *link, const struct exchange_result *result)
{
	struct link_run *r = links_find(l, link);

	/* While it is dialled these are tries, which count nowhere. */
	if (!r || r->machine.state.now == LINK_DIALING)
		return;
	if (result->code == EXCHANGE_OK)
		r->row.verified = true;
	if (!is_worse((int)result->code, r->worst))
		return;
	r->worst = (int)result->code;
	str_copyz(r->worst_text, sizeof(r->worst_text), result->text);
	links_look_for_better(l);
}

/* Once for each use: two bad ones in a row, and it is called no more. */
static void
tell_result(struct link_run *r)
{
	if (!r->machine.running ||
		(r->machine.state.now != LINK_UP &&
			r->machine.state.now != LINK_EXCHANGING))
		return;
	if (r->worst == EXCHANGE_UNREACHABLE ||
		r->worst == EXCHANGE_NOT_TRUSTED)
		links_event(r, LINK_EV_RESULT_BAD);
	else if (r->worst == EXCHANGE_OK || r->worst == EXCHANGE_LEFT) {
		r->chance_at = r->row.called_at;
		links_event(r, LINK_EV_RESULT_GOOD);
	}
}

void
links_resting(struct links *l, const char *link)
{
	struct link_run *r = links_find(l, link);

	if (!r)
		return;
	if (r->machine.state.now == LINK_IDLE) {
		tell_rest(r);
		return;
	}
	tell_result(r);
	links_event(r, LINK_EV_NO_WORK);
}

/* --- reload and end --- */

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
		l->v[i] = r ? r : new_run(l, cl);
		l->count = i + 1;
		if (r)
			links_configure(r, cl);
		else
			begin_run(l->v[i], i);
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
	set_timer(l);
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

static void
quit_if_closed(struct links *l)
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
	quit_if_closed(l);
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
	loop_timer_free(l->timer);
	loop_timer_free(l->auto_timer);
	free(l);
}
