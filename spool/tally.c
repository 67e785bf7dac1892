/* What was done for a customer, month by month. */
#include "spool/private.h"

#include <string.h>
#include <time.h>

enum { STATEMENT_MONTHS_MAX = 1200 };

/* The first second (UTC) of the month NOW lies in. */
static int64_t
month_of(int64_t now)
{
	time_t at = (time_t)now;
	struct tm tm;

	if (!gmtime_r(&at, &tm))
		return 0;
	return now - tm.tm_sec - tm.tm_min * INT64_C(60) -
	       tm.tm_hour * INT64_C(3600) - (tm.tm_mday - 1) * INT64_C(86400);
}

enum err_code
tally_add(struct spool_txn *t, const struct delivery_row *d,
	enum spool_tally kind, int64_t now, struct err *e)
{
	const char *name = route_customer(d->d.route);
	struct tally_row old, r;
	enum err_code rc;

	memset(&old, 0, sizeof(old));
	if (!name || !str_copyz(old.account, sizeof(old.account), name))
		return OK;
	old.month = month_of(now);
	old.kind = kind;
	rc = tx_get(t, T_TALLY, &old, e);
	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	r = old;
	r.deliveries++;
	r.bytes += d->size;
	return rc == OK ? tx_update(t, T_TALLY, &old, &r, e)
			: tx_insert(t, T_TALLY, &r, e);
}

static struct query
tally_query(const char *name, size_t limit)
{
	struct query q = {.table = T_TALLY, .index = BY_KEY, .limit = limit};

	query_text(&q, TALLY_ACCOUNT, OP_EQ, name);
	return q;
}

static enum err_code
remove_all(struct spool_txn *t, enum table_id table, const struct query *q,
	struct err *e)
{
	enum err_code rc = OK;
	bool more = true;

	while (rc == OK && more) {
		struct rows page;

		rows_init(&page, table);
		rc = tx_query(t, q, &page, e);
		for (size_t i = 0; i < page.n && rc == OK; i++)
			rc = tx_remove(t, table, rows_at(&page, i), e);
		more = page.n == SPOOL_PAGE;
		rows_free(&page);
	}
	return rc;
}

enum err_code
tally_forget(struct spool_txn *t, const char *name, struct err *e)
{
	struct query q = tally_query(name, SPOOL_PAGE);
	struct query sessions = {.table = T_SESSION,
		.index = SESSION_BY_CUSTOMER,
		.limit = SPOOL_PAGE};
	enum err_code rc = remove_all(t, T_TALLY, &q, e);

	query_text(&sessions, SESSION_PEER, OP_EQ, name);
	return rc == OK ? remove_all(t, T_SESSION, &sessions, e) : rc;
}

/* --- the statement --- */

static enum err_code
statement_tallies(struct spool_txn *t, int64_t from, int64_t to,
	struct spool_statement *s, struct err *e)
{
	struct query q =
		tally_query(s->name, (size_t)TALLIES_N * STATEMENT_MONTHS_MAX);
	struct rows page;
	enum err_code rc;

	query_number(&q, TALLY_MONTH, OP_GE, from);
	query_number(&q, TALLY_MONTH, OP_LT, to);
	rows_init(&page, T_TALLY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct tally_row *r = rows_at(&page, i);

		if ((unsigned)r->kind >= TALLIES_N)
			continue;
		s->tally[r->kind].deliveries += r->deliveries;
		s->tally[r->kind].bytes += r->bytes;
	}
	rows_free(&page);
	return rc;
}

static void
statement_add_session(
	struct spool_statement *s, const struct spool_session *one)
{
	s->sessions++;
	if (one->ended > one->started)
		s->seconds += one->ended - one->started;
	s->bytes_sent += one->bytes_sent;
	s->bytes_received += one->bytes_received;
	s->messages_sent += one->messages_sent;
}

static enum err_code
statement_sessions(struct spool_txn *t, int64_t from, int64_t to,
	struct spool_statement *s, struct err *e)
{
	struct spool_session after = {.ended = from};
	enum err_code rc = OK;
	bool more = true;

	while (rc == OK && more) {
		struct query q = {.table = T_SESSION,
			.index = SESSION_BY_CUSTOMER,
			.after = &after,
			.limit = SPOOL_PAGE};
		struct rows page;

		query_text(&q, SESSION_PEER, OP_EQ, s->name);
		query_number(&q, SESSION_ENDED, OP_LT, to);
		rows_init(&page, T_SESSION);
		rc = tx_query(t, &q, &page, e);
		for (size_t i = 0; i < page.n; i++)
			statement_add_session(s, rows_at(&page, i));
		more = page.n == SPOOL_PAGE;
		if (more)
			after = *(struct spool_session *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	return rc;
}

enum err_code
spool_statement(struct spool_txn *t, const char *name, int64_t from, int64_t to,
	struct spool_statement *s_r, struct err *e)
{
	enum err_code rc = customer_exists(t, name, e);

	memset(s_r, 0, sizeof(*s_r));
	if (rc != OK)
		return rc;
	str_copyz(s_r->name, sizeof(s_r->name), name);
	rc = statement_sessions(t, from, to, s_r, e);
	if (rc == OK)
		rc = statement_tallies(t, from, to, s_r, e);
	return rc == OK ? spool_customer_waiting(t, name, &s_r->waiting, e)
			: rc;
}
