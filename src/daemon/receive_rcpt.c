/* RCPT: who must be asked first, the answer, and the list that it makes. */
#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/aliases.h"
#include "daemon/accounts.h"
#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

/*
 * A recipient of whom somebody is asked first: Dovecot whether it exists, or
 * the spool what is known of it and its customer. The machine waits meanwhile.
 */
struct rcpt_question {
	struct receive *r;
	struct mailbox mailbox;
	struct rcpt_params params;
	char id[WIRE_ID_MAX + 1];      /* of a batch; "" none */
	struct dovecot_lookup *lookup; /* NULL: Dovecot is not asked */
	bool looking;		       /* a reader thread has it */
	char customer[SASL_NAME_MAX + 1], sender[WIRE_MAILBOX_MAX + 1];
	struct spool_customer_facts facts;
	struct receive_facts *members; /* owned; NULL: it is no alias */
};

/* --- the answer --- */

size_t
receive_rcpt_count(const struct receive *r, const char *route)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rcpts_n; i++)
		n += strcmp(r->rcpts[i].route, route) == 0;
	return n;
}

struct receive_rcpt *
receive_rcpt_push(struct receive *r)
{
	struct receive_rcpt *slot;

	if (r->rcpts_n == r->rcpts_cap) {
		r->rcpts_cap = r->rcpts_cap ? r->rcpts_cap * 2 : 1;
		r->rcpts = xrealloc(r->rcpts, r->rcpts_cap * sizeof(*r->rcpts));
	}
	slot = &r->rcpts[r->rcpts_n++];
	*slot = (struct receive_rcpt){.generation = r->n->route_generation};
	return slot;
}

struct str
receive_rcpt_id(const struct receive *r, const struct smtp_event *ev)
{
	return r->program && r->program->ids ? ev->text : str_of("");
}

static struct receive_rcpt *
add_rcpt(struct receive *r, const struct smtp_event *ev, const char *route,
	const struct spool_customer_facts *facts)
{
	struct receive_rcpt *slot;
	size_t earlier_n = facts ? receive_rcpt_count(r, route) : 0;

	slot = receive_rcpt_push(r);
	slot->mailbox = *ev->mailbox;
	slot->params = *ev->rcpt;
	slot->earlier_n = earlier_n;
	if (facts)
		slot->facts = *facts;
	str_copyz(slot->route, sizeof(slot->route), route);
	str_copy(slot->ledger, sizeof(slot->ledger), receive_rcpt_id(r, ev));
	return slot;
}

/* It was named itself: what it says of notices counts, not an alias. */
static bool
joins_alias(struct receive *r, const struct smtp_event *ev)
{
	struct receive_rcpt *there = r->aliases_n
					     ? receive_seen_find(r, ev->mailbox,
						       receive_rcpt_id(r, ev))
					     : NULL;

	if (!there || !there->alias)
		return false;
	there->params = *ev->rcpt;
	there->owner = 0;
	there->named = true;
	there->refusal[0] = '\0'; /* as RCPT was answered now */
	return true;
}

/* Nobody waits for the answer: the sender is told with a notice. */
static void
take_to_return(
	struct receive *r, const struct smtp_event *ev, struct reply *reply)
{
	struct receive_rcpt *slot;

	slot = add_rcpt(r, ev, RECEIVE_RETURNED, NULL);
	str_copyz(slot->status, sizeof(slot->status),
		reply->enhanced[0] ? reply->enhanced : "5.0.0");
	reply_one_line(reply, slot->refusal, sizeof(slot->refusal));
	reply_set(reply, 250, "2.1.5", "Ok, to be returned");
}

static void
log_refused(const struct receive *r, const char *recipient,
	const struct reply *reply)
{
	char line[256];

	reply_one_line(reply, line, sizeof(line));
	log_info("refused", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_STR("from", r->sender.text),
		LOG_STR("to", recipient), LOG_STR("reply", line));
}

