#include "faces/act.h"

#include <stdlib.h>

#include "control/protocol.h"

static const struct act acts[] = {
	{ACTION_WORD_HOLD, "Hold", "held", ACTION_HOLD, false, false},
	{ACTION_WORD_RELEASE, "Release", "released", ACTION_RELEASE, false,
		false},
	{ACTION_WORD_RETRY, "Retry", "due now", ACTION_RETRY, false, false},
	{ACTION_WORD_DELETE, "Delete", "deleted", ACTION_DELETE, true, false},
	{ACTION_WORD_UNDELETE, "Undelete", "undeleted", ACTION_UNDELETE, false,
		false},
	{ACTION_WORD_RETURN, "Return", "returned to the sender", ACTION_DELETE,
		false, true},
	{ACTION_WORD_PRIORITY, "Change priority of", "changed", ACTION_PRIORITY,
		false, false},
};

const struct act *
act_find(struct str word)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (str_eq(str_of(acts[i].word), word))
			return &acts[i];
	return NULL;
}

/* ERR_NOTFOUND: F names one delivery or message, and it is not there. */
static enum err_code
check_there(struct spool_txn *t, const struct spool_filter *f, struct err *e)
{
	struct spool_filter look = {.id = f->id, .n = f->n};
	char id[PROTOCOL_ID_TEXT_MAX];

	for (int deleted = 0; deleted < 2; deleted++) {
		struct spool_cursor after = {0};
		struct spool_row *rows = NULL;
		size_t n = 0;
		enum err_code code;

		look.has_state = deleted;
		look.state = SPOOL_DELETED;
		code = spool_list(t, &look, &after, 1, &rows, &n, e);
		free(rows);
		if (code != OK || n)
			return code;
	}
	protocol_id_format(f->id, f->n, id);
	return err_set(e, ERR_NOTFOUND,
		"%s: no such delivery; nothing was changed; see: tidepost "
		"queue list",
		id);
}

enum err_code
act_in_spool(struct spool_txn *t, void *arg, struct err *e)
{
	struct act_job *j = arg;
	struct spool_action action = {.kind = j->act->kind,
		.now = j->now_s,
		.keep_until = j->keep_until,
		.priority = j->priority,
		.who = j->who};
	enum err_code code = OK;

	j->changed = 0;
	for (size_t i = 0; code == OK && i < j->filters_n; i++) {
		size_t n = 0;

		action.filter = j->filters[i];
		if (j->priorities)
			action.priority = j->priorities[i];
		if (j->by_id && !j->skip_gone)
			code = check_there(t, &j->filters[i], e);
		if (code == OK)
			code = spool_act(t, &action, &n, e);
		j->changed += n;
	}
	return code;
}

void
act_job_clear(struct act_job *j)
{
	free(j->filters);
	free(j->priorities);
	j->filters = NULL;
	j->priorities = NULL;
	j->filters_n = 0;
}

void
act_request(const struct act_job *j, struct request *r)
{
	char id[PROTOCOL_ID_TEXT_MAX];
	int last = j->priorities ? j->priorities[0] : j->priority;

	request_init(r, VERB_QUEUE, j->act->word);
	if (j->act->kind == ACTION_PRIORITY)
		request_add_int(r, KEY_PRIORITY, last);
	if (j->skip_gone)
		request_add(r, KEY_SKIP_GONE, "1");
	for (size_t i = 0; j->by_id && i < j->filters_n; i++) {
		if (j->priorities && j->priorities[i] != last) {
			last = j->priorities[i];
			request_add_int(r, KEY_PRIORITY, last);
		}
		protocol_id_format(j->filters[i].id, j->filters[i].n, id);
		request_add(r, KEY_ID, id);
	}
}
