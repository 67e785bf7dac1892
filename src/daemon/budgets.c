#include "daemon/budgets.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/history.h"
#include "daemon/leftover.h"
#include "daemon/links.h"
#include "link/octets.h"
#include "link/speed.h"
#include "net/segments.h"
#include "outlook/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUDGETS_TICK_MS = 1000,
	BUDGETS_IDLE_MS = 30000, /* while a new day may free a link */
	BUDGETS_TICK_MIN_MS = 20,
	BUDGETS_FAST_BPS = 1000000, /* where its speed is not known */
	/* Octets that may move before the rows are saved, beside the time. */
	BUDGETS_SAVE_OCTETS = 32768,
	BUDGETS_SAVE_PART = 16, /* or this part of what is left */
	/* What may come before we can stop who sends, as the window is least.
	 */
	BUDGETS_TAKING_OCTETS = 3072,
	/*
	 * The part of what is left that may be under way to us; above MOST as
	 * much as the system likes.
	 */
	BUDGETS_WINDOW_PART = 8,
	BUDGETS_WINDOW_LEAST = 1024,
	BUDGETS_WINDOW_MOST = 512 * 1024,
	/* The least a message takes on the wire. */
	BUDGETS_LEAST_OCTETS = 1000,
	BUDGETS_SENDER_OCTETS = 60,
	BUDGETS_RECIPIENT_OCTETS = 60,
	BUDGETS_AUTH_OCTETS = 200,
	BUDGETS_MOST_URGENT = 9,
	/* Beyond this nothing is limited. */
	BUDGETS_ROOM_BITS = 40,
};

enum told { TOLD_FREE, TOLD_REACHED, TOLD_SPENT };

struct entry {
	char name[SPOOL_NAME_MAX + 1];
	struct budget budget;
	struct speed speed;
	struct budget_row was; /* a session found at start; starts_at 0: none */
	bool limited;	       /* or paid */
	bool in_use;
	bool over; /* somebody sends, and more than is left may come */
	enum told told;
	const char *why;
	uint64_t room; /* at the last look */
	uint64_t saved_ms, unsaved;
	double billed;
	/* for the speed */
	uint64_t acked, acked_ms;
};

struct budgets {
	struct node *n;
	struct entry **v;
	size_t count;
	struct loop_timer *timer;
};

static void on_timer(void *arg);

static struct budget_time
now_both(void)
{
	return (struct budget_time){clock_sane_s(), clock_mono_ms()};
}

static struct entry *
find(const struct budgets *b, const char *link)
{
	for (size_t i = 0; link && i < b->count; i++)
		if (strcmp(b->v[i]->name, link) == 0)
			return b->v[i];
	return NULL;
}

/* --- the rows in the spool --- */

struct save {
	struct spool_budget *rows; /* owned */
	size_t n;
	struct spool_budget over; /* a session that ended; link "": none */
};

static enum err_code
write_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct save *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < j->n && rc == OK; i++)
		rc = spool_budget_put(t, &j->rows[i], e);
	if (rc == OK && j->over.link[0])
		rc = spool_budget_remove(t, &j->over, e);
	return rc;
}

static void
rows_written(void *arg, enum err_code code, const struct err *e)
{
	struct save *j = arg;

	if (code != OK)
		log_error("budget-not-recorded", LOG_STR("why", e->text));
	free(j->rows);
	free(j);
}

static void
save(struct budgets *b, struct entry *en, const struct budget_row *over)
{
	struct save *j = xcalloc(1, sizeof(*j));
	struct budget_row row;

	while (budget_dirty(&en->budget, &row)) {
		j->rows = xrealloc(j->rows, (j->n + 1) * sizeof(*j->rows));
		outlook_budget_store(en->name, &row, &j->rows[j->n++]);
	}
	if (over)
		outlook_budget_store(en->name, over, &j->over);
	en->saved_ms = clock_mono_ms();
	en->unsaved = 0;
	spool_submit(b->n->spool, write_rows, rows_written, j);
}

/* What may have moved since the rows were saved. */
static uint64_t
unsaved_most(const struct entry *en)
{
	uint64_t part = en->room / BUDGETS_SAVE_PART;

	return part < BUDGETS_SAVE_OCTETS ? part : BUDGETS_SAVE_OCTETS;
}

static void
save_if_due(struct budgets *b, struct entry *en)
{
	if (en->unsaved >= unsaved_most(en) + BUDGET_STOP_OCTETS ||
		clock_mono_ms() - en->saved_ms >=
			(uint64_t)BUDGET_SAVE_EVERY_S * 1000)
		save(b, en, NULL);
}

/* --- what still fits --- */

