#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "mail/trace.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECEIVE_SPILL_BYTES = 1024 * 1024 };

/* --- the body on its way --- */

static void
add_trace(struct receive *r)
{
	char date[CLOCK_TEXT_MAX];
	struct trace_received t = {
		.helo = smtp_server_helo(r->server),
		.user = r->program && !r->program->transit ? r->program->user
							   : NULL,
		.address = stream_peer_address(r->s->stream),
		.account = r->account,
		.hostname = r->n->conf->hostname,
		.extended = smtp_server_is_extended(r->server),
		.tls = r->s->has_tls,
		.authenticated = r->account[0] != '\0',
		.lmtp = r->service == SERVICE_LMTP,
		.utf8 = r->params.smtputf8,
		.has_priority = r->params.has_priority,
		.priority = r->params.priority,
		.tls_version = r->s->tls.version,
		.tls_cipher = r->s->tls.cipher,
		.id = r->id,
		.recipient = r->rcpts_n == 1 && !r->rcpts[0].alias
				     ? r->rcpts[0].mailbox.text
				     : NULL,
		.date = date,
	};

	clock_rfc5322(clock_sane_s(), date);
	trace_received_add(&t, &r->body);
}

/* Others can write such fields, too. */
static void
begin_authres(struct receive *r)
{
	const struct conf *conf = r->n->conf;
	const struct conf_strings *s = &conf->auth_results;
	struct policy_client c;

	receive_policy_client(r, &c);
	if (!policy_is_front(r->n, &c))
		return;
	r->authres = xcalloc(1, sizeof(*r->authres));
	if (s->n)
		authres_init(r->authres, (const char *const *)s->v, s->n,
			mailbox_domain(&r->sender));
	else
		authres_init(r->authres, (const char *const *)&conf->hostname,
			1, mailbox_domain(&r->sender));
	r->header.authres = r->authres;
}

static void
end_authres(struct receive *r)
{
	authres_free(r->authres);
	free(r->authres);
	r->authres = r->header.authres = NULL;
}

static void
end_rules(struct receive *r)
{
	free(r->look);
	r->look = NULL;
	r->header.catch = NULL;
}

static void
begin_rules(struct receive *r)
{
	end_rules(r);
	r->look = rules_look_new(r->n->conf);
	r->header.catch = &r->look->catch;
}

void
receive_body_begin(struct receive *r)
{
	r->id = spool_new_id(r->n->spool);
	r->spilled = false;
	r->spill_code = OK;
	header_scan_init(&r->header);
	begin_rules(r);
	end_authres(r);
	begin_authres(r);
	buf_clear(&r->body);
	add_trace(r);
	r->size = r->body.len;
	r->sent_size = 0;
	node_held(r->n, (int64_t)r->body.len);
	receive_submit_begin(r);
	r->s->message = r->id;
}

/* A large body goes to the spool in steps; its message comes last. */
struct spill {
	struct receive *r;
	int64_t id;
	struct buf octets;
};

static enum err_code
write_spill(struct spool_txn *t, void *arg, struct err *e)
{
	struct spill *sp = arg;

	return spool_body_append(t, sp->id, buf_view(&sp->octets), e);
}

static void
spill_written(void *arg, enum err_code code, const struct err *e)
{
	struct spill *sp = arg;
	struct receive *r = sp->r;
	struct session *s = r->s;

	r->spills_in_flight--;
	if (code != OK && sp->id == r->id && r->spill_code == OK) {
		r->spill_code = code;
		log_error("not-stored", LOG_INT("session", s->id),
			LOG_INT("msg", sp->id), LOG_STR("why", e->text));
	}
	node_held(r->n, -(int64_t)sp->octets.len);
	buf_free(&sp->octets);
	free(sp);
	if (r->ending && r->spills_in_flight == 0 && !s->closed)
		receive_body_end(r);
	session_pump(s);
	session_release(s);
}

