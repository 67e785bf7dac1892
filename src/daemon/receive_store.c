/* A whole message goes to the spool, and then its reply to the client. */
#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bounce.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/fill.h"
#include "daemon/life.h"
#include "daemon/place.h"
#include "daemon/steady.h"
#include "daemon/settle.h"
#include "spool/queue.h"
#include "spool/records.h"
#include "wire/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
	struct receive *r;
	struct node *n;
	struct spool_message m;
	struct receive_rcpt *rcpts;
	size_t rcpts_n;
	struct buf tail;
	bool spilled; /* parts of the body are with the spool already */
	int priority; /* where no rule says another */
	int64_t mail_steady, steady;   /* when MAIL came, and now */
	struct receive_alias *aliases; /* owned */
	size_t aliases_n;
	struct bounce *report; /* of them; NULL nothing is told */
	/* of those who may not have it, one for each sender; owned */
	struct settle **returned;
	size_t returned_n;
	uint64_t owner; /* of their deliveries, while they end */
};

/* Mail that stays here, and a customer's, goes by no link of ours. */
static bool
goes_by_link(const char *route)
{
	return strcmp(route, "local") != 0 &&
	       strcmp(route, POLICY_BATCH) != 0 &&
	       !policy_route_customer(route);
}

/* A rule's hold and links. */
static void
apply_rule(const struct conf_rule *rule, struct spool_delivery *d)
{
	size_t n = 0;

	if (rule->hold) {
		d->state = SPOOL_HELD;
		d->reason = REASON_RULE_HOLD;
		snprintf(d->reason_arg, sizeof(d->reason_arg),
			"by the rule at line %u of the configuration",
			rule->line);
	}
	if (!goes_by_link(d->route))
		return;
	for (size_t i = 0; i < rule->links.n; i++)
		n += (size_t)snprintf(d->links + n, sizeof(d->links) - n,
			"%s%s", n ? "\n" : "", rule->links.v[i]);
}

static int
rcpt_priority(const struct store *st, const struct receive_rcpt *rcpt)
{
	return rcpt->rule && rcpt->rule->has_priority ? rcpt->rule->priority
						      : st->priority;
}

static void
fill_alias(const struct store *st, const struct receive_rcpt *rcpt,
	struct spool_delivery *d)
{
	const struct receive_alias *a;

	if (!rcpt->alias || rcpt->named)
		return;
	a = &st->aliases[rcpt->alias - 1];
	str_copyz(d->alias, sizeof(d->alias), a->named.text);
	if (rcpt->owner)
		str_copyz(d->list_owner, sizeof(d->list_owner),
			a->owners[rcpt->owner - 1].text);
}

static void
fill_delivery(const struct store *st, size_t i, struct spool_delivery *d)
{
	const struct receive_rcpt *rcpt = &st->rcpts[i];

	*d = (struct spool_delivery){
		.message = st->m.id,
		.n = (unsigned)i + 1,
		.params = rcpt->params,
		.state = SPOOL_READY,
		.route_generation = rcpt->generation,
		.priority = rcpt_priority(st, rcpt),
		.queued_at = st->m.received_at,
		.steady_at = st->steady,
	};
	str_copyz(d->recipient, sizeof(d->recipient), rcpt->mailbox.text);
	fill_alias(st, rcpt, d);
	str_copyz(d->route, sizeof(d->route), rcpt->route);
	receive_times_delivery(&st->m, st->mail_steady, d);
	if (rcpt->rule)
		apply_rule(rcpt->rule, d);
}

static enum err_code
write_event(struct spool_txn *t, const struct store *st, struct err *e)
{
	struct spool_event ev = {
		.time = st->m.received_at,
		.level = LOG_INFO,
		.event = "received",
		.session = st->r->s->id,
		.message = st->m.id,
	};

	int n = snprintf(ev.text, sizeof(ev.text),
		"from <%s>, %llu octets, %zu recipient%s", st->m.sender,
		(unsigned long long)st->m.size, st->rcpts_n,
		st->rcpts_n == 1 ? "" : "s");

	/* as a rule the same one for all of them */
	if (st->rcpts[0].rule)
		snprintf(ev.text + n, sizeof(ev.text) - (size_t)n,
			", by the rule at line %u", st->rcpts[0].rule->line);
	str_copyz(ev.peer, sizeof(ev.peer), st->m.received_from);
	return spool_event_add(t, &ev, e);
}

