/* The ends of a claim. */
#include "spool/private.h"

#include "base/log.h"

#include <string.h>

static const struct {
	const char *event;
	enum log_level level;
} kinds[] = {
	[OUTCOME_DELIVERED] = {"delivered", LOG_INFO},
	[OUTCOME_DEFERRED] = {"deferred", LOG_INFO},
	[OUTCOME_FAILED] = {"failed", LOG_WARNING},
	[OUTCOME_RELEASED] = {"released", LOG_INFO},
	[OUTCOME_HELD] = {"held", LOG_INFO},
	[OUTCOME_QUARANTINED] = {"quarantined", LOG_WARNING},
};

static void
copy_text(char *out, size_t size, const char *text)
{
	out[0] = '\0';
	if (text)
		str_copy(
			out, size, (struct str){text, strnlen(text, size - 1)});
}

static enum err_code
outcome_event(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *r, struct err *e)
{
	struct spool_event ev = {
		.level = (int)kinds[o->kind].level, .session = o->session};

	copy_text(ev.text, sizeof(ev.text), o->text);
	copy_text(ev.peer, sizeof(ev.peer), o->peer);
	copy_text(ev.link, sizeof(ev.link), o->link);
	return delivery_event(t, r, kinds[o->kind].event, o->now, &ev, e);
}

static void
set_reason(struct delivery_row *r, const struct spool_outcome *o)
{
	r->d.reason = o->reason;
	copy_text(r->d.reason_arg, sizeof(r->d.reason_arg), o->text);
}

/* Attempts are counted, and the days (UTC) on which there was one. */
static void
count_attempt(struct delivery_row *r, const struct spool_outcome *o)
{
	bool another_day = r->d.last_attempt / 86400 != o->now / 86400;

	if (!r->d.attempts || (another_day && !o->no_day))
		r->d.days_attempted++;
	r->d.attempts++;
	r->d.last_attempt = o->now;
}

static enum err_code
defer(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	if (!o->not_tried)
		count_attempt(&r, o);
	r.d.state = SPOOL_DEFERRED;
	r.d.next_attempt = o->next_attempt;
	set_reason(&r, o);
	return delivery_update(t, old, &r, e);
}

static enum err_code
release(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	if (o->reason != REASON_NONE)
		set_reason(&r, o);
	return delivery_put_back(t, old, &r, e);
}

static enum err_code
hold(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	r.d.state = SPOOL_HELD;
	if (o->not_returned)
		r.d.return_at = 0;
	set_reason(&r, o);
	return delivery_update(t, old, &r, e);
}

/* As a delete by an operator, with the reason why; undelete makes it ready. */
static enum err_code
quarantine(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *old, struct err *e)
{
	struct delivery_row r = *old;

	r.came_from = SPOOL_READY;
	r.d.state = SPOOL_DELETED;
	r.d.deleted_until = o->keep_until;
	set_reason(&r, o);
	return delivery_update(t, old, &r, e);
}

/* Notices of our own are in no tally, here as when they came. */
static enum err_code
tally_end(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *r, enum spool_tally kind, struct err *e)
{
	struct spool_message m;
	enum err_code rc;

	if (!route_customer(r->d.route))
		return OK;
	rc = spool_message_get(t, o->message, &m, e);
	return rc == OK && !m.is_notice ? tally_add(t, r, kind, o->now, e) : rc;
}

static enum err_code
tally_outcome(struct spool_txn *t, const struct spool_outcome *o,
	const struct delivery_row *r, struct err *e)
{
	switch (o->kind) {
	case OUTCOME_DELIVERED:
		return tally_end(t, o, r, TALLY_DELIVERED, e);
	case OUTCOME_FAILED:
		return tally_end(t, o, r,
			o->expired ? TALLY_EXPIRED : TALLY_RETURNED, e);
	case OUTCOME_QUARANTINED:
		return tally_end(t, o, r,
			o->expired ? TALLY_EXPIRED : TALLY_QUARANTINED, e);
	case OUTCOME_DEFERRED:
	case OUTCOME_RELEASED:
	case OUTCOME_HELD:
		break;
	}
	return OK;
}

