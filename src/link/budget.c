#include "link/budget_private.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Shorter than any day and month of any zone. */
	LEAST_DAY_S = 22 * 3600,
	LEAST_MONTH_S = 27 * CALENDAR_DAY_S,
};

static const char *const period_names[BUDGET_PERIODS] = {
	[BUDGET_SESSION] = "session",
	[BUDGET_DAY] = "day",
	[BUDGET_MONTH] = "month",
};

const char *
budget_period_name(enum budget_period p)
{
	return period_names[p];
}

/* --- the configuration --- */

static struct budget_conf
with_defaults(const struct budget_conf *conf)
{
	struct budget_conf c = *conf;

	if (c.step_s < 1)
		c.step_s = 1;
	if (c.month_starts < 1)
		c.month_starts = 1;
	return c;
}

void
budget_init(struct budget *b, const struct budget_conf *conf)
{
	*b = (struct budget){.conf = with_defaults(conf)};
	b->next = b->conf;
}

void
budget_free(struct budget *b)
{
	free(b->rows);
	b->rows = NULL;
	b->rows_n = 0;
}

void
budget_configure(struct budget *b, const struct budget_conf *conf)
{
	struct budget_conf old = b->conf;

	b->conf = b->next = with_defaults(conf);
	if (!b->running)
		return;
	b->conf.per_minute = old.per_minute;
	b->conf.per_megabyte = old.per_megabyte;
	b->conf.per_call = old.per_call;
	b->conf.step_s = old.step_s;
}

int64_t
budget_step_ms(const struct budget_conf *c)
{
	return c->step_s * BUDGET_SECOND_MS;
}

double
budget_step_cost(const struct budget_conf *c)
{
	return c->per_minute * (double)c->step_s / BUDGET_MINUTE_S;
}

double
budget_bytes_cost(const struct budget_conf *c, uint64_t bytes)
{
	return c->per_megabyte * (double)bytes / BUDGET_MEGABYTE;
}

double
budget_price(const struct budget_conf *conf, int64_t seconds, uint64_t bytes)
{
	struct budget_conf c = with_defaults(conf);
	int64_t steps = (seconds + c.step_s - 1) / c.step_s;

	return c.per_call + budget_bytes_cost(&c, bytes) +
	       budget_step_cost(&c) * (double)(steps > 0 ? steps : 1);
}

/* --- rows --- */

int64_t
budget_span(const struct budget_conf *c, enum budget_period p, int64_t at,
	int64_t *end_r)
{
	return p == BUDGET_DAY ? calendar_day(&c->calendar, at, end_r)
			       : calendar_month(&c->calendar, at,
					 c->month_starts, end_r);
}

const struct budget_row *
budget_find(const struct budget *b, enum budget_period p, int64_t starts_at)
{
	for (size_t i = 0; i < b->rows_n; i++)
		if (b->rows[i].period == p && b->rows[i].starts_at == starts_at)
			return &b->rows[i];
	return NULL;
}

static void
add(struct budget_amount *to, const struct budget_amount *more)
{
	to->seconds += more->seconds;
	to->bytes += more->bytes;
	to->cost += more->cost;
}

struct budget_row
budget_new_row(const struct budget *b, enum budget_period p, int64_t starts_at,
	int64_t ends_at)
{
	struct budget_row row = {.period = p, .starts_at = starts_at};
	int64_t least = p == BUDGET_DAY ? LEAST_DAY_S : LEAST_MONTH_S;

	for (size_t i = 0; i < b->rows_n; i++) {
		const struct budget_row *old = &b->rows[i];

		if (old->period == p && old->starts_at < ends_at &&
			old->starts_at + least > starts_at)
			add(&row.used, &old->used);
	}
	return row;
}

static void
drop_oldest(struct budget *b)
{
	size_t oldest = 0;

	for (size_t i = 1; i < b->rows_n; i++)
		if (b->rows[i].starts_at < b->rows[oldest].starts_at)
			oldest = i;
	b->rows[oldest] = b->rows[--b->rows_n];
}

static struct budget_row *
row_of(struct budget *b, enum budget_period p, int64_t starts_at,
	int64_t ends_at)
{
	/* the rows are ours; only the look-up is shared with const callers */
	const struct budget_row *found = budget_find(b, p, starts_at);

	if (found)
		return &b->rows[found - b->rows];
	if (b->rows_n == BUDGET_ROWS_MAX)
		drop_oldest(b);
	b->rows = xrealloc(b->rows, (b->rows_n + 1) * sizeof(*b->rows));
	b->rows[b->rows_n] = budget_new_row(b, p, starts_at, ends_at);
	return &b->rows[b->rows_n++];
}

static struct budget_row *
row_at(struct budget *b, enum budget_period p, int64_t wall_s)
{
	int64_t end, start = budget_span(&b->conf, p, wall_s, &end);

	return row_of(b, p, start, end);
}

void
budget_load(struct budget *b, const struct budget_row *row)
{
	struct budget_row *r =
		row_of(b, row->period, row->starts_at, row->starts_at);

	*r = *row;
	r->dirty = false;
}

bool
budget_dirty(struct budget *b, struct budget_row *row_r)
{
	struct budget_row *r = b->session.dirty ? &b->session : NULL;

	for (size_t i = 0; i < b->rows_n && !r; i++)
		if (b->rows[i].dirty)
			r = &b->rows[i];
	if (!r)
		return false;
	r->dirty = false;
	*row_r = *r;
	return true;
}

