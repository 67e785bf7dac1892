#include "daemon/exchange_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/call.h"
#include "daemon/certwatch.h"
#include "daemon/history.h"
#include "daemon/links.h"
#include "outlook/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin_step(struct exchange *x);

void
exchange_unref(struct exchange *x)
{
	if (--x->refs)
		return;
	for (size_t i = 0; i < x->conf.routes_n; i++)
		free(x->routes[i]);
	free(x->routes);
	free(x->domain);
	free(x->mx_hosts);
	free(x->addresses);
	free(x->link);
	free(x->interface);
	free(x->address);
	reach_free(x->reach);
	buf_free(&x->ticket);
	buf_free(&x->keywords);
	explicit_bzero(x->password, sizeof(x->password));
	free(x);
}

const char *
exchange_name(const struct exchange *x)
{
	return x->domain ? x->domain : x->peer->name;
}

static void
set_result(struct exchange *x, enum exchange_code code, const char *text)
{
	x->result.code = code;
	str_copyz(x->result.text, sizeof(x->result.text), text);
}

/* All went well, but the link may not carry all that is there. */
static void
tell_left(struct exchange *x)
{
	if (x->left.budget)
		set_result(x, EXCHANGE_BUDGET,
			"mail was left at the far side: no budget for it");
	else if (x->left.size)
		set_result(x, EXCHANGE_LEFT,
			"mail was left at the far side: too large for the "
			"link");
	else if (x->left.priority)
		set_result(x, EXCHANGE_LEFT,
			"mail was left at the far side: not urgent enough for "
			"the link");
}

/* Strangers are too many to be remembered. */
static void
tell_history(struct exchange *x)
{
	history_peer(x->n, x->peer->name,
		&(struct history_peer){.host = x->served ? x->host : "",
			.address = x->last_address,
			.keywords = x->keywords.len ? buf_z(&x->keywords) : "",
			.certificate =
				x->has_certificate ? &x->certificate : NULL,
			.success = x->result.code == EXCHANGE_OK,
			.result = x->result.code == EXCHANGE_OK
					  ? "ok"
					  : x->result.text});
}

/*
 * What returns to its sender does not wait for this peer any more; before that
 * is on disk it would be a reason to call again.
 */
void
exchange_end(struct exchange *x)
{
	x->ended = true;
	if (x->finished || x->returning)
		return;
	x->finished = true;
	if (x->result.code == EXCHANGE_OK && x->collect_code != EXCHANGE_OK) {
		set_result(x, x->collect_code, x->collect_text);
		x->result.only_collect_failed = true;
	}
	if (!x->domain)
		tell_history(x);
	str_copyz(
		x->result.address, sizeof(x->result.address), x->last_address);
	if (x->result.code == EXCHANGE_OK)
		tell_left(x);
	if (x->has_certificate && !x->domain)
		certwatch_seen(x->n->certwatch, x->certificate.ends);
	x->conf.done(x->conf.arg, &x->result);
	exchange_unref(x);
}
/* What came instead of what was expected, and who may say that it is right. */
static void
tell_key(struct exchange *x, const char *why)
{
	char hex[2 * TLS_PIN_BYTES + 1];

	for (size_t i = 0; i < TLS_PIN_BYTES; i++)
		snprintf(
			hex + 2 * i, 3, "%02x", x->session->certificate.key[i]);
	snprintf(x->result.text, sizeof(x->result.text),
		"%.260s; the key that came is sha256:%s: if it is right, "
		"accept it with \"tidepost peer trust %.60s\"",
		why, hex, x->peer->name);
}

static void
not_trusted(struct exchange *x, const struct deliver_result *r)
{
	set_result(x, EXCHANGE_NOT_TRUSTED, r->reply);
	x->result.auth = r->fail == FAIL_AUTH;
	if (r->fail == FAIL_TLS && !x->domain && !x->session->has_tls &&
		x->session->has_certificate)
		tell_key(x, r->reply);
}

/*
 * Where a peer closes behind some messages, or what it says makes another
 * connection better, the rest goes on that at once: as long as each one moves
 * something. While mail is asked for nothing is sent.
 */
