#include "daemon/lmtp.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/call.h"
#include "daemon/deliver.h"
#include "daemon/dispatch.h"
#include "spool/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LMTP_AGAIN_MS = 20000 };

static const char route[] = "local";

struct lmtp {
	struct node *n;
	struct loop_timer *again; /* after a failure */
	struct dial *dial;
	struct deliver *deliver;
	struct session *session; /* held; NULL: none */
	bool looking;		 /* a reader looks what is due */
	bool more;		 /* kicked meanwhile */
	bool resting;		 /* it failed; the timer runs */
	bool stopping;
	bool ailing; /* it took nothing of what it was last given */
	bool blamed; /* the queue says why it waits */
};

/* --- why it waits --- */

struct reason {
	char text[SPOOL_TEXT_MAX + 1]; /* "" none */
};

static enum err_code
write_reason(struct spool_txn *t, void *arg, struct err *e)
{
	const struct reason *r = arg;

	return spool_route_reason_put(t, route,
		r->text[0] ? REASON_RETRY_WAIT : REASON_NONE, r->text, e);
}

static void
reason_written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_error("reasons-not-recorded", LOG_STR("why", e->text));
	free(arg);
}

/* WHY "": it does not wait any more. */
static void
blame(struct lmtp *l, const char *why)
{
	struct reason *r;

	if (!why[0] && !l->blamed)
		return;
	l->blamed = why[0] != '\0';
	r = xcalloc(1, sizeof(*r));
	str_copyz(r->text, sizeof(r->text), why);
	spool_submit(l->n->spool, write_reason, reason_written, r);
}

static const char *
target_of(const struct lmtp *l)
{
	return l->n->conf->local.deliver_to;
}

static void
fail(struct lmtp *l, const char *why)
{
	char text[600];

	snprintf(text, sizeof(text), "waits for the LMTP server %s: %s",
		target_of(l), why);
	log_warning("lmtp-unreachable", LOG_STR("server", target_of(l)),
		LOG_STR("why", why));
	blame(l, text);
	l->resting = true;
	loop_timer_set(l->again, LMTP_AGAIN_MS);
}

/* --- the session --- */

static void
on_ready(void *arg, struct deliver *d)
{
	struct lmtp *l = arg;

	(void)d;
	blame(l, "");
}

static void
on_idle(void *arg, struct deliver *d)
{
	struct lmtp *l = arg;

	l->more |= deliver_is_spent(d); /* over another connection */
	deliver_quit(d);
}

static void
on_over(void *arg, const struct deliver_result *result)
{
	struct lmtp *l = arg;
	struct session *s = l->session;

	l->session = NULL;
	l->deliver = NULL;
	if (s->messages_sent)
		l->ailing = false;
	else if (result->due)
		l->ailing = true;
	if (result->fail != FAIL_NONE && !l->stopping)
		fail(l, result->reply);
	else if (l->more)
		lmtp_kick(l);
	session_release(s);
}

static void
deliver(struct lmtp *l, int fd)
{
	const char *routes[] = {route};
	struct deliver_conf c = {
		.client = call_client(l->n),
		.routes = routes,
		.routes_n = 1,
		.push = true,
		.recovering = l->ailing,
		.peer = "lmtp",
		.host = l->n->conf->hostname,
		.owner = {.ready = on_ready, .idle = on_idle, .over = on_over},
		.arg = l,
	};

	c.client.lmtp = true;
	c.client.tls = CLIENT_TLS_NONE;
	c.client.window_bytes = 0;
	l->more = false;
	l->session = call_session(l->n, fd, c.peer, NULL, "lmtp");
	l->deliver = deliver_start(l->session, &c, "lmtp");
	session_pump(l->session);
}

/* --- reaching it --- */

static void
dialled(void *arg, int fd, enum err_code code, const char *why)
{
	struct lmtp *l = arg;

	(void)code;
	l->dial = NULL;
	if (fd < 0)
		fail(l, why);
	else
		deliver(l, fd);
}

static void
reach(struct lmtp *l)
{
	const struct conf *conf = l->n->conf;
	int fd;

	if (!conf->local.lmtp_socket) {
		l->dial = call_dial(l->n,
			&(struct dial_conf){.host = conf->local.lmtp_host,
				.port = conf->local.lmtp_port},
			dialled, l);
		return;
	}
	fd = dial_unix(conf->local.lmtp_socket);
	if (fd < 0)
		fail(l, strerror(errno));
	else
		deliver(l, fd);
}

/* --- is there anything? --- */

struct look {
	struct lmtp *l;
	int64_t now, due;
};

static enum err_code
look(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *k = arg;

	return spool_route_due(t, route, NULL, k->now, &k->due, e);
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct look *k = arg;
	struct lmtp *l = k->l;

	l->looking = false;
	if (code != OK)
		fail(l, e->text);
	else if (k->due == 0 && !l->stopping)
		reach(l);
	else if (k->due > 0)
		dispatch_due_at(l->n->dispatch, k->due);
	if (code == OK && k->due != 0 && l->more && !l->stopping)
		lmtp_kick(l);
	free(k);
}

void
lmtp_kick(struct lmtp *l)
{
	struct look *k;

	if (l->stopping || l->resting ||
		l->n->conf->local.deliver != DELIVER_LMTP)
		return;
	l->more = true;
	if (l->session) {
		deliver_more(l->deliver);
		return;
	}
	if (l->looking || l->dial)
		return;
	l->more = false;
	k = xcalloc(1, sizeof(*k));
	k->l = l;
	k->now = clock_sane_s();
	l->looking = true;
	spool_submit_read(l->n->spool, look, looked, k);
}

static void
try_again(void *arg)
{
	struct lmtp *l = arg;

	l->resting = false;
	lmtp_kick(l);
}

/* --- beginning and end --- */

struct lmtp *
lmtp_new(struct node *n)
{
	struct lmtp *l = xcalloc(1, sizeof(*l));

	l->n = n;
	l->again = loop_timer_new(n->loop, try_again, l);
	return l;
}

void
lmtp_stop(struct lmtp *l)
{
	l->stopping = true;
	dial_cancel(l->dial);
	l->dial = NULL;
	loop_timer_clear(l->again);
}

void
lmtp_free(struct lmtp *l)
{
	if (!l)
		return;
	loop_timer_free(l->again);
	free(l);
}