/* --- recipients who may not have it --- */

/* They were stored with the message, and end in the same transaction. */
static enum err_code
claim_returned(struct spool_txn *t, const struct store *st, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < st->rcpts_n && rc == OK; i++) {
		struct spool_filter f = {.id = st->m.id, .n = (unsigned)i + 1};
		struct spool_row *rows = NULL;
		size_t n;

		if (!st->rcpts[i].refusal[0])
			continue;
		rc = spool_claim_rows(t, st->owner, &f, 1, &rows, &n, e);
		free(rows);
	}
	return rc;
}

/* With the one before it, by an alias. */
static bool
shares_id(const struct store *st, size_t i)
{
	return i && st->rcpts[i].alias &&
	       st->rcpts[i - 1].alias == st->rcpts[i].alias;
}

static enum err_code
write_ids(struct spool_txn *t, const struct store *st, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < st->rcpts_n && rc == OK; i++)
		if (st->rcpts[i].ledger[0] && !shares_id(st, i))
			rc = spool_ledger_add(t, st->rcpts[i].ledger, e);
	return rc;
}

/* A program's user is who it says; of others that is asked. */
static void
settle_one(struct settle *settle, size_t i, const struct receive_rcpt *rcpt)
{
	if (strcmp(rcpt->route, RECEIVE_RETURNED) == 0)
		settle_fail(settle, i, rcpt->status, rcpt->refusal);
	else
		settle_refuse(settle, i, rcpt->status, rcpt->refusal);
}

/* Those of ALL (N) with the sender of the first, which leave it. */
static void
add_returned(struct store *st, struct spool_delivery *all, size_t *n)
{
	struct spool_claimed c = {.message = st->m};
	struct settle *settle;
	size_t kept = 0;

	spool_message_for(&c.message, &all[0]);
	c.deliveries = xcalloc(*n, sizeof(*c.deliveries));
	for (size_t i = 0; i < *n; i++)
		if (spool_is_sent_as(&all[i], &c.deliveries[0]) || !c.n)
			c.deliveries[c.n++] = all[i];
		else
			all[kept++] = all[i];
	*n = kept;
	settle = settle_new(st->n, &c, st->owner, "", NULL, st->r->s->id);
	for (size_t i = 0; i < c.n; i++)
		settle_one(settle, i, &st->rcpts[c.deliveries[i].n - 1]);
	free(c.deliveries);
	st->returned = xrealloc(
		st->returned, (st->returned_n + 1) * sizeof(struct settle *));
	st->returned[st->returned_n++] = settle;
}

static void
prepare_returned(struct store *st)
{
	struct spool_delivery *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < st->rcpts_n; i++)
		if (st->rcpts[i].refusal[0]) {
			all = xrealloc(all, (n + 1) * sizeof(*all));
			fill_delivery(st, i, &all[n++]);
		}
	if (n)
		st->owner = node_new_id(st->n);
	while (n)
		add_returned(st, all, &n);
	free(all);
}

static enum err_code
write_returned(struct spool_txn *t, const struct store *st, struct err *e)
{
	enum err_code rc = st->returned_n ? claim_returned(t, st, e) : OK;

	for (size_t i = 0; rc == OK && i < st->returned_n; i++)
		rc = settle_write(t, st->returned[i], e);
	return rc;
}