/* --- charging --- */

/* MORE was used at WALL_S: by the session, and in that day and month. */
static void
use(struct budget *b, int64_t wall_s, const struct budget_amount *more)
{
	add(&b->session.used, more);
	b->session.dirty = true;
	for (enum budget_period p = BUDGET_DAY; p < BUDGET_PERIODS; p++) {
		struct budget_row *r = row_at(b, p, wall_s);

		add(&r->used, more);
		r->dirty = true;
	}
}

static int64_t
floor_seconds(int64_t ms)
{
	return ms / BUDGET_SECOND_MS - (ms % BUDGET_SECOND_MS < 0);
}

int64_t
budget_wall_ms(const struct budget *b, struct budget_time now)
{
	if (!b->running)
		return now.wall_s * BUDGET_SECOND_MS;
	return b->anchor.wall_s * BUDGET_SECOND_MS +
	       (int64_t)(now.mono_ms - b->anchor.mono_ms);
}

/* How many of N steps, the first at WALL_MS, begin before END_S. */
static int64_t
steps_before(
	const struct budget_conf *c, int64_t n, int64_t wall_ms, int64_t end_s)
{
	int64_t step = budget_step_ms(c);
	int64_t until = end_s * BUDGET_SECOND_MS - wall_ms;
	int64_t fit = (until + step - 1) / step;

	return fit < 1 ? 1 : fit < n ? fit : n;
}

/* All steps that began up to NOW, each to the day in which it began. */
static void
charge_time(struct budget *b, struct budget_time now)
{
	const struct budget_conf *c = &b->conf;
	int64_t step = budget_step_ms(c);
	int64_t ran = (int64_t)now.mono_ms - b->start_ms;
	int64_t due = ran > 0 ? (ran + step - 1) / step : 1;

	while (b->steps < due) {
		int64_t ago = ran - b->steps * step, end, n;
		int64_t wall_ms = budget_wall_ms(b, now) - ago;
		int64_t wall_s = floor_seconds(wall_ms);

		/* months end where days end */
		budget_span(c, BUDGET_DAY, wall_s, &end);
		n = steps_before(c, due - b->steps, wall_ms, end);
		use(b, wall_s,
			&(struct budget_amount){.seconds = n * c->step_s,
				.cost = (double)n * budget_step_cost(c)});
		b->steps += n;
	}
}

/*
 * The wall clock was set: the session moves to the date it shows, but only
 * into budgets with room for its end.
 */
static void
follow_clock(struct budget *b, struct budget_time now)
{
	int64_t off = now.wall_s - floor_seconds(budget_wall_ms(b, now));
	struct budget_time was = b->anchor;
	struct budget_why why;

	if (off <= BUDGET_STEP_S && off >= -BUDGET_STEP_S)
		return;
	b->anchor = now;
	if (budget_is_spent(b, now, &why))
		b->anchor = was;
}

static void
charge_bytes(struct budget *b, uint64_t bytes, struct budget_time now)
{
	if (bytes)
		use(b, floor_seconds(budget_wall_ms(b, now)),
			&(struct budget_amount){.bytes = bytes,
				.cost = budget_bytes_cost(&b->conf, bytes)});
}

void
budget_charge(struct budget *b, uint64_t bytes, struct budget_time now)
{
	if (!b->running)
		return;
	charge_time(b, now);
	charge_bytes(b, bytes, now);
	follow_clock(b, now);
}

/* --- a session --- */

void
budget_begin(struct budget *b, struct budget_time now)
{
	b->conf = b->next;
	b->running = true;
	b->start_ms = (int64_t)now.mono_ms;
	b->steps = 0;
	b->anchor = now;
	b->session = (struct budget_row){
		.period = BUDGET_SESSION, .starts_at = now.wall_s};
	if (b->conf.per_call > 0)
		use(b, now.wall_s,
			&(struct budget_amount){.cost = b->conf.per_call});
	charge_time(b, now);
}

void
budget_resume(struct budget *b, const struct budget_row *row, uint64_t bytes,
	struct budget_time now)
{
	int64_t passed = now.wall_s - row->starts_at;

	b->conf = b->next;
	b->running = true;
	b->session = *row;
	b->steps = row->used.seconds / b->conf.step_s;
	if (passed < row->used.seconds) /* the clock was set back */
		passed = row->used.seconds;
	if (passed > row->used.seconds + BUDGET_GAP_MAX_S)
		passed = row->used.seconds + BUDGET_GAP_MAX_S;
	b->start_ms = (int64_t)now.mono_ms - passed * BUDGET_SECOND_MS;
	b->anchor = now;
	budget_charge(b, bytes, now);
}

void
budget_end(struct budget *b, struct budget_time now)
{
	budget_charge(b, 0, now);
	b->running = false;
	b->session.dirty = false;
	b->conf = b->next;
}

void
budget_allow(struct budget *b, const struct budget_amount *extra,
	struct budget_time now)
{
	int64_t wall_s = floor_seconds(budget_wall_ms(b, now));

	for (enum budget_period p = BUDGET_DAY; p < BUDGET_PERIODS; p++) {
		struct budget_row *r = row_at(b, p, wall_s);

		add(&r->extra, extra);
		r->dirty = true;
	}
	if (!b->running)
		return;
	add(&b->session.extra, extra);
	b->session.dirty = true;
}
