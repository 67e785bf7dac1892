#include "sched/clockwatch.h"

/* What the wall clock did beyond the time that passed. */
static int64_t
jumped(const struct clockwatch *w, int64_t wall_s, uint64_t mono_ms)
{
	int64_t passed_s = (int64_t)((mono_ms - w->mono_ms) / 1000);
	int64_t by = (wall_s - w->wall_s) - passed_s;

	return by > CLOCKWATCH_JUMP_S || by < -CLOCKWATCH_JUMP_S ? by : 0;
}

static void
note_jump(struct clockwatch *w, int64_t jump_s, uint64_t mono_ms)
{
	w->quiet_until_ms = mono_ms + CLOCKWATCH_QUIET_MS;
	w->set_by_s += jump_s;
	w->unsure |= w->was_set || jump_s < 0;
	w->was_set = true;
}

void
clockwatch_begin(struct clockwatch *w, int64_t set_by_s, int64_t floor_s,
	int64_t wall_s, uint64_t mono_ms)
{
	*w = (struct clockwatch){.looked = true,
		.wall_s = wall_s,
		.mono_ms = mono_ms,
		.set_by_s = set_by_s,
		.began_s = wall_s};
	if (wall_s < floor_s)
		w->set_by_s += wall_s - floor_s;
}

int64_t
clockwatch_steady_s(const struct clockwatch *w, uint64_t mono_ms)
{
	return w->wall_s - w->set_by_s +
	       (int64_t)((mono_ms - w->mono_ms) / 1000);
}

bool
clockwatch_day_counts(
	const struct clockwatch *w, uint64_t mono_ms, int64_t tried_s)
{
	return mono_ms >= w->quiet_until_ms ||
	       (!w->unsure && tried_s < w->began_s);
}

bool
clockwatch_look(struct clockwatch *w, int64_t wall_s, uint64_t mono_ms,
	int64_t *jump_s_r)
{
	*jump_s_r = w->looked ? jumped(w, wall_s, mono_ms) : 0;
	if (*jump_s_r)
		note_jump(w, *jump_s_r, mono_ms);
	w->looked = true;
	w->wall_s = wall_s;
	w->mono_ms = mono_ms;
	return mono_ms >= w->quiet_until_ms;
}
