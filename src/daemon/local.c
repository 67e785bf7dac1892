#include "daemon/local.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/maildir.h"
#include "daemon/settle.h"

#include <stdlib.h>

enum {
	LOCAL_AT_ONCE = 4,  /* messages on helper threads at a time */
	LOCAL_AGAIN_S = 60, /* after a fault of the spool */
};

struct local {
	struct node *n;
	size_t running;
	bool claiming, again, stopping;
	bool unsure; /* an outcome was not stored: a mailbox may have the mail
		      */
};

/* One message on its way into the mailboxes of its local recipients. */
struct local_job {
	struct local *l;
	uint64_t owner;
	struct spool_claimed claimed;
	bool found;
	int64_t now, due;
	/* what the helper thread found, one a delivery */
	enum err_code *codes;
	struct err *errors;
	char *pattern, *hostname, *domain; /* owned: a reload may come */
	struct settle *settle;
};

static void claim(struct local *l);

static void
free_job(struct local_job *j)
{
	spool_claimed_clear(&j->claimed);
	settle_free(j->settle);
	free(j->codes);
	free(j->errors);
	free(j->pattern);
	free(j->hostname);
	free(j->domain);
	free(j);
}

/* --- ending --- */

static enum err_code
write_settle(struct spool_txn *t, void *arg, struct err *e)
{
	struct local_job *j = arg;

	return settle_write(t, j->settle, e);
}

static void
settled(void *arg, enum err_code code, const struct err *e)
{
	struct local_job *j = arg;
	struct local *l = j->l;

	if (code == ERR_FULL && settle_drop_notices(j->settle)) {
		spool_submit(l->n->spool, write_settle, settled, j);
		return;
	}
	l->running--;
	if (code == OK) {
		settle_written(j->settle);
		claim(l);
	} else {
		/* Tried again later; its name in the Maildir stops doubles. */
		settle_release_owner(l->n, j->owner);
		l->unsure = true;
		dispatch_due_at(l->n->dispatch, clock_sane_s() + LOCAL_AGAIN_S);
		log_error("outcome-not-stored",
			LOG_INT("msg", j->claimed.message.id),
			LOG_STR("why", e->text));
	}
	free_job(j);
}

static void
judge(struct local_job *j, size_t i)
{
	struct reply ok;

	if (j->codes[i] == OK) {
		reply_set(&ok, 250, "2.0.0", "delivered to the mailbox");
		settle_reply(j->settle, i, &ok);
	} else if (j->codes[i] == ERR_INVALID) {
		settle_fail(j->settle, i, "5.1.1", j->errors[i].text);
	} else {
		settle_defer(j->settle, i, REASON_DISK, j->errors[i].text);
	}
}

static void
delivered(void *arg)
{
	struct local_job *j = arg;

	j->settle =
		settle_new(j->l->n, &j->claimed, j->owner, "local", NULL, 0);
	settle_tell_success(j->settle, DSN_DELIVERED);
	for (size_t i = 0; i < j->claimed.n; i++)
		judge(j, i);
	crash_point("local-before-commit");
	spool_submit(j->l->n->spool, write_settle, settled, j);
}

/* --- on a helper thread --- */

static void
deliver(void *arg)
{
	struct local_job *j = arg;

	for (size_t i = 0; i < j->claimed.n; i++) {
		const struct spool_delivery *d = &j->claimed.deliveries[i];
		struct maildir_job m = {
			.spool = j->l->n->spool,
			.pattern = j->pattern,
			.hostname = j->hostname,
			.sender = j->claimed.message.sender,
			.id = d->message,
			.n = d->n,
			.received_at = j->claimed.message.received_at,
			.recipient = d->recipient,
			.fallback_domain = j->domain,
			.look_in_cur = j->l->unsure || d->attempts > 0 ||
				       d->queued_at <= j->l->n->started_s,
		};

		j->codes[i] = maildir_deliver(&m, &j->errors[i]);
	}
}

/* The daemon stops before it was begun. */
static void
dropped(void *arg)
{
	struct local_job *j = arg;

	settle_release_owner(j->l->n, j->owner);
	free_job(j);
}

/* --- claiming --- */

static enum err_code
claim_one(struct spool_txn *t, void *arg, struct err *e)
{
	struct local_job *j = arg;
	static const char *const routes[] = {"local"};
	struct spool_claim c = {
		.owner = j->owner,
		.routes = routes,
		.routes_n = 1,
		.now = j->now,
		.peer = "local",
	};
	enum err_code rc;

	spool_claimed_clear(&j->claimed);
	rc = spool_claim_next(t, &c, &j->claimed, e);
	j->found = rc == OK;
	if (rc != ERR_NOTFOUND)
		return rc;
	return spool_route_due(t, routes[0], NULL, j->now, &j->due, e);
}

static void
begin(struct local_job *j)
{
	const struct conf *conf = j->l->n->conf;

	j->codes = xcalloc(j->claimed.n, sizeof(*j->codes));
	j->errors = xcalloc(j->claimed.n, sizeof(*j->errors));
	j->pattern = str_dupz(conf->local.deliver_to);
	j->hostname = str_dupz(conf->hostname);
	j->domain = str_dupz(conf->local.domains.n ? conf->local.domains.v[0]
						   : conf->hostname);
	j->l->running++;
	pool_submit_droppable(j->l->n->pool, deliver, delivered, dropped, j);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct local_job *j = arg;
	struct local *l = j->l;

	l->claiming = false;
	if (code == OK && j->found && l->stopping) {
		settle_release_owner(l->n, j->owner);
	} else if (code == OK && j->found) {
		begin(j);
		claim(l);
		return;
	}
	if (code != OK) {
		dispatch_due_at(l->n->dispatch, clock_sane_s() + LOCAL_AGAIN_S);
		log_error("claim-failed", LOG_STR("route", "local"),
			LOG_STR("why", e->text));
	} else if (!j->found && j->due > 0) {
		dispatch_due_at(l->n->dispatch, j->due);
	}
	free_job(j);
	if (l->again)
		claim(l);
}

static void
claim(struct local *l)
{
	struct local_job *j;

	l->again = l->claiming;
	if (l->claiming || l->stopping || l->running >= LOCAL_AT_ONCE ||
		l->n->conf->local.deliver == DELIVER_NONE)
		return;
	j = xcalloc(1, sizeof(*j));
	j->l = l;
	j->owner = node_new_id(l->n);
	j->now = clock_sane_s();
	j->due = -1;
	l->claiming = true;
	spool_submit(l->n->spool, claim_one, claimed, j);
}

struct local *
local_new(struct node *n)
{
	struct local *l = xcalloc(1, sizeof(*l));

	l->n = n;
	return l;
}

void
local_kick(struct local *l)
{
	claim(l);
}

void
local_stop(struct local *l)
{
	l->stopping = true;
}

void
local_free(struct local *l)
{
	free(l);
}
