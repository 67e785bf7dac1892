#include "daemon/receive.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/budgets.h"
#include "daemon/dispatch.h"
#include "daemon/etrn.h"
#include "daemon/history.h"
#include "daemon/links.h"
#include "daemon/receive_private.h"
#include "daemon/serve.h"
#include "daemon/speeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECEIVE_BODY_HIGH = 4 * 1024 * 1024, /* octets held: stop reading */
	RECEIVE_SPILLS_MAX = 4,		     /* likewise, parts on their way */
	RECEIVE_TLS_MAX_MS = 60000,
};

static const struct session_host host;
static void on_free(void *arg);

/* The account went, and perhaps another one has its name. */
static bool
login_has_ended(const struct receive *r)
{
	return r->account[0] &&
	       !accounts_is_same(r->n->accounts, r->account, &r->mark);
}

void
receive_policy_client(const struct receive *r, struct policy_client *c_r)
{
	*c_r = (struct policy_client){
		.service = r->service,
		.address = stream_peer_address(r->s->stream),
		.account = r->account,
		.ended = login_has_ended(r),
		.turned = r->turned,
		.peer = r->peer,
		.helo = r->server ? smtp_server_helo(r->server) : "",
		.program = r->program,
	};
}

/* The machine looks at the texts whenever it shows or checks one. */
static void
set_mechs(struct receive *r)
{
	static const struct tls_facts not_yet;
	struct tls_facts copy;
	const struct tls_facts *tls = receive_tls(r, &copy);
	bool cram = accounts_have_cram(r->n->accounts);

	if (r->turned)
		return;
	if (dovecot_is_used(r->n->dovecot)) {
		dovecot_mechs(r->n->dovecot, true, false, r->mechs_tls);
		dovecot_mechs(
			r->n->dovecot, false, r->auth_clear, r->mechs_clear);
		return;
	}
	sasl_mechs_server(
		tls ? tls : &not_yet, r->auth_clear, cram, r->mechs_tls);
	sasl_mechs_server(NULL, r->auth_clear, cram, r->mechs_clear);
}

/* --- events of the machine --- */

static void
note_from(const struct receive *r)
{
	char text[300];

	snprintf(text, sizeof(text),
		"refused (550): it submitted mail from %s, which is in none of "
		"its networks; customer set --network changes them",
		stream_peer_address(r->s->stream));
	history_customer(r->n, r->account, text);
}

static void
on_mail(struct receive *r, const struct smtp_event *ev)
{
	struct policy_client c;
	struct reply reply;

	receive_policy_client(r, &c);
	r->params = *ev->mail;
	if (r->s->link[0] &&
		!budgets_admit(r->n->budgets, r->s,
			ev->mail->has_size ? ev->mail->size_bytes : 0,
			ev->mail->priority, &reply))
		;
	else if (policy_may_come(r->n, &c, &reply))
		policy_mail(r->n, &c, ev->mailbox, &r->params, &reply);
	else
		note_from(r);
	if (reply.code == 250)
		r->sender = *ev->mailbox;
	receive_times_mail(r, &reply);
}

static void
on_data(struct receive *r)
{
	struct reply reply;

	if (spool_has_room(r->n->spool, r->params.size_bytes)) {
		receive_body_begin(r);
		reply_set(&reply, 354, "", "End data with <CR><LF>.<CR><LF>");
	} else {
		reply_set(&reply, 452, "4.3.1", "No room on the disk now");
	}
	machine_answer(r->s->machine, &reply);
}

static void
on_atrn(struct receive *r, const struct smtp_event *ev)
{
	struct reply reply;

	if (login_has_ended(r)) {
		log_info("atrn-refused", LOG_INT("session", r->s->id),
			LOG_STR("account", r->account),
			LOG_STR("why", "the account changed since the login"));
		reply_set(&reply, 450, "4.7.1",
			"This account changed since you logged in: log in "
			"anew");
		machine_answer(r->s->machine, &reply);
		return;
	}
	free(r->atrn_domains);
	r->atrn_domains = str_dup(ev->text);
	serve_atrn(r->s, r->account, r->atrn_domains);
}

static void
on_body_fault(struct receive *r, const struct smtp_event *ev)
{
	log_info("refused", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_STR("from", r->sender.text),
		LOG_VIEW("why", ev->text), LOG_INT("line", ev->fault_line));
	receive_reset(r);
}

