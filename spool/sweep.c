#include "spool/private.h"

#include "base/log.h"

enum { SESSION_AHEAD_S = 86400 }; /* a clock that is set a little is none */

static enum err_code
remove_deleted(struct spool_txn *t, const struct delivery_row *r, int64_t now,
	struct err *e)
{
	struct spool_event ev = {
		.level = LOG_INFO, .text = "nobody undeleted it in its time"};
	enum err_code rc = delivery_event(t, r, "removed", now, &ev, e);

	return rc == OK ? delivery_remove(t, r, e) : rc;
}

static enum err_code
sweep_deleted(struct spool_txn *t, int64_t now, size_t limit, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_DELETED,
		.limit = limit};
	struct rows gone;
	enum err_code rc;

	query_number(&q, DELIVERY_DELETED_UNTIL, OP_LE, now);
	rows_init(&gone, T_DELIVERY);
	rc = tx_query(t, &q, &gone, e);
	for (size_t i = 0; i < gone.n && rc == OK; i++)
		rc = remove_deleted(t, rows_at(&gone, i), now, e);
	rows_free(&gone);
	return rc;
}

/* Ids have no gaps but at the front: two seeks tell how many there are. */
static enum err_code
events_first_kept(struct spool_txn *t, int64_t *id_r, struct err *e)
{
	struct query q = {.table = T_EVENT, .index = BY_KEY, .backward = true};
	struct spool_event last;
	enum err_code rc = tx_first(t, &q, &last, e);

	*id_r = rc == OK ? last.id - (int64_t)t->spool->options.events_max + 1
			 : 0;
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
sweep_events(struct spool_txn *t, int64_t now, size_t limit, struct err *e)
{
	struct query q = {.table = T_EVENT, .index = BY_KEY, .limit = limit};
	int64_t oldest = now - t->spool->options.events_keep_s, first;
	struct rows page;
	enum err_code rc = events_first_kept(t, &first, e);

	rows_init(&page, T_EVENT);
	if (rc == OK)
		rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct spool_event *ev = rows_at(&page, i);

		if (ev->id >= first && ev->time >= oldest)
			break;
		rc = tx_remove(t, T_EVENT, ev, e);
	}
	rows_free(&page);
	return rc;
}

static enum err_code
remove_shares(struct spool_txn *t, int64_t session, struct err *e)
{
	struct query q = {.table = T_SHARE, .index = BY_KEY};
	struct spool_share share;
	enum err_code rc;

	query_number(&q, SHARE_SESSION, OP_EQ, session);
	while ((rc = tx_first(t, &q, &share, e)) == OK &&
		(rc = tx_remove(t, T_SHARE, &share, e)) == OK)
		;
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* A clock that went wrong put its end ahead: its time runs from now on. */
static enum err_code
end_now(struct spool_txn *t, const struct spool_session *s, int64_t now,
	struct err *e)
{
	struct spool_session r = *s;

	r.ended = now;
	return tx_update(t, T_SESSION, s, &r, e);
}

/* Sessions are written when they end, so ids are in that order. */
static enum err_code
sweep_sessions(struct spool_txn *t, int64_t now, size_t limit, struct err *e)
{
	struct query q = {.table = T_SESSION, .index = BY_KEY, .limit = limit};
	struct rows page;
	enum err_code rc;

	rows_init(&page, T_SESSION);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct spool_session *s = rows_at(&page, i);

		if (s->ended > now + SESSION_AHEAD_S) {
			rc = end_now(t, s, now, e);
			continue;
		}
		if (s->ended >= now - SPOOL_SESSIONS_KEEP_S)
			break;
		rc = remove_shares(t, s->id, e);
		if (rc == OK)
			rc = tx_remove(t, T_SESSION, s, e);
	}
	rows_free(&page);
	return rc;
}

enum err_code
spool_sweep(struct spool_txn *t, int64_t now, size_t limit, struct err *e)
{
	enum err_code rc = sweep_deleted(t, now, limit, e);

	if (rc == OK)
		rc = recipients_sweep(t, now, limit, e);
	if (rc == OK)
		rc = sweep_sessions(t, now, limit, e);
	return rc == OK ? sweep_events(t, now, limit, e) : rc;
}
