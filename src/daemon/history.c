#include "daemon/history.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/known.h"
#include "daemon/links.h"
#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

/* Money is reckoned in floating point: less than this is nothing. */
static const double cost_least = 1e-6;

static void
written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK && code != ERR_NOTFOUND)
		log_warning("history-not-stored", LOG_STR("why", e->text));
	free(arg);
}

struct session_job {
	struct spool_session row;
	struct shares shares;
};

static void
session_written(void *arg, enum err_code code, const struct err *e)
{
	struct session_job *j = arg;

	shares_free(&j->shares);
	written(j, code, e);
}

static enum err_code
write_session(struct spool_txn *t, void *arg, struct err *e)
{
	struct session_job *j = arg;
	enum err_code rc = spool_session_add(t, &j->row, e);

	for (size_t i = 0; i < j->shares.n && rc == OK; i++) {
		j->shares.v[i].session = j->row.id;
		rc = spool_share_add(t, &j->shares.v[i], e);
	}
	return rc;
}

void
history_session(struct session *s, const char *link, const char *peer,
	const char *result)
{
	struct session_job *j = xcalloc(1, sizeof(*j));
	struct spool_session *row = &j->row;

	j->shares = s->shares; /* given */
	s->shares = (struct shares){.v = NULL};
	row->started = s->started_s;
	row->ended = clock_sane_s();
	row->estimate_s = s->estimate_s;
	row->messages_sent = s->messages_sent;
	row->messages_received = s->messages_received;
	row->turnarounds = s->turns.n;
	row->bytes_sent = s->counts.sent;
	row->bytes_received = s->counts.received;
	row->cost = budgets_bill(s->n->budgets, link);
	str_copyz(row->link, sizeof(row->link), link);
	str_copyz(row->peer, sizeof(row->peer), peer);
	str_copyz(row->result, sizeof(row->result), result);
	spool_submit(s->n->spool, write_session, session_written, j);
	links_session_over(s->n->links, link, s);
}

void
history_line(struct node *n, const char *link, double cost)
{
	struct session_job *j;
	struct spool_session *row;

	if (cost < cost_least)
		return;
	j = xcalloc(1, sizeof(*j));
	row = &j->row;
	row->started = row->ended = clock_sane_s();
	row->cost = cost;
	str_copyz(row->link, sizeof(row->link), link);
	str_copyz(row->result, sizeof(row->result), "the line was held");
	spool_submit(n->spool, write_session, session_written, j);
}

struct call {
	char name[SASL_NAME_MAX + 1];
	char result[SPOOL_TEXT_MAX + 1];
	int64_t now;
};

static enum err_code
write_call(struct spool_txn *t, void *arg, struct err *e)
{
	struct call *c = arg;

	return spool_customer_called(t, c->name, c->now, c->result, e);
}

void
history_customer(struct node *n, const char *name, const char *result)
{
	struct call *c = xcalloc(1, sizeof(*c));

	str_copyz(c->name, sizeof(c->name), name);
	str_copyz(c->result, sizeof(c->result), result);
	c->now = clock_sane_s();
	spool_submit(n->spool, write_call, written, c);
}

void
history_unreached(struct node *n, const char *link, const char *peer,
	int64_t started_s, const char *why)
{
	struct session_job *j = xcalloc(1, sizeof(*j));
	struct spool_session *row = &j->row;

	row->started = started_s;
	row->ended = clock_sane_s();
	str_copyz(row->link, sizeof(row->link), link);
	str_copyz(row->peer, sizeof(row->peer), peer);
	str_copyz(row->result, sizeof(row->result), why);
	spool_submit(n->spool, write_session, session_written, j);
}

/* --- peers --- */

struct peer_job {
	struct spool_peer now;
	char host[KNOWN_HOST_MAX];
	int64_t ends; /* of its certificate; 0: not known */
};

/* What is not known this time stays as it was. */
static void
merge_peer(struct spool_peer *row, const struct spool_peer *now)
{
	if (now->address[0])
		str_copyz(row->address, sizeof(row->address), now->address);
	if (now->keywords[0])
		str_copyz(row->keywords, sizeof(row->keywords), now->keywords);
	if (now->has_fingerprint)
		memcpy(row->fingerprint, now->fingerprint,
			sizeof(row->fingerprint));
	row->has_fingerprint |= now->has_fingerprint;
	if (now->last_success)
		row->last_success = now->last_success;
	str_copyz(row->last_result, sizeof(row->last_result), now->last_result);
}

static enum err_code
write_peer(struct spool_txn *t, void *arg, struct err *e)
{
	const struct peer_job *j = arg;
	struct spool_peer row;
	enum err_code rc = spool_peer_get(t, j->now.name, &row, e);

	if (rc == ERR_NOTFOUND)
		row = j->now;
	else if (rc != OK)
		return rc;
	merge_peer(&row, &j->now);
	rc = spool_peer_put(t, &row, e);
	if (rc == OK && j->host[0])
		rc = known_put_host(t, row.name, j->host, j->now.address, e);
	if (rc == OK && j->ends)
		rc = spool_trust_ends_put(t, row.name, j->ends, e);
	return rc;
}

void
history_peer(struct node *n, const char *name, const struct history_peer *h)
{
	struct peer_job *j = xcalloc(1, sizeof(*j));

	str_copyz(j->now.name, sizeof(j->now.name), name);
	/* A host that did not let us in is no good address. */
	if (h->host[0])
		str_copyz(j->now.address, sizeof(j->now.address), h->address);
	str_copyz(j->now.keywords, sizeof(j->now.keywords), h->keywords);
	str_copyz(j->now.last_result, sizeof(j->now.last_result), h->result);
	j->now.last_success = h->success ? clock_sane_s() : 0;
	str_copyz(j->host, sizeof(j->host), h->host);
	if (h->certificate) {
		memcpy(j->now.fingerprint, h->certificate->key,
			sizeof(j->now.fingerprint));
		j->now.has_fingerprint = true;
		j->ends = h->certificate->ends;
	}
	spool_submit(n->spool, write_peer, written, j);
}
