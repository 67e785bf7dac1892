/* link allow: raises today's budget of a link, once. */
#include "cli/link.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "outlook/budget.h"

enum { ALLOW_TIME_MAX_S = 31 * 86400 };
static const double allow_cost_max = 1e9;

struct allow {
	const struct conf_link *link;
	struct budget_amount more;
	char text[200]; /* for people and the log */
	char who[SPOOL_NAME_MAX + 1];
};

static bool
parse_cost(const char *text, double *cost_r)
{
	char *end;

	*cost_r = strtod(text, &end);
	return end != text && !*end && isfinite(*cost_r) && *cost_r > 0 &&
	       *cost_r <= allow_cost_max;
}

static enum err_code
parse(const struct args *a, struct budget_amount *more, struct err *e)
{
	const char *time = args_value(a, "--time");
	const char *bytes = args_value(a, "--bytes");
	const char *cost = args_value(a, "--cost");
	int64_t ms = 0;

	if (!time && !bytes && !cost)
		return err_set(e, ERR_USAGE,
			"say what is allowed: --time, --bytes or --cost");
	if (time && (!conf_parse_duration_ms(str_of(time), &ms) || ms < 1000 ||
			    ms / 1000 > ALLOW_TIME_MAX_S))
		return err_set(e, ERR_USAGE,
			"--time %s: not a duration from 1s to 31d", time);
	more->seconds = ms / 1000;
	if (bytes &&
		(!conf_parse_size(str_of(bytes), &more->bytes) || !more->bytes))
		return err_set(e, ERR_USAGE, "--bytes %s: not a size (as 200K)",
			bytes);
	if (cost && !parse_cost(cost, &more->cost))
		return err_set(e, ERR_USAGE,
			"--cost %s: not an amount of money (as 2.50)", cost);
	return OK;
}

static enum err_code
write_allowed(struct spool_txn *t, void *arg, struct err *e)
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

static int
allow_directly(struct cli *c, struct allow *al, const char *name)
{
	al->link = conf_link(c->conf, name);
	if (!al->link)
		return cli_refuse(ERR_NOTFOUND,
			"no link \"%s\" in %s; see: tidepost link list", name,
			c->conf->file);
	if (!outlook_has_budget(al->link))
		return cli_refuse(
			ERR_USAGE, "link %s has no budget to raise", name);
	return cli_write(c, write_allowed, al);
}

static int
allow_by_daemon(
	struct control_client *client, const struct allow *al, const char *name)
{
	struct record request;
	char cost[40];
	int status;

	snprintf(cost, sizeof(cost), "%.6f", al->more.cost);
	protocol_request(&request, VERB_LINK, ACTION_WORD_ALLOW);
	record_add(&request, KEY_NAME, name);
	record_add_int(&request, KEY_TIME, al->more.seconds);
	record_add_int(&request, KEY_BYTES, (int64_t)al->more.bytes);
	record_add(&request, KEY_COST, cost);
	status = cli_ask_daemon(
		client, &request, PROTOCOL_SILENCE_MS, NULL, NULL, NULL);
	record_free(&request);
	return status;
}

int
link_allow(struct cli *c, const struct args *a)
{
	struct allow al = {.link = NULL};
	const char *name = a->words[0];
	struct control_client *client;
	struct err e;
	int status;

	if (parse(a, &al.more, &e) != OK)
		return cli_fail(&e);
	snprintf(al.text, sizeof(al.text),
		"%lld seconds, %llu bytes, %.2f of money more",
		(long long)al.more.seconds, (unsigned long long)al.more.bytes,
		al.more.cost);
	store_who(al.who, sizeof(al.who));
	status = cli_connect(c, &client);
	if (status != 0)
		return status;
	status = client ? allow_by_daemon(client, &al, name)
			: allow_directly(c, &al, name);
	control_close(client);
	if (status == 0)
		text_printf(stdout, "%s: %s, today and this month\n", name,
			al.text);
	return status;
}
