/* Gateways: is the folder there, and what goes? */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/gateway_private.h"
#include "spool/records.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define GATEWAY_NODE_KEY "batch:node"

/* --- claiming ------------------------------------------------------------- */

void
gateway_forget_messages(struct gateway_job *j)
{
	for (size_t i = 0; i < j->messages_n; i++)
		spool_claimed_clear(&j->messages[i]);
	j->messages_n = 0;
}

/* Of this spool, for ever: made once. */
static enum err_code
node_id(struct spool_txn *t, char id_r[GATEWAY_NODE_MAX + 1], struct err *e)
{
	unsigned char octets[GATEWAY_NODE_MAX / 2];
	struct buf value;
	enum err_code rc;

	buf_init(&value, 0);
	rc = spool_meta_get(t, GATEWAY_NODE_KEY, &value, e);
	if (rc == OK)
		str_copy(id_r, GATEWAY_NODE_MAX + 1, buf_view(&value));
	buf_free(&value);
	if (rc != ERR_NOTFOUND)
		return rc;
	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		return err_set(e, ERR_IO, "getrandom");
	for (size_t i = 0; i < sizeof(octets); i++)
		snprintf(id_r + 2 * i, 3, "%02x", octets[i]);
	return spool_meta_put(t, GATEWAY_NODE_KEY, str_of(id_r), e);
}

/* The place for one more; most batches are small, and many routes wait. */
static struct spool_claimed *
next_place(struct gateway_job *j)
{
	if (j->messages_n == j->messages_room) {
		j->messages_room += j->messages_room + 1;
		j->messages = xrealloc(
			j->messages, j->messages_room * sizeof(*j->messages));
	}
	memset(&j->messages[j->messages_n], 0, sizeof(*j->messages));
	return &j->messages[j->messages_n];
}

static enum err_code
claim_one(struct spool_txn *t, struct gateway_job *j,
	const struct spool_claim *c, struct err *e)
{
	struct spool_claimed *m = next_place(j);
	enum err_code rc = spool_claim_next(t, c, m, e);

	if (rc != OK)
		return rc;
	j->messages_n++;
	/* a message of ours is there or not: nothing to doubt */
	return j->mail ? OK : spool_set_in_doubt(t, j->owner, m->message.id, e);
}

static enum err_code
claim(struct spool_txn *t, void *arg, struct err *e)
{
	struct gateway_job *j = arg;
	const char *routes[] = {j->w->name};
	struct spool_claim c = {
		/* nobody there keeps to either (RFC 2852, RFC 8689) */
		.no_requiretls = true,
		.no_deliver_by = true,
		.owner = j->owner,
		.routes = routes,
		.routes_n = 1,
		.now = j->now,
		.peer = j->w->name,
	};
	size_t most = j->format == FORMAT_RMAIL ? 1 : GATEWAY_MESSAGES_MAX;
	enum err_code rc = node_id(t, j->node, e);
	uint64_t octets = 0;

	gateway_forget_messages(j); /* of an earlier run of this */
	while (rc == OK && j->messages_n < most && octets < j->octets_max) {
		/* the first may be too large, and goes alone */
		c.max_size = j->messages_n ? j->octets_max - octets : 0;
		rc = claim_one(t, j, &c, e);
		if (rc == OK)
			octets += j->messages[j->messages_n - 1].message.size;
	}
	if (rc != ERR_NOTFOUND)
		return rc;
	return j->messages_n ? OK
			     : spool_route_due(
				       t, j->w->name, NULL, j->now, &j->due, e);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct gateway_job *j = arg;

	if (code != OK) {
		log_error("claim-failed", LOG_STR("route", j->w->name),
			LOG_STR("why", e->text));
		gateway_fault(j);
	} else if (j->messages_n == 0) {
		if (j->due > j->now)
			dispatch_due_at(j->n->dispatch, j->due);
		gateway_end(j, false);
	} else if (j->w->g->stopping) {
		gateway_drop(j);
	} else {
		crash_point("gateway-claimed");
		gateway_hand_over(j);
	}
}

static void
claim_now(struct gateway_job *j)
{
	spool_submit(j->n->spool, claim, claimed, j);
}

/* --- is the folder there? ------------------------------------------------- */

static enum err_code
note_missing(struct spool_txn *t, void *arg, struct err *e)
{
	struct gateway_job *j = arg;
	const char *route = j->w->name;
	enum err_code rc = spool_route_due(t, route, NULL, j->now, &j->due, e);

	if (rc != OK || j->due < 0)
		return rc;
	return spool_route_reason_put(t, route, REASON_LINK_DOWN, j->folder, e);
}

/* It is looked for again only while mail waits for it. */
static void
missing_noted(void *arg, enum err_code code, const struct err *e)
{
	struct gateway_job *j = arg;
	struct gateway *w = j->w;

	if (code != OK)
		log_error("claim-failed", LOG_STR("route", w->name),
			LOG_STR("why", e->text));
	if (code == OK && j->due >= 0) {
		err_set(&j->err, ERR_NOTFOUND, "%s is not there", j->folder);
		gateway_tell(j);
	}
	if (code != OK || j->due >= 0)
		gateway_back_off(j);
	gateway_end(j, false);
}

/* On a helper thread: a stick that is dying answers late. */
static void
look_for_folder(void *arg)
{
	struct gateway_job *j = arg;

	j->code = access(j->folder, F_OK) == 0 ? OK : ERR_NOTFOUND;
}

static void
looked(void *arg)
{
	struct gateway_job *j = arg;

	if (j->w->g->stopping) {
		gateway_end(j, false);
	} else if (j->code == OK) {
		claim_now(j);
	} else {
		j->how = HOW_WAITING;
		spool_submit(j->n->spool, note_missing, missing_noted, j);
	}
}

static void
not_looked(void *arg)
{
	gateway_end(arg, false);
}

void
gateway_begin(struct gateway_job *j)
{
	if (j->folder)
		pool_submit_droppable(
			j->n->pool, look_for_folder, looked, not_looked, j);
	else
		claim_now(j);
}
