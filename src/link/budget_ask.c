/* Budgets: what is left and what still fits. Nothing here changes anything. */
#include "link/budget_private.h"

/* Money is reckoned in floating point: less than this is nothing. */
static const double cost_epsilon = 1e-6;

/* The row of period P that holds at WALL_S; its end in *end_r. */
static struct budget_row
row_at(const struct budget *b, enum budget_period p, int64_t wall_s,
	int64_t *end_r)
{
	const struct budget_row *found;
	int64_t starts_at;

	if (p == BUDGET_SESSION) {
		*end_r = INT64_MAX;
		return b->running ? b->session
				  : (struct budget_row){.period = p};
	}
	starts_at = budget_span(&b->conf, p, wall_s, end_r);
	found = budget_find(b, p, starts_at);
	return found ? *found : budget_new_row(b, p, starts_at, *end_r);
}

static int64_t
at_least_0(int64_t n)
{
	return n > 0 ? n : 0;
}

static struct budget_left
left_of(const struct budget *b, enum budget_period p, struct budget_row row,
	int priority)
{
	const struct budget_conf *c = &b->conf;
	const struct budget_amount *limit = &c->limit[p];
	const struct budget_amount *used = &row.used, *extra = &row.extra;
	int64_t kept = priority >= c->reserve_min_priority ? 0 : c->reserve_s;
	uint64_t bytes = limit->bytes + extra->bytes;
	struct budget_left l = {.has_seconds = limit->seconds > 0,
		.has_bytes = limit->bytes > 0,
		.has_cost = limit->cost > 0};

	if (l.has_seconds)
		l.v.seconds = at_least_0(
			limit->seconds + extra->seconds - used->seconds - kept);
	if (l.has_bytes)
		l.v.bytes = bytes > used->bytes ? bytes - used->bytes : 0;
	if (l.has_cost)
		l.v.cost = limit->cost + extra->cost - used->cost -
			   c->per_minute * (double)kept / BUDGET_MINUTE_S;
	if (l.v.cost < 0)
		l.v.cost = 0;
	return l;
}

static int64_t
wall_of(const struct budget *b, struct budget_time now)
{
	int64_t ms = budget_wall_ms(b, now);

	return ms / BUDGET_SECOND_MS - (ms % BUDGET_SECOND_MS < 0);
}

struct budget_left
budget_left(const struct budget *b, enum budget_period p, int priority,
	struct budget_time now)
{
	int64_t end;

	return left_of(b, p, row_at(b, p, wall_of(b, now), &end), priority);
}

struct budget_left
budget_left_least(const struct budget *b, int priority, struct budget_time now)
{
	struct budget_left least = {.has_seconds = false};

	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
		struct budget_left l = budget_left(b, p, priority, now);

		if (l.has_seconds &&
			(!least.has_seconds || l.v.seconds < least.v.seconds))
			least.v.seconds = l.v.seconds;
		if (l.has_bytes &&
			(!least.has_bytes || l.v.bytes < least.v.bytes))
			least.v.bytes = l.v.bytes;
		if (l.has_cost && (!least.has_cost || l.v.cost < least.v.cost))
			least.v.cost = l.v.cost;
		least.has_seconds |= l.has_seconds;
		least.has_bytes |= l.has_bytes;
		least.has_cost |= l.has_cost;
	}
	return least;
}

const char *
budget_why_text(struct budget_why why)
{
	static const char *const texts[BUDGET_PERIODS][3] = {
		[BUDGET_SESSION] = {"the time of this session is used up",
			"the bytes of this session are used up",
			"the money of this session is used up"},
		[BUDGET_DAY] = {"today's time is used up",
			"today's bytes are used up",
			"today's money is used up"},
		[BUDGET_MONTH] = {"the month's time is used up",
			"the month's bytes are used up",
			"the month's money is used up"},
	};

	return texts[why.period][why.kind];
}

/* --- time --- */

