/* peer trust: a person accepts the key that a peer showed last. */
#include "base/log.h"
#include "daemon/control_private.h"
#include "daemon/dispatch.h"
#include "spool/trust.h"

#include <stdlib.h>
#include <string.h>

struct trust_job {
	struct control_conn *c;
	char name[SPOOL_NAME_MAX + 1];
	int64_t until;
};

static enum err_code
write_trust(struct spool_txn *t, void *arg, struct err *e)
{
	struct trust_job *j = arg;

	return spool_trust_accept(t, j->name, j->until, e);
}

/* What waits for it is tried with what is accepted now. */
static void
trusted(void *arg, enum err_code code, const struct err *e)
{
	struct trust_job *j = arg;

	if (code == OK) {
		log_warning("peer-trusted", LOG_STR("peer", j->name),
			LOG_INT("until", j->until));
		dispatch_now(j->c->n->dispatch);
		conn_end(j->c, 0, NULL, -1);
	} else {
		conn_end_err(j->c, code, e);
	}
	conn_release(j->c);
	free(j);
}

void
control_peer(struct control_conn *c)
{
	const char *action = conn_get(c, KEY_ACTION);
	const char *name = conn_get(c, KEY_NAME);
	struct trust_job *j;

	if (!action || strcmp(action, ACTION_WORD_TRUST) != 0) {
		conn_end(c, err_exit_status(ERR_UNSUPPORTED),
			"the daemon is of another version than the command: "
			"start it anew",
			-1);
		return;
	}
	if (!name || !conf_peer(c->n->conf, name)) {
		conn_end(c, err_exit_status(ERR_NOTFOUND),
			"no such peer in the configuration; see: tidepost peer "
			"list",
			-1);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->c = c;
	str_copyz(j->name, sizeof(j->name), name);
	record_get_int(&c->request, KEY_UNTIL, &j->until);
	conn_hold(c);
	spool_submit(c->n->spool, write_trust, trusted, j);
}