static enum err_code
write_message(struct spool_txn *t, void *arg, struct err *e)
{
	struct store *st = arg;
	struct spool_delivery *d =
		xcalloc(st->rcpts_n, sizeof(struct spool_delivery));
	enum err_code rc;

	for (size_t i = 0; i < st->rcpts_n; i++)
		fill_delivery(st, i, &d[i]);
	crash_point("receive-before-store");
	rc = spool_body_append(t, st->m.id, buf_view(&st->tail), e);
	if (rc == OK)
		rc = place_set(t, &st->m, d, st->rcpts_n, st->m.received_at, e);
	if (rc == OK)
		rc = spool_message_add(t, &st->m, d, st->rcpts_n, e);
	if (rc == OK)
		rc = write_event(t, st, e);
	if (rc == OK)
		rc = write_ids(t, st, e);
	if (rc == OK)
		rc = receive_report_write(
			t, &st->m, st->aliases, st->aliases_n, st->r->s->id, e);
	if (rc == OK && st->report)
		rc = bounce_write(t, st->report, e);
	if (rc == OK)
		rc = write_returned(t, st, e);
	free(d);
	return rc;
}

static void
log_accepted(const struct store *st)
{
	const struct session *s = st->r->s;

	log_info("accepted", LOG_INT("session", s->id),
		LOG_STR("peer", s->peer), LOG_INT("msg", st->m.id),
		LOG_STR("from", st->m.sender), LOG_INT("size", st->m.size),
		LOG_INT("recipients", st->rcpts_n));
	if (s->closed)
		log_warning("reply-not-sent", LOG_INT("session", s->id),
			LOG_INT("msg", st->m.id),
			LOG_STR("what", "the client may send it again"));
}

/* With LMTP it is said once for each recipient (RFC 2033 4.2). */
void
receive_store_keep(struct receive *r, const struct reply *reply)
{
	if (r->service != SERVICE_LMTP)
		return;
	if (!r->stored_reply)
		r->stored_reply = xmalloc(sizeof(*r->stored_reply));
	*r->stored_reply = *reply;
}

void
receive_store_answer(struct receive *r, int64_t id, enum err_code code)
{
	struct reply reply;

	if (code == OK)
		reply_set(&reply, 250, "2.0.0", "Ok: queued as %lld",
			(long long)id);
	else if (code == ERR_FULL)
		reply_set(&reply, 452, "4.3.1", "No room on the disk now");
	else
		reply_set(&reply, 451, "4.3.0",
			"The message could not be stored, try again later");
	receive_store_keep(r, &reply);
	session_answer(r->s, &reply);
}

/* Between RCPT and now the routes may have changed. */
static void
set_going(const struct store *st)
{
	int64_t generation = st->n->route_generation;

	for (size_t i = 0; i < st->rcpts_n; i++) {
		dispatch_arrived(st->n->dispatch, st->rcpts[i].route);
		if (st->rcpts[i].generation < generation)
			generation = st->rcpts[i].generation;
	}
	node_stored(st->n, generation);
}

static bool
has_times(const struct store *st)
{
	const struct mail_params *p = &st->m.params;

	return p->has_deliver_by || p->hold_for_s || p->hold_until[0];
}

static void
free_store(struct store *st)
{
	for (size_t i = 0; i < st->returned_n; i++)
		settle_free(st->returned[i]);
	free(st->returned);
	bounce_free(st->report);
	receive_aliases_free(st->aliases, st->aliases_n);
	free(st->rcpts);
	buf_free(&st->tail);
	free(st);
}

static void
stored(void *arg, enum err_code code, const struct err *e)
{
	struct store *st = arg;
	struct receive *r = st->r;
	struct session *s = r->s;

	if (code == OK) {
		s->messages_received++;
		if (s->link[0])
			shares_add(&s->shares, SHARE_RECEIVED, st->m.size);
		fill_stored(st->n->fill, st->m.size, st->rcpts_n);
		log_accepted(st);
		receive_report_log(&st->m, st->aliases, st->aliases_n);
		if (st->report)
			bounce_written(st->report);
		for (size_t i = 0; i < st->returned_n; i++)
			settle_written(st->returned[i]);
		crash_point("receive-stored-before-reply");
	} else {
		log_error("not-stored", LOG_INT("session", s->id),
			LOG_INT("msg", st->m.id), LOG_STR("why", e->text));
	}
	if (code != OK && code != ERR_UNCERTAIN && st->spilled)
		receive_body_drop(st->n, st->m.id);
	receive_store_answer(r, st->m.id, code);
	if (code == OK)
		set_going(st);
	if (code == OK && has_times(st))
		life_look(st->n->life);
	node_held(st->n, -(int64_t)st->tail.len);
	free_store(st);
	session_release(s);
}

