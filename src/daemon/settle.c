#include "daemon/settle.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bounce.h"
#include "daemon/dispatch.h"
#include "daemon/life.h"
#include "daemon/hook.h"
#include "daemon/policy.h"
#include "daemon/steady.h"
#include "sched/backoff.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_TOO_LATE "5.4.7" /* RFC 3463: delivery time expired */

/* What a customer's host taught of one of its recipients. */
enum lesson { LESSON_NONE, LESSON_EXISTS, LESSON_UNKNOWN };

struct verdict {
	enum spool_outcome_kind kind;
	enum spool_reason reason;
	int64_t next_attempt, keep_until;
	bool expired, not_tried;
	bool not_returned; /* it should be, and is held instead */
	bool in_doubt;	   /* set behind all else */
	bool day_counts;   /* an attempt now may be on a new day */
	char status[12];   /* of a failure */
	char text[SPOOL_TEXT_MAX + 1];
};

struct settle {
	struct node *n;
	struct spool_message m;
	struct spool_delivery *deliveries;
	struct verdict *verdicts;
	enum lesson *lessons;
	size_t count;
	uint64_t owner, session;
	char peer[SPOOL_NAME_MAX + 1], link[SPOOL_NAME_MAX + 1];
	char host[SPOOL_NAME_MAX + 1]; /* whose words a notice quotes */
	struct bounce *bounce;
	int64_t now;
	bool tell_success, tell_trace, quiet;
	bool answer_written; /* the history has it already */
	enum dsn_action success;
};

const struct spool_message *
settle_message(const struct settle *st)
{
	return &st->m;
}

struct settle *
settle_new(struct node *n, const struct spool_claimed *claimed, uint64_t owner,
	const char *peer, const char *link, uint64_t session)
{
	struct settle *st = xcalloc(1, sizeof(*st));
	size_t bytes = claimed->n * sizeof(*st->deliveries);

	st->n = n;
	st->m = claimed->message;
	st->count = claimed->n;
	st->deliveries = xmalloc(bytes);
	if (bytes)
		memcpy(st->deliveries, claimed->deliveries, bytes);
	st->verdicts = xcalloc(claimed->n, sizeof(*st->verdicts));
	st->lessons = xcalloc(claimed->n, sizeof(*st->lessons));
	st->owner = owner;
	st->session = session;
	str_copyz(st->peer, sizeof(st->peer), peer);
	str_copyz(st->link, sizeof(st->link), link);
	str_copyz(st->host, sizeof(st->host), peer);
	st->bounce = bounce_new(n, &claimed->message);
	st->now = clock_sane_s();
	for (size_t i = 0; i < st->count; i++)
		settle_release(st, i, "not tried");
	return st;
}

void
settle_host(struct settle *st, const char *host)
{
	str_copyz(st->host, sizeof(st->host), host);
}

void
settle_release(struct settle *st, size_t i, const char *why)
{
	st->verdicts[i] = (struct verdict){.kind = OUTCOME_RELEASED};
	str_copyz(st->verdicts[i].text, sizeof(st->verdicts[i].text), why);
}

void
settle_quiet(struct settle *st)
{
	st->quiet = true;
}

void
settle_leave(
	struct settle *st, size_t i, enum spool_reason reason, const char *arg)
{
	settle_release(st, i, arg);
	st->verdicts[i].reason = reason;
}

/* In place of a return. */
static void
hold(struct verdict *v, enum spool_reason reason, const char *why)
{
	char text[SPOOL_TEXT_MAX + 1];

	memcpy(text, v->text, sizeof(text));
	v->kind = OUTCOME_HELD;
	v->not_returned = true;
	v->reason = reason;
	snprintf(v->text, sizeof(v->text), "%s: %.900s", why, text);
}

void
settle_hold(
	struct settle *st, size_t i, enum spool_reason reason, const char *why)
{
	struct verdict *v = &st->verdicts[i];

	*v = (struct verdict){.kind = OUTCOME_HELD, .reason = reason};
	str_copyz(v->text, sizeof(v->text), why);
}

static bool
is_customers(const struct spool_delivery *d)
{
	return policy_route_customer(d->route) != NULL;
}

