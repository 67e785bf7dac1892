#include "sched/backoff.h"

enum { DAY_S = 86400 };

bool
backoff_is_new_day(int64_t last, int64_t now)
{
	return last == 0 || last / DAY_S != now / DAY_S;
}

bool
backoff_next(const struct backoff_rule *rule, const struct backoff_facts *facts,
	int64_t *next_r)
{
	size_t i = facts->attempts < rule->retry_n ? facts->attempts
						   : rule->retry_n - 1;
	int64_t days = (int64_t)facts->days_attempted +
		       backoff_is_new_day(facts->last_attempt, facts->now);

	*next_r = facts->now + rule->retry_s[i];
	if (!facts->clock_trusted || rule->expire_after_s == 0)
		return true;
	return days * DAY_S <= rule->expire_after_s;
}
