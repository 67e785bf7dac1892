#include "daemon/control_private.h"

#include "base/clock.h"
#include "daemon/budgets.h"
#include "daemon/nodefacts.h"
#include "daemon/speeds.h"
#include "outlook/budget.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALLOW_TIME_MAX_S = 31 * 86400 };
static const double allow_cost_max = 1e9;

struct stats_job {
	struct control_conn *c;
	bool only_links;
	struct spool_stat *stats;
	size_t n;
};

static enum err_code
read_stats(struct spool_txn *t, void *arg, struct err *e)
{
	struct stats_job *j = arg;

	free(j->stats);
	j->stats = NULL;
	return spool_stats(t, &j->stats, &j->n, e);
}

static void
send_facts(const struct stats_job *j)
{
	struct control_conn *c = j->c;
	struct facts f = {0};

	if (j->only_links)
		nodefacts_links(
			c->n, conn_get(c, KEY_NAME), j->stats, j->n, &f);
	else
		nodefacts(c->n, j->stats, j->n, SIZE_MAX, &f);
	for (size_t i = 0; i < f.n; i++)
		conn_send(c, &f.v[i]);
	facts_free(&f);
}

static void
stats_read(void *arg, enum err_code code, const struct err *e)
{
	struct stats_job *j = arg;
	struct control_conn *c = j->c;

	if (code != OK) {
		conn_end_err(c, code, e);
	} else if (c->stream) {
		send_facts(j);
		conn_end(c, 0, NULL, -1);
	}
	free(j->stats);
	free(j);
	conn_release(c);
}

static void
submit(struct control_conn *c, bool only_links)
{
	struct stats_job *j = xcalloc(1, sizeof(*j));

	j->c = c;
	j->only_links = only_links;
	conn_hold(c);
	spool_submit_read(c->n->spool, read_stats, stats_read, j);
}

void
control_status(struct control_conn *c)
{
	submit(c, false);
}

/* --- links --- */

static void
on_wait_over(void *arg, int code, const char *text)
{
	struct control_conn *c = arg;

	c->wait = NULL;
	conn_end(c, code, text, -1);
}

/* What is left of the plan at the speed that is known; -1: nobody knows. */
static int64_t
seconds_left(const struct node *n, const struct session *s)
{
	const struct speed *speed = speeds_of(n->speeds, s->link);
	struct stream_counts c =
		s->stream ? stream_counts(s->stream) : s->counts;
	uint64_t moved = c.sent + c.received, ms;

	if (moved >= s->estimate_bytes || !speed_is_known(speed))
		return -1;
	ms = speed_ms(speed_bps(speed), s->estimate_bytes - moved);
	return (int64_t)(ms / 1000) + 1;
}

/* What a link with a price has cost so far. */
static void
add_cost(struct control_conn *c, const char *link, struct record *r)
{
	const struct conf_link *cl = conf_link(c->n->conf, link);
	double cost;

	if (cl && outlook_has_price(cl) &&
		budgets_cost(c->n->budgets, link, &cost))
		record_addf(r, KEY_COST_SO_FAR, "%.2f", cost);
}

static void
on_progress(
	void *arg, const struct session *s, const struct spool_message *moved)
{
	struct control_conn *c = arg;
	int64_t left = seconds_left(c->n, s);
	struct record r;

	/* Who does not read is told less. */
	if (!moved && stream_unsent(c->stream))
		return;
	record_init(&r);
	protocol_answer(&r, KIND_PROGRESS);
	record_add_int(&r, KEY_TIME, clock_wall_s());
	record_add(&r, KEY_EVENT,
		!moved				  ? EVENT_BYTES
		: strcmp(s->role, "collect") == 0 ? "received"
						  : "delivered");
	record_add(&r, KEY_LINK, s->link);
	record_add(&r, KEY_PEER, s->peer);
	if (moved || s->message)
		record_add_int(&r, KEY_MESSAGE, moved ? moved->id : s->message);
	record_add_int(&r, KEY_BYTES_DONE,
		(int64_t)(moved ? moved->size : s->bytes_done));
	record_add_int(&r, KEY_BYTES_TOTAL,
		(int64_t)(moved ? moved->size : s->bytes_total));
	record_add_int(&r, KEY_COUNT, s->messages_sent + s->messages_received);
	if (left >= 0)
		record_add_int(&r, KEY_SECONDS_LEFT, left);
	add_cost(c, s->link, &r);
	conn_send(c, &r);
	record_free(&r);
}