enum err_code
spool_outcome(struct spool_txn *t, const struct spool_outcome *o, struct err *e)
{
	struct delivery_row old;
	enum err_code rc = delivery_get(t, o->message, o->n, &old, e);

	if (rc != OK)
		return rc;
	if (old.d.state != SPOOL_ACTIVE || old.d.owner != o->owner)
		return err_set(e, ERR_NOTFOUND,
			"delivery %lld.%u is not claimed by this session",
			(long long)o->message, o->n);
	if (o->in_doubt)
		rc = delivery_doubt_event(t, &old, o->now, e);
	if (rc == OK && !(o->kind == OUTCOME_RELEASED && o->quiet))
		rc = outcome_event(t, o, &old, e);
	if (rc == OK)
		rc = tally_outcome(t, o, &old, e);
	if (rc != OK)
		return rc;
	switch (o->kind) {
	case OUTCOME_DELIVERED:
	case OUTCOME_FAILED:
		return delivery_remove(t, &old, e);
	case OUTCOME_DEFERRED:
		return defer(t, o, &old, e);
	case OUTCOME_RELEASED:
		return release(t, o, &old, e);
	case OUTCOME_HELD:
		return hold(t, o, &old, e);
	case OUTCOME_QUARANTINED:
		return quarantine(t, o, &old, e);
	}
	return err_set(e, ERR_INVALID, "outcome %d", (int)o->kind);
}

/* --- doubt --- */

static enum err_code
doubt_page(struct spool_txn *t, struct rows *page, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(page, i);
		struct delivery_row r = *old;

		r.d.in_doubt = true;
		if (!old->d.in_doubt)
			rc = delivery_update(t, old, &r, e);
	}
	return rc;
}

enum err_code
spool_set_in_doubt(
	struct spool_txn *t, uint64_t owner, int64_t id, struct err *e)
{
	struct delivery_row after = {.d = {.message = id}};
	bool more = true, any = false;
	enum err_code rc = OK;

	while (rc == OK && more) {
		struct query q = {.table = T_DELIVERY,
			.index = DELIVERY_BY_OWNER,
			.after = &after,
			.limit = SPOOL_PAGE};
		struct rows page;

		query_number(&q, DELIVERY_OWNER, OP_EQ, (int64_t)owner);
		query_number(&q, DELIVERY_MESSAGE, OP_EQ, id);
		rows_init(&page, T_DELIVERY);
		rc = tx_query(t, &q, &page, e);
		if (rc == OK)
			rc = doubt_page(t, &page, e);
		any = any || page.n;
		more = page.n == SPOOL_PAGE;
		if (more)
			after = *(struct delivery_row *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	if (rc == OK && !any)
		rc = err_set(e, ERR_NOTFOUND,
			"message %lld is not claimed by this session",
			(long long)id);
	return rc;
}

/* --- the end of a session --- */

static enum err_code
release_page(struct spool_txn *t, struct rows *page, int64_t now, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(page, i);
		struct delivery_row r = *old;

		rc = delivery_give_back(t, old, &r, now, e);
	}
	return rc;
}

enum err_code
spool_release_owner(struct spool_txn *t, uint64_t owner, int64_t now,
	size_t *n_r, struct err *e)
{
	size_t n = 0, got;
	enum err_code rc;

	do {
		struct query q = {.table = T_DELIVERY,
			.index = DELIVERY_BY_OWNER,
			.limit = SPOOL_PAGE};
		struct rows page;

		query_number(&q, DELIVERY_OWNER, OP_EQ, (int64_t)owner);
		rows_init(&page, T_DELIVERY);
		rc = tx_query(t, &q, &page, e);
		if (rc == OK)
			rc = release_page(t, &page, now, e);
		got = page.n;
		n += got;
		rows_free(&page);
	} while (rc == OK && got == SPOOL_PAGE);
	if (n_r)
		*n_r = n;
	return rc;
}
