#include "daemon/control_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "daemon/giveup.h"
#include "spool/queue.h"

#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MOST = 9 }; /* RFC 6710 */

/* The request, decoded: one filter, or one an id. */
struct queue_job {
	struct control_conn *c;
	struct spool_action action;
	struct spool_filter *filters;
	int *priorities; /* of each filter, with ACTION_PRIORITY */
	size_t filters_n, filters_cap;
	int priority;	/* of those that come next */
	bool skip_gone; /* an id that names nothing is passed over */
	size_t changed;
};

static void
free_job(struct queue_job *j)
{
	free(j->filters);
	free(j->priorities);
	conn_release(j->c);
	free(j);
}

/* --- decoding --- */

static struct spool_filter *
add_filter(struct queue_job *j, const struct spool_filter *base)
{
	if (j->filters_n == j->filters_cap) {
		j->filters_cap = j->filters_cap ? j->filters_cap * 2 : 4;
		j->filters = xrealloc(
			j->filters, j->filters_cap * sizeof(*j->filters));
		j->priorities = xrealloc(
			j->priorities, j->filters_cap * sizeof(*j->priorities));
	}
	j->filters[j->filters_n] = *base;
	j->priorities[j->filters_n] = j->priority;
	return &j->filters[j->filters_n++];
}

static bool
decode_priority(struct queue_job *j, const char *value)
{
	bool negative = value[0] == '-';
	uint64_t n;

	if (!str_u64(str_of(value + negative), &n) || n > PRIORITY_MOST)
		return false;
	j->priority = negative ? -(int)n : (int)n;
	return true;
}

/* The ids of one record of the request, and the priorities before them. */
static bool
decode_ids_of(struct queue_job *j, const struct record *r,
	const struct spool_filter *base)
{
	const char *key, *value;

	for (size_t i = 0; record_at(r, i, &key, &value); i++) {
		struct spool_filter *f;

		if (strcmp(key, KEY_PRIORITY) == 0 &&
			!decode_priority(j, value))
			return false;
		if (strcmp(key, KEY_ID) != 0)
			continue;
		f = add_filter(j, base);
		if (!protocol_id_parse(str_of(value), &f->id, &f->n))
			return false;
	}
	return true;
}

static bool
decode_ids(struct queue_job *j, const struct spool_filter *base)
{
	const struct control_conn *c = j->c;
	const char *priority = conn_get(c, KEY_PRIORITY);

	/* it may stand behind the ids too */
	if (priority && !decode_priority(j, priority))
		return false;
	if (!decode_ids_of(j, &c->request, base))
		return false;
	for (size_t i = 0; i < c->parts_n; i++)
		if (!decode_ids_of(j, &c->parts[i], base))
			return false;
	if (j->filters_n == 0)
		add_filter(j, base);
	return true;
}

static bool
decode(struct queue_job *j)
{
	struct control_conn *c = j->c;
	struct spool_filter f = {
		.from = conn_get(c, KEY_FROM),
		.to = conn_get(c, KEY_TO),
		.route = conn_get(c, KEY_ROUTE),
	};
	const char *state = conn_get(c, KEY_STATE);
	bool narrow = f.from || f.to || f.route || state ||
		      conn_get(c, KEY_ID) || conn_get(c, KEY_ALL);
	int64_t number;

	if (state && !spool_state_parse(str_of(state), &f.state))
		return false;
	f.has_state = state != NULL;
	if (record_get_int(&c->request, KEY_OLDER, &number)) {
		f.queued_before = clock_sane_s() - number;
		narrow = true;
	}
	if (record_get_int(&c->request, KEY_LARGER, &number) && number >= 0) {
		f.larger = (uint64_t)number;
		narrow = true;
	}
	j->skip_gone = conn_get(c, KEY_SKIP_GONE) != NULL;
	return narrow && decode_ids(j, &f);
}