/* Nobody can be told, and nothing is thrown away silently. */
static void
keep_untold(struct settle *st, size_t i, const char *why)
{
	struct verdict *v = &st->verdicts[i];

	hold(v, REASON_RULE_HOLD, why);
	if (!policy_route_is_others(st->deliveries[i].route))
		return;
	v->kind = OUTCOME_QUARANTINED;
	v->keep_until = st->now + st->n->conf->queue.quarantine_s;
}

/*
 * Who said it, for the sender to read. A customer goes by its domain: its name
 * here is that of a login.
 */
static const char *
peer_to_tell(const struct spool_delivery *d, const char *peer)
{
	const char *at = strrchr(d->recipient, '@');

	return peer[0] && at && is_customers(d) ? at + 1 : peer;
}

/* ORDERED: by an operator, who knows whom it tells. */
static void
fail(struct settle *st, size_t i, const char *status, const char *text,
	const char *peer, bool ordered)
{
	const struct spool_delivery *d = &st->deliveries[i];
	struct verdict *v = &st->verdicts[i];
	enum bounce_need need = bounce_needed(st->n, &st->m, d);
	bool expired = v->expired;

	*v = (struct verdict){.kind = OUTCOME_FAILED, .expired = expired};
	str_copyz(v->status, sizeof(v->status), status);
	str_copyz(v->text, sizeof(v->text), text);
	if (need == BOUNCE_HOLD)
		keep_untold(st, i, "cannot be delivered nor returned");
	else if (need == BOUNCE_WRITE && !ordered && !st->m.vouched &&
		 policy_route_is_others(d->route))
		/* RFC 5321 6.2: a notice to a forged sender is abuse itself */
		keep_untold(st, i,
			"cannot be delivered, and nobody vouches for the "
			"sender, who is not told");
	else if (need == BOUNCE_WRITE)
		bounce_add(st->bounce, d,
			&(struct bounce_row){.action = DSN_FAILED,
				.status = status,
				.reply = text,
				.peer = peer_to_tell(d, peer),
				.last_attempt = peer[0] ? st->now : 0});
}

void
settle_fail(struct settle *st, size_t i, const char *status, const char *why)
{
	fail(st, i, status, why, "", true);
}

void
settle_refuse(struct settle *st, size_t i, const char *status, const char *why)
{
	fail(st, i, status, why, "", false);
}

void
settle_expire(struct settle *st, size_t i, const char *why)
{
	st->verdicts[i].expired = true;
	fail(st, i, STATUS_TOO_LATE, why, "", false);
}

/* --- what could not be told ----------------------------------------------- */

#define UNTOLD "the sender cannot be told of "

/* Not delivered, and no room for the notice: it is told when there is. */
static void
keep_for_room(struct verdict *v)
{
	char why[sizeof(UNTOLD) + sizeof(v->status)];

	snprintf(why, sizeof(why), UNTOLD "%s", v->status);
	hold(v, REASON_DISK, why);
}

bool
settle_is_untold(const struct spool_delivery *d)
{
	return d->reason == REASON_DISK &&
	       str_starts_nocase(str_of(d->reason_arg), STR(UNTOLD));
}

void
settle_tell_now(struct settle *st, size_t i)
{
	const struct spool_delivery *d = &st->deliveries[i];
	struct str why, status = str_of(d->reason_arg);
	char code[sizeof(st->verdicts->status)];

	status = str_cut(str_skip(status, sizeof(UNTOLD) - 1), ':', &why);
	str_copy(code, sizeof(code), status);
	st->verdicts[i].expired = strcmp(code, STATUS_TOO_LATE) == 0;
	fail(st, i, code, str_trim(why).p, "", false);
}

/*
 * A customer's mail is kept for its next call; only its lifetime ends it
 * (RFC 2645 4: worked on request, not by a timer).
 */
static void
defer_to_next_call(
	struct settle *st, size_t i, enum spool_reason reason, const char *text)
{
	struct verdict *v = &st->verdicts[i];

	*v = (struct verdict){.kind = OUTCOME_DEFERRED,
		.reason = reason,
		.next_attempt = st->now + st->n->conf->queue.retry_s[0]};
	str_copyz(v->text, sizeof(v->text), text);
}

