#include "daemon/tickets.h"

#include "base/log.h"
#include "spool/records.h"

#include <stdlib.h>

struct job {
	char peer[SPOOL_NAME_MAX + 1];
	char policy[TICKETS_POLICY_MAX];
	struct buf octets;
	uint64_t session;
	tickets_fn *fn;
	void *arg;
};

static struct job *
job_new(const char *peer, const char *policy)
{
	struct job *j = xcalloc(1, sizeof(*j));

	str_copyz(j->peer, sizeof(j->peer), peer);
	str_copyz(j->policy, sizeof(j->policy), policy);
	buf_init(&j->octets, 0);
	return j;
}

static void
job_free(struct job *j)
{
	buf_free(&j->octets);
	free(j);
}

static enum err_code
take(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc;

	buf_clear(&j->octets);
	rc = spool_ticket_take(t, j->peer, j->policy, &j->octets, e);
	return rc == ERR_NOTFOUND ? OK : rc;
}

static void
taken(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	(void)e; /* without a ticket the handshake is a full one */
	if (code != OK)
		buf_clear(&j->octets);
	j->fn(j->arg, j->session, buf_view(&j->octets));
	job_free(j);
}

void
tickets_take(struct node *n, const char *peer, const char *policy,
	uint64_t session, tickets_fn *fn, void *arg)
{
	struct job *j = job_new(peer, policy);

	j->session = session;
	j->fn = fn;
	j->arg = arg;
	spool_submit(n->spool, take, taken, j);
}

static enum err_code
write_ticket(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;

	return spool_ticket_put(t, j->peer, j->policy, buf_view(&j->octets), e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK)
		log_warning("ticket-not-kept", LOG_STR("peer", j->peer),
			LOG_STR("why", e->text));
	job_free(j);
}

void
tickets_keep(
	struct node *n, const char *peer, const char *policy, struct str ticket)
{
	struct job *j = job_new(peer, policy);

	buf_adds(&j->octets, ticket);
	spool_submit(n->spool, write_ticket, written, j);
}
