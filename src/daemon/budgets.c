#include "daemon/budgets_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/history.h"
#include "daemon/leftover.h"
#include "daemon/links.h"
#include "daemon/services.h"
#include "outlook/budget.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUDGETS_TICK_MS = 1000,
	BUDGETS_IDLE_MS = 30000, /* while a new day may free a link */
	BUDGETS_TICK_MIN_MS = 20,
	BUDGETS_FAST_BPS = 1000000, /* where its speed is not known */
	/* The least a message takes on the wire. */
	BUDGETS_LEAST_OCTETS = 1000,
};

static void on_timer(void *arg);

struct budget_time
budgets_now(void)
{
	return (struct budget_time){clock_sane_s(), clock_mono_ms()};
}

struct budgets_entry *
budgets_find(const struct budgets *b, const char *link)
{
	for (size_t i = 0; link && i < b->count; i++)
		if (strcmp(b->v[i]->name, link) == 0)
			return b->v[i];
	return NULL;
}

/* --- the link is told --- */

/* Not an octet more: they do not wait for the far side to close. */
static void
cut_sessions(struct budgets *b, const struct budgets_entry *en)
{
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, en->name) == 0)
			s->cut = true;
	}
}

static void
tell(struct budgets *b, struct budgets_entry *en, enum budgets_told told,
	const char *why)
{
	static const char *const events[] = {
		"budget-free", "budget-reached", "budget-spent"};

	if (en->told == told)
		return;
	if (told == TOLD_SPENT)
		cut_sessions(b, en);
	if (told == TOLD_FREE)
		leftover_clear(b->n);
	en->told = told;
	en->why = told == TOLD_FREE ? "" : why;
	log_info(events[told], LOG_STR("link", en->name),
		LOG_STR("why", en->why));
	links_budget(b->n->links, en->name,
		told == TOLD_FREE      ? LINK_EV_BUDGET_FREE
		: told == TOLD_REACHED ? LINK_EV_BUDGET_REACHED
				       : LINK_EV_BUDGET_SPENT,
		en->why);
}

/* More became possible: a new day, another configuration, or a person. */
static void
look_for_more(struct budgets *b, struct budgets_entry *en)
{
	uint64_t was = en->room;

	en->room = budgets_room(b, en, BUDGETS_MOST_URGENT, 0);
	if (en->room > was && en->told == TOLD_FREE)
		links_more_room(b->n->links, en->name);
}

static bool
has_session(const struct budgets *b, const struct budgets_entry *en)
{
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, en->name) == 0)
			return true;
	}
	return false;
}

void
budgets_look(struct budgets *b, struct budgets_entry *en)
{
	const struct speed *speed = speeds_of(b->n->speeds, en->name);
	struct budget_time now = budgets_now();
	struct budget_need least = {
		.bytes = en->over ? BUDGETS_TAKING_OCTETS *
					    budgets_sessions(b, en)
				  : BUDGETS_LEAST_OCTETS,
		.bps = speed_bps(speed),
		.rtt_ms = speed_rtt_ms(speed),
		.priority = BUDGETS_MOST_URGENT};
	struct budget_why why;

	budget_charge(&en->budget, 0, now);
	if (en->in_use && (budget_is_spent(&en->budget, now, &why) ||
				  (en->over && !budget_may_begin(&en->budget,
						       &least, now, &why)))) {
		tell(b, en, TOLD_SPENT, budget_why_text(why));
	} else if (!budget_may_begin(&en->budget, &least, now, &why)) {
		/* a session ends by itself when it finds nothing that fits */
		if (en->told == TOLD_FREE && !has_session(b, en))
			tell(b, en, TOLD_REACHED, budget_why_text(why));
	} else {
		tell(b, en, TOLD_FREE, "");
	}
	en->over = false;
	look_for_more(b, en);
}

/* --- using --- */

static void
begin(struct budgets *b, struct budgets_entry *en)
{
	if (en->was.starts_at) {
		en->room = budgets_room(b, en, BUDGETS_MOST_URGENT, 0);
		budget_resume(&en->budget, &en->was, budgets_unsaved_most(en),
			budgets_now());
		en->billed = en->was.used.cost;
		en->was.starts_at = 0;
	} else {
		budget_begin(&en->budget, budgets_now());
		en->billed = 0;
	}
	budgets_save(b, en, NULL);
}

/* The line that a session of an earlier start used is not there any more. */
static void
end_earlier(struct budgets *b, struct budgets_entry *en)
{
	struct budget_row was = en->was;
	struct budget_time then = budgets_now();

	then.wall_s = was.starts_at + was.used.seconds + BUDGET_SAVE_EVERY_S;
	budget_resume(&en->budget, &was, BUDGETS_SAVE_OCTETS, then);
	budget_end(&en->budget, then);
	en->was.starts_at = 0;
	budgets_save(b, en, &was);
}

static void
end(struct budgets *b, struct budgets_entry *en)
{
	struct budget_row over;

	budget_end(&en->budget, budgets_now());
	over = en->budget.session;
	history_line(b->n, en->name, over.used.cost - en->billed);
	budgets_save(b, en, &over);
}

