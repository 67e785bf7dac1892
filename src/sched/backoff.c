#include "sched/backoff.h"

enum { DAY_S = 86400 };

static bool
is_new_day(const struct backoff_facts *f)
{
	if (f->last_attempt == 0)
		return true;
	return f->day_counts && f->last_attempt / DAY_S != f->now / DAY_S;
}

bool
backoff_next(const struct backoff_rule *rule, const struct backoff_facts *facts,
	int64_t *next_r)
{
	size_t i = facts->attempts < rule->retry_n ? facts->attempts
						   : rule->retry_n - 1;
	int64_t days = (int64_t)facts->days_attempted + is_new_day(facts);

	*next_r = facts->now + rule->retry_s[i];
	if (!facts->clock_trusted || rule->expire_after_s == 0)
		return true;
	return days * DAY_S <= rule->expire_after_s;
}