/*
 * RFC 6710: the parameter; RFC 6758 3.1: else a single valid field. False:
 * nobody asked for one.
 */
static bool
asked_priority(const struct receive *r, int *priority_r)
{
	struct policy_client c;
	int most;

	*priority_r = r->params.priority;
	if (r->params.has_priority)
		return true;
	if (!header_scan_priority(&r->header, priority_r)) {
		*priority_r = 0;
		return false;
	}
	receive_policy_client(r, &c);
	most = policy_max_priority(r->n, &c);
	if (*priority_r > most)
		*priority_r = most;
	return true;
}

/* An added From holds the envelope's sender, which may be UTF-8. */
static bool
has_8bit(const struct receive *r)
{
	return smtp_server_content(r->server)->has_8bit ||
	       (r->submission && !grammar_is_ascii(str_of(r->sender.text)));
}

static bool
is_vouched(const struct receive *r)
{
	struct policy_client c;

	if (r->authres) {
		authres_end(r->authres); /* the last field, without a body */
		if (r->authres->pass)
			return true;
	}
	receive_policy_client(r, &c);
	return policy_vouches(r->n, &c, &r->sender);
}

static void
fill_message(const struct receive *r, struct spool_message *m)
{
	*m = (struct spool_message){
		.id = r->id,
		.received_at = clock_sane_s(),
		.size = r->size,
		.params = r->params,
		.has_8bit = has_8bit(r),
		.vouched = is_vouched(r),
	};
	str_copyz(m->sender, sizeof(m->sender), r->sender.text);
	str_copyz(m->account, sizeof(m->account), r->account);
	if (r->program)
		str_copyz(
			m->received_from, sizeof(m->received_from), r->s->peer);
	else
		snprintf(m->received_from, sizeof(m->received_from),
			"%.180s [%s]", smtp_server_helo(r->server),
			stream_peer_address(r->s->stream));
}

/*
 * The rule of each recipient. The message itself has the highest priority that
 * somebody gave it: not our own for lists and notices, which is no reason to
 * write a field into it (RFC 6758 3.3).
 */
static void
find_rules(struct receive *r, struct store *st)
{
	int asked;

	header_scan_end(&r->header);
	st->priority = asked_priority(r, &asked)
			       ? asked
			       : rules_priority(r->look, &r->sender);
	for (size_t i = 0; i < st->rcpts_n; i++) {
		struct receive_rcpt *rcpt = &st->rcpts[i];
		int priority = asked;

		if (rcpt->refusal[0])
			continue; /* no rule holds it back */
		rcpt->rule = rules_match(
			r->look, &r->sender, &rcpt->mailbox, st->m.size);
		if (rcpt->rule && rcpt->rule->has_priority)
			priority = rcpt->rule->priority;
		if (!i || priority > st->m.priority)
			st->m.priority = priority;
	}
}

void
receive_store(struct receive *r)
{
	struct store *st = xcalloc(1, sizeof(*st));

	st->r = r;
	st->n = r->n;
	fill_message(r, &st->m);
	st->rcpts = r->rcpts;
	st->rcpts_n = r->rcpts_n;
	st->aliases = r->aliases;
	st->aliases_n = r->aliases_n;
	st->mail_steady = r->mail_steady;
	st->steady = steady_now(r->n->steady);
	receive_times_message(r, &st->m);
	find_rules(r, st);
	st->tail = r->body;
	st->spilled = r->spilled;
	buf_init(&r->body, 0);
	receive_forget(r);
	session_hold(r->s);
	prepare_returned(st);
	st->report =
		receive_report_new(st->n, &st->m, st->aliases, st->aliases_n);
	spool_submit(st->n->spool, write_message, stored, st);
}
