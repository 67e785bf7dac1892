/* What people do to deliveries. Those in a session are left alone. */
#include "spool/private.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_BIT(s) (1u << (s))

struct act_kind {
	const char *event;
	unsigned from; /* the states it applies to */
	void (*apply)(struct delivery_row *r, const struct spool_action *a);
};

static void
set_reason(struct delivery_row *r, enum spool_reason reason, const char *arg)
{
	r->d.reason = reason;
	str_copyz(r->d.reason_arg, sizeof(r->d.reason_arg), arg ? arg : "");
}

static void
apply_hold(struct delivery_row *r, const struct spool_action *a)
{
	r->came_from = r->d.state;
	r->d.state = SPOOL_HELD;
	set_reason(r, REASON_OPERATOR_HOLD, a->who);
}

/* A customer's mail is held for its lifetime, which begins anew. */
static void
begin_anew(struct delivery_row *r, const struct spool_action *a)
{
	if (r->domain[0])
		r->d.queued_at = a->now;
}

/* What its sender asked for comes behind what held it; asked again, it goes. */
static void
apply_release(struct delivery_row *r, const struct spool_action *a)
{
	if (r->d.release_at && r->d.reason != REASON_RELEASE_TIME) {
		timed_hold(r);
		return;
	}
	r->d.release_at = 0;
	r->d.state = SPOOL_READY;
	r->d.next_attempt = 0;
	set_reason(r, REASON_NONE, "");
	delivery_route_anew(r);
	begin_anew(r, a);
}

static void
apply_retry(struct delivery_row *r, const struct spool_action *a)
{
	r->d.next_attempt = a->now;
	r->ripe = true;
}

static void
apply_delete(struct delivery_row *r, const struct spool_action *a)
{
	r->came_from = r->d.state;
	r->d.state = SPOOL_DELETED;
	r->d.deleted_until = a->keep_until;
}

static void
apply_undelete(struct delivery_row *r, const struct spool_action *a)
{
	r->d.state = r->came_from;
	r->d.deleted_until = 0;
	r->d.return_at = r->d.tell_at = 0; /* a person wants it to live */
	delivery_route_anew(r);
	if (r->d.state == SPOOL_READY && r->d.release_at)
		timed_hold(r); /* it was in quarantine before its time */
	else if (r->d.state == SPOOL_READY)
		set_reason(r, REASON_NONE, "");
	begin_anew(r, a);
}

static void
apply_priority(struct delivery_row *r, const struct spool_action *a)
{
	r->d.priority = a->priority;
}

enum { WAITING = STATE_BIT(SPOOL_READY) | STATE_BIT(SPOOL_DEFERRED) };

static const struct act_kind kinds[] = {
	[ACTION_HOLD] = {"held", WAITING, apply_hold},
	[ACTION_RELEASE] = {"released", STATE_BIT(SPOOL_HELD), apply_release},
	[ACTION_RETRY] = {"retry", STATE_BIT(SPOOL_DEFERRED), apply_retry},
	[ACTION_DELETE] = {"deleted", WAITING | STATE_BIT(SPOOL_HELD),
		apply_delete},
	[ACTION_UNDELETE] = {"undeleted", STATE_BIT(SPOOL_DELETED),
		apply_undelete},
	[ACTION_PRIORITY] = {"priority", WAITING | STATE_BIT(SPOOL_HELD),
		apply_priority},
};

static enum err_code
act_event(struct spool_txn *t, const struct spool_action *a,
	const struct delivery_row *r, struct err *e)
{
	struct spool_event ev = {.level = LOG_INFO};
	const char *who = a->who && a->who[0] ? a->who : "the operator";

	if (a->kind == ACTION_PRIORITY)
		snprintf(ev.text, sizeof(ev.text), "%d, by %s", a->priority,
			who);
	else
		snprintf(ev.text, sizeof(ev.text), "by %s", who);
	return delivery_event(t, r, kinds[a->kind].event, a->now, &ev, e);
}

static enum err_code
act_on(struct spool_txn *t, const struct spool_action *a,
	const struct delivery_row *old, size_t *n, struct err *e)
{
	struct delivery_row r = *old;
	enum err_code rc;

	if (!(kinds[a->kind].from & STATE_BIT(old->d.state)))
		return OK;
	kinds[a->kind].apply(&r, a);
	rc = delivery_update(t, old, &r, e);
	if (rc == OK)
		rc = act_event(t, a, &r, e);
	(*n)++;
	return rc;
}

/* A filter with a reason asks for more than a row of the table knows. */
static bool
reason_fits(struct spool_txn *t, const struct spool_filter *f,
	const struct delivery_row *r, enum err_code *rc, struct err *e)
{
	struct spool_filter one = *f;
	struct spool_cursor from = {0, 0};
	struct spool_row *rows;
	size_t n;

	if (!f->has_reason)
		return true;
	one.id = r->d.message;
	one.n = r->d.n;
	*rc = spool_list(t, &one, &from, 1, &rows, &n, e);
	free(rows);
	return *rc == OK && n;
}

static enum err_code
act_on_page(struct spool_txn *t, const struct spool_action *a,
	const struct spool_filter *f, struct rows *page, size_t *n,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *r = rows_at(page, i);

		if (reason_fits(t, f, r, &rc, e))
			rc = act_on(t, a, r, n, e);
	}
	return rc;
}

enum err_code
spool_act(struct spool_txn *t, const struct spool_action *a, size_t *n_r,
	struct err *e)
{
	struct spool_filter f = a->filter;
	struct spool_cursor after = {0, 0};
	enum err_code rc = OK;
	bool end = false;
	size_t n = 0;

	/* deleted ones are in no list unless asked for */
	if (a->kind == ACTION_UNDELETE && !f.has_state) {
		f.has_state = true;
		f.state = SPOOL_DELETED;
	}
	while (rc == OK && !end) {
		struct rows page;

		rows_init(&page, T_DELIVERY);
		rc = list_page(t, &f, &after, SPOOL_PAGE, &page, &end, e);
		if (rc == OK)
			rc = act_on_page(t, a, &f, &page, &n, e);
		rows_free(&page);
	}
	if (n_r)
		*n_r = n;
	return rc;
}

enum err_code
spool_set_warned(struct spool_txn *t, int64_t message, unsigned n, int64_t now,
	struct err *e)
{
	struct delivery_row old, r;
	enum err_code rc = delivery_get(t, message, n, &old, e);

	if (rc != OK)
		return rc;
	r = old;
	r.d.warned_at = now;
	return delivery_update(t, &old, &r, e);
}
