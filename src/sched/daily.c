#include "sched/daily.h"

enum { DAY_S = 86400 };

int64_t
daily_day(int64_t at_s, int64_t wall_s)
{
	int64_t s = wall_s - at_s;

	return s / DAY_S - (s % DAY_S < 0);
}

bool
daily_is_due(const struct daily *last, int64_t at_s, int64_t wall_s,
	int64_t steady_s)
{
	int64_t since_s = steady_s - last->steady;

	if (!last->day)
		return true;
	/* Before the last time: that clock is another one, and says nothing. */
	return daily_day(at_s, wall_s) != last->day &&
	       (since_s < 0 || since_s >= DAILY_LEAST_S);
}
