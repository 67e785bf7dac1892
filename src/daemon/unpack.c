#include "daemon/unpack.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cert/seal.h"
#include "daemon/bodyread.h"
#include "daemon/caller.h"
#include "daemon/claims.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/policy.h"
#include "daemon/settle.h"
#include "daemon/stage.h"
#include "handin/batch.h"
#include "mail/carrier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	UNPACK_AGAIN_S = 60, /* after a fault of the spool */
	UNPACK_PIECE = SPOOL_CHUNK_BYTES,
};

enum unpack_end {
	UNPACK_DONE,
	UNPACK_HELD, /* a person must look at it */
	UNPACK_LATER,
};

/* One message, and the batch in it. */
struct unpack_job {
	struct unpack *u;
	uint64_t owner;
	int64_t now, due;
	bool found;
	struct spool_claimed claimed;
	const struct conf *conf; /* when it began; kept by the node */
	int fd;			 /* the batch; -1 */
	int socket;		 /* the helper's end of the session; -1 */
	struct batch_result result;
	enum unpack_end end;
	enum err_code code;
	struct err err;
	char why[SPOOL_TEXT_MAX + 1];
	struct settle *settle;
};

struct unpack {
	struct node *n;
	struct unpack_job *job; /* one at a time; NULL */
	bool again, stopping;
};

static void
job_free(struct unpack_job *j)
{
	spool_claimed_clear(&j->claimed);
	settle_free(j->settle);
	if (j->fd >= 0)
		close(j->fd);
	if (j->socket >= 0)
		close(j->socket);
	free(j);
}

/* MORE: there may be another one. */
static void
end_job(struct unpack_job *j, bool more)
{
	struct unpack *u = j->u;

	u->job = NULL;
	more |= u->again;
	job_free(j);
	if (more)
		unpack_kick(u);
}

static void
rest(struct unpack_job *j)
{
	dispatch_due_at(j->u->n->dispatch, clock_sane_s() + UNPACK_AGAIN_S);
	end_job(j, false);
}

/* Nothing was found out: it goes back as it was. */
static void
dropped(void *arg)
{
	struct unpack_job *j = arg;

	claims_release(j->u->n, j->owner);
	end_job(j, false);
}

/* --- what becomes of it --------------------------------------------------- */

static enum err_code
write_settle(struct spool_txn *t, void *arg, struct err *e)
{
	struct unpack_job *j = arg;

	return settle_write(t, j->settle, e);
}

static void
write_log(const struct unpack_job *j)
{
	const struct batch_result *r = &j->result;

	log_write(j->end == UNPACK_HELD ? LOG_WARNING : LOG_INFO,
		j->end == UNPACK_DONE	? "batch-taken"
		: j->end == UNPACK_HELD ? "batch-held"
					: "batch-waits",
		LOG_FIELDS(LOG_INT("msg", j->claimed.message.id),
			LOG_STR("from", j->claimed.message.sender),
			LOG_INT("taken", r->taken), LOG_INT("known", r->known),
			LOG_INT("refused", r->refused),
			LOG_STR("why", j->why)));
}

static void
settled(void *arg, enum err_code code, const struct err *e)
{
	struct unpack_job *j = arg;

	if (code == ERR_FULL && settle_drop_notices(j->settle)) {
		spool_submit(j->u->n->spool, write_settle, settled, j);
		return;
	}
	if (code != OK) {
		/* what was taken is known when it is read again */
		claims_release(j->u->n, j->owner);
		log_error("outcome-not-stored",
			LOG_INT("msg", j->claimed.message.id),
			LOG_STR("why", e->text));
		rest(j);
		return;
	}
	settle_written(j->settle);
	write_log(j);
	end_job(j, true);
}

static void
judge(struct unpack_job *j, size_t i)
{
	struct reply ok;

	switch (j->end) {
	case UNPACK_DONE:
		reply_set(&ok, 250, "2.0.0",
			"its batch: %zu taken, %zu already here",
			j->result.taken, j->result.known);
		settle_reply(j->settle, i, &ok);
		break;
	case UNPACK_HELD:
		settle_hold(j->settle, i, REASON_RULE_HOLD, j->why);
		break;
	case UNPACK_LATER:
		settle_postpone(j->settle, i, REASON_RETRY_WAIT, j->why);
		break;
	}
}