uint64_t
budgets_connection(const struct conf_peer *peer)
{
	uint64_t sent = BUDGETS_AUTH_OCTETS, received = BUDGETS_AUTH_OCTETS;

	received += OCTETS_GREETING + OCTETS_EHLO_REPLY;
	if (peer->tls != TLS_NONE) {
		sent += OCTETS_TLS_FULL_SENT;
		received += OCTETS_TLS_FULL_RECEIVED + OCTETS_EHLO_REPLY;
	}
	return OCTETS_TCP_SENT + OCTETS_TCP_RECEIVED + octets_wire(sent, true) +
	       octets_wire(received, true);
}

uint64_t
budgets_mail_octets(uint64_t size)
{
	struct octets_mail m = {.sender = BUDGETS_SENDER_OCTETS,
		.recipients = BUDGETS_RECIPIENT_OCTETS,
		.recipients_n = 1,
		.size = size,
		.has_size = true,
		.has_body = true,
		.has_priority = true,
		.reset = true};

	return octets_wire(octets_mail_sent(&m), true) +
	       octets_wire(octets_mail_received(&m), true);
}

/* The last number below 2^BITS for which FITS; 0 where none does. */
static uint64_t
largest(bool (*fits)(const void *arg, uint64_t n), const void *arg)
{
	uint64_t n = 0;

	for (unsigned bit = BUDGETS_ROOM_BITS; bit--;)
		if (fits(arg, n | (UINT64_C(1) << bit)))
			n |= UINT64_C(1) << bit;
	return n;
}

static bool
size_fits(const void *arg, uint64_t size)
{
	return budgets_mail_octets(size) <= *(const uint64_t *)arg;
}

uint64_t
budgets_mail_fit(uint64_t octets)
{
	return largest(size_fits, &octets);
}

struct ask {
	const struct entry *en;
	uint64_t besides;
	int priority;
	struct budget_time now;
};

static bool
octets_fit(const void *arg, uint64_t octets)
{
	const struct ask *a = arg;
	struct budget_need need = {
		.bytes = octets + a->besides,
		.bps = speed_bps(&a->en->speed),
		.rtt_ms = speed_rtt_ms(&a->en->speed),
		.priority = a->priority,
	};
	struct budget_why why;

	return budget_may_begin(&a->en->budget, &need, a->now, &why);
}

static uint64_t
room(const struct entry *en, int priority, uint64_t besides)
{
	struct ask a = {en, besides, priority, now_both()};

	return largest(octets_fit, &a);
}

struct spool_limits
budgets_limits(struct budgets *b, const char *link, uint64_t besides)
{
	const struct conf_link *cl = link ? conf_link(b->n->conf, link) : NULL;
	struct entry *en = find(b, link);
	struct spool_limits l = {.has_min_priority = false};

	if (!cl)
		return l;
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, link) == 0)
			besides += s->pending;
	}
	l.has_min_priority = cl->has_min_priority;
	l.min_priority = cl->min_priority;
	l.max_size = cl->max_size;
	l.urgent_from = cl->reserve_min_priority;
	if (!en || !en->limited)
		return l;
	l.has_room = true;
	l.urgent_room = budgets_mail_fit(room(en, l.urgent_from, besides));
	l.room =
		cl->reserve.time_s
			? budgets_mail_fit(room(en, l.urgent_from - 1, besides))
			: l.urgent_room;
	return l;
}

/* --- the link is told --- */

/* Not an octet more: they do not wait for the far side to close. */
static void
cut_sessions(struct budgets *b, const struct entry *en)
{
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, en->name) == 0)
			s->cut = true;
	}
}

static void
tell(struct budgets *b, struct entry *en, enum told told, const char *why)
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
look_for_more(struct budgets *b, struct entry *en)
{
	uint64_t was = en->room;

	en->room = room(en, BUDGETS_MOST_URGENT, 0);
	if (en->room > was && en->told == TOLD_FREE)
		links_more_room(b->n->links, en->name);
}

static bool
has_session(const struct budgets *b, const struct entry *en)
{
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, en->name) == 0)
			return true;
	}
	return false;
}

