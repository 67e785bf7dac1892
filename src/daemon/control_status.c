#include "daemon/control_private.h"

#include "base/clock.h"
#include "daemon/certwatch.h"
#include "daemon/budgets.h"
#include "daemon/services.h"
#include "daemon/speeds.h"
#include "net/resolve.h"
#include "outlook/budget.h"
#include "outlook/record.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALLOW_TIME_MAX_S = 31 * 86400 };
static const double allow_cost_max = 1e9;

static void
send_node(struct control_conn *c)
{
	struct node *n = c->n;
	struct record r;

	record_init(&r);
	protocol_answer(&r, KIND_NODE);
	record_add(&r, KEY_HOSTNAME, n->conf->hostname);
	record_add(&r, KEY_VERSION, TIDEPOST_VERSION);
	record_add_int(&r, KEY_PID, getpid());
	record_add_int(&r, KEY_UPTIME,
		(int64_t)((clock_mono_ms() - n->started_ms) / 1000));
	record_add(&r, KEY_CLOCK,
		clock_trusted() ? CLOCK_TRUSTED : CLOCK_NOT_TRUSTED);
	if (clock_told_s())
		record_add_int(
			&r, KEY_CLOCK_OFF, clock_wall_s() - clock_told_s());
	record_add(&r, KEY_LIBRARY, spool_engine_version());
	record_add(&r, KEY_LIBRARY, tls_library());
	record_add(&r, KEY_LIBRARY, loop_library());
	if (resolver_is_there())
		record_add(&r, KEY_LIBRARY, resolver_library());
	conn_send(c, &r);
	record_free(&r);
}

static void
send_warnings(struct control_conn *c)
{
	const char *text;
	struct record r;

	record_init(&r);
	for (size_t i = 0; (text = certwatch_warning(c->n->certwatch, i));
		i++) {
		protocol_answer(&r, KIND_WARNING);
		record_add(&r, KEY_TEXT, text);
		conn_send(c, &r);
	}
	record_free(&r);
}

static void
send_listeners(struct control_conn *c)
{
	const struct conf *conf = c->n->conf;
	struct record r;

	record_init(&r);
	for (size_t i = 0; i < conf->listeners_n; i++) {
		protocol_answer(&r, KIND_LISTENER);
		record_add(&r, KEY_NAME, conf->listeners[i].name);
		record_add(&r, KEY_ADDRESS, conf->listeners[i].address);
		record_add_int(&r, KEY_PORT, services_port(c->n->services, i));
		conn_send(c, &r);
	}
	record_free(&r);
}

/* Deliveries that wait for a peer of LINK. */
static void
add_waiting(const struct conf *conf, const char *link,
	const struct spool_stat *stats, size_t n, struct record *r)
{
	uint64_t messages = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		const struct spool_stat *s = &stats[i];

		if (s->state == SPOOL_DELETED ||
			!links_carry_route(conf, link, s->route))
			continue;
		messages += s->deliveries;
		bytes += s->bytes;
	}
	record_add_int(r, KEY_WAITING_MESSAGES, (int64_t)messages);
	record_add_int(r, KEY_WAITING_BYTES, (int64_t)bytes);
}

static void
send_links(struct control_conn *c, const char *only,
	const struct spool_stat *stats, size_t n)
{
	struct link_facts f;
	struct record r;

	record_init(&r);
	for (size_t i = 0; links_facts(c->n->links, i, &f); i++) {
		if (only && strcmp(only, f.name) != 0)
			continue;
		protocol_answer(&r, KIND_LINK);
		record_add(&r, KEY_NAME, f.name);
		record_add(&r, KEY_STATE, f.state);
		record_add_int(&r, KEY_SINCE, f.since);
		if (f.interface[0])
			record_add(&r, KEY_INTERFACE, f.interface);
		if (f.verified)
			record_add(&r, KEY_VERIFIED, "1");
		if (f.reason[0])
			record_add(&r, KEY_REASON, f.reason);
		record_add_int(&r, KEY_BYTES_SENT, (int64_t)f.bytes_sent);
		record_add_int(
			&r, KEY_BYTES_RECEIVED, (int64_t)f.bytes_received);
		if (f.next_window)
			record_add_int(&r, KEY_NEXT_WINDOW, f.next_window);
		for (enum budget_period p = 0; p < BUDGET_PERIODS; p++) {
			struct budget_left left =
				budgets_left(c->n->budgets, f.name, p);

			outlook_record_left(&r, p, &left);
		}
		add_waiting(c->n->conf, f.name, stats, n, &r);
		conn_send(c, &r);
	}
	record_free(&r);
}

static void
send_queue(struct control_conn *c, const struct spool_stat *stats, size_t n)
{
	uint64_t by_state[SPOOL_STATES_N] = {0}, bytes = 0;
	struct record r;

	for (size_t i = 0; i < n; i++) {
		by_state[stats[i].state] += stats[i].deliveries;
		if (stats[i].state != SPOOL_DELETED)
			bytes += stats[i].bytes;
	}
	record_init(&r);
	protocol_answer(&r, KIND_QUEUE);
	record_add_int(&r, KEY_READY, (int64_t)by_state[SPOOL_READY]);
	record_add_int(&r, KEY_DEFERRED, (int64_t)by_state[SPOOL_DEFERRED]);
	record_add_int(&r, KEY_HELD, (int64_t)by_state[SPOOL_HELD]);
	record_add_int(&r, KEY_ACTIVE, (int64_t)by_state[SPOOL_ACTIVE]);
	record_add_int(&r, KEY_BYTES, (int64_t)bytes);
	conn_send(c, &r);
	record_free(&r);
}

static void
send_sessions(struct control_conn *c)
{
	struct record r;

	record_init(&r);
	LIST_EACH(node, tmp, &c->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);
		bool server = strcmp(s->role, "receive") == 0 ||
			      strcmp(s->role, "collect") == 0;

		protocol_answer(&r, KIND_SESSION);
		record_add_int(&r, KEY_ID, (int64_t)s->id);
		record_add(&r, KEY_PEER, s->peer);
		if (s->link[0])
			record_add(&r, KEY_LINK, s->link);
		record_add(&r, KEY_ROLE, server ? "server" : "client");
		record_add(&r, KEY_STATE, s->doing);
		if (s->message)
			record_add_int(&r, KEY_MESSAGE, s->message);
		record_add_int(&r, KEY_BYTES_DONE, (int64_t)s->bytes_done);
		record_add_int(&r, KEY_BYTES_TOTAL, (int64_t)s->bytes_total);
		record_add_int(&r, KEY_SINCE, s->started_s);
		conn_send(c, &r);
	}
	record_free(&r);
}

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
stats_read(void *arg, enum err_code code, const struct err *e)
{
	struct stats_job *j = arg;
	struct control_conn *c = j->c;

	if (code != OK) {
		conn_end_err(c, code, e);
	} else if (c->stream) {
		if (!j->only_links) {
			send_node(c);
			send_warnings(c);
			send_listeners(c);
		}
		send_links(c, j->only_links ? conn_get(c, KEY_NAME) : NULL,
			j->stats, j->n);
		if (!j->only_links) {
			send_queue(c, j->stats, j->n);
			send_sessions(c);
		}
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
			"the link is disabled: enable it first", -1);
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
		return err_set(e, ERR_USAGE, "this cannot be allowed");
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