static void
settle(struct unpack_job *j)
{
	struct node *n = j->u->n;

	crash_point("unpack-before-commit");
	j->settle = settle_new(n, &j->claimed, j->owner, POLICY_BATCH, NULL, 0);
	settle_tell_success(j->settle, DSN_DELIVERED);
	for (size_t i = 0; i < j->claimed.n; i++)
		judge(j, i);
	spool_submit(n->spool, write_settle, settled, j);
}

static void
hold(struct unpack_job *j, const char *why)
{
	j->end = UNPACK_HELD;
	str_copyz(j->why, sizeof(j->why), why);
}

static void
put_off(struct unpack_job *j, const char *why)
{
	j->end = UNPACK_LATER;
	str_copyz(j->why, sizeof(j->why), why);
}

/* --- handing in ----------------------------------------------------------- */

/* Blocking, on a helper thread: the other end is a session on the loop. */
static void
hand_in(void *arg)
{
	struct unpack_job *j = arg;
	char name[BATCH_NAME_MAX + 1];
	struct batch_conf conf = {
		.fd = j->fd,
		.base = name,
		.keep_ids = true,
		.size_max = j->conf->limits.batch_size,
	};
	struct talk talk;

	j->code = batch_name(j->fd, name, &j->err);
	if (j->code != OK)
		return;
	j->code = talk_begin(&talk, j->socket, STR(""), &j->err);
	if (j->code == OK)
		j->code = batch_hand_in(&talk, &conf, &j->result, &j->err);
	talk_free(&talk);
	shutdown(j->socket, SHUT_RDWR);
}

static void
handed_in(void *arg)
{
	struct unpack_job *j = arg;
	const struct batch_result *r = &j->result;
	char line[40] = "", why[SPOOL_TEXT_MAX + 1];

	if (r->line)
		snprintf(line, sizeof(line),
			"line %llu: ", (unsigned long long)r->line);
	snprintf(why, sizeof(why),
		"its batch: %s%s; %zu messages were taken, %zu refused", line,
		r->why, r->taken, r->refused);
	if (j->code != OK && j->u->stopping) {
		dropped(j);
		return;
	}
	if (j->code != OK)
		put_off(j, j->err.text);
	else if (r->later)
		put_off(j, r->why);
	else if (r->bad || r->refused)
		hold(j, why);
	settle(j);
}

static void
begin_session(struct unpack_job *j)
{
	struct node *n = j->u->n;
	struct receive_program who = {
		.user = "batch",
		.trusted = true,
		.ids = true,
		.transit = true,
		.returns = true,
		.home = !j->conf->batches.relay,
	};

	j->socket = caller_session(n, &who);
	if (j->socket >= 0) {
		pool_submit(n->pool, hand_in, handed_in, j);
		return;
	}
	put_off(j, strerror(errno));
	settle(j);
}

/* --- the batch as a file, on a helper thread ------------------------------ */

static enum err_code
copy_batch(struct unpack_job *j, struct carrier_reader *r, struct err *e)
{
	char *octets = xmalloc(UNPACK_PIECE);
	uint64_t offset = 0;
	enum err_code rc;
	struct buf out;
	size_t n = 0;

	buf_init(&out, 0);
	do {
		rc = bodyread(j->u->n->spool, j->claimed.message.id, offset,
			octets, UNPACK_PIECE, &n, e);
		if (rc == OK && n == 0 && offset != j->claimed.message.size)
			rc = err_set(e, ERR_CORRUPT,
				"the spool has less of it than its size");
		if (rc == OK)
			carrier_read(r, (struct str){octets, n}, &out);
		if (rc == OK && n == 0 && !carrier_read_end(r, &out))
			rc = err_set(e, ERR_INVALID, "%s", carrier_why(r));
		if (rc == OK)
			rc = file_put_all(j->fd, buf_view(&out),
				"a copy of its batch", e);
		buf_clear(&out);
		offset += n;
	} while (rc == OK && n);
	buf_free(&out);
	free(octets);
	return rc;
}