static uint64_t
pending(const struct receive *r, const struct policy_recipient *q)
{
	char route[SPOOL_NAME_MAX + 1];

	if (!q->facts || !r->params.has_size)
		return 0;
	policy_customer_route(q->customer, route);
	return receive_rcpt_count(r, route) * r->params.size_bytes;
}

static bool
take(struct receive *r, const struct smtp_event *ev, const char *route,
	const struct policy_recipient *q, const struct receive_facts *members,
	struct reply *reply_r)
{
	if (aliases_has(r->n->conf, ev->mailbox))
		return receive_alias(r, ev, members, reply_r);
	if (!receive_times_rcpt(r, route, reply_r))
		return false;
	if (!joins_alias(r, ev))
		add_rcpt(r, ev, route, q->facts);
	return true;
}

/* Q is complete but for the message; MEMBERS are of an alias, NULL none. */
static void
decide(struct receive *r, const struct smtp_event *ev,
	struct policy_recipient *q, const struct receive_facts *members,
	struct reply *reply_r)
{
	char route[SPOOL_NAME_MAX + 1];
	struct policy_client c;

	receive_policy_client(r, &c);
	q->message = (struct admit_message){
		.recipient = ev->mailbox,
		.sender = &r->sender,
		.has_size = r->params.has_size,
		.size = r->params.size_bytes,
		.pending = pending(r, q),
		.now = clock_sane_s(),
	};
	policy_rcpt(r->n, &c, q, reply_r, route);
	if (reply_r->code != 250 || !take(r, ev, route, q, members, reply_r))
		log_refused(r, ev->mailbox->text, reply_r);
	if (reply_class(reply_r) == 5 && r->program && r->program->returns)
		take_to_return(r, ev, reply_r);
}

/* --- asking --- */

static void
free_question(struct rcpt_question *q)
{
	free(q->members);
	free(q);
}

static void
question_answered(struct rcpt_question *question, struct policy_recipient *q)
{
	struct receive *r = question->r;
	struct smtp_event ev = {
		.kind = EV_RCPT,
		.mailbox = &question->mailbox,
		.rcpt = &question->params,
		.text = str_of(question->id),
	};
	struct reply reply;

	decide(r, &ev, q, question->members, &reply);
	r->question = NULL;
	free_question(question);
	session_answer(r->s, &reply);
}

static void
dovecot_answered(void *arg, enum dovecot_user user)
{
	struct receive *r = arg;
	struct policy_recipient q = {.user = user};

	question_answered(r->question, &q);
}

static enum err_code
look(struct spool_txn *t, void *arg, struct err *e)
{
	struct rcpt_question *q = arg;
	enum err_code rc = OK;

	if (!q->members)
		return spool_customer_facts(t, q->customer, q->mailbox.text,
			q->sender, &q->facts, e);
	for (size_t i = 0; rc == OK && i < q->members->n; i++) {
		struct receive_fact *f = &q->members->v[i];

		rc = spool_customer_facts(t, f->customer, f->mailbox.text,
			f->sender, &f->facts, e);
	}
	return rc;
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct rcpt_question *question = arg;
	struct session *s = question->r->s;
	struct policy_recipient q = {.customer = question->customer};

	if (s->closed) {
		free_question(question);
		session_release(s);
		return;
	}
	if (code == OK && !question->members)
		q.facts = &question->facts;
	if (code != OK && question->members)
		question->members->n = 0; /* nothing is known */
	if (code != OK)
		log_error("queue-unreadable", LOG_INT("session", s->id),
			LOG_STR("why", e->text));
	question_answered(question, &q);
	session_release(s);
}

static struct rcpt_question *
question_new(struct receive *r, const struct smtp_event *ev)
{
	struct rcpt_question *q = xcalloc(1, sizeof(*q));

	q->r = r;
	q->mailbox = *ev->mailbox;
	q->params = *ev->rcpt;
	str_copy(q->id, sizeof(q->id), ev->text);
	r->question = q;
	return q;
}

static void
ask_dovecot(struct receive *r, const struct smtp_event *ev)
{
	struct rcpt_question *q = question_new(r, ev);

	q->lookup = dovecot_users_ask(
		r->n->dovecot_users, &q->mailbox, dovecot_answered, r);
}