static void
on_event(void *arg, const struct smtp_event *ev)
{
	struct receive *r = arg;

	switch (ev->kind) {
	case EV_AUTH_START:
		receive_auth_start(r, ev->text, ev->data);
		break;
	case EV_AUTH_DATA:
		receive_auth_data(r, ev->data);
		break;
	case EV_AUTH_CANCEL:
		receive_auth_end(r);
		break;
	case EV_MAIL:
		on_mail(r, ev);
		break;
	case EV_RCPT:
		receive_rcpt(r, ev);
		break;
	case EV_DATA:
		on_data(r);
		break;
	case EV_BODY:
		receive_body_add(r, ev->data);
		break;
	case EV_BODY_FAULT:
	case EV_BODY_TOO_BIG:
		on_body_fault(r, ev);
		break;
	case EV_BODY_END:
		if (ev->index == 0)
			receive_body_end(r);
		else /* LMTP: all of them share the fate of the message */
			machine_answer(r->s->machine, r->stored_reply);
		break;
	case EV_RESET:
		receive_reset(r);
		break;
	case EV_ATRN:
		on_atrn(r, ev);
		break;
	case EV_ETRN:
		etrn_ask(r->s, login_has_ended(r) ? "" : r->account, ev->text);
		break;
	case EV_EXPN:
		receive_expand(r, ev);
		break;
	case EV_QUIT:
		r->quit = true;
		break;
	case EV_REFUSED:
		if (ev->reply->code == 421)
			reply_one_line(
				ev->reply, r->farewell, sizeof(r->farewell));
		break;
	case EV_TLS_STARTED:
		r->account[0] = '\0';
		set_mechs(r);
		receive_reset(r);
		break;
	default:
		break;
	}
}

/* --- the session's host --- */

static bool
on_work(void *arg, enum want want)
{
	(void)arg;
	(void)want;
	return false;
}

static void
on_start_tls(void *arg)
{
	struct receive *r = arg;

	if (!r->n->tls_server) {
		session_close(r->s, "TLS is no longer configured");
		return;
	}
	stream_tls_accept(r->s->stream, r->n->tls_server,
		node_limit_ms(r->n->conf->limits.command_timeout_s,
			RECEIVE_TLS_MAX_MS));
}

/*
 * Nothing of this side is left behind: parts of a body that was given up (RSET)
 * may still be on their way, and their job comes back to R.
 */
static bool
on_turn(void *arg)
{
	struct receive *r = arg;

	if (r->spills_in_flight)
		return false;
	if (login_has_ended(r)) {
		session_close(r->s, "the account changed since the login");
		return false;
	}
	receive_reset(r);
	r->s->bytes_done = r->s->bytes_total = 0;
	serve_turn(r->s, r->account, r->atrn_domains);
	on_free(r);
	return true;
}

static bool
on_may_feed(void *arg)
{
	struct receive *r = arg;

	if (r->body.len >= RECEIVE_BODY_HIGH ||
		r->spills_in_flight >= RECEIVE_SPILLS_MAX)
		return false; /* its own spill wakes it */
	return node_may_take(r->n);
}

/* A customer who was granted its mail and did not live to see the turn. */
static void
tell_not_turned(struct receive *r, const char *why)
{
	char text[300];

	if (strcmp(r->s->role, "serve") != 0)
		return;
	snprintf(text, sizeof(text), "broken off before the turn: %s", why);
	history_customer(r->n, r->account, text);
}

/* A connection that somebody made over a link: its history, and who waits. */
static void
tell_link(struct receive *r, const char *why)
{
	struct session *s = r->s;
	struct exchange_result result = {.code = EXCHANGE_LEFT};

	history_session(s, s->link, s->peer, r->quit ? "ok" : why);
	if (s->left.budget)
		result.code = EXCHANGE_BUDGET;
	else if (!s->left.size && !s->left.priority)
		return;
	str_copyz(result.text, sizeof(result.text),
		"mail that came was refused: the link may not carry it");
	links_peer_result(r->n->links, s->link, &result);
}

