/* Links, sessions, peers, tickets, named values and events. */
#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

/* --- links and sessions --- */

enum err_code
spool_link_put(struct spool_txn *t, const struct spool_link *l, struct err *e)
{
	struct spool_link row = *l;

	return tx_put(t, T_LINK, &row, e);
}

enum err_code
spool_link_get(struct spool_txn *t, const char *name, struct spool_link *l_r,
	struct err *e)
{
	enum err_code rc = ERR_NOTFOUND;

	memset(l_r, 0, sizeof(*l_r));
	if (str_copyz(l_r->name, sizeof(l_r->name), name))
		rc = tx_get(t, T_LINK, l_r, e);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc, "nothing is known of link %s", name);
	return rc;
}

enum err_code
spool_budget_put(
	struct spool_txn *t, const struct spool_budget *b, struct err *e)
{
	struct spool_budget row = *b;

	return tx_put(t, T_BUDGET, &row, e);
}

enum err_code
spool_budget_remove(
	struct spool_txn *t, const struct spool_budget *b, struct err *e)
{
	struct spool_budget row = *b;
	enum err_code rc = tx_get(t, T_BUDGET, &row, e);

	if (rc == OK)
		rc = tx_remove(t, T_BUDGET, &row, e);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_budget_list(struct spool_txn *t, const char *link, size_t limit,
	struct spool_budget **list_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_BUDGET, .index = BY_KEY, .limit = limit};
	struct rows out;
	enum err_code rc;

	query_text(&q, BUDGET_LINK, OP_EQ, link);
	rows_init(&out, T_BUDGET);
	rc = tx_query(t, &q, &out, e);
	if (rc != OK)
		rows_free(&out);
	*list_r = (struct spool_budget *)(void *)out.data;
	*n_r = out.n;
	return rc;
}

enum err_code
spool_session_add(struct spool_txn *t, struct spool_session *s, struct err *e)
{
	s->id = 0;
	return tx_insert(t, T_SESSION, s, e);
}

enum err_code
spool_session_list(struct spool_txn *t, const char *link, int64_t since,
	size_t limit, struct spool_session **list_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_SESSION,
		.index = link ? SESSION_BY_LINK : BY_KEY,
		.backward = true,
		.limit = limit};
	struct rows out;
	enum err_code rc;

	if (link)
		query_text(&q, SESSION_LINK, OP_EQ, link);
	query_number(&q, SESSION_STARTED, OP_GE, since);
	rows_init(&out, T_SESSION);
	rc = tx_query(t, &q, &out, e);
	if (rc != OK)
		rows_free(&out);
	*list_r = (struct spool_session *)(void *)out.data;
	*n_r = out.n;
	return rc;
}

enum err_code
spool_history_list(struct spool_txn *t, const struct spool_history_filter *f,
	size_t limit, struct spool_session **list_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_SESSION,
		.index = f->link ? SESSION_BY_LINK : BY_KEY,
		.limit = limit};
	struct rows out;
	enum err_code rc;

	query_text(&q, SESSION_LINK, f->link ? OP_EQ : OP_NE,
		f->link ? f->link : "");
	query_number(&q, SESSION_ID, OP_GT, f->after_id);
	query_number(&q, SESSION_STARTED, OP_GE, f->from);
	query_number(&q, SESSION_STARTED, OP_LT, f->to);
	rows_init(&out, T_SESSION);
	rc = tx_query(t, &q, &out, e);
	if (rc != OK)
		rows_free(&out);
	*list_r = (struct spool_session *)(void *)out.data;
	*n_r = out.n;
	return rc;
}

enum err_code
spool_share_add(struct spool_txn *t, const struct spool_share *s, struct err *e)
{
	struct spool_share row = *s;

	return tx_insert(t, T_SHARE, &row, e);
}

enum err_code
spool_share_list(struct spool_txn *t, int64_t session, size_t limit,
	struct spool_share **list_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_SHARE, .index = BY_KEY, .limit = limit};
	struct rows out;
	enum err_code rc;

	query_number(&q, SHARE_SESSION, OP_EQ, session);
	rows_init(&out, T_SHARE);
	rc = tx_query(t, &q, &out, e);
	if (rc != OK)
		rows_free(&out);
	*list_r = (struct spool_share *)(void *)out.data;
	*n_r = out.n;
	return rc;
}

/* --- peers --- */

enum err_code
spool_peer_put(struct spool_txn *t, const struct spool_peer *p, struct err *e)
{
	struct spool_peer row = *p;

	return tx_put(t, T_PEER, &row, e);
}

enum err_code
spool_peer_get(struct spool_txn *t, const char *name, struct spool_peer *p_r,
	struct err *e)
{
	enum err_code rc = ERR_NOTFOUND;

	memset(p_r, 0, sizeof(*p_r));
	if (str_copyz(p_r->name, sizeof(p_r->name), name))
		rc = tx_get(t, T_PEER, p_r, e);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc, "nothing is known of peer %s", name);
	return rc;
}

/* --- TLS sessions --- */

enum { TICKETS_PER_PEER = 2 };