/* Another try later, unless its days of trying are over. */
static void
defer(struct settle *st, size_t i, enum spool_reason reason, const char *text,
	const char *peer)
{
	const struct spool_delivery *d = &st->deliveries[i];
	const struct conf *conf = st->n->conf;
	struct verdict *v = &st->verdicts[i];
	bool day = steady_day_counts(st->n->steady, d->last_attempt);
	struct backoff_rule rule = {
		.retry_s = conf->queue.retry_s,
		.retry_n = conf->queue.retry_n,
		.expire_after_s = conf->queue.expire_after_s,
	};
	struct backoff_facts facts = {
		.attempts = d->attempts,
		.days_attempted = d->days_attempted,
		.last_attempt = d->last_attempt,
		.now = st->now,
		.clock_trusted = clock_trusted(),
		.day_counts = day,
	};

	if (is_customers(d)) {
		defer_to_next_call(st, i, reason, text);
		return;
	}
	*v = (struct verdict){
		.kind = OUTCOME_DEFERRED, .reason = reason, .day_counts = day};
	str_copyz(v->text, sizeof(v->text), text);
	if (!backoff_next(&rule, &facts, &v->next_attempt))
		fail(st, i, STATUS_TOO_LATE, text, peer, false);
}

void
settle_defer(
	struct settle *st, size_t i, enum spool_reason reason, const char *why)
{
	defer(st, i, reason, why, "");
}

void
settle_postpone(
	struct settle *st, size_t i, enum spool_reason reason, const char *why)
{
	struct verdict *v = &st->verdicts[i];

	*v = (struct verdict){.kind = OUTCOME_DEFERRED,
		.reason = reason,
		.not_tried = true,
		.next_attempt = st->now + st->n->conf->queue.retry_s[0]};
	str_copyz(v->text, sizeof(v->text), why);
}

void
settle_tell_success(struct settle *st, enum dsn_action action)
{
	st->tell_success = true;
	st->success = action;
}

void
settle_tell_trace(struct settle *st)
{
	if (!st->tell_success)
		st->success = DSN_RELAYED;
	st->tell_trace = true;
}

static bool
is_told(const struct settle *st, size_t i)
{
	const struct spool_delivery *d = &st->deliveries[i];

	if (st->tell_trace && !(d->params.notify & NOTIFY_NEVER) &&
		bounce_can(st->n, &st->m))
		return true;
	return st->tell_success && bounce_wanted(st->n, &st->m, d, st->success);
}

static void
tell(struct settle *st, size_t i, const struct reply *r, const char *text)
{
	if (!is_told(st, i))
		return;
	/* Who forges a sender can ask for success to be told to it, too. */
	if (policy_route_is_others(st->deliveries[i].route) && !st->m.vouched)
		return;
	bounce_add(st->bounce, &st->deliveries[i],
		&(struct bounce_row){.action = st->success,
			.status = r->enhanced[0] == '2' ? r->enhanced : "2.0.0",
			.reply = st->success == DSN_RELAYED ? text : "",
			.peer = st->success == DSN_RELAYED
					? peer_to_tell(
						  &st->deliveries[i], st->host)
					: "",
			.last_attempt = st->now});
}

void
settle_reply(struct settle *st, size_t i, const struct reply *r)
{
	char text[SPOOL_TEXT_MAX + 1];
	struct verdict *v = &st->verdicts[i];

	reply_one_line(r, text, sizeof(text));
	if (reply_class(r) == 2) {
		*v = (struct verdict){.kind = OUTCOME_DELIVERED};
		str_copyz(v->text, sizeof(v->text), text);
		tell(st, i, r, text);
	} else if (reply_class(r) == 5) {
		fail(st, i, r->enhanced[0] == '5' ? r->enhanced : "5.0.0", text,
			st->host, false);
	} else {
		defer(st, i, REASON_PEER_4XX, text, st->host);
	}
}

/*
 * Is it the recipient that is refused, and not the sender or the day? Many
 * hosts refuse a sender in the reply to RCPT and have no enhanced code. So a
 * plain 550 counts only where the sender is known to be who it says: else
 * anybody could have any recipient refused for days by mail that claims a bad
 * sender.
 */
static bool
says_unknown(const struct reply *r, bool vouched)
{
	static const char *const codes[] = {"5.1.1", "5.1.6", "5.1.10"};

	if (!r->enhanced[0])
		return vouched &&
		       (r->code == 550 || r->code == 551 || r->code == 553);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (r->code == 550 && strcmp(r->enhanced, codes[i]) == 0)
			return true;
	return false;
}

