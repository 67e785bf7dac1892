#include "daemon/bounce.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "daemon/place.h"
#include "daemon/policy.h"
#include "daemon/rules.h"
#include "daemon/steady.h"
#include "daemon/target.h"
#include "mail/dsn.h"
#include "spool/records.h"
#include "wire/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOINED_READ = 16384 }; /* octets of each of several messages */

struct told {
	char address[WIRE_MAILBOX_MAX + 1];
	char orcpt[WIRE_ORCPT_MAX + 1];
	char status[12];
	char reply[SPOOL_TEXT_MAX + 1];
	char peer[SPOOL_NAME_MAX + 1];
	char log_id[40];
	size_t message; /* 0: bounce.original; else bounce.more[message - 1] */
	enum dsn_action action;
	int64_t last_attempt, retry_until;
};

enum { TOLD_HOLD_MAX = 56 };

struct bounce {
	struct node *n;
	struct spool_message original;
	/* The sender, or what it stands for; behind them copies of failures. */
	struct targets to;
	size_t own_n;
	char hostname[WIRE_DOMAIN_MAX + 1];
	uint64_t full_size;
	int64_t generation; /* of the routes */
	struct told *rows;
	size_t rows_n;
	bool failed;			  /* one of the rows is a failure */
	bool asked;			  /* for one of the rows, by NOTIFY */
	bool joined;			  /* told in the notice of another */
	int64_t more[DSN_JOINED_MAX - 1]; /* messages that were joined */
	size_t more_n;
	int64_t id;	/* of the notice */
	int64_t steady; /* when it was begun */
};

static bool
route_to_sender(struct node *n, const struct spool_message *m, char *route_r)
{
	struct mailbox to;

	return address_parse(str_of(m->sender), true, &to) &&
	       policy_route_now(n, &to, route_r);
}

enum bounce_need
bounce_needed(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d)
{
	char route[SPOOL_NAME_MAX + 1];

	if (m->sender[0] == '\0' || m->is_notice)
		return BOUNCE_HOLD;
	if (d->params.notify && !(d->params.notify & NOTIFY_FAILURE))
		return BOUNCE_NONE;
	return route_to_sender(n, m, route) ? BOUNCE_WRITE : BOUNCE_HOLD;
}

bool
bounce_wanted(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d, enum dsn_action action)
{
	char route[SPOOL_NAME_MAX + 1];
	unsigned asked = d->params.notify;

	if (m->sender[0] == '\0' || m->is_notice)
		return false;
	if (action == DSN_DELAYED ? asked && !(asked & NOTIFY_DELAY)
				  : !(asked & NOTIFY_SUCCESS))
		return false;
	return route_to_sender(n, m, route);
}

/* --- to whom -------------------------------------------------------------- */

/* A copy that nobody takes is none: the notice itself goes all the same. */
static void
find_targets(struct bounce *b)
{
	const char *copy = b->n->conf->notices.copy_to;

	targets_add(b->n, b->original.sender, &b->to);
	b->own_n = b->to.n;
	if (copy)
		targets_add(b->n, copy, &b->to);
}

bool
bounce_is_at_home(struct node *n, const struct spool_message *m)
{
	struct targets to = {NULL, 0};
	bool home;

	targets_add(n, m->sender, &to);
	home = to.n > 0;
	for (size_t i = 0; i < to.n; i++)
		home &= strcmp(to.v[i].route, "local") == 0;
	targets_clear(&to);
	return home;
}

bool
bounce_can(struct node *n, const struct spool_message *m)
{
	char route[SPOOL_NAME_MAX + 1];

	return m->sender[0] && !m->is_notice && route_to_sender(n, m, route);
}

struct bounce *
bounce_new(struct node *n, const struct spool_message *m)
{
	struct bounce *b = xcalloc(1, sizeof(*b));

	b->n = n;
	b->original = *m;
	b->generation = n->route_generation;
	str_copyz(b->hostname, sizeof(b->hostname), n->conf->hostname);
	b->full_size = n->conf->notices.full_size;
	b->steady = steady_now(n->steady);
	return b;
}