static bool
may_go_on(
	const struct exchange *x, const struct deliver_result *r, unsigned sent)
{
	return !r->link_lost && r->ready && sent > 0 &&
	       x->steps[x->step] == STEP_PUSH &&
	       (r->fail == FAIL_CLOSED || r->fail == FAIL_REFUSED ||
		       r->fail == FAIL_PROTOCOL);
}

static void
judge(struct exchange *x, const struct deliver_result *r, unsigned sent)
{
	if (r->link_lost)
		set_result(x, EXCHANGE_LINK_LOST,
			r->reply[0] ? r->reply : "the link went down");
	else if (r->fail == FAIL_TLS || r->fail == FAIL_AUTH ||
		 r->fail == FAIL_EARLY_OCTETS)
		not_trusted(x, r);
	else if (r->fail != FAIL_NONE && !may_go_on(x, r, sent))
		set_result(x, EXCHANGE_UNREACHABLE, r->reply);
}

static bool
may_try_next_host(const struct exchange *x, const struct deliver_result *r)
{
	bool bad = x->result.code == EXCHANGE_UNREACHABLE ||
		   (x->domain && x->result.code == EXCHANGE_NOT_TRUSTED);

	return bad && !r->ready && reach_has_next(x->reach);
}

/* RFC 7435: with strangers, TLS that does not work is no worse than none. */
static bool
may_go_without_tls(const struct exchange *x, const struct deliver_result *r)
{
	return x->domain && r->fail == FAIL_TLS && !r->ready &&
	       x->peer->tls == TLS_OFFERED && !x->without_tls && !x->dane;
}

static void
on_over(void *arg, const struct deliver_result *r)
{
	struct exchange *x = arg;
	struct session *s = x->session;

	x->deliver = NULL;
	judge(x, r, s->messages_sent);
	x->left.size |= s->left.size;
	x->left.priority |= s->left.priority;
	x->left.budget |= s->left.budget;
	x->session = NULL;
	x->has_certificate |= s->has_certificate;
	if (s->has_certificate)
		x->certificate = s->certificate;
	if (!x->turned)
		x->result.pushed += s->messages_sent;
	if (r->due && (!x->result.due || r->due < x->result.due))
		x->result.due = r->due;
	if (x->link || !x->domain)
		history_session(s, x->link ? x->link : "", exchange_name(x),
			x->result.code == EXCHANGE_OK ? "ok" : x->result.text);
	session_release(s);
	if (may_go_without_tls(x, r)) {
		x->without_tls = true;
		log_info("going-without-tls", LOG_STR("host", x->host),
			LOG_STR("why", r->reply));
		set_result(x, EXCHANGE_OK, "");
		begin_step(x);
	} else if (r->no_bdat && !x->data_tried && !r->link_lost &&
		   !x->finishing) {
		x->data_tried = true;
		set_result(x, EXCHANGE_OK, "");
		begin_step(x);
	} else if (r->anew && x->result.code == EXCHANGE_OK && !x->finishing) {
		begin_step(x);
	} else if (may_try_next_host(x, r)) {
		set_result(x, EXCHANGE_OK, "");
		reach_next(x->reach);
	} else if (x->result.code == EXCHANGE_OK && !x->finishing &&
		   x->step + 1 < x->steps_n) {
		x->step++;
		begin_step(x);
	} else {
		exchange_end(x);
	}
}

/* --- TLS --- */

static void
keep_ticket(void *arg, struct str session)
{
	struct exchange *x = arg;

	tickets_keep(x->n, x->ticket_peer, x->policy, session);
}

static void
start_tls(struct exchange *x, struct session *s)
{
	const struct conf_peer *p = x->peer;
	struct tls_policy policy = {
		.name = p->tls_name ? p->tls_name : x->host,
		.verify = p->verify == VERIFY_PIN    ? TLS_VERIFY_PIN
			  : p->verify == VERIFY_NONE ? TLS_VERIFY_NONE
						     : TLS_VERIFY_NAME,
		.certificate = p->certificate,
		.ticket = buf_view(&x->ticket),
		.ticket_fn = x->domain ? NULL : keep_ticket,
		.ticket_arg = x,
	};

	memcpy(policy.pin, p->pin, sizeof(policy.pin));
	if (x->known.trust.has_key)
		policy.accept = x->known.trust.key;
	if (x->dane && x->dane->n) {
		policy.verify = TLS_VERIFY_DANE;
		policy.dane = x->dane;
	}
	call_tls(s, &policy);
}