void
settle_learn(struct settle *st, size_t i, const struct reply *to_rcpt)
{
	if (reply_class(to_rcpt) == 2)
		st->lessons[i] = LESSON_EXISTS;
	else if (says_unknown(to_rcpt, st->m.vouched))
		st->lessons[i] = LESSON_UNKNOWN;
}

void
settle_in_doubt(struct settle *st)
{
	for (size_t i = 0; i < st->count; i++)
		if (st->verdicts[i].kind != OUTCOME_DELIVERED &&
			st->verdicts[i].kind != OUTCOME_FAILED)
			settle_doubt(st, i);
}

void
settle_doubt(struct settle *st, size_t i)
{
	st->verdicts[i].in_doubt = true;
}

size_t
settle_delivered(const struct settle *st)
{
	size_t n = 0;

	for (size_t i = 0; i < st->count; i++)
		n += st->verdicts[i].kind == OUTCOME_DELIVERED;
	return n;
}

bool
settle_drop_notices(struct settle *st)
{
	if (bounce_is_empty(st->bounce) && !bounce_is_joined(st->bounce))
		return false;
	bounce_free(st->bounce);
	st->bounce = bounce_new(st->n, &st->m);
	for (size_t i = 0; i < st->count; i++)
		if (st->verdicts[i].kind == OUTCOME_FAILED)
			keep_for_room(&st->verdicts[i]);
	return true;
}

void
settle_join(struct settle *const *settles, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0;
			k < i && !bounce_is_empty(settles[i]->bounce); k++)
			bounce_join(settles[k]->bounce, settles[i]->bounce);
}

bool
settle_can_wait(const struct settle *st)
{
	for (size_t i = 0; i < st->count; i++)
		if (st->verdicts[i].kind != OUTCOME_FAILED)
			return false;
	return bounce_can_wait(st->bounce);
}

int64_t
settle_next_attempt(const struct settle *st)
{
	int64_t first = 0;

	for (size_t i = 0; i < st->count; i++) {
		const struct verdict *v = &st->verdicts[i];

		if (v->kind == OUTCOME_DEFERRED &&
			(!first || v->next_attempt < first))
			first = v->next_attempt;
	}
	return first;
}

size_t
settle_recipients(const struct settle *st)
{
	return st->count;
}

/* --- in the transaction --- */

static enum err_code
write_verdict(
	struct spool_txn *t, const struct settle *st, size_t i, struct err *e)
{
	const struct verdict *v = &st->verdicts[i];
	struct spool_outcome o = {
		.message = st->m.id,
		.n = st->deliveries[i].n,
		.owner = st->owner,
		.kind = v->kind,
		.now = st->now,
		.next_attempt = v->next_attempt,
		.no_day = !v->day_counts,
		.keep_until = v->keep_until,
		.expired = v->expired,
		.not_tried = v->not_tried,
		.not_returned = v->not_returned,
		.quiet = st->quiet,
		.in_doubt = v->in_doubt,
		.reason = v->reason,
		.text = v->text,
		.peer = st->peer,
		.link = st->link[0] ? st->link : NULL,
		.session = st->session,
	};

	return spool_outcome(t, &o, e);
}

enum err_code
settle_write_answer(struct spool_txn *t, const struct settle *st, struct err *e)
{
	struct spool_event ev = {.time = st->now,
		.level = LOG_WARNING,
		.event = "refused",
		.message = st->m.id,
		.session = st->session};
	enum err_code rc = OK;

	str_copyz(ev.peer, sizeof(ev.peer), st->peer);
	str_copyz(ev.link, sizeof(ev.link), st->link);
	for (size_t i = 0; !st->answer_written && rc == OK && i < st->count;
		i++) {
		ev.n = st->deliveries[i].n;
		str_copyz(ev.text, sizeof(ev.text), st->verdicts[i].text);
		rc = spool_event_add(t, &ev, e);
	}
	return rc;
}

void
settle_answer_written(struct settle *st)
{
	st->answer_written = true;
}

static enum err_code
write_lesson(
	struct spool_txn *t, const struct settle *st, size_t i, struct err *e)
{
	const struct spool_delivery *d = &st->deliveries[i];
	const char *customer = policy_route_customer(d->route);
	enum err_code rc;