static enum err_code
tickets_query(
	struct spool_txn *t, const char *peer, struct rows *out, struct err *e)
{
	struct query q = {.table = T_TICKET,
		.index = TICKET_BY_PEER,
		.limit = TICKETS_PER_PEER * 2};

	query_text(&q, TICKET_PEER, OP_EQ, peer);
	rows_init(out, T_TICKET);
	return tx_query(t, &q, out, e);
}

static bool
ticket_fits(const struct ticket_row *r, const char *policy)
{
	return str_eq(str_of(r->policy), str_of(policy));
}

/* Of other policies none stays; of this one, room for the new one. */
static enum err_code
tickets_trim(struct spool_txn *t, const char *peer, const char *policy,
	struct err *e)
{
	struct rows have;
	enum err_code rc = tickets_query(t, peer, &have, e);
	size_t kept = 0;

	for (size_t i = have.n; i-- && rc == OK;) {
		struct ticket_row *r = rows_at(&have, i);

		if (ticket_fits(r, policy) && ++kept < TICKETS_PER_PEER)
			continue;
		rc = tx_remove(t, T_TICKET, r, e);
	}
	rows_free(&have);
	return rc;
}

enum err_code
spool_ticket_put(struct spool_txn *t, const char *peer, const char *policy,
	struct str ticket, struct err *e)
{
	/* only read from */
	struct ticket_row r = {.policy = (char *)(uintptr_t)policy,
		.ticket = {(char *)(uintptr_t)ticket.p, ticket.n}};
	enum err_code rc = tickets_trim(t, peer, policy, e);

	str_copyz(r.peer, sizeof(r.peer), peer);
	return rc == OK ? tx_insert(t, T_TICKET, &r, e) : rc;
}

enum err_code
spool_ticket_take(struct spool_txn *t, const char *peer, const char *policy,
	struct buf *out, struct err *e)
{
	struct rows have;
	enum err_code rc = tickets_query(t, peer, &have, e);
	bool found = false;

	/* the newest one that fits; all that do not fit go */
	for (size_t i = have.n; i-- && rc == OK;) {
		struct ticket_row *r = rows_at(&have, i);
		bool fits = ticket_fits(r, policy);

		if (fits && found)
			continue;
		rc = tx_remove(t, T_TICKET, r, e);
		if (rc == OK && fits) {
			buf_add(out, r->ticket.p, r->ticket.n);
			found = true;
		}
	}
	rows_free(&have);
	if (rc == OK && !found)
		rc = err_set(e, ERR_NOTFOUND, "no TLS session of %s", peer);
	return rc;
}

/* --- named values --- */

enum err_code
spool_meta_put(
	struct spool_txn *t, const char *key, struct str value, struct err *e)
{
	/* only read from */
	struct meta_row r = {.value = {(char *)(uintptr_t)value.p, value.n}};

	if (!str_copyz(r.key, sizeof(r.key), key))
		return err_set(e, ERR_INVALID, "the key %s is too long", key);
	return tx_put(t, T_META, &r, e);
}

enum err_code
spool_meta_get(
	struct spool_txn *t, const char *key, struct buf *out, struct err *e)
{
	struct meta_row r = {.value = {NULL, 0}};
	enum err_code rc = ERR_NOTFOUND;

	if (str_copyz(r.key, sizeof(r.key), key))
		rc = tx_get(t, T_META, &r, e);
	if (rc == OK && r.value.n)
		buf_add(out, r.value.p, r.value.n);
	row_clear(T_META, &r);
	return rc;
}

/* --- events --- */

enum err_code
spool_event_add(
	struct spool_txn *t, const struct spool_event *ev, struct err *e)
{
	struct spool_event row = *ev;

	row.id = 0;
	return tx_insert(t, T_EVENT, &row, e);
}

static void
reverse_events(struct spool_event *list, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct spool_event swap = list[i];

		list[i] = list[n - 1 - i];
		list[n - 1 - i] = swap;
	}
}

static unsigned
event_index(const struct spool_event_filter *f)
{
	if (f->message)
		return EVENT_BY_MESSAGE;
	return f->session ? EVENT_BY_SESSION : BY_KEY;
}

enum err_code
spool_event_list(struct spool_txn *t, const struct spool_event_filter *f,
	size_t limit, struct spool_event **list_r, size_t *n_r, struct err *e)
{
	struct query q = {.table = T_EVENT,
		.index = event_index(f),
		.backward = f->newest,
		.limit = limit};
	struct rows out;
	enum err_code rc;

	if (f->message)
		query_number(&q, EVENT_MESSAGE, OP_EQ, f->message);
	if (f->session)
		query_number(&q, EVENT_SESSION, OP_EQ, (int64_t)f->session);
	if (f->n)
		query_number(&q, EVENT_N, OP_EQ, f->n);
	query_number(&q, EVENT_ID, OP_GT, f->after_id);
	rows_init(&out, T_EVENT);
	rc = tx_query(t, &q, &out, e);
	if (rc != OK)
		rows_free(&out);
	*list_r = (struct spool_event *)(void *)out.data;
	*n_r = out.n;
	if (f->newest)
		reverse_events(*list_r, *n_r);
	return rc;
}