static void
on_start_tls(void *arg, struct session *s)
{
	start_tls(arg, s);
}

/* --- connecting --- */

static unsigned
port_of_step(const struct exchange *x)
{
	return x->steps[x->step] == STEP_COLLECT && x->peer->collect_port
		       ? x->peer->collect_port
		       : x->peer->port;
}

static void
start_machine(struct exchange *x, struct session *s)
{
	const struct conf_peer *p = x->peer;
	bool collect_only = x->steps[x->step] == STEP_COLLECT;
	const char *const domains[] = {x->domain};
	struct deliver_conf c = {
		.client = call_client(x->n),
		.routes = (const char *const *)x->routes,
		.routes_n = x->conf.routes_n,
		.push = !collect_only,
		.recovering = x->conf.recovering && x->result.pushed == 0,
		.leave_utf8 = x->leave_utf8,
		.host = x->host,
		.peer = x->domain ? x->host : p->name,
		.link = x->link,
		.domains = x->domain ? domains : NULL,
		.domains_n = x->domain ? 1 : 0,
		.owner = {.ready = exchange_ready,
			.told_time = exchange_told_time,
			.idle = exchange_idle,
			.turn_reply = exchange_turn_reply,
			.start_tls = on_start_tls,
			.over = on_over},
		.arg = x,
	};

	c.client.tls = p->tls == TLS_REQUIRED || x->dane ? CLIENT_TLS_REQUIRED
		       : p->tls == TLS_OFFERED && !x->without_tls
			       ? CLIENT_TLS_OFFERED
			       : CLIENT_TLS_NONE;
	c.client.tls_active = s->has_tls;
	c.client.tls_verified = s->tls.verified;
	c.client.tls_facts = &s->tls;
	c.client.user = p->user;
	c.client.password = p->user ? x->password : NULL;
	/* A certificate alone may be all that a peer wants for relaying. */
	c.client.external = p->certificate != NULL;
	c.client.auth_required =
		p->user || (p->certificate && p->collect == COLLECT_ATRN);
	c.client.auth_clear = p->auth_clear;
	if (x->link)
		call_fit(
			s, conf_link(x->n->conf, x->link), &c.client, &c.ahead);
	x->deliver = deliver_start(s, &c, collect_only ? "collect" : "push");
	if (x->finishing)
		deliver_finish(x->deliver);
}

/* The host of a stream whose TLS comes before its first machine. */
static void
early_secured(void *arg)
{
	struct exchange *x = arg;

	start_machine(x, x->session);
}

static void
early_closed(void *arg, const char *why)
{
	struct exchange *x = arg;
	struct deliver_result r = {
		.fail = x->session->end == STREAM_TLS ? FAIL_TLS : FAIL_CLOSED,
		.link_lost = x->result.taken_down ||
			     x->session->end == STREAM_TIMEOUT,
	};

	str_copyz(r.reply, sizeof(r.reply), why);
	on_over(x, &r);
}

static void
early_free(void *arg)
{
	(void)arg; /* the exchange frees itself */
}

static const struct session_host early_host = {
	.secured = early_secured,
	.closed = early_closed,
	.free = early_free,
};

/* The connection stands, and what is kept for it has been looked up. */
static void
begin_session(void *arg, uint64_t session, struct str ticket)
{
	struct exchange *x = arg;
	struct session *s = x->session;

	if (!x->finished && s && s->id == session && !s->closed) {
		buf_clear(&x->ticket);
		buf_adds(&x->ticket, ticket);
		if (x->peer->tls == TLS_IMPLICIT) {
			s->in_handshake = true;
			start_tls(x, s);
		} else {
			start_machine(x, s);
			session_pump(s);
		}
	}
	exchange_unref(x);
}

/* What a ticket belongs to; each port may be a server of its own. */
static void
name_policy(struct exchange *x)
{
	snprintf(x->policy, sizeof(x->policy), "%s %d",
		x->peer->tls_name ? x->peer->tls_name : x->host,
		(int)x->peer->verify);
	snprintf(x->ticket_peer, sizeof(x->ticket_peer), "%.240s:%u",
		exchange_name(x), port_of_step(x));
}