static void
spill(struct receive *r)
{
	struct spill *sp = xcalloc(1, sizeof(*sp));

	sp->r = r;
	sp->id = r->id;
	sp->octets = r->body;
	buf_init(&r->body, 0);
	r->spilled = true;
	r->spills_in_flight++;
	session_hold(r->s);
	spool_submit(r->n->spool, write_spill, spill_written, sp);
}

void
receive_body_add(struct receive *r, struct str octets)
{
	size_t held = r->body.len;

	header_scan_feed(&r->header, octets);
	r->sent_size += octets.n;
	octets = receive_submit_take(r, octets);
	buf_adds(&r->body, octets);
	r->size += r->body.len - held;
	node_held(r->n, (int64_t)(r->body.len - held));
	r->s->bytes_done = r->size;
	r->s->bytes_total = r->params.size_bytes;
	if (r->body.len >= RECEIVE_SPILL_BYTES)
		spill(r);
}

/* --- dropping --- */

static enum err_code
write_drop(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_body_drop(t, *(int64_t *)arg, e);
}

static void
dropped(void *arg, enum err_code code, const struct err *e)
{
	(void)code; /* what stays behind is swept at the next start */
	(void)e;
	free(arg);
}

void
receive_body_drop(struct node *n, int64_t id)
{
	int64_t *copy = xmalloc(sizeof(*copy));

	*copy = id;
	spool_submit(n->spool, write_drop, dropped, copy);
}

void
receive_forget(struct receive *r)
{
	r->rcpts = NULL;
	r->rcpts_n = r->rcpts_cap = 0;
	receive_alias_forget(r);
	node_held(r->n, -(int64_t)r->body.len);
	buf_free(&r->body);
	receive_submit_forget(r);
	end_authres(r);
	end_rules(r);
	r->id = 0;
	r->s->pending = 0;
	r->spilled = r->ending = false;
	r->s->message = 0;
}

/* What is still held of the header goes to the body; NULL: nothing wrong. */
static const struct reply *
end_header(struct receive *r)
{
	size_t held = r->body.len;
	const struct reply *refusal = receive_submit_end(r);

	r->size += r->body.len - held;
	node_held(r->n, (int64_t)(r->body.len - held));
	return refusal;
}

/* REPLY may lie in what is forgotten. */
static void
refuse_whole(struct receive *r, const struct reply *reply)
{
	struct reply copy = *reply;

	receive_reset(r);
	receive_store_keep(r, &copy);
	session_answer(r->s, &copy);
}

/* Answers through session_answer: pumping may go on from here. */
void
receive_body_end(struct receive *r)
{
	struct reply reply;
	const struct reply *refusal = end_header(r);
	enum err_code code = r->spill_code;

	/* Only when every part is known to be stored may the message be. */
	r->ending = r->spills_in_flight > 0;
	if (r->ending)
		return;
	if (r->header.received_n > HEADER_RECEIVED_MAX) {
		reply_set(&reply, 554, "5.4.6",
			"Mail loop: more than %d Received fields",
			HEADER_RECEIVED_MAX);
		refuse_whole(r, &reply);
	} else if (refusal) {
		refuse_whole(r, refusal);
	} else if (!receive_rcpt_circle(r, &reply)) {
		refuse_whole(r, &reply);
	} else if (!receive_rcpt_whole(r, r->sent_size, &reply)) {
		refuse_whole(r, &reply);
	} else if (r->s->link[0] && r->sent_size > r->params.size_bytes &&
		   !budgets_admit(r->n->budgets, r->s, r->sent_size,
			   r->params.priority, &reply)) {
		refuse_whole(r, &reply); /* it is larger than MAIL said */
	} else if (code != OK) {
		receive_reset(r);
		receive_store_answer(r, 0, code);
	} else {
		receive_ledger_store(r);
	}
}

void
receive_reset(struct receive *r)
{
	if (r->id && r->spilled)
		receive_body_drop(r->n, r->id);
	free(r->rcpts);
	receive_aliases_free(r->aliases, r->aliases_n);
	receive_forget(r);
}
