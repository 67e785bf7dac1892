#include "daemon/local.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bodyread.h"
#include "daemon/claims.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/helper.h"
#include "daemon/lmtp.h"
#include "daemon/local_users.h"
#include "daemon/putting.h"
#include "daemon/settle.h"
#include "daemon/stage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LOCAL_AT_ONCE = 4,  /* messages on helper threads at a time */
	LOCAL_AGAIN_S = 60, /* after a fault of the spool */
};

struct local {
	struct node *n;
	struct lmtp *lmtp; /* owned; it does all where it is used */
	struct pool *pool; /* its own: a disk or a program may be slow */
	size_t running;
	struct list_node asking; /* jobs whose recipients are asked for */
	bool claiming, again, stopping;
	bool unsure; /* an outcome was not stored: a mailbox may have the mail
		      */
};

/* One message on its way into the mailboxes of its local recipients. */
struct local_job {
	struct list_node node; /* of local.asking */
	struct local *l;
	uint64_t owner;
	struct spool_claimed claimed;
	bool found;
	bool unsure; /* as of its local when it began */
	int64_t now, due;
	/* what the helper thread found, one a delivery */
	struct letter_end *ends;
	struct local_users *users; /* are they there? */
	bool unreadable;	   /* the body is not whole */
	const struct conf *conf;   /* when it began; kept by the node */
	struct settle *settle;
};

static void claim(struct local *l);