/* A session that is not yet there: its first costs. */
static double
call_cost(const struct budget *b)
{
	return b->running ? 0 : b->conf.per_call;
}

/* Steps that L pays for; *kind_r: what ends them. INT64_MAX: no limit. */
static int64_t
steps_left(const struct budget *b, const struct budget_left *l,
	enum budget_kind *kind_r)
{
	double price = budget_step_cost(&b->conf);
	int64_t n = INT64_MAX;

	*kind_r = BUDGET_TIME;
	if (l->has_seconds)
		n = l->v.seconds / b->conf.step_s;
	if (l->has_cost && price > 0) {
		double steps =
			(l->v.cost - call_cost(b) + cost_epsilon) / price;

		if (steps < (double)n) {
			n = steps > 0 ? (int64_t)steps : 0;
			*kind_r = BUDGET_COST;
		}
	}
	return n;
}

/* What is paid of the step under way. */
static int64_t
paid_ms(const struct budget *b, struct budget_time now)
{
	int64_t until = b->start_ms + b->steps * budget_step_ms(&b->conf);

	return b->running ? at_least_0(until - (int64_t)now.mono_ms) : 0;
}

static int64_t
in_steps(const struct budget *b, int64_t n)
{
	int64_t step = budget_step_ms(&b->conf);

	return n < INT64_MAX / 4 / step ? n * step : INT64_MAX / 4;
}

/*
 * Until period P ends the link's use, in ms. Beyond the end of a day or
 * month the next one's budget holds, of which some may be used already (the
 * clock was ahead once).
 */
static int64_t
period_ms(const struct budget *b, enum budget_period p, int priority,
	struct budget_time now, enum budget_kind *kind_r)
{
	int64_t wall_s = wall_of(b, now), end, ignored, until;
	struct budget_row row = row_at(b, p, wall_s, &end);
	struct budget_left l = left_of(b, p, row, priority);
	int64_t ms = paid_ms(b, now) + in_steps(b, steps_left(b, &l, kind_r));

	if (p == BUDGET_SESSION)
		return ms;
	until = end * BUDGET_SECOND_MS - budget_wall_ms(b, now);
	if (ms < until)
		return ms;
	l = left_of(b, p, row_at(b, p, end, &ignored), priority);
	return until + in_steps(b, steps_left(b, &l, kind_r));
}

/* The least of all periods, hanging up not taken off. */
static int64_t
open_ms(const struct budget *b, int priority, struct budget_time now,
	struct budget_why *why_r)
{
	int64_t least = INT64_MAX;

	*why_r = (struct budget_why){BUDGET_SESSION, BUDGET_TIME};
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
		enum budget_kind kind;
		int64_t ms = period_ms(b, p, priority, now, &kind);

		if (ms < least) {
			least = ms;
			*why_r = (struct budget_why){p, kind};
		}
	}
	return least < INT64_MAX / 4 ? least : INT64_MAX;
}

static int64_t
less_hangup(const struct budget *b, int64_t ms)
{
	return ms == INT64_MAX
		       ? ms
		       : at_least_0(ms - b->conf.hangup_s * BUDGET_SECOND_MS);
}

int64_t
budget_time_ms(const struct budget *b, int priority, struct budget_time now)
{
	struct budget_why why;

	return less_hangup(b, open_ms(b, priority, now, &why));
}

/* --- octets --- */

/*
 * Do BYTES, and MS of time from now, fit what is left in L? Time was seen to
 * where it alone is concerned; here it matters as money beside that for octets.
 */
static bool
fits(const struct budget *b, const struct budget_left *l, uint64_t bytes,
	int64_t ms, struct budget_time now, enum budget_kind *kind_r)
{
	int64_t step = budget_step_ms(&b->conf);
	int64_t unpaid = at_least_0(ms - paid_ms(b, now));
	double cost = call_cost(b) + budget_bytes_cost(&b->conf, bytes) +
		      budget_step_cost(&b->conf) *
			      (double)((unpaid + step - 1) / step);

	*kind_r = BUDGET_BYTES;
	if (l->has_bytes && bytes > l->v.bytes)
		return false;
	*kind_r = BUDGET_COST;
	return !l->has_cost || cost <= l->v.cost + cost_epsilon;
}