void
bounce_add(struct bounce *b, const struct spool_delivery *d,
	const struct bounce_row *row)
{
	struct told *f;

	if (b->rows_n == 0) {
		b->id = spool_new_id(b->n->spool);
		find_targets(b);
	}
	b->rows = xrealloc(b->rows, (b->rows_n + 1) * sizeof(*b->rows));
	f = &b->rows[b->rows_n++];
	*f = (struct told){.action = row->action,
		.last_attempt =
			row->last_attempt ? row->last_attempt : d->last_attempt,
		.retry_until = row->retry_until};
	b->failed |= row->action == DSN_FAILED;
	b->asked |= d->params.notify != 0;
	str_copyz(f->address, sizeof(f->address), d->recipient);
	str_copyz(f->orcpt, sizeof(f->orcpt), d->params.orcpt);
	str_copyz(f->status, sizeof(f->status), row->status);
	str_copyz(f->reply, sizeof(f->reply), row->reply);
	str_copyz(f->peer, sizeof(f->peer), row->peer);
	if (d->n)
		snprintf(f->log_id, sizeof(f->log_id), "%lld.%u",
			(long long)b->original.id, d->n);
	else /* an alias of the message */
		snprintf(f->log_id, sizeof(f->log_id), "%lld",
			(long long)b->original.id);
}

bool
bounce_is_empty(const struct bounce *b)
{
	return b->rows_n == 0;
}

/*
 * RFC 3461 6.2: the text comes back where it was asked for, something failed,
 * and it is not too long. Binary would make the notice binary.
 */
static bool
returns_whole(const struct bounce *b)
{
	const struct spool_message *m = &b->original;

	/* RFC 8689 5: of what requires TLS never more than the header */
	return b->failed && m->params.ret == RET_FULL &&
	       !m->params.requiretls && m->params.body != BODY_BINARYMIME &&
	       m->size <= b->full_size;
}

/* The front of a message, or all of it, behind what OUT has. */
static enum err_code
read_front(struct spool_txn *t, int64_t id, uint64_t most, struct buf *out,
	struct err *e)
{
	char *octets = xmalloc((size_t)most + 1);
	size_t n = 0;
	enum err_code rc =
		spool_body_read(t, id, 0, octets, (size_t)most, &n, e);

	if (rc == OK)
		buf_add(out, octets, n);
	free(octets);
	return rc;
}

/* Of each of the messages; TEXTS are to be freed in any case. */
static enum err_code
read_originals(struct spool_txn *t, const struct bounce *b, struct buf *texts,
	struct err *e)
{
	uint64_t front = b->more_n ? JOINED_READ : DSN_HEADER_READ;
	uint64_t most = returns_whole(b) ? b->original.size : front;
	enum err_code rc = read_front(t, b->original.id, most, &texts[0], e);

	for (size_t i = 0; rc == OK && i < b->more_n; i++)
		rc = read_front(t, b->more[i], front, &texts[i + 1], e);
	return rc;
}

static struct dsn_recipient *
make_rows(const struct bounce *b)
{
	struct dsn_recipient *rows =
		xcalloc(b->rows_n, sizeof(struct dsn_recipient));

	for (size_t i = 0; i < b->rows_n; i++) {
		const struct told *f = &b->rows[i];

		rows[i] = (struct dsn_recipient){
			.action = f->action,
			.address = f->address,
			.orcpt = f->orcpt,
			.status = f->status,
			.reply = f->reply,
			.peer = f->peer,
			.log_id = f->log_id,
			.message = f->message,
			.last_attempt = f->last_attempt,
			.retry_until = f->retry_until,
		};
	}
	return rows;
}

/* The times that MAIL gave, as a notice tells them. */
static void
name_times(const struct spool_message *m, char by[CLOCK_TEXT_MAX],
	char hold[TOLD_HOLD_MAX])
{
	const struct mail_params *p = &m->params;

	if (p->has_deliver_by)
		clock_rfc5322(m->received_at + p->deliver_by_s, by);
	if (p->hold_for_s)
		snprintf(hold, TOLD_HOLD_MAX, "for;%lld",
			(long long)p->hold_for_s);
	else if (p->hold_until[0])
		snprintf(hold, TOLD_HOLD_MAX, "until;%s", p->hold_until);
}

