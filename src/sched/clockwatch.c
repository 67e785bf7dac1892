#include "sched/clockwatch.h"

/* What the wall clock did beyond the time that passed. */
static int64_t
jumped(const struct clockwatch *w, int64_t wall_s, uint64_t mono_ms)
{
	int64_t passed_s = (int64_t)((mono_ms - w->mono_ms) / 1000);
	int64_t by = (wall_s - w->wall_s) - passed_s;

	return by > CLOCKWATCH_JUMP_S || by < -CLOCKWATCH_JUMP_S ? by : 0;
}

bool
clockwatch_look(struct clockwatch *w, int64_t wall_s, uint64_t mono_ms,
	int64_t *jump_s_r)
{
	*jump_s_r = w->looked ? jumped(w, wall_s, mono_ms) : 0;
	if (*jump_s_r)
		w->quiet_until_ms = mono_ms + CLOCKWATCH_QUIET_MS;
	w->looked = true;
	w->wall_s = wall_s;
	w->mono_ms = mono_ms;
	return mono_ms >= w->quiet_until_ms;
}