/* In every period, and in the next where MS goes beyond the end. */
static bool
fits_all(const struct budget *b, int priority, uint64_t bytes, int64_t ms,
	struct budget_time now, struct budget_why *why_r)
{
	int64_t wall_ms = budget_wall_ms(b, now), end, ignored;

	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
		struct budget_left l;

		why_r->period = p;
		l = left_of(
			b, p, row_at(b, p, wall_of(b, now), &end), priority);
		if (!fits(b, &l, bytes, ms, now, &why_r->kind))
			return false;
		if (p == BUDGET_SESSION ||
			wall_ms + ms < end * BUDGET_SECOND_MS)
			continue;
		l = left_of(b, p, row_at(b, p, end, &ignored), priority);
		if (!fits(b, &l, bytes, ms, now, &why_r->kind))
			return false;
	}
	return true;
}

/* The most urgent mail decides: no reserve is kept from hanging up. */
enum { ANY_PRIORITY = INT16_MAX };

bool
budget_is_spent(const struct budget *b, struct budget_time now,
	struct budget_why *why_r)
{
	int64_t hangup_ms = b->conf.hangup_s * BUDGET_SECOND_MS;

	if (open_ms(b, ANY_PRIORITY, now, why_r) <= hangup_ms)
		return true;
	return !fits_all(
		b, ANY_PRIORITY, BUDGET_STOP_OCTETS, hangup_ms, now, why_r);
}

static int64_t
need_ms(const struct budget_need *need)
{
	double ms = (double)need->bytes * 8 * 1000 /
		    (double)(need->bps ? need->bps : 1);

	ms = ms * (100 + BUDGET_SLOWER_PERCENT) / 100 +
	     (double)(BUDGET_END_TURNS * need->rtt_ms) + (double)need->ms + 1;
	return ms < (double)(INT64_MAX / 8) ? (int64_t)ms : INT64_MAX / 8;
}

bool
budget_may_begin(const struct budget *b, const struct budget_need *need,
	struct budget_time now, struct budget_why *why_r)
{
	int64_t ms = need_ms(need) + b->conf.hangup_s * BUDGET_SECOND_MS;

	if (open_ms(b, need->priority, now, why_r) <= ms)
		return false;
	return fits_all(b, need->priority, need->bytes + BUDGET_STOP_OCTETS, ms,
		now, why_r);
}

/* Do MS more at BPS, and hanging up, fit? */
static bool
fits_moving(const struct budget *b, uint64_t bps, int64_t ms,
	struct budget_time now)
{
	double bytes = (double)bps / 8 / BUDGET_SECOND_MS * (double)ms;
	struct budget_why why;

	return bytes < (double)(UINT64_MAX / 4) &&
	       fits_all(b, ANY_PRIORITY,
		       (uint64_t)bytes + 1 + BUDGET_STOP_OCTETS,
		       ms + b->conf.hangup_s * BUDGET_SECOND_MS, now, &why);
}

/* What is needed grows with the time, so halving finds the last that fits. */
int64_t
budget_until_cap_ms(
	const struct budget *b, uint64_t bps, struct budget_time now)
{
	const int64_t longest =
		INT64_C(366) * CALENDAR_DAY_S * BUDGET_SECOND_MS;
	int64_t most = budget_time_ms(b, ANY_PRIORITY, now), fit = 0, no;

	if (fits_moving(b, bps, most < longest ? most : longest, now))
		return most;
	no = most < longest ? most : longest;
	while (no - fit > 1) {
		int64_t half = fit + (no - fit) / 2;

		if (fits_moving(b, bps, half, now))
			fit = half;
		else
			no = half;
	}
	return fit;
}
