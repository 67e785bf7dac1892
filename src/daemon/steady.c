#include "daemon/steady.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "sched/clockwatch.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>

enum { BACK_BATCH = 500 }; /* deliveries of one transaction */

struct steady {
	struct node *n;
	struct clockwatch watch;
};

static const char set_by_key[] = "clock-set-by";

struct steady *
steady_new(struct node *n)
{
	struct steady *s = xcalloc(1, sizeof(*s));

	s->n = n;
	clockwatch_begin(
		&s->watch, 0, clock_floor_s(), clock_wall_s(), clock_mono_ms());
	return s;
}

void
steady_free(struct steady *s)
{
	free(s);
}

static enum err_code
read_set_by(struct spool_txn *t, void *arg, struct err *e)
{
	int64_t *set_by = arg;
	struct buf text;
	enum err_code rc;

	buf_init(&text, 0);
	rc = spool_meta_get(t, set_by_key, &text, e);
	*set_by = rc == OK ? strtoll(buf_z(&text), NULL, 10) : 0;
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
steady_load(struct steady *s, struct err *e)
{
	int64_t set_by;
	enum err_code rc = spool_read(s->n->spool, read_set_by, &set_by, e);

	if (rc == OK)
		clockwatch_begin(&s->watch, set_by, clock_floor_s(),
			clock_wall_s(), clock_mono_ms());
	return rc;
}

/* --- a jump --- */

struct keep_job {
	int64_t set_by;
};

static enum err_code
write_set_by(struct spool_txn *t, void *arg, struct err *e)
{
	const struct keep_job *j = arg;
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)j->set_by);
	return spool_meta_put(t, set_by_key, str_of(text), e);
}

static void
set_by_written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_error("clock-not-recorded", LOG_STR("why", e->text));
	free(arg);
}

/*
 * What was put off to a time that is far away now is tried at once: retries run
 * by the wall clock, but nobody said that they should wait for its error.
 */
struct back_job {
	struct node *n;
	int64_t now, latest;
	size_t woken;
};

static enum err_code
write_back(struct spool_txn *t, void *arg, struct err *e)
{
	struct back_job *j = arg;

	return spool_wake_behind(
		t, j->latest, j->now, BACK_BATCH, &j->woken, e);
}

static void
back_written(void *arg, enum err_code code, const struct err *e)
{
	struct back_job *j = arg;
	struct node *n = j->n;

	if (code != OK) {
		log_error("retries-not-set-back", LOG_STR("why", e->text));
	} else if (j->woken == BACK_BATCH && !n->stopping) {
		spool_submit(n->spool, write_back, back_written, j);
		return;
	}
	if (!n->stopping)
		dispatch_now(n->dispatch);
	free(j);
}

static void
set_back(struct steady *s)
{
	const struct conf *conf = s->n->conf;
	struct back_job *j = xcalloc(1, sizeof(*j));

	j->n = s->n;
	j->now = j->latest = clock_sane_s();
	for (size_t i = 0; i < conf->queue.retry_n; i++)
		if (j->now + conf->queue.retry_s[i] > j->latest)
			j->latest = j->now + conf->queue.retry_s[i];
	spool_submit(s->n->spool, write_back, back_written, j);
}

static void
note_jump(struct steady *s, int64_t jump_s)
{
	struct keep_job *j = xcalloc(1, sizeof(*j));

	log_warning("clock-jumped", LOG_INT("seconds", jump_s),
		LOG_STR("text", "no customer's mail expires for a day; what "
				"counts elapsed time goes on by the clock "
				"that nobody sets"));
	j->set_by = s->watch.set_by_s;
	spool_submit(s->n->spool, write_set_by, set_by_written, j);
	if (jump_s < 0 && s->n->dispatch && !s->n->stopping)
		set_back(s);
}

static bool
look(struct steady *s)
{
	int64_t jump_s;
	bool believed = clockwatch_look(
		&s->watch, clock_wall_s(), clock_mono_ms(), &jump_s);

	if (jump_s && s->n->spool)
		note_jump(s, jump_s);
	return believed;
}

int64_t
steady_now(struct steady *s)
{
	look(s);
	return clockwatch_steady_s(&s->watch, clock_mono_ms());
}

bool
steady_may_end(struct steady *s)
{
	return look(s) && clock_trusted();
}

bool
steady_day_counts(struct steady *s, int64_t tried_s)
{
	look(s);
	return clockwatch_day_counts(&s->watch, clock_mono_ms(), tried_s);
}