static void
look(struct budgets *b, struct entry *en)
{
	struct budget_time now = now_both();
	struct budget_need least = {.bytes = en->over ? BUDGETS_TAKING_OCTETS
						      : BUDGETS_LEAST_OCTETS,
		.bps = speed_bps(&en->speed),
		.rtt_ms = speed_rtt_ms(&en->speed),
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
begin(struct budgets *b, struct entry *en)
{
	if (en->was.starts_at) {
		en->room = room(en, BUDGETS_MOST_URGENT, 0);
		budget_resume(
			&en->budget, &en->was, unsaved_most(en), now_both());
		en->billed = en->was.used.cost;
		en->was.starts_at = 0;
	} else {
		budget_begin(&en->budget, now_both());
		en->billed = 0;
	}
	save(b, en, NULL);
}

/* The line that a session of an earlier start used is not there any more. */
static void
end_earlier(struct budgets *b, struct entry *en)
{
	struct budget_row was = en->was;
	struct budget_time then = now_both();

	then.wall_s = was.starts_at + was.used.seconds + BUDGET_SAVE_EVERY_S;
	budget_resume(&en->budget, &was, BUDGETS_SAVE_OCTETS, then);
	budget_end(&en->budget, then);
	en->was.starts_at = 0;
	save(b, en, &was);
}

static void
end(struct budgets *b, struct entry *en)
{
	struct budget_row over;

	budget_end(&en->budget, now_both());
	over = en->budget.session;
	history_line(b->n, en->name, over.used.cost - en->billed);
	save(b, en, &over);
}

/* What it may reach at times. */
static uint64_t
fastest(const struct entry *en)
{
	return speed_is_known(&en->speed) ? 2 * speed_bps(&en->speed)
					  : BUDGETS_FAST_BPS;
}

static void
set_timer(struct budgets *b)
{
	uint64_t wait = UINT64_MAX;

	for (size_t i = 0; i < b->count; i++) {
		struct entry *en = b->v[i];
		int64_t cap;

		if (!en->limited)
			continue;
		if (wait > BUDGETS_IDLE_MS && (en->in_use || en->told))
			wait = BUDGETS_IDLE_MS;
		if (!en->in_use)
			continue;
		cap = budget_until_cap_ms(&en->budget, fastest(en), now_both());
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
	struct entry *en = find(b, link);

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

/* --- charging --- */

/*
 * On the wire: heads as the kernel counted them, at the least those that a link
 * with ordinary segments would have.
 */
static uint64_t
octets_of(const struct session *s)
{
	struct stream_counts c = stream_counts(s->stream);
	struct segments seg = segments_of(stream_fd(s->stream));
	uint64_t text = c.sent + c.received + seg.again;
	uint64_t heads = seg.count * OCTETS_SEGMENT;
	uint64_t least = octets_wire(c.sent, false) +
			 octets_wire(c.received, false) - c.sent - c.received;

	return text + (heads > least ? heads : least) + OCTETS_TCP_SENT +
	       OCTETS_TCP_RECEIVED;
}

uint32_t
budgets_window(struct budgets *b, const char *link)
{
	struct entry *en = find(b, link);
	uint64_t part;

	if (!en || !en->limited)
		return 0;
	part = room(en, BUDGETS_MOST_URGENT, 0) / BUDGETS_WINDOW_PART;
	if (part >= BUDGETS_WINDOW_MOST)
		return 0;
	return part > BUDGETS_WINDOW_LEAST ? (uint32_t)part
					   : BUDGETS_WINDOW_LEAST;
}

static bool
must_stop(const struct entry *en, const struct session *s)
{
	struct budget_need need = {.bytes = BUDGETS_TAKING_OCTETS,
		.bps = UINT32_MAX,
		.priority = BUDGETS_MOST_URGENT};
	struct budget_why why;

	if (budget_is_spent(&en->budget, now_both(), &why))
		return true;
	return s->taking &&
	       !budget_may_begin(&en->budget, &need, now_both(), &why);
}

void
budgets_moved(struct budgets *b, struct session *s)
{
	struct entry *en = s->link[0] && s->stream ? find(b, s->link) : NULL;
	uint64_t octets;
	uint32_t window;

	if (!en || !en->limited)
		return;
	octets = octets_of(s);
	if (octets <= s->charged)
		return;
	budget_charge(&en->budget, octets - s->charged, now_both());
	en->unsaved += octets - s->charged;
	s->charged = octets;
	window = budgets_window(b, s->link);
	if (window) {
		segments_window(stream_fd(s->stream), window);
		stream_read_sparingly(s->stream);
	}
	if (s->closed)
		save(b, en, NULL);
	else
		save_if_due(b, en);
	if (en->told != TOLD_SPENT && must_stop(en, s)) {
		stream_read_enable(s->stream, false);
		en->over = true;
		loop_timer_set(b->timer, 0); /* not from inside a session */
	}
}

/*
 * What moved since the last look, while something was always to move. A TLS
 * record may take long, and nobody else looks before it is whole.
 */
static void
measure(struct budgets *b, struct entry *en)
{
	uint64_t acked = 0, now = clock_mono_ms();
	bool busy = false;

	LIST_EACH(node, tmp, &b->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (!s->stream || strcmp(s->link, en->name) != 0)
			continue;
		acked += s->acked + stream_counts(s->stream).received;
		busy |= s->taking || stream_unacked(s->stream) > 0;
		budgets_moved(b, s);
	}
	if (en->acked_ms && acked > en->acked)
		speed_moved(&en->speed, acked - en->acked, now - en->acked_ms);
	en->acked = acked;
	en->acked_ms = busy ? now : 0;
}

static void
on_timer(void *arg)
{
	struct budgets *b = arg;

	for (size_t i = 0; i < b->count; i++) {
		struct entry *en = b->v[i];

		if (!en->limited)
			continue;
		measure(b, en);
		look(b, en);
		save_if_due(b, en);
	}
	set_timer(b);
}

/* --- what comes in --- */

bool
budgets_admit(struct budgets *b, struct session *s, uint64_t size, int priority,
	struct reply *reply_r)
{
	struct spool_limits l;

	budgets_moved(b, s);
	s->pending = 0;
	l = budgets_limits(b, s->link, 0);
	switch (spool_limits_refuse(&l, priority, size)) {
	case REASON_SIZE:
		s->left.size = true;
		reply_set(reply_r, 452, "4.3.1",
			"Larger than the link takes that is in use now");
		return false;
	case REASON_PRIORITY:
		s->left.priority = true;
		reply_set(reply_r, 452, "4.3.1",
			"Not urgent enough for the link that is in use now");
		return false;
	case REASON_BUDGET:
		s->left.budget = true;
		reply_set(reply_r, 452, "4.3.1",
			"No budget left for it on the link in use now");
		return false;
	default:
		s->pending = budgets_mail_octets(size);
		return true;
	}
}

/* --- for people --- */

double
budgets_bill(struct budgets *b, const char *link)
{
	struct entry *en = find(b, link);
	double cost;

	if (!en || !en->limited)
		return 0;
	budget_charge(&en->budget, 0, now_both());
	cost = en->budget.session.used.cost - en->billed;
	en->billed = en->budget.session.used.cost;
	return cost > 0 ? cost : 0;
}

struct budget_left
budgets_left(struct budgets *b, const char *link, enum budget_period period)
{
	struct entry *en = find(b, link);

	if (!en)
		return (struct budget_left){.has_seconds = false};
	budget_charge(&en->budget, 0, now_both());
	return budget_left(
		&en->budget, period, BUDGETS_MOST_URGENT, now_both());
}

const char *
budgets_why(struct budgets *b, const char *link)
{
	struct entry *en = find(b, link);

	return en && en->told != TOLD_FREE ? en->why : "";
}

enum err_code
budgets_allow(struct budgets *b, const char *link,
	const struct budget_amount *more, const char *who, struct err *e)
{
	struct entry *en = find(b, link);
	char cost[32];

	snprintf(cost, sizeof(cost), "%.2f", more->cost);
	if (!en)
		return err_set(e, ERR_NOTFOUND,
			"no link \"%s\" in the configuration", link);
	if (!en->limited)
		return err_set(
			e, ERR_USAGE, "link %s has no budget to raise", link);
	budget_charge(&en->budget, 0, now_both());
	budget_allow(&en->budget, more, now_both());
	log_info("link-allow", LOG_STR("link", link), LOG_STR("by", who),
		LOG_INT("seconds", more->seconds),
		LOG_INT("bytes", (int64_t)more->bytes), LOG_STR("cost", cost));
	save(b, en, NULL);
	look(b, en);
	set_timer(b);
	return OK;
}

/* --- making --- */

static enum err_code
read_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct budgets *b = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < b->count; i++)
		rc = outlook_budget_load(
			t, b->v[i]->name, &b->v[i]->budget, &b->v[i]->was, e);
	return rc;
}

static void
configure(struct entry *en, const struct conf_link *cl)
{
	struct budget_conf c = outlook_budget_conf(cl);

	budget_configure(&en->budget, &c);
	en->limited = outlook_has_budget(cl);
	en->speed.set_bps = cl->bit_rate;
	en->speed.set_rtt_ms = (uint64_t)cl->rtt_ms;
}

static struct entry *
new_entry(const struct conf_link *cl)
{
	struct entry *en = xcalloc(1, sizeof(*en));
	struct budget_conf c = outlook_budget_conf(cl);

	str_copyz(en->name, sizeof(en->name), cl->name);
	budget_init(&en->budget, &c);
	speed_init(&en->speed, cl->bit_rate, (uint64_t)cl->rtt_ms);
	configure(en, cl);
	en->why = "";
	return en;
}

static void
free_entry(struct entry *en)
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
	b->timer = loop_timer_new(n->loop, on_timer, b);
	loop_timer_set(b->timer, 0);
	rc = spool_read(n->spool, read_rows, b, e);
	*budgets_r = b;
	return rc;
}

void
budgets_reload(struct budgets *b)
{
	const struct conf *conf = b->n->conf;
	struct entry **old = b->v;
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
		budget_charge(&b->v[i]->budget, 0, now_both());
		save(b, b->v[i], NULL);
	}
}

void
budgets_free(struct budgets *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		free_entry(b->v[i]);
	free(b->v);
	loop_timer_free(b->timer);
	free(b);
}