static void
not_reached(struct exchange *x, const struct reached *r)
{
	set_result(x, EXCHANGE_UNREACHABLE, r->why);
	x->result.no_link = r->no_link;
	if (x->link || !x->domain)
		history_unreached(x->n, x->link ? x->link : "",
			exchange_name(x), x->step_started_s, r->why);
	exchange_end(x);
}

static void
on_reached(void *arg, const struct reached *r)
{
	struct exchange *x = arg;
	struct session *s;

	if (r->fd < 0) {
		not_reached(x, r);
		return;
	}
	if (x->link)
		links_connected(x->n->links, x->link);
	if (x->host && strcmp(x->host, r->host) != 0)
		x->without_tls = false;
	x->host = r->host;
	x->dane = r->dane;
	name_policy(x);
	s = x->session = call_session(x->n, r->fd,
		x->domain ? x->host : x->peer->name, x->link, "push");
	str_copyz(x->last_address, sizeof(x->last_address),
		stream_peer_address(s->stream));
	session_swap(s, NULL, &early_host, x);
	s->estimate_s = x->estimate_s; /* of the first connection */
	x->estimate_s = 0;
	s->estimate_bytes = x->estimate_bytes;
	x->estimate_bytes = 0;
	x->refs++;
	if (x->peer->tls == TLS_NONE || x->domain)
		begin_session(x, s->id, STR(""));
	else
		tickets_take(x->n, x->ticket_peer, x->policy, s->id,
			begin_session, x);
}

static void
begin_step(struct exchange *x)
{
	x->turn_refused = false;
	x->asked = 0;
	x->step_started_s = clock_sane_s();
	reach_free(x->reach);
	x->reach = reach_new(x->n,
		&(struct reach_conf){.peer = x->peer,
			.hosts = x->addresses,
			.hosts_n = x->addresses_n,
			.port = port_of_step(x),
			.interface = x->interface,
			.address = x->address,
			.link = x->link,
			.known = x->known,
			.first = x->host},
		on_reached, x);
	reach_next(x->reach);
}

struct learn_job {
	struct exchange *x;
	struct known known;
	const struct conf *conf;      /* borrowed; configurations live on */
	const struct conf_link *link; /* NULL: none */
	int64_t estimate_s;
	uint64_t estimate_bytes;
};

/* What link plan would say now, to be laid beside what happened. */
static enum err_code
estimate(struct spool_txn *t, struct learn_job *j, struct err *e)
{
	struct outlook_plan plan = {.rows = NULL};
	enum err_code rc = OK;

	if (j->link)
		rc = outlook_plan(t, j->conf, j->link, &plan, e);
	j->estimate_s = (int64_t)(plan.total.ms + 999) / 1000;
	j->estimate_bytes = plan.total.bytes;
	outlook_plan_clear(&plan);
	return rc;
}

static enum err_code
read_known(struct spool_txn *t, void *arg, struct err *e)
{
	struct learn_job *j = arg;
	enum err_code rc =
		known_get(t, j->x->peer->name, clock_sane_s(), &j->known, e);

	return rc == OK ? estimate(t, j, e) : rc;
}

static void
learned(void *arg, enum err_code code, const struct err *e)
{
	struct learn_job *j = arg;
	struct exchange *x = j->x;

	x->estimate_s = j->estimate_s;
	x->estimate_bytes = j->estimate_bytes;
	if (code == OK)
		x->known = j->known;
	else
		log_warning("peer-unknown", LOG_STR("peer", x->peer->name),
			LOG_STR("why", e->text));
	free(j);
	if (!x->finished)
		begin_step(x);
	exchange_unref(x);
}

static void
learn(struct exchange *x)
{
	struct learn_job *j = xcalloc(1, sizeof(*j));

	j->x = x;
	j->conf = x->n->conf;
	j->link = x->link ? conf_link(j->conf, x->link) : NULL;
	x->refs++;
	spool_submit_read(x->n->spool, read_known, learned, j);
}

/* --- beginning and ending --- */

