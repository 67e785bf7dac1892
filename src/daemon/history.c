#include "daemon/history.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/records.h"

#include <stdlib.h>

static void
written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK && code != ERR_NOTFOUND)
		log_warning("history-not-stored", LOG_STR("why", e->text));
	free(arg);
}

static enum err_code
write_session(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_session_add(t, arg, e);
}

void
history_session(const struct session *s, const char *link, const char *peer,
	const char *result)
{
	struct spool_session *row = xcalloc(1, sizeof(*row));

	row->started = s->started_s;
	row->ended = clock_sane_s();
	row->messages_sent = s->messages_sent;
	row->messages_received = s->messages_received;
	row->turnarounds = s->turns.n;
	row->bytes_sent = s->counts.sent;
	row->bytes_received = s->counts.received;
	str_copyz(row->link, sizeof(row->link), link);
	str_copyz(row->peer, sizeof(row->peer), peer);
	str_copyz(row->result, sizeof(row->result), result);
	spool_submit(s->n->spool, write_session, written, row);
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

/* Reads the row first: what is not known this time stays as it was. */
static enum err_code
write_peer(struct spool_txn *t, void *arg, struct err *e)
{
	const struct spool_peer *now = arg;
	struct spool_peer row;
	enum err_code rc = spool_peer_get(t, now->name, &row, e);

	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	if (rc == ERR_NOTFOUND)
		row = *now;
	if (now->address[0])
		str_copyz(row.address, sizeof(row.address), now->address);
	if (now->keywords[0])
		str_copyz(row.keywords, sizeof(row.keywords), now->keywords);
	if (now->last_success)
		row.last_success = now->last_success;
	str_copyz(row.last_result, sizeof(row.last_result), now->last_result);
	return spool_peer_put(t, &row, e);
}

void
history_peer(struct node *n, const char *name, const char *address,
	const char *keywords, bool success, const char *result)
{
	struct spool_peer *row = xcalloc(1, sizeof(*row));

	str_copyz(row->name, sizeof(row->name), name);
	str_copyz(row->address, sizeof(row->address), address);
	str_copyz(row->keywords, sizeof(row->keywords), keywords);
	str_copyz(row->last_result, sizeof(row->last_result), result);
	row->last_success = success ? clock_sane_s() : 0;
	spool_submit(n->spool, write_peer, written, row);
}