static void
free_job(struct local_job *j)
{
	list_remove(&j->node);
	local_users_free(j->users);
	spool_claimed_clear(&j->claimed);
	settle_free(j->settle);
	free(j->ends);
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
		claims_release(l->n, j->owner);
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
	const struct letter_end *end = &j->ends[i];
	struct reply ok;

	if (j->unreadable && end->fate == LETTER_FAULT) {
		log_error("body-unreadable",
			LOG_INT("msg", j->claimed.message.id),
			LOG_STR("why", end->text));
		settle_hold(j->settle, i, REASON_RULE_HOLD, SETTLE_UNREADABLE);
		return;
	}
	switch (end->fate) {
	case LETTER_DELIVERED:
		reply_set(&ok, 250, end->status, "%s", end->text);
		settle_reply(j->settle, i, &ok);
		break;
	case LETTER_REFUSED:
		settle_fail(j->settle, i, end->status, end->text);
		break;
	case LETTER_DEFERRED:
		settle_defer(j->settle, i, REASON_RETRY_WAIT, end->text);
		break;
	case LETTER_FAULT:
		settle_postpone(j->settle, i,
			strcmp(end->status, LETTER_FULL) == 0
				? REASON_DISK
				: REASON_RETRY_WAIT,
			end->text);
		break;
	}
	if (end->doubtful) {
		settle_doubt(j->settle, i);
		j->l->unsure = true;
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

static enum err_code
read_piece(void *arg, uint64_t offset, char *out, size_t size, size_t *n_r,
	struct err *e)
{
	struct local_job *j = arg;
	enum err_code rc = bodyread(j->l->n->spool, j->claimed.message.id,
		offset, out, size, n_r, e);

	if (rc == OK && !*n_r && offset < j->claimed.message.size)
		rc = err_set(e, ERR_CORRUPT, "it is shorter than its size");
	j->unreadable |= rc == ERR_CORRUPT;
	return rc;
}

/* By a process of another user, or a program. */
static void
have_helped(
	struct local_job *j, const struct letter *l, struct letter_end *end_r)
{
	bool program = j->conf->local.deliver == DELIVER_PIPE;
	struct err e = {0};
	enum err_code rc;
	int body;

	rc = stage_new(j->conf, l, program, &body, &e);
	if (rc != OK) {
		letter_end_by(end_r, rc, &e);
		return;
	}
	crash_point("local-staged");
	helper_deliver(j->l->n->helper, j->conf, l, body, end_r);
	close(body);
}

static enum err_code
check_user(const struct local_job *j, size_t i, struct err *e)
{
	switch (local_users_of(j->users, i)) {
	case DOVECOT_USER_NONE:
		return err_set(e, ERR_INVALID, "no such user here");
	case DOVECOT_USER_TEMP:
		return err_set(
			e, ERR_BUSY, "the list of users cannot be asked now");
	case DOVECOT_USER_THERE:
	case DOVECOT_USER_UNKNOWN:
		break;
	}
	return OK;
}

static void
deliver_one(struct local_job *j, size_t i)
{
	const struct spool_delivery *d = &j->claimed.deliveries[i];
	const struct conf *conf = j->conf;
	struct letter l = {
		.id = d->message,
		.n = d->n,
		.received_at = j->claimed.message.received_at,
		.hostname = conf->hostname,
		.sender = j->claimed.message.sender,
		.body = {j->claimed.message.size, read_piece, j},
		.again = j->unsure || d->attempts > 0 || d->next_attempt > 0 ||
			 d->queued_at <= j->l->n->started_s,
	};
	struct err e = {0};
	enum err_code rc = addressee_set(&l.to, d->recipient,
		putting_domain(conf), conf->local.separators, &e);

	if (rc == OK)
		rc = check_user(j, i, &e);
	if (rc != OK)
		letter_end_by(&j->ends[i], rc, &e);
	else if (helper_has_letters(conf))
		have_helped(j, &l, &j->ends[i]);
	else
		putting_do(conf, &l, NULL, &j->ends[i]);
}

static enum err_code
write_in_doubt(struct spool_txn *t, void *arg, struct err *e)
{
	const struct local_job *j = arg;

	return spool_set_in_doubt(t, j->owner, j->claimed.message.id, e);
}

/* A program cannot be asked, after a crash, whether it had the message. */
static bool
mark_in_doubt(struct local_job *j)
{
	struct err e = {0};

	if (j->conf->local.deliver != DELIVER_PIPE ||
		spool_write(j->l->n->spool, write_in_doubt, j, &e) == OK)
		return true;
	for (size_t i = 0; i < j->claimed.n; i++)
		letter_failed(&j->ends[i], LETTER_FAULT, "4.3.0", "%s", e.text);
	return false;
}

static void
deliver(void *arg)
{
	struct local_job *j = arg;

	if (!mark_in_doubt(j))
		return;
	for (size_t i = 0; i < j->claimed.n; i++)
		deliver_one(j, i);
}

/* The daemon stops before it was begun. */
static void
dropped(void *arg)
{
	struct local_job *j = arg;

	claims_release(j->l->n, j->owner);
	free_job(j);
}

/* --- claiming --- */

static enum err_code
claim_one(struct spool_txn *t, void *arg, struct err *e)
{
	struct local_job *j = arg;

	return spool_claim_here(t, "local", j->owner, j->now, &j->claimed,
		&j->found, &j->due, e);
}

static void
asked(void *arg)
{
	struct local_job *j = arg;

	list_remove(&j->node);
	pool_submit_droppable(j->l->pool, deliver, delivered, dropped, j);
}

static void
begin(struct local_job *j)
{
	struct node *n = j->l->n;

	j->conf = n->conf;
	j->unsure = j->l->unsure;
	j->ends = xcalloc(j->claimed.n, sizeof(*j->ends));
	j->l->running++;
	list_push(&j->l->asking, &j->node);
	local_users_ask(n, &j->claimed, asked, j, &j->users);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct local_job *j = arg;
	struct local *l = j->l;

	l->claiming = false;
	if (code == OK && j->found && l->stopping) {
		claims_release(l->n, j->owner);
	} else if (code == OK && j->found) {
		begin(j);
		claim(l);
		return;
	}
	if (code == ERR_UNCERTAIN)
		claims_release(l->n, j->owner);
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
		l->n->conf->local.deliver == DELIVER_NONE ||
		l->n->conf->local.deliver == DELIVER_LMTP)
		return;
	j = xcalloc(1, sizeof(*j));
	list_init(&j->node);
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
	list_init(&l->asking);
	l->lmtp = lmtp_new(n);
	l->pool = pool_new(n->loop, LOCAL_AT_ONCE);
	return l;
}

void
local_kick(struct local *l)
{
	lmtp_kick(l->lmtp);
	claim(l);
}

void
local_stop(struct local *l)
{
	l->stopping = true;
	while (!list_empty(&l->asking))
		dropped(LIST_ITEM(l->asking.next, struct local_job, node));
	lmtp_stop(l->lmtp);
	helper_stop(l->n->helper);
}

void
local_join(struct local *l)
{
	pool_free(l->pool);
	l->pool = NULL;
}

void
local_free(struct local *l)
{
	if (l)
		lmtp_free(l->lmtp);
	free(l);
}