static bool
read_password(struct exchange *x)
{
	FILE *f = fopen(x->peer->password_file, "re");
	bool ok = f && fgets(x->password, sizeof(x->password), f);

	if (ok)
		x->password[strcspn(x->password, "\r\n")] = '\0';
	else
		snprintf(x->result.text, sizeof(x->result.text),
			"cannot read the password in %s: %s",
			x->peer->password_file,
			f ? "it is empty" : strerror(errno));
	if (f)
		fclose(f);
	return ok;
}

static void
plan_steps(struct exchange *x)
{
	enum step push = STEP_PUSH, collect = STEP_COLLECT;
	bool first = x->peer->order == ORDER_COLLECT_FIRST;

	if (x->conf.push && !first)
		x->steps[x->steps_n++] = push;
	if (x->conf.collect)
		x->steps[x->steps_n++] = collect;
	if (x->conf.push && first)
		x->steps[x->steps_n++] = push;
}

static char *
copy_or_null(const char *z)
{
	return z && z[0] ? str_dupz(z) : NULL;
}

static void
finish_soon(void *arg)
{
	struct exchange *x = arg;

	exchange_end(x);
	exchange_unref(x);
}

/* An attempt for each address; all of a host before the next host. */
static void
take_mx(struct exchange *x, const struct exchange_mx *mx)
{
	x->domain = str_dupz(mx->domain);
	x->leave_utf8 = mx->leave_utf8;
	x->mx_hosts = xcalloc(mx->hosts_n, sizeof(*x->mx_hosts));
	x->addresses = xcalloc(
		mx->hosts_n * MXLOOK_ADDRESSES_MAX, sizeof(*x->addresses));
	for (size_t i = 0; i < mx->hosts_n; i++) {
		struct mxlook_host *h = &x->mx_hosts[i];

		*h = mx->hosts[i];
		for (size_t k = 0; k < h->addresses_n; k++)
			x->addresses[x->addresses_n++] = (struct reach_host){
				.name = h->name,
				.address = h->addresses[k],
				.dane = h->dane.required ? &h->dane : NULL,
			};
	}
}

struct exchange *
exchange_start(struct node *n, const struct exchange_conf *conf)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->n = n;
	x->conf = *conf;
	x->settings = n->conf;
	x->peer = conf->peer;
	x->refs = 1;
	x->routes = xcalloc(conf->routes_n, sizeof(*x->routes));
	for (size_t i = 0; i < conf->routes_n; i++)
		x->routes[i] = str_dupz(conf->routes[i]);
	x->link = copy_or_null(conf->link);
	x->interface = copy_or_null(conf->interface);
	x->address = copy_or_null(conf->address);
	buf_init(&x->ticket, 0);
	buf_init(&x->keywords, 0);
	plan_steps(x);
	if (conf->mx)
		take_mx(x, conf->mx);
	if (x->peer->user && !read_password(x)) {
		x->result.code = EXCHANGE_NOT_TRUSTED;
		log_error("no-password", LOG_STR("peer", x->peer->name),
			LOG_STR("why", x->result.text));
		x->refs++;
		loop_post(n->loop, finish_soon, x);
	} else if (x->domain) {
		begin_step(x); /* strangers are not known */
	} else {
		learn(x);
	}
	return x;
}

bool
exchange_met(const struct exchange *x)
{
	return x->result.met;
}

bool
exchange_takes(const struct exchange *x)
{
	return x->deliver && x->served && !x->finishing &&
	       x->steps[x->step] == STEP_PUSH;
}

void
exchange_more(struct exchange *x)
{
	if (x->deliver && x->steps[x->step] == STEP_PUSH)
		deliver_more(x->deliver);
}

void
exchange_finish(struct exchange *x)
{
	x->finishing = true;
	if (x->deliver)
		deliver_finish(x->deliver);
}

void
exchange_link_lost(struct exchange *x)
{
	if (x->finished)
		return;
	x->result.taken_down = true;
	if (x->ended)
		return; /* all is said but its end */
	if (x->deliver) {
		deliver_link_lost(x->deliver);
		return;
	}
	set_result(x, EXCHANGE_LINK_LOST, "the link went down");
	if (x->session) {
		session_close(x->session, "the link went down");
		return;
	}
	reach_free(x->reach);
	x->reach = NULL;
	exchange_end(x);
}