static void
compose(const struct bounce *b, const struct buf *texts, struct buf *out)
{
	struct dsn_recipient *rows = make_rows(b);
	char date[CLOCK_TEXT_MAX] = "", arrival[CLOCK_TEXT_MAX] = "";
	char by[CLOCK_TEXT_MAX] = "", hold[TOLD_HOLD_MAX] = "";
	struct str more[DSN_JOINED_MAX];
	struct dsn d = {
		.hostname = b->hostname,
		.to = b->original.sender,
		.envid = b->original.params.envid,
		.date = date,
		.arrival = arrival,
		.received_from = b->more_n ? "" : b->original.received_from,
		.deliver_by = by,
		.hold = hold,
		.notice_id = b->id,
		.recipients = rows,
		.recipients_n = b->rows_n,
		.utf8 = b->original.params.smtputf8,
		.header = buf_view(&texts[0]),
		.whole = returns_whole(b) ? buf_view(&texts[0]) : STR(""),
		.more = more,
		.more_n = b->more_n,
	};

	if (clock_known())
		clock_rfc5322(clock_sane_s(), date);
	if (!b->more_n)
		clock_rfc5322(b->original.received_at, arrival);
	name_times(&b->original, by, hold);
	for (size_t i = 0; i < b->more_n; i++)
		more[i] = buf_view(&texts[i + 1]);
	dsn_compose(&d, out);
	free(rows);
}

/* As urgent as what it is about (RFC 6710 4.6), if that was said. */
static int
notice_priority(const struct spool_message *m)
{
	return m->priority || m->params.has_priority ? m->priority : RULES_LOW;
}

/* --- several messages in one notice --------------------------------------- */

/* Many hosts name the recipient in what they say of it. */
static bool
is_same_but_for_address(const struct told *a, const struct told *b)
{
	struct str x = str_of(a->reply), y = str_of(b->reply);
	struct str of_a = str_of(a->address), of_b = str_of(b->address);

	while (x.n && y.n) {
		if (str_starts_nocase(x, of_a) && str_starts_nocase(y, of_b)) {
			x = str_skip(x, of_a.n);
			y = str_skip(y, of_b.n);
		} else if (*x.p == *y.p) {
			x = str_skip(x, 1);
			y = str_skip(y, 1);
		} else {
			return false;
		}
	}
	return x.n == y.n;
}

/* Only failures that are one: none is spoilt by standing beside others. */
static bool
is_one_failure(const struct bounce *b, const struct told *as)
{
	for (size_t i = 0; i < b->rows_n; i++) {
		const struct told *f = &b->rows[i];

		if (f->action != DSN_FAILED || strcmp(f->status, as->status) ||
			strcmp(f->peer, as->peer) ||
			!is_same_but_for_address(f, as))
			return false;
	}
	return b->rows_n > 0;
}

/* Who named an envelope, or said what to tell, counts on reports of its own. */
static bool
may_join(const struct bounce *b)
{
	const struct spool_message *m = &b->original;

	return !b->asked && !m->params.requiretls &&
	       !m->params.has_deliver_by && !m->params.hold_for_s &&
	       !m->params.hold_until[0] && !m->params.envid[0] &&
	       !m->params.smtputf8 && m->params.ret != RET_FULL &&
	       !dsn_is_utf8(m->sender);
}

bool
bounce_join(struct bounce *b, struct bounce *other)
{
	const struct spool_message *m = &b->original, *o = &other->original;
	size_t n = b->rows_n;

	if (n == 0 || b->more_n == DSN_JOINED_MAX - 1 || other->more_n ||
		m->id == o->id || strcmp(m->sender, o->sender) ||
		notice_priority(m) != notice_priority(o) || !may_join(b) ||
		!may_join(other) || !is_one_failure(b, &b->rows[0]) ||
		!is_one_failure(other, &b->rows[0]))
		return false;
	b->more[b->more_n++] = o->id;
	b->rows = xrealloc(b->rows, (n + other->rows_n) * sizeof(*b->rows));
	memcpy(b->rows + n, other->rows, other->rows_n * sizeof(*b->rows));
	for (; b->rows_n < n + other->rows_n; b->rows_n++)
		b->rows[b->rows_n].message = b->more_n;
	other->rows_n = 0;
	other->joined = true;
	return true;
}

bool
bounce_is_joined(const struct bounce *b)
{
	return b->joined;
}