static bool
decode_action(const struct control_conn *c, struct spool_action *a)
{
	static const struct {
		const char *word;
		enum spool_action_kind kind;
	} words[] = {
		{ACTION_WORD_HOLD, ACTION_HOLD},
		{ACTION_WORD_RELEASE, ACTION_RELEASE},
		{ACTION_WORD_RETRY, ACTION_RETRY},
		{ACTION_WORD_DELETE, ACTION_DELETE},
		{ACTION_WORD_UNDELETE, ACTION_UNDELETE},
		{ACTION_WORD_PRIORITY, ACTION_PRIORITY},
	};
	const char *word = conn_get(c, KEY_ACTION);

	a->now = clock_sane_s();
	a->keep_until = a->now + c->n->conf->queue.keep_deleted_s;
	a->who = "an operator";
	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0) {
			a->kind = words[i].kind;
			return true;
		}
	return false;
}

/* --- acting --- */

/* An id that names nothing fails the whole transaction. */
static enum err_code
must_exist(struct spool_txn *t, const struct spool_filter *f, struct err *e)
{
	struct spool_filter any = {.id = f->id, .n = f->n};
	struct spool_cursor cursor = {0};
	struct spool_row *rows = NULL;
	char id[PROTOCOL_ID_TEXT_MAX];
	enum err_code rc;
	size_t n = 0;

	if (!f->id)
		return OK;
	rc = spool_list(t, &any, &cursor, 1, &rows, &n, e);
	free(rows);
	if (rc != OK || n)
		return rc;
	any.has_state = true;
	any.state = SPOOL_DELETED;
	cursor = (struct spool_cursor){0};
	rc = spool_list(t, &any, &cursor, 1, &rows, &n, e);
	free(rows);
	if (rc != OK || n)
		return rc;
	protocol_id_format(f->id, f->n, id);
	return err_set(e, ERR_NOTFOUND,
		"no message or delivery %s; see: tidepost queue list", id);
}

static enum err_code
write_action(struct spool_txn *t, void *arg, struct err *e)
{
	struct queue_job *j = arg;
	enum err_code rc = OK;

	j->changed = 0;
	for (size_t i = 0; rc == OK && i < j->filters_n; i++) {
		size_t n = 0;

		j->action.filter = j->filters[i];
		j->action.priority = j->priorities[i];
		if (!j->skip_gone)
			rc = must_exist(t, &j->filters[i], e);
		if (rc == OK)
			rc = spool_act(t, &j->action, &n, e);
		j->changed += n;
	}
	return rc;
}

static bool
makes_due(enum spool_action_kind kind)
{
	return kind != ACTION_HOLD && kind != ACTION_DELETE;
}

static void
action_written(void *arg, enum err_code code, const struct err *e)
{
	struct queue_job *j = arg;

	if (code == OK) {
		conn_end(j->c, 0, NULL, (int64_t)j->changed);
		if (j->changed && makes_due(j->action.kind)) {
			node_reroute_stale(j->c->n);
			dispatch_now(j->c->n->dispatch);
		}
	} else {
		conn_end_err(j->c, code, e);
	}
	free_job(j);
}

/* --- returning to the sender --- */

static enum err_code
check_filters(struct spool_txn *t, void *arg, struct err *e)
{
	struct queue_job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; !j->skip_gone && rc == OK && i < j->filters_n; i++)
		rc = must_exist(t, &j->filters[i], e);
	return rc;
}

static void
returned(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct queue_job *j = arg;

	if (code == OK)
		conn_end(j->c, 0, NULL, (int64_t)count);
	else
		conn_end_err(j->c, code, e);
	free_job(j);
}

static void
return_to_sender(struct queue_job *j)
{
	giveup(j->c->n,
		&(struct giveup_conf){
			.filters = j->filters,
			.filters_n = j->filters_n,
			.status = "5.7.0",
			.text = "the operator of this mail system sent it back",
			.check = check_filters,
			.done = returned,
			.arg = j,
		});
}

/* --- the verb --- */

void
control_queue(struct control_conn *c)
{
	struct queue_job *j = xcalloc(1, sizeof(*j));
	const char *word = conn_get(c, KEY_ACTION);
	bool is_return = word && strcmp(word, ACTION_WORD_RETURN) == 0;

	j->c = c;
	conn_hold(c);
	if (!decode(j) || (!is_return && !decode_action(c, &j->action))) {
		conn_end(c, err_exit_status(ERR_USAGE),
			"the request names no action or no messages", -1);
		free_job(j);
	} else if (is_return) {
		return_to_sender(j);
	} else {
		spool_submit(c->n->spool, write_action, action_written, j);
	}
}