static void
on_closed(void *arg, const char *why)
{
	struct receive *r = arg;

	receive_auth_drop(r);
	dovecot_cancel(r->dovecot);
	r->dovecot = NULL;
	receive_rcpt_cancel(r);
	receive_reset(r);
	if (r->service == SERVICE_SMTP && !r->turned)
		dispatch_receiving(r->n->dispatch, false);
	if (r->farewell[0] && !r->s->stalled)
		why = r->farewell;
	log_info("session-end", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_STR("role", r->s->role),
		LOG_INT("received", r->s->messages_received),
		LOG_STR("why", why));
	tell_not_turned(r, why);
	if (r->s->link[0] && !r->turned)
		tell_link(r, why);
	if (r->done)
		r->done(r->done_arg, r->quit, why);
}

static void
on_free(void *arg)
{
	struct receive *r = arg;

	loop_timer_free(r->slow);
	receive_auth_end(r);
	buf_free(&r->body);
	free(r->rcpts);
	receive_aliases_free(r->aliases, r->aliases_n);
	receive_alias_forget(r);
	free(r->look);
	free(r->stored_reply);
	free(r->atrn_domains);
	free(r->program);
	free(r);
}

/* --- beginning --- */

static unsigned
extensions(const struct receive *r)
{
	unsigned ext = EXT_PIPELINING | EXT_ENHANCEDSTATUSCODES;

	if (r->n->tls_server && !r->turned && r->service != SERVICE_LMTP &&
		r->tls != TLS_NONE && r->tls != TLS_IMPLICIT)
		ext |= EXT_STARTTLS;
	if (r->service == SERVICE_ODMR)
		return ext | EXT_AUTH | EXT_ATRN;
	if (r->atrn)
		ext |= EXT_ATRN;
	ext |= EXT_SIZE | EXT_8BITMIME | EXT_CHUNKING | EXT_BINARYMIME |
	       EXT_DSN | EXT_SMTPUTF8 | EXT_MT_PRIORITY | EXT_LIMITS |
	       EXT_DELIVERBY | EXT_REQUIRETLS;
	/* RFC 4865 4.2: on the submission port alone */
	if (r->service == SERVICE_SUBMISSION && !r->turned)
		ext |= EXT_FUTURERELEASE;
	if (r->turned || r->service == SERVICE_LMTP || r->program)
		return ext;
	if (receive_expand_is_offered(r))
		ext |= EXT_EXPN;
	if (etrn_is_offered(r->n))
		ext |= EXT_ETRN;
	return ext | EXT_AUTH;
}

static int64_t
known_time(void)
{
	return clock_trusted() ? clock_wall_s() : 0;
}

/* Who calls these services may be a node without a clock. */
static bool
tells_time(const struct receive *r)
{
	return !r->turned &&
	       (r->service == SERVICE_ODMR || r->service == SERVICE_SUBMISSION);
}

static void
make_machine(struct receive *r)
{
	const struct conf *conf = r->n->conf;
	struct policy_client client;
	struct smtp_server_conf c = {
		.hostname = conf->hostname,
		.extensions = extensions(r),
		.message_size_max = conf->limits.message_size,
		.recipients_max = r->program ? conf->programs.recipients
					     : conf->limits.recipients,
		.line_max = conf->limits.line,
		.errors_max = conf->limits.errors,
		.commands_max = conf->limits.commands,
		.command_timeout_ms =
			(uint64_t)conf->limits.command_timeout_s * 1000,
		.data_timeout_ms = (uint64_t)conf->limits.data_timeout_s * 1000,
		.tls_active = r->s->has_tls,
		.tls_required = r->tls == TLS_REQUIRED && !r->turned &&
				r->service != SERVICE_LMTP,
		.auth_required = r->service == SERVICE_SUBMISSION,
		.odmr = r->service == SERVICE_ODMR,
		.turned = r->turned,
		.lmtp = r->service == SERVICE_LMTP,
		.limit_rcpt = r->program ? conf->programs.recipients
					 : conf->limits.recipients,
		.program = r->program != NULL,
		.home_domain =
			r->service != SERVICE_SUBMISSION && !r->program ? NULL
			: conf->local.domains.n ? conf->local.domains.v[0]
						: conf->hostname,
		.future_release = receive_times_offer(r),
		.mechs_tls = r->mechs_tls,
		.mechs_clear = r->mechs_clear,
		.time_s = tells_time(r) ? known_time : NULL,
	};

	set_mechs(r);
	receive_policy_client(r, &client);
	c.expn = policy_may_expand(r->n, &client);
	r->server = smtp_server_new(&c, clock_mono_ms());
	session_swap(r->s, smtp_server_machine(r->server), &host, r);
	r->s->doing = "receiving";
}

