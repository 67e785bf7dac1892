#include "sched/call.h"

enum { NEVER = 0 };

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == NEVER || b < a ? b : a;
}

/* In the window of NOW there was a call: the next window, else this one. */
static int64_t
once_a_window(const struct call_rule *r, const struct call_facts *f)
{
	struct window_times now =
		windows_times(r->windows, &r->calendar, f->now);
	struct window_times last =
		windows_times(r->windows, &r->calendar, f->last_call);

	if (!now.open)
		return now.opens;
	if (f->last_call == NEVER || f->last_call > f->now || !last.open ||
		last.shuts != now.shuts)
		return f->now;
	return now.shuts; /* 0: it never shuts, so one call is all */
}

/* When something asks for a call, windows aside. */
static int64_t
wanted_at(const struct call_rule *r, const struct call_facts *f)
{
	int64_t at = NEVER;

	if (f->waiting && r->has_at_once &&
		f->most_urgent >= r->at_once_priority)
		return f->now;
	if (f->waiting && r->when_waiting_s)
		at = sooner(at, f->oldest + r->when_waiting_s);
	if (!r->has_at_once && !r->when_waiting_s && r->windows->n &&
		f->clock_trusted)
		at = once_a_window(r, f);
	return at;
}

bool
call_is_due(const struct call_rule *rule, const struct call_facts *facts,
	int64_t *next_r)
{
	int64_t at = wanted_at(rule, facts);

	*next_r = NEVER;
	if (at == NEVER)
		return false;
	if (at < facts->now)
		at = facts->now;
	if (facts->clock_trusted)
		at = windows_times(rule->windows, &rule->calendar, at).opens;
	if (at <= facts->now)
		return true;
	*next_r = at;
	return false;
}
