#include "daemon/speeds.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/segments.h"
#include "outlook/speed.h"

#include <stdlib.h>
#include <string.h>

enum {
	SPEEDS_TICK_MS = 1000,
	SPEEDS_RTT_MS = 1000,	   /* where the round trip is not known */
	SPEEDS_RTT_LEAST_MS = 200, /* acknowledgements may be delayed */
	SPEEDS_FLIGHT_MIN = 4096,  /* octets */
	SPEEDS_WINDOW_MIN = 2048,
	SPEEDS_WINDOW_MOST = 512 * 1024,
};

struct entry {
	char name[SPOOL_NAME_MAX + 1];
	struct speed speed;
	struct pace *pace;
	bool changed;		   /* since it was saved */
	uint64_t octets, since_ms; /* of the sample under way; 0: none */
};

struct speeds {
	struct node *n;
	struct entry **v;
	size_t count;
	struct loop_timer *timer;
	bool ticking;
	struct speed unknown;
};

static struct entry *
find(const struct speeds *v, const char *link)
{
	for (size_t i = 0; link && link[0] && i < v->count; i++)
		if (strcmp(v->v[i]->name, link) == 0)
			return v->v[i];
	return NULL;
}

const struct speed *
speeds_of(const struct speeds *v, const char *link)
{
	const struct entry *en = find(v, link);

	return en ? &en->speed : &v->unknown;
}

/* --- what follows from it --- */

/* Two round trips of BPS. */
static uint64_t
twice(uint64_t bps, uint64_t rtt_ms)
{
	return 2 * (bps / 8) * rtt_ms / 1000;
}

static uint64_t
round_trip_ms(const struct speed *s)
{
	uint64_t ms = speed_known_rtt_ms(s);

	if (s->set_rtt_ms)
		return ms;
	if (!ms)
		return SPEEDS_RTT_MS;
	return ms > SPEEDS_RTT_LEAST_MS ? ms : SPEEDS_RTT_LEAST_MS;
}

size_t
speeds_flight(const struct speeds *v, const char *link)
{
	const struct speed *s = speeds_of(v, link);
	uint64_t bps = speed_fastest_bps(s), octets;

	if (!bps)
		return 0;
	octets = twice(bps, round_trip_ms(s));
	if (octets >= SESSION_UNSENT_MAX)
		return 0;
	return octets > SPEEDS_FLIGHT_MIN ? (size_t)octets : SPEEDS_FLIGHT_MIN;
}

uint64_t
speeds_turn(const struct speeds *v, const char *link)
{
	const struct speed *s = speeds_of(v, link);

	return twice(speed_fastest_bps(s), round_trip_ms(s)) / 2;
}

uint32_t
speeds_window(const struct speeds *v, const char *link)
{
	const struct speed *s = speeds_of(v, link);
	uint64_t octets = twice(s->most_bps, round_trip_ms(s));

	if (!s->most_bps || octets >= SPEEDS_WINDOW_MOST)
		return 0;
	return octets > SPEEDS_WINDOW_MIN ? (uint32_t)octets
					  : SPEEDS_WINDOW_MIN;
}

/* --- what is kept --- */

struct save {
	char link[SPOOL_NAME_MAX + 1];
	struct speed speed;
};