static void
on_secured(void *arg)
{
	make_machine(arg);
}

/* RFC 5321 3.8: 421 rather than a cut, between commands */
static void
on_shutdown(void *arg)
{
	struct receive *r = arg;

	smtp_server_shutdown(r->server, "This node is shutting down");
}

static const struct session_host host = {
	.event = on_event,
	.shutdown = on_shutdown,
	.work = on_work,
	.start_tls = on_start_tls,
	.secured = on_secured,
	.turn = on_turn,
	.may_feed = on_may_feed,
	.closed = on_closed,
	.free = on_free,
};

static const struct stream_ops no_owner_yet;

/* Mail that comes back by ETRN, mostly: the link's limits hold for it. */
static void
join_link(struct session *s, const char *link)
{
	str_copyz(s->link, sizeof(s->link), link);
	s->taking = true;
	speeds_begin(s->n->speeds, s);
	budgets_moved(s->n->budgets, s);
}

static void
start(struct node *n, const struct conf_listener *listener, const char *link,
	struct stream *stream)
{
	struct receive *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->service = listener->service;
	r->tls = listener->tls;
	r->auth_clear = listener->auth_clear;
	r->atrn = listener->atrn && listener->service == SERVICE_SUBMISSION;
	r->channel_binding = listener->channel_binding;
	r->s = session_new(n, stream, "receive");
	str_copyz(r->s->peer, sizeof(r->s->peer), stream_peer_address(stream));
	if (r->service == SERVICE_SMTP)
		dispatch_receiving(n->dispatch, true);
	dispatch_awaited_peer(
		n->dispatch, stream_peer_address(stream), r->peer);
	if (link)
		join_link(r->s, link);
	stream_set_stall_ms(
		stream, (uint64_t)n->conf->limits.stall_timeout_s * 1000);
	log_info("connected", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer),
		LOG_STR("listener", listener->name),
		LOG_STR("link", r->s->link));
	if (listener->tls == TLS_IMPLICIT) {
		session_swap(r->s, NULL, &host, r);
		r->s->in_handshake = true;
		on_start_tls(r);
		stream_read_enable(stream, true);
		return;
	}
	make_machine(r);
	stream_read_enable(stream, true);
	session_pump(r->s);
}

void
receive_start(struct node *n, const struct conf_listener *listener,
	const char *link, int fd)
{
	start(n, listener, link, stream_new(n->loop, fd, &no_owner_yet, NULL));
}

void
receive_stream(struct node *n, const struct conf_listener *listener,
	struct stream *stream)
{
	start(n, listener, NULL, stream);
}

static bool
came_over(const struct session *s, const char *link)
{
	return strcmp(s->role, "receive") == 0 && strcmp(s->link, link) == 0;
}

void
receive_link_lost(struct node *n, const char *link)
{
	LIST_EACH(node, tmp, &n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);

		if (came_over(s, link))
			session_close(s, "the link went down");
	}
}

void
receive_from_program(
	struct node *n, const struct receive_program *p, struct stream *stream)
{
	struct receive *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->service = SERVICE_PROGRAM;
	r->program = xmalloc(sizeof(*p));
	*r->program = *p;
	r->s = session_new(n, stream, "receive");
	r->s->half_open = true;
	snprintf(r->s->peer, sizeof(r->s->peer), "user %s", p->user);
	stream_set_stall_ms(
		stream, (uint64_t)n->conf->limits.stall_timeout_s * 1000);
	log_info("connected", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_STR("listener", "control"));
	make_machine(r);
	stream_read_enable(stream, true);
	session_pump(r->s);
}

void
receive_turned(struct session *s, receive_done *done, void *arg)
{
	struct receive *r = xcalloc(1, sizeof(*r));

	r->n = s->n;
	r->s = s;
	r->service = SERVICE_SMTP;
	r->turned = true;
	r->done = done;
	r->done_arg = arg;
	str_copyz(r->peer, sizeof(r->peer), s->peer);
	s->role = "collect";
	s->taking = true;
	make_machine(r);
}
