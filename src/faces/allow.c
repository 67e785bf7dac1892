#include "faces/allow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/protocol.h"
#include "outlook/budget.h"

enum { ALLOW_TIME_MAX_S = 31 * 86400 };
static const double allow_cost_max = 1e9;

static bool
parse_cost(const char *text, double *cost_r)
{
	char *end;

	*cost_r = strtod(text, &end);
	return end != text && !*end && isfinite(*cost_r) && *cost_r > 0 &&
	       *cost_r <= allow_cost_max;
}

enum err_code
allow_parse(const char *time, const char *bytes, const char *cost,
	struct allow *a_r, struct err *e)
{
	struct budget_amount *more = &a_r->more;
	int64_t ms = 0;

	if (!time && !bytes && !cost)
		return err_set(e, ERR_USAGE,
			"say what is allowed: --time, --bytes or --cost");
	if (time && (!conf_parse_duration_ms(str_of(time), &ms) || ms < 1000 ||
			    ms / 1000 > ALLOW_TIME_MAX_S))
		return err_set(e, ERR_USAGE,
			"--time %s: not a duration from 1s to 31d (as 15m)",
			time);
	more->seconds = ms / 1000;
	if (bytes &&
		(!conf_parse_size(str_of(bytes), &more->bytes) || !more->bytes))
		return err_set(e, ERR_USAGE, "--bytes %s: not a size (as 200K)",
			bytes);
	if (cost && !parse_cost(cost, &more->cost))
		return err_set(e, ERR_USAGE,
			"--cost %s: not an amount of money (as 2.50)", cost);
	snprintf(a_r->text, sizeof(a_r->text),
		"%lld seconds, %llu bytes, %.2f of money more",
		(long long)more->seconds, (unsigned long long)more->bytes,
		more->cost);
	return OK;
}

enum err_code
allow_in_spool(struct spool_txn *t, void *arg, struct err *e)
{
	struct allow *al = arg;
	struct budget_conf conf = outlook_budget_conf(al->link);
	struct spool_event ev = {.time = clock_sane_s(), .level = LOG_INFO};
	struct budget_row session, row;
	struct budget b;
	enum err_code rc;

	budget_init(&b, &conf);
	rc = outlook_budget_load(t, al->link->name, &b, &session, e);
	budget_allow(&b, &al->more,
		(struct budget_time){clock_sane_s(), clock_mono_ms()});
	while (rc == OK && budget_dirty(&b, &row)) {
		struct spool_budget s;

		outlook_budget_store(al->link->name, &row, &s);
		rc = spool_budget_put(t, &s, e);
	}
	budget_free(&b);
	str_copyz(ev.event, sizeof(ev.event), "link-allow");
	str_copyz(ev.link, sizeof(ev.link), al->link->name);
	snprintf(ev.text, sizeof(ev.text), "%s, by %s", al->text, al->who);
	return rc == OK ? spool_event_add(t, &ev, e) : rc;
}

void
allow_request(const struct allow *a, const char *link, struct request *r)
{
	char cost[40];

	snprintf(cost, sizeof(cost), "%.6f", a->more.cost);
	request_init(r, VERB_LINK, ACTION_WORD_ALLOW);
	request_add(r, KEY_NAME, link);
	request_add_int(r, KEY_TIME, a->more.seconds);
	request_add_int(r, KEY_BYTES, (int64_t)a->more.bytes);
	request_add(r, KEY_COST, cost);
}
