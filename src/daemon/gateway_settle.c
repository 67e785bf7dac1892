/* Gateways: what became of a batch, and when its route is tried again. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/claims.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/gateway_private.h"
#include "daemon/settle.h"
#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

enum { GATEWAY_FOLDER_EVERY_S = 15 }; /* how often a folder is looked for */

void
gateway_back_off(struct gateway_job *j)
{
	const struct conf *conf = j->n->conf;
	struct gateway *w = j->w;
	size_t i = w->failures < conf->queue.retry_n ? w->failures
						     : conf->queue.retry_n - 1;
	int64_t wait = j->how == HOW_WAITING ? GATEWAY_FOLDER_EVERY_S
					     : conf->queue.retry_s[i];

	if (j->how != HOW_WAITING)
		w->failures++;
	w->wait_until = clock_sane_s() + wait;
	dispatch_due_at(j->n->dispatch, w->wait_until);
}

void
gateway_tell(struct gateway_job *j)
{
	struct gateway *w = j->w;

	if (j->how == HOW_DONE) {
		log_info("batch-sent", LOG_STR("route", w->name),
			LOG_INT("messages", j->messages_n),
			LOG_STR("file", j->name ? j->name : ""));
		w->trouble[0] = '\0';
	} else if (j->how != HOW_WAITING || strcmp(w->trouble, j->err.text)) {
		log_write(j->how == HOW_WAITING ? LOG_INFO : LOG_WARNING,
			"batch-waits",
			LOG_FIELDS(LOG_STR("route", w->name),
				LOG_INT("messages", j->messages_n),
				LOG_STR("why", j->err.text)));
		str_copyz(w->trouble, sizeof(w->trouble), j->err.text);
	}
}

static enum err_code
write_settles(struct spool_txn *t, void *arg, struct err *e)
{
	struct gateway_job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < j->messages_n && rc == OK; i++)
		rc = settle_write(t, j->settles[i], e);
	if (rc == OK && j->mail && j->how == HOW_DONE)
		rc = gateway_mail_add(t, j, e);
	if (rc != OK)
		return rc;
	return spool_route_reason_put(t, j->w->name,
		j->how == HOW_DONE || j->how == HOW_BAD ? REASON_NONE
		: j->how == HOW_WAITING			? REASON_LINK_DOWN
							: REASON_RETRY_WAIT,
		j->how == HOW_DONE || j->how == HOW_BAD ? ""
		: j->how == HOW_WAITING			? j->folder
							: j->err.text,
		e);
}

static bool
drop_notices(struct gateway_job *j)
{
	bool dropped = false;

	for (size_t i = 0; i < j->messages_n; i++)
		dropped |= settle_drop_notices(j->settles[i]);
	return dropped;
}

static void
settled(void *arg, enum err_code code, const struct err *e)
{
	struct gateway_job *j = arg;

	if (code == ERR_FULL && drop_notices(j)) {
		spool_submit(j->n->spool, write_settles, settled, j);
		return;
	}
	if (j->mail && code != ERR_UNCERTAIN &&
		(code != OK || j->how != HOW_DONE))
		gateway_mail_drop(j);
	if (code != OK) {
		claims_release(j->n, j->owner);
		log_error("outcome-not-stored", LOG_STR("route", j->w->name),
			LOG_STR("why", e->text));
		gateway_fault(j);
		return;
	}
	for (size_t i = 0; i < j->messages_n; i++)
		settle_written(j->settles[i]);
	gateway_tell(j);
	if (j->mail && j->how == HOW_DONE)
		gateway_mail_added(j);
	if (j->how == HOW_DONE)
		j->w->failures = 0;
	else if (j->how != HOW_BAD)
		gateway_back_off(j);
	gateway_end(j, j->how == HOW_DONE || j->how == HOW_BAD);
}

static void
judge(struct gateway_job *j, struct settle *st, size_t message, size_t i)
{
	char words[WIRE_MAILBOX_MAX + 80];
	struct reply ok;

	if (j->how == HOW_BAD && message == j->bad) {
		if (j->code == ERR_UNSUPPORTED)
			settle_refuse(st, i, "5.6.3", j->err.text);
		else
			settle_hold(st, i, REASON_RULE_HOLD, j->err.text);
		return;
	}
	if (j->mail)
		reply_set(&ok, 250, "2.0.0", "%s",
			gateway_mail_words(j, words, sizeof(words)));
	else
		reply_set(&ok, 250, "2.0.0", "%s %.200s",
			j->folder ? "in the batch" : "handed to the command",
			j->folder ? j->name : j->command);
	if (j->how == HOW_DONE)
		settle_reply(st, i, &ok);
	else
		settle_release(st, i, j->err.text);
}

void
gateway_settle(struct gateway_job *j)
{
	crash_point("gateway-before-commit");
	j->settles = xcalloc(j->messages_n, sizeof(struct settle *));
	for (size_t i = 0; i < j->messages_n; i++) {
		struct settle *st = settle_new(
			j->n, &j->messages[i], j->owner, j->w->name, NULL, 0);

		j->settles[i] = st;
		/* RFC 2442: who reads a batch does what NOTIFY asks for */
		if (!j->mail)
			settle_tell_success(st, DSN_RELAYED);
		settle_quiet(st);
		for (size_t k = 0; k < j->messages[i].n; k++)
			judge(j, st, i, k);
		if (j->how == HOW_DOUBT)
			settle_in_doubt(st);
	}
	spool_submit(j->n->spool, write_settles, settled, j);
}
