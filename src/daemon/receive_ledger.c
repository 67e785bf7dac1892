/* A message of a batch that may have come before (spool_ledger_add). */
#include "daemon/receive_private.h"

#include "base/log.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The transaction rests meanwhile: the machine waits for the answer. */
struct look {
	struct receive *r;
	struct receive_rcpt *rcpts; /* owned: the session may end */
	size_t rcpts_n;
	bool *known; /* owned */
};

/* ID with N behind it, where there is room; else none. */
static void
add_number(char id[WIRE_ID_MAX + 1], size_t n)
{
	size_t len = strlen(id);
	int more = snprintf(id + len, WIRE_ID_MAX + 1 - len, "/%zu", n);

	if (len + (size_t)more > WIRE_ID_MAX)
		id[0] = '\0';
}

/* An id that stands twice in the message counts once; an alias shares its. */
static bool
stood_before(const struct look *l, size_t at)
{
	const struct receive_rcpt *rcpt = &l->rcpts[at];

	for (size_t i = 0; i < at; i++)
		if (strcmp(l->rcpts[i].ledger, rcpt->ledger) == 0 &&
			(!rcpt->alias || l->rcpts[i].alias != rcpt->alias))
			return true;
	return false;
}

/*
 * One id for two recipients is a fault of who made the batch; each gets one of
 * its own, so that none is taken for the other.
 */
static void
part_twins(struct receive_rcpt *rcpts, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i && rcpts[i].ledger[0]; k++)
			if (!rcpts[i].alias && !rcpts[k].alias &&
				strcmp(rcpts[i].ledger, rcpts[k].ledger) == 0 &&
				strcmp(rcpts[i].mailbox.text,
					rcpts[k].mailbox.text) != 0) {
				add_number(rcpts[i].ledger, i);
				break;
			}
}

static enum err_code
look_up(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *l = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < l->rcpts_n && rc == OK; i++) {
		if (!l->rcpts[i].ledger[0])
			continue;
		rc = spool_ledger_has(t, l->rcpts[i].ledger, &l->known[i], e);
		l->known[i] |= stood_before(l, i);
	}
	return rc;
}

/* How many are left. */
static size_t
leave_out(struct receive *r, const bool *known)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->rcpts_n; i++) {
		if (!known[i]) {
			r->rcpts[kept++] = r->rcpts[i];
			continue;
		}
		if (r->rcpts[i].alias)
			r->aliases[r->rcpts[i].alias - 1].known = true;
		log_info("already-here", LOG_INT("session", r->s->id),
			LOG_STR("peer", r->s->peer),
			LOG_STR("from", r->sender.text),
			LOG_STR("to", r->rcpts[i].mailbox.text),
			LOG_STR("id", r->rcpts[i].ledger));
	}
	r->rcpts_n = kept;
	return kept;
}

static void
answer_all_known(struct receive *r)
{
	struct reply reply;

	receive_reset(r);
	reply_set(&reply, 250, "2.0.0", "Ok: already here");
	session_answer(r->s, &reply);
}

static void
looked_up(void *arg, enum err_code code, const struct err *e)
{
	struct look *l = arg;
	struct receive *r = l->r;
	struct session *s = r->s;

	if (s->closed) {
		free(l->rcpts);
		goto out;
	}
	r->rcpts = l->rcpts;
	r->rcpts_n = l->rcpts_n;
	if (code != OK) {
		log_error("queue-unreadable", LOG_INT("session", s->id),
			LOG_STR("why", e->text));
		receive_reset(r);
		receive_store_answer(r, 0, code);
	} else if (leave_out(r, l->known)) {
		receive_store(r);
	} else {
		answer_all_known(r);
	}
out:
	free(l->known);
	free(l);
	session_release(s);
}

void
receive_ledger_store(struct receive *r)
{
	struct look *l;
	size_t ids = 0;

	for (size_t i = 0; i < r->rcpts_n; i++)
		ids += r->rcpts[i].ledger[0] != '\0';
	if (!ids) {
		receive_store(r);
		return;
	}
	part_twins(r->rcpts, r->rcpts_n);
	l = xcalloc(1, sizeof(*l));
	l->r = r;
	l->rcpts = r->rcpts;
	l->rcpts_n = r->rcpts_n;
	l->known = xcalloc(r->rcpts_n, sizeof(*l->known));
	r->rcpts = NULL;
	r->rcpts_n = r->rcpts_cap = 0;
	session_hold(r->s);
	spool_submit_read(r->n->spool, look_up, looked_up, l);
}
