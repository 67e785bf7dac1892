/* What the clock does to deliveries: held until a time, or late at one. */
#include "spool/private.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

/* As people know it: the wall clock's, where the other one counts, too. */
static int64_t
release_at_wall(const struct spool_delivery *d)
{
	return d->release_wall ? d->release_at
			       : d->queued_at + d->release_at - d->steady_at;
}

void
timed_hold(struct delivery_row *r)
{
	char when[CLOCK_TEXT_MAX];

	r->d.state = SPOOL_HELD;
	r->d.reason = REASON_RELEASE_TIME;
	r->d.next_attempt = release_at_wall(&r->d);
	clock_rfc3339(r->d.next_attempt, when);
	str_copyz(r->d.reason_arg, sizeof(r->d.reason_arg), when);
}

/* --- when something is due --- */

static enum err_code
first_of(struct spool_txn *t, const struct query *q, struct delivery_row *r,
	struct err *e)
{
	enum err_code rc = tx_first(t, q, r, e);

	if (rc == ERR_NOTFOUND) {
		memset(r, 0, sizeof(*r));
		return OK;
	}
	return rc;
}

static struct query
release_query(bool wall)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_RELEASE};

	query_number(&q, DELIVERY_RELEASE_WALL, OP_EQ, wall);
	return q;
}

enum err_code
spool_timed_next(struct spool_txn *t, struct spool_timed *next_r, struct err *e)
{
	struct query by_return = {
		.table = T_DELIVERY, .index = DELIVERY_BY_RETURN};
	struct query by_tell = {.table = T_DELIVERY, .index = DELIVERY_BY_TELL};
	struct query wall = release_query(true), steady = release_query(false);
	struct delivery_row r;
	enum err_code rc = first_of(t, &by_return, &r, e);

	next_r->return_at = r.d.return_at;
	if (rc == OK)
		rc = first_of(t, &by_tell, &r, e);
	next_r->tell_at = r.d.tell_at;
	if (rc == OK)
		rc = first_of(t, &wall, &r, e);
	next_r->release_wall = r.d.release_at;
	if (rc == OK)
		rc = first_of(t, &steady, &r, e);
	next_r->release_steady = r.d.release_at;
	return rc;
}

/* --- released --- */

struct release {
	int64_t wall, steady;
	size_t limit, n;
};

/* Its life begins now: what counts its time begins here. */
static enum err_code
release_one(struct spool_txn *t, const struct release *job,
	const struct delivery_row *old, struct err *e)
{
	struct spool_event ev = {.level = LOG_INFO,
		.text = "the time that its sender gave has come"};
	struct delivery_row r = *old;
	enum err_code rc;

	r.d.state = SPOOL_READY;
	r.d.reason = REASON_NONE;
	r.d.reason_arg[0] = '\0';
	r.d.next_attempt = r.d.release_at = 0;
	r.d.queued_at = job->wall;
	r.d.steady_at = job->steady;
	delivery_route_anew(&r);
	rc = delivery_update(t, old, &r, e);
	return rc == OK ? delivery_event(t, &r, "released", job->wall, &ev, e)
			: rc;
}

static enum err_code
release_by(
	struct spool_txn *t, struct release *job, bool by_wall, struct err *e)
{
	struct query q = release_query(by_wall);
	struct rows due;
	enum err_code rc;

	q.limit = job->limit;
	query_number(&q, DELIVERY_RELEASE_AT, OP_LE,
		by_wall ? job->wall : job->steady);
	rows_init(&due, T_DELIVERY);
	rc = tx_query(t, &q, &due, e);
	for (size_t i = 0; i < due.n && rc == OK; i++)
		rc = release_one(t, job, rows_at(&due, i), e);
	job->n += due.n;
	rows_free(&due);
	return rc;
}

enum err_code
spool_timed_release(struct spool_txn *t, int64_t wall, int64_t steady,
	size_t limit, size_t *n_r, struct err *e)
{
	struct release job = {.wall = wall, .steady = steady, .limit = limit};
	enum err_code rc = release_by(t, &job, true, e);

	if (rc == OK)
		rc = release_by(t, &job, false, e);
	*n_r = job.n;
	return rc;
}

/* --- held by whom --- */

static enum err_code
count_account(struct spool_txn *t, const struct rows *page, const char *account,
	int64_t *last, size_t *n, struct err *e)
{
	struct spool_message m;
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct delivery_row *r = rows_at(page, i);

		if (r->d.message == *last)
			continue; /* its recipients stand together */
		*last = r->d.message;
		rc = spool_message_get(t, *last, &m, e);
		*n += rc == OK && strcmp(m.account, account) == 0;
	}
	return rc;
}

enum err_code
spool_timed_held(struct spool_txn *t, const char *account, size_t most,
	size_t *n_r, struct err *e)
{
	enum err_code rc = OK;

	*n_r = 0;
	for (int by_wall = 0; by_wall < 2 && rc == OK; by_wall++) {
		struct query q = release_query(by_wall);
		struct delivery_row after;
		int64_t last = 0;
		bool more = true;

		q.limit = SPOOL_PAGE;
		while (rc == OK && more && *n_r < most) {
			struct rows page;

			rows_init(&page, T_DELIVERY);
			rc = tx_query(t, &q, &page, e);
			if (rc == OK)
				rc = count_account(
					t, &page, account, &last, n_r, e);
			more = page.n == SPOOL_PAGE;
			if (more)
				after = *(struct delivery_row *)rows_at(
					&page, page.n - 1);
			q.after = &after;
			rows_free(&page);
		}
	}
	return rc;
}

/* --- late --- */

enum err_code
spool_set_told_late(
	struct spool_txn *t, int64_t message, unsigned n, struct err *e)
{
	struct delivery_row old, r;
	enum err_code rc = delivery_get(t, message, n, &old, e);

	if (rc != OK)
		return rc;
	r = old;
	r.d.tell_at = 0;
	return delivery_update(t, &old, &r, e);
}

/* --- needs --- */

enum err_code
spool_route_needs(struct spool_txn *t, const char *route, unsigned *needs_r,
	struct err *e)
{
	char links[SPOOL_LINKS_MAX + 1] = "";
	enum err_code rc = OK;

	*needs_r = 0;
	while (rc == OK) {
		struct stretch s = {.route = route, .links = links};

		for (; (rc = stretch_need(t, &s, e)) == OK; s.needs++)
			*needs_r |= s.needs;
		if (rc == ERR_NOTFOUND)
			rc = bound_next(t, route, links, e);
	}
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_domain_needs(struct spool_txn *t, const char *route, const char *domain,
	unsigned *needs_r, struct err *e)
{
	struct stretch s = {.route = route, .domain = domain};
	enum err_code rc;

	*needs_r = 0;
	for (; (rc = stretch_need(t, &s, e)) == OK; s.needs++)
		*needs_r |= s.needs;
	return rc == ERR_NOTFOUND ? OK : rc;
}