static enum err_code
check_seal(struct unpack_job *j, const char *given, struct err *e)
{
	char seal[SEAL_DIGITS + 1];
	enum err_code rc;

	if (!j->conf->batches.seal_file)
		return OK;
	rc = seal_make(j->fd, j->conf->batches.seal_file, seal, e);
	if (rc != OK)
		return rc == ERR_INVALID ? ERR_PERM : rc;
	if (seal_is(seal, given))
		return OK;
	return err_set(e, ERR_INVALID,
		given[0] ? "its seal is not that of batches.seal_file"
			 : "it has no seal");
}

static void
make_file(void *arg)
{
	struct unpack_job *j = arg;
	struct carrier_reader *r = carrier_reader_new();

	j->code = stage_open(j->conf, &j->fd, &j->err);
	if (j->code == OK)
		j->code = copy_batch(j, r, &j->err);
	if (j->code == OK)
		j->code = check_seal(j, carrier_seal(r), &j->err);
	if (j->code == OK && lseek(j->fd, 0, SEEK_SET) < 0)
		j->code = err_set(&j->err, ERR_IO, "a copy of its batch: %s",
			strerror(errno));
	carrier_reader_free(r);
}

static void
file_made(void *arg)
{
	struct unpack_job *j = arg;

	if (j->u->stopping) {
		dropped(j);
	} else if (j->code == OK) {
		begin_session(j);
	} else {
		if (j->code == ERR_INVALID || j->code == ERR_CORRUPT)
			hold(j, j->err.text);
		else
			put_off(j, j->err.text);
		settle(j);
	}
}

/* --- claiming ------------------------------------------------------------- */

static bool
may_send_batches(const struct unpack_job *j)
{
	const struct spool_message *m = &j->claimed.message;

	if (!policy_sends_batches(j->conf, m->sender))
		return false;
	return m->vouched || j->conf->batches.seal_file;
}

static enum err_code
claim_one(struct spool_txn *t, void *arg, struct err *e)
{
	struct unpack_job *j = arg;

	return spool_claim_here(t, POLICY_BATCH, j->owner, j->now, &j->claimed,
		&j->found, &j->due, e);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct unpack_job *j = arg;
	struct node *n = j->u->n;

	if (code != OK) {
		log_error("claim-failed", LOG_STR("route", POLICY_BATCH),
			LOG_STR("why", e->text));
		rest(j);
	} else if (!j->found) {
		if (j->due > 0)
			dispatch_due_at(n->dispatch, j->due);
		end_job(j, false);
	} else if (j->u->stopping) {
		dropped(j);
	} else if (!may_send_batches(j)) {
		hold(j, "nobody vouches that its sender is one of "
			"batches.senders");
		settle(j);
	} else {
		pool_submit_droppable(
			n->pool, make_file, file_made, dropped, j);
	}
}

void
unpack_kick(struct unpack *u)
{
	struct unpack_job *j;

	u->again = u->job != NULL;
	if (u->job || u->stopping || !u->n->conf->batches.address)
		return;
	j = xcalloc(1, sizeof(*j));
	j->u = u;
	j->owner = node_new_id(u->n);
	j->now = clock_sane_s();
	j->due = -1;
	j->fd = j->socket = -1;
	j->conf = u->n->conf;
	u->job = j;
	spool_submit(u->n->spool, claim_one, claimed, j);
}

struct unpack *
unpack_new(struct node *n)
{
	struct unpack *u = xcalloc(1, sizeof(*u));

	u->n = n;
	return u;
}

void
unpack_stop(struct unpack *u)
{
	if (!u)
		return;
	u->stopping = true;
	if (u->job && u->job->socket >= 0)
		shutdown(u->job->socket, SHUT_RDWR);
}

/* A job that no helper had begun ends here; the next start takes it back. */
void
unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->job)
		job_free(u->job);
	free(u);
}