static enum err_code
write_speed(struct spool_txn *t, void *arg, struct err *e)
{
	const struct save *j = arg;

	return outlook_speed_store(t, j->link, &j->speed, e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct save *j = arg;

	if (code != OK)
		log_warning("speed-not-stored", LOG_STR("link", j->link),
			LOG_STR("why", e->text));
	free(j);
}

static void
save(struct speeds *v, struct entry *en)
{
	struct save *j;

	if (!en->changed)
		return;
	en->changed = false;
	j = xcalloc(1, sizeof(*j));
	str_copyz(j->link, sizeof(j->link), en->name);
	j->speed = en->speed;
	spool_submit(v->n->spool, write_speed, written, j);
}

/* --- measuring --- */

/* Octets of S since it was last asked. */
static uint64_t
moved(struct session *s)
{
	struct stream_counts c = stream_counts(s->stream);
	uint64_t all = c.sent + stream_unsent(s->stream) -
		       stream_unacked(s->stream) + c.received;
	uint64_t n = all > s->measured ? all - s->measured : 0;

	s->measured += n;
	return n;
}

static void
take_sample(struct speeds *v, struct entry *en, uint64_t now)
{
	uint64_t ms = now - en->since_ms;
	uint64_t was = speed_fastest_bps(&en->speed);

	if (!en->since_ms || en->octets < SPEED_LEAST_OCTETS ||
		ms < SPEED_LEAST_MS)
		return;
	speed_moved(&en->speed, en->octets, ms);
	en->changed = true;
	en->octets = 0;
	en->since_ms = now;
	if (was != speed_fastest_bps(&en->speed))
		log_debug("speed", LOG_STR("link", en->name),
			LOG_INT("bps", speed_bps(&en->speed)),
			LOG_INT("flight", speeds_flight(v, en->name)));
}

static void
take_round_trip(struct entry *en, struct session *s)
{
	unsigned ms =
		s->rtt_taken ? 0 : segments_of(stream_fd(s->stream)).rtt_ms;

	if (!ms)
		return;
	s->rtt_taken = true;
	speed_turned(&en->speed, ms);
	en->changed = true;
}

/*
 * Only while something was always to move: who waits says nothing of the
 * line. What the far side sends counts while it comes.
 */
static bool
look_at_session(struct entry *en, struct session *s)
{
	uint64_t was = stream_counts(s->stream).received;
	uint64_t n = moved(s);
	bool busy = stream_unacked(s->stream) > 0 ||
		    (s->taking && was > s->received_seen);

	s->received_seen = was;
	en->octets += n;
	take_round_trip(en, s);
	return busy;
}

/* False: no session runs over it. */
static bool
look(struct speeds *v, struct entry *en)
{
	uint64_t now = clock_mono_ms();
	bool any = false, busy = false;

	LIST_EACH(node, tmp, &v->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (!s->stream || strcmp(s->link, en->name) != 0)
			continue;
		any = true;
		busy |= look_at_session(en, s);
	}
	take_sample(v, en, now);
	if (!busy || !en->since_ms) {
		en->octets = 0;
		en->since_ms = busy ? now : 0;
	}
	return any;
}

/* Where it is not set, the flight follows what is measured. */
static void
fit_sessions(struct speeds *v, const struct entry *en)
{
	size_t flight = speeds_flight(v, en->name);

	if (en->speed.set_bps)
		return;
	LIST_EACH(node, tmp, &v->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (s->stream && strcmp(s->link, en->name) == 0)
			session_set_window(s, flight);
	}
}

static void
on_timer(void *arg)
{
	struct speeds *v = arg;
	bool any = false;

	for (size_t i = 0; i < v->count; i++)
		if (look(v, v->v[i])) {
			any = true;
			fit_sessions(v, v->v[i]);
		}
	v->ticking = any;
	if (any)
		loop_timer_set(v->timer, SPEEDS_TICK_MS);
}

static void
set_pace(struct session *s, const struct entry *en)
{
	stream_set_pace(s->stream, en->speed.most_bps ? en->pace : NULL);
}

void
speeds_begin(struct speeds *v, struct session *s)
{
	struct entry *en = find(v, s->link);

	if (!en)
		return;
	set_pace(s, en);
	moved(s);
	if (!v->ticking)
		loop_timer_set(v->timer, SPEEDS_TICK_MS);
	v->ticking = true;
}

void
speeds_end(struct speeds *v, struct session *s)
{
	struct entry *en = find(v, s->link);

	if (!en)
		return;
	look(v, en);
	save(v, en);
}

/* --- making --- */

static void
configure(struct entry *en, const struct conf_link *cl)
{
	outlook_speed_configure(&en->speed, cl);
	pace_set(en->pace, cl->max_rate);
}

static struct entry *
new_entry(const struct conf_link *cl)
{
	struct entry *en = xcalloc(1, sizeof(*en));

	str_copyz(en->name, sizeof(en->name), cl->name);
	speed_init(&en->speed, 0, 0);
	en->pace = pace_new(0);
	configure(en, cl);
	return en;
}

static void
free_entry(struct entry *en)
{
	pace_release(en->pace);
	free(en);
}

static enum err_code
read_speeds(struct spool_txn *t, void *arg, struct err *e)
{
	struct speeds *v = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < v->count; i++)
		rc = outlook_speed_load(t, conf_link(v->n->conf, v->v[i]->name),
			&v->v[i]->speed, e);
	return rc;
}

enum err_code
speeds_new(struct node *n, struct speeds **speeds_r, struct err *e)
{
	struct speeds *v = xcalloc(1, sizeof(*v));

	v->n = n;
	v->count = n->conf->links_n;
	v->v = xcalloc(v->count, sizeof(struct entry *));
	for (size_t i = 0; i < v->count; i++)
		v->v[i] = new_entry(&n->conf->links[i]);
	speed_init(&v->unknown, 0, 0);
	v->timer = loop_timer_new(n->loop, on_timer, v);
	*speeds_r = v;
	return spool_read(n->spool, read_speeds, v, e);
}

void
speeds_reload(struct speeds *v)
{
	const struct conf *conf = v->n->conf;
	struct entry **old = v->v;
	size_t old_n = v->count;

	v->count = conf->links_n;
	v->v = xcalloc(v->count, sizeof(struct entry *));
	for (size_t i = 0; i < v->count; i++) {
		for (size_t k = 0; k < old_n && !v->v[i]; k++)
			if (old[k] && strcmp(old[k]->name,
					      conf->links[i].name) == 0) {
				v->v[i] = old[k];
				old[k] = NULL;
			}
		if (v->v[i])
			configure(v->v[i], &conf->links[i]);
		else
			v->v[i] = new_entry(&conf->links[i]);
	}
	for (size_t k = 0; k < old_n; k++)
		if (old[k])
			free_entry(old[k]);
	free(old);
	LIST_EACH(node, tmp, &v->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);
		const struct entry *en = find(v, s->link);

		if (en)
			set_pace(s, en);
	}
}

void
speeds_stop(struct speeds *v)
{
	if (!v)
		return;
	loop_timer_clear(v->timer);
	for (size_t i = 0; i < v->count; i++)
		save(v, v->v[i]);
}

void
speeds_free(struct speeds *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		free_entry(v->v[i]);
	free(v->v);
	loop_timer_free(v->timer);
	free(v);
}