/* What it may reach at times. */
static uint64_t
fastest(const struct budgets *b, const struct budgets_entry *en)
{
	const struct speed *speed = speeds_of(b->n->speeds, en->name);

	return speed_is_known(speed) ? 2 * speed_bps(speed) : BUDGETS_FAST_BPS;
}

void
budgets_set_timer(struct budgets *b)
{
	uint64_t wait = UINT64_MAX;

	for (size_t i = 0; i < b->count; i++) {
		struct budgets_entry *en = b->v[i];
		int64_t cap;

		if (!en->limited)
			continue;
		if (wait > BUDGETS_IDLE_MS && (en->in_use || en->told))
			wait = BUDGETS_IDLE_MS;
		if (!en->in_use)
			continue;
		cap = budget_until_cap_ms(
			&en->budget, fastest(b, en), budgets_now());
		if (wait > BUDGETS_TICK_MS)
			wait = BUDGETS_TICK_MS;
		if (en->told != TOLD_SPENT && cap < (int64_t)wait)
			wait = cap > BUDGETS_TICK_MIN_MS ? (uint64_t)cap
							 : BUDGETS_TICK_MIN_MS;
	}
	if (wait == UINT64_MAX)
		loop_timer_clear(b->timer);
	else
		loop_timer_set(b->timer, wait);
}

void
budgets_use(struct budgets *b, const char *link, bool in_use)
{
	struct budgets_entry *en = budgets_find(b, link);

	if (!en || !en->limited)
		return;
	if (!in_use && en->was.starts_at)
		end_earlier(b, en);
	if (en->in_use == in_use)
		return;
	en->in_use = in_use;
	if (in_use)
		begin(b, en);
	else
		end(b, en);
	loop_timer_set(b->timer, 0);
}

/*
 * What moved since the last look: a TLS record may take long, and not each
 * octet is told of.
 */
static void
charge_sessions(struct budgets *b, const struct budgets_entry *en)
{
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (s->stream && strcmp(s->link, en->name) == 0)
			budgets_moved(b, s);
	}
}

static void
on_timer(void *arg)
{
	struct budgets *b = arg;

	for (size_t i = 0; i < b->count; i++) {
		struct budgets_entry *en = b->v[i];

		if (!en->limited)
			continue;
		charge_sessions(b, en);
		budgets_look(b, en);
		budgets_save_if_due(b, en);
	}
	services_window(b->n->services, budgets_least_window(b));
	budgets_set_timer(b);
}

/* --- making --- */
static void
configure(struct budgets_entry *en, const struct conf_link *cl)
{
	struct budget_conf c = outlook_budget_conf(cl);

	budget_configure(&en->budget, &c);
	en->limited = outlook_has_budget(cl);
}

static struct budgets_entry *
new_entry(const struct conf_link *cl)
{
	struct budgets_entry *en = xcalloc(1, sizeof(*en));
	struct budget_conf c = outlook_budget_conf(cl);

	str_copyz(en->name, sizeof(en->name), cl->name);
	budget_init(&en->budget, &c);
	configure(en, cl);
	en->why = "";
	return en;
}

static void
free_entry(struct budgets_entry *en)
{
	budget_free(&en->budget);
	free(en);
}

enum err_code
budgets_new(struct node *n, struct budgets **budgets_r, struct err *e)
{
	struct budgets *b = xcalloc(1, sizeof(*b));
	const struct conf *conf = n->conf;
	enum err_code rc;

	b->n = n;
	b->count = conf->links_n;
	b->v = xcalloc(b->count, sizeof(*b->v));
	for (size_t i = 0; i < b->count; i++)
		b->v[i] = new_entry(&conf->links[i]);
	list_init(&b->tails);
	b->timer = loop_timer_new(n->loop, on_timer, b);
	loop_timer_set(b->timer, 0);
	rc = budgets_load(b, e);
	*budgets_r = b;
	return rc;
}

void
budgets_reload(struct budgets *b)
{
	const struct conf *conf = b->n->conf;
	struct budgets_entry **old = b->v;
	size_t old_n = b->count;

	b->count = conf->links_n;
	b->v = xcalloc(b->count, sizeof(*b->v));
	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < old_n; k++)
			if (old[k] && strcmp(old[k]->name,
					      conf->links[i].name) == 0) {
				b->v[i] = old[k];
				old[k] = NULL;
			}
	for (size_t i = 0; i < b->count; i++)
		if (b->v[i])
			configure(b->v[i], &conf->links[i]);
		else
			b->v[i] = new_entry(&conf->links[i]);
	for (size_t k = 0; k < old_n; k++)
		if (old[k])
			free_entry(old[k]);
	free(old);
	loop_timer_set(b->timer, 0);
}

/* The rows of sessions stay: the links may be up while nobody runs. */
void
budgets_stop(struct budgets *b)
{
	loop_timer_clear(b->timer);
	for (size_t i = 0; i < b->count; i++) {
		budget_charge(&b->v[i]->budget, 0, budgets_now());
		budgets_save(b, b->v[i], NULL);
	}
}

void
budgets_free(struct budgets *b)
{
	if (!b)
		return;
	budgets_leave_tails(b);
	for (size_t i = 0; i < b->count; i++)
		free_entry(b->v[i]);
	free(b->v);
	loop_timer_free(b->timer);
	free(b);
}