	if (st->lessons[i] == LESSON_NONE || !customer)
		return OK;
	rc = spool_recipient_learn(t, customer, d->recipient,
		st->lessons[i] == LESSON_EXISTS, st->now, e);
	return rc == ERR_NOTFOUND ? OK : rc; /* the customer is gone */
}

enum err_code
settle_write(struct spool_txn *t, struct settle *st, struct err *e)
{
	enum err_code rc = bounce_write(t, st->bounce, e);

	for (size_t i = 0; rc == OK && i < st->count; i++) {
		rc = write_verdict(t, st, i, e);
		if (rc == OK)
			rc = write_lesson(t, st, i, e);
	}
	return rc;
}

/* --- after it --- */

static const char *
event_of(enum spool_outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_DELIVERED:
		return "delivered";
	case OUTCOME_DEFERRED:
		return "deferred";
	case OUTCOME_FAILED:
		return "failed";
	case OUTCOME_HELD:
		return "held";
	case OUTCOME_QUARANTINED:
		return "quarantined";
	case OUTCOME_RELEASED:
		break;
	}
	return "released";
}

static void
log_verdict(const struct settle *st, size_t i)
{
	const struct verdict *v = &st->verdicts[i];
	char next[CLOCK_TEXT_MAX] = "";

	if (v->kind == OUTCOME_RELEASED && st->quiet)
		return;
	if (v->next_attempt)
		clock_rfc3339(v->next_attempt, next);
	log_write(v->kind == OUTCOME_DELIVERED || v->kind == OUTCOME_RELEASED
			  ? LOG_INFO
			  : LOG_WARNING,
		event_of(v->kind),
		LOG_FIELDS(LOG_INT("session", st->session),
			LOG_STR("peer", st->peer), LOG_INT("msg", st->m.id),
			LOG_INT("n", st->deliveries[i].n),
			LOG_STR("to", st->deliveries[i].recipient),
			LOG_STR("reply", v->text), LOG_STR("next", next)));
}

static void
log_doubt(const struct settle *st, size_t i)
{
	if (st->verdicts[i].in_doubt)
		log_warning("may-be-delivered-twice",
			LOG_INT("session", st->session),
			LOG_STR("peer", st->peer), LOG_INT("msg", st->m.id),
			LOG_INT("n", st->deliveries[i].n),
			LOG_STR("to", st->deliveries[i].recipient));
}

/* What came back may be late by now. */
static bool
has_its_time(const struct settle *st, size_t i)
{
	return st->deliveries[i].return_at || st->deliveries[i].tell_at;
}

/* Into a mailbox of ours, or given up for good. */
static void
tell_hooks(const struct settle *st, size_t i)
{
	const struct spool_delivery *d = &st->deliveries[i];
	const struct verdict *v = &st->verdicts[i];
	bool arrived =
		v->kind == OUTCOME_DELIVERED && strcmp(d->route, "local") == 0;
	struct hook_facts facts = {.link = st->link[0] ? st->link : NULL,
		.state = event_of(v->kind),
		.reason = v->text,
		.message = st->m.id,
		.sender = st->m.sender,
		.recipient = d->recipient};

	if (arrived || v->kind == OUTCOME_FAILED ||
		v->kind == OUTCOME_QUARANTINED)
		hooks_tell(st->n->hooks,
			arrived ? HOOK_MAIL_ARRIVED : HOOK_MAIL_FAILED, &facts);
}

void
settle_written(struct settle *st)
{
	bool timed = false;

	for (size_t i = 0; i < st->count; i++) {
		log_verdict(st, i);
		log_doubt(st, i);
		timed |= has_its_time(st, i);
		tell_hooks(st, i);
		if (st->verdicts[i].kind == OUTCOME_DEFERRED &&
			!is_customers(&st->deliveries[i]))
			dispatch_due_at(
				st->n->dispatch, st->verdicts[i].next_attempt);
	}
	bounce_written(st->bounce);
	if (timed)
		life_look(st->n->life);
}

void
settle_free(struct settle *st)
{
	if (!st)
		return;
	bounce_free(st->bounce);
	free(st->deliveries);
	free(st->verdicts);
	free(st->lessons);
	free(st);
}