bool
bounce_can_wait(const struct bounce *b)
{
	bool home = true;

	for (size_t i = 0; i < b->own_n; i++)
		home &= strcmp(b->to.v[i].route, "local") == 0;
	return b->rows_n > 0 && !home && may_join(b) &&
	       is_one_failure(b, &b->rows[0]) &&
	       notice_priority(&b->original) < SPOOL_URGENT;
}

static void
set_delivery(const struct bounce *b, const struct spool_message *m, size_t i,
	struct spool_delivery *d_r)
{
	*d_r = (struct spool_delivery){
		.message = b->id,
		.n = (unsigned)i + 1,
		.state = SPOOL_READY,
		.route_generation = b->generation,
		.queued_at = m->received_at,
		.steady_at = b->steady,
		.priority = m->priority,
		/* RFC 3461 6.2: a notice asks for none about itself */
		.params.notify = NOTIFY_NEVER,
	};
	str_copyz(d_r->recipient, sizeof(d_r->recipient), b->to.v[i].address);
	str_copyz(d_r->route, sizeof(d_r->route), b->to.v[i].route);
	if (i < b->own_n && strcmp(d_r->recipient, b->original.sender) != 0)
		str_copyz(d_r->alias, sizeof(d_r->alias), b->original.sender);
}

static enum err_code
add_event(struct spool_txn *t, const struct bounce *b, int64_t message,
	int64_t now, struct err *e)
{
	struct spool_event ev = {
		.time = now,
		.level = LOG_INFO,
		.event = "notice",
		.message = message,
	};

	snprintf(ev.text, sizeof(ev.text), "the sender is told by message %lld",
		(long long)b->id);
	return spool_event_add(t, &ev, e);
}

static size_t
count_targets(const struct bounce *b)
{
	return b->failed ? b->to.n : b->own_n;
}

static enum err_code
store_notice(struct spool_txn *t, const struct bounce *b, struct str body,
	struct err *e)
{
	struct spool_message m = {
		.id = b->id,
		.received_at = clock_sane_s(),
		.received_from = "local",
		.size = body.n,
		.has_8bit = !grammar_is_ascii(body),
		.is_notice = true,
		.priority = notice_priority(&b->original),
		.params.smtputf8 = dsn_is_utf8(b->original.sender),
		.params.requiretls = b->original.params.requiretls,
	};
	size_t n = count_targets(b);
	struct spool_delivery *d = xcalloc(n, sizeof(*d));
	enum err_code rc;

	for (size_t i = 0; i < n; i++)
		set_delivery(b, &m, i, &d[i]);
	rc = spool_body_append(t, b->id, body, e);
	if (rc == OK)
		rc = place_set(t, &m, d, n, m.received_at, e);
	if (rc == OK)
		rc = spool_message_add(t, &m, d, n, e);
	free(d);
	if (rc == OK)
		rc = add_event(t, b, b->original.id, m.received_at, e);
	for (size_t i = 0; rc == OK && i < b->more_n; i++)
		rc = add_event(t, b, b->more[i], m.received_at, e);
	return rc;
}

enum err_code
bounce_write(struct spool_txn *t, struct bounce *b, struct err *e)
{
	struct buf body, *texts;
	enum err_code rc;

	if (bounce_is_empty(b))
		return OK;
	buf_init(&body, 0);
	texts = xcalloc(b->more_n + 1, sizeof(*texts));
	rc = read_originals(t, b, texts, e);
	if (rc == OK) {
		compose(b, texts, &body);
		rc = store_notice(t, b, buf_view(&body), e);
	}
	for (size_t i = 0; i <= b->more_n; i++)
		buf_free(&texts[i]);
	free(texts);
	buf_free(&body);
	return rc;
}

static void
log_told(const struct bounce *b, int64_t message)
{
	log_info("notice", LOG_INT("msg", message),
		LOG_STR("to", b->original.sender), LOG_INT("notice", b->id));
}

void
bounce_written(struct bounce *b)
{
	if (bounce_is_empty(b))
		return;
	log_told(b, b->original.id);
	for (size_t i = 0; i < b->more_n; i++)
		log_told(b, b->more[i]);
	node_stored(b->n, b->generation);
	for (size_t i = 0; i < count_targets(b); i++)
		dispatch_arrived(b->n->dispatch, b->to.v[i].route);
}

void
bounce_free(struct bounce *b)
{
	if (!b)
		return;
	free(b->rows);
	targets_clear(&b->to);
	free(b);
}