static void
begin_wait(struct control_conn *c, const char *name)
{
	static const struct link_wait_ops ops = {
		.over = on_wait_over,
		.progress = on_progress,
	};
	int64_t deadline = 0;

	record_get_int(&c->request, KEY_DEADLINE, &deadline);
	if (conn_get(c, KEY_WAIT) && links_exists(c->n->links, name))
		c->wait = links_wait(c->n->links, name, deadline, &ops, c);
}

/* The end of waiting answers, where it was begun. */
static void
link_call(struct control_conn *c, const char *name)
{
	struct err e = {0};
	enum err_code rc;

	begin_wait(c, name);
	rc = links_call(c->n->links, name, &e);
	if (rc != OK)
		conn_end_err(c, rc, &e);
	else if (!conn_get(c, KEY_WAIT))
		conn_end(c, 0, NULL, -1);
}

static void
link_up(struct control_conn *c, const char *name)
{
	bool was_usable = links_is_usable(c->n->links, name);
	struct err e = {0};
	enum err_code rc;

	begin_wait(c, name);
	rc = links_up(c->n->links, name, conn_get(c, KEY_INTERFACE),
		conn_get(c, KEY_ADDRESS), &e);
	if (rc != OK)
		conn_end_err(c, rc, &e);
	else if (!conn_get(c, KEY_WAIT))
		conn_end(c, 0, NULL, -1);
	else if (links_is_disabled(c->n->links, name))
		conn_end(c, err_exit_status(ERR_BUSY),
			"the link is disabled; see: tidepost link enable", -1);
	else if (was_usable)
		links_again(c->n->links, name);
}

/* A sum that cannot be is nobody's: the command line has looked at it. */
static enum err_code
link_allow(struct control_conn *c, const char *name, struct err *e)
{
	struct budget_amount more = {.seconds = 0};
	const char *cost = conn_get(c, KEY_COST);
	int64_t bytes = 0;

	record_get_int(&c->request, KEY_TIME, &more.seconds);
	record_get_int(&c->request, KEY_BYTES, &bytes);
	more.cost = cost ? strtod(cost, NULL) : 0;
	if (more.seconds < 0 || more.seconds > ALLOW_TIME_MAX_S || bytes < 0 ||
		!(more.cost >= 0 && more.cost <= allow_cost_max))
		return err_set(e, ERR_USAGE,
			"at most 31 days or 1000000000 of money can be allowed "
			"at once");
	more.bytes = (uint64_t)bytes;
	return budgets_allow(c->n->budgets, name, &more, "an operator", e);
}

void
control_link(struct control_conn *c)
{
	const char *action = conn_get(c, KEY_ACTION);
	const char *name = conn_get(c, KEY_NAME);
	struct err e = {0};
	enum err_code rc;

	action = action ? action : "";
	if (strcmp(action, ACTION_WORD_LIST) == 0) {
		submit(c, true);
		return;
	}
	if (strcmp(action, ACTION_WORD_UP) == 0) {
		link_up(c, name);
		return;
	}
	if (strcmp(action, ACTION_WORD_CALL) == 0) {
		link_call(c, name);
		return;
	}
	if (strcmp(action, ACTION_WORD_ALLOW) == 0)
		rc = link_allow(c, name ? name : "", &e);
	else if (strcmp(action, ACTION_WORD_HANGUP) == 0)
		rc = links_hangup(c->n->links, name, &e);
	else if (strcmp(action, ACTION_WORD_DOWN) == 0)
		rc = links_down(c->n->links, name, &e);
	else if (strcmp(action, ACTION_WORD_DISABLE) == 0)
		rc = links_disable(
			c->n->links, name, conn_get(c, KEY_REASON), &e);
	else if (strcmp(action, ACTION_WORD_ENABLE) == 0)
		rc = links_enable(c->n->links, name, &e);
	else
		rc = err_set(&e, ERR_UNSUPPORTED, "not yet supported: link %s",
			action);
	if (rc == OK)
		conn_end(c, 0, NULL, -1);
	else
		conn_end_err(c, rc, &e);
}