/* Of CUSTOMER, or of those behind an alias: MEMBERS, given. */
static void
ask_spool(struct receive *r, const struct smtp_event *ev, const char *customer,
	struct receive_facts *members)
{
	struct rcpt_question *q = question_new(r, ev);

	str_copyz(q->customer, sizeof(q->customer), customer);
	str_copyz(q->sender, sizeof(q->sender), r->sender.text);
	q->members = members;
	q->looking = true;
	session_hold(r->s);
	spool_submit_read(r->n->spool, look, looked, q);
}

void
receive_rcpt(struct receive *r, const struct smtp_event *ev)
{
	struct policy_recipient q = {.user = DOVECOT_USER_UNKNOWN};
	struct receive_facts *members = receive_alias_facts(r, ev->mailbox);
	char customer[SASL_NAME_MAX + 1] = "";
	struct policy_client c;
	struct reply reply;

	receive_policy_client(r, &c);
	if (members || policy_asks_spool(r->n, &c, ev->mailbox, customer)) {
		ask_spool(r, ev, customer, members);
		return;
	}
	if (policy_asks_dovecot(r->n, ev->mailbox)) {
		q.user = dovecot_users_cached(r->n->dovecot_users, ev->mailbox);
		if (q.user == DOVECOT_USER_UNKNOWN) {
			ask_dovecot(r, ev);
			return;
		}
	}
	decide(r, ev, &q, NULL, &reply);
	machine_answer(r->s->machine, &reply);
}

void
receive_rcpt_cancel(struct receive *r)
{
	struct rcpt_question *q = r->question;

	r->question = NULL;
	if (!q || q->looking)
		return; /* the reader brings it back, and it is freed there */
	dovecot_users_cancel(q->lookup);
	free_question(q);
}

/* --- the whole message --- */

static bool
may_have(const struct receive *r, const struct receive_rcpt *rcpt,
	uint64_t size, struct reply *reply_r)
{
	const char *name = policy_route_customer(rcpt->route);
	const struct spool_account *a =
		name ? accounts_get(r->n->accounts, name) : NULL;
	struct admit_message m = {
		.recipient = &rcpt->mailbox,
		.sender = &r->sender,
		.has_size = true,
		.size = size,
		.pending = rcpt->earlier_n * size,
		.now = clock_sane_s(),
	};

	return !a || admit_whole(a, &rcpt->facts, &m, reply_r);
}

bool
receive_rcpt_whole(
	const struct receive *r, uint64_t size, struct reply *reply_r)
{
	if (r->params.has_size && size <= r->params.size_bytes)
		return true;
	for (size_t i = 0; i < r->rcpts_n; i++)
		if (!may_have(r, &r->rcpts[i], size, reply_r)) {
			log_refused(r, r->rcpts[i].mailbox.text, reply_r);
			return false;
		}
	return true;
}

/* --- what comes back --- */

bool
receive_rcpt_circle(struct receive *r, struct reply *reply_r)
{
	size_t n = receive_rcpt_count(r, CONF_UNKNOWN);

	header_scan_end(&r->header);
	if (!n || !rules_passed_here(r->look))
		return true;
	reply_set(reply_r, 550, "5.4.6",
		"Mail loop: this came from here, for a user who is not here");
	for (size_t i = 0; i < r->rcpts_n; i++)
		if (strcmp(r->rcpts[i].route, CONF_UNKNOWN) == 0)
			log_refused(r, r->rcpts[i].mailbox.text, reply_r);
	if (n == r->rcpts_n)
		return false;
	for (size_t i = 0; i < r->rcpts_n; i++) {
		struct receive_rcpt *rcpt = &r->rcpts[i];

		if (strcmp(rcpt->route, CONF_UNKNOWN) != 0)
			continue;
		str_copyz(rcpt->status, sizeof(rcpt->status), "5.4.6");
		reply_one_line(reply_r, rcpt->refusal, sizeof(rcpt->refusal));
	}
	return true;
}
