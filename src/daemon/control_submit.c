/* A program of this host hands mail in: the connection becomes a session. */
#include "daemon/control_private.h"
#include "daemon/caller.h"
#include "daemon/session.h"

#include <stdio.h>
#include <string.h>

/* As connections_per_client for others. */
static bool
has_too_many(const struct node *n, const char *user)
{
	size_t count = 0;
	char peer[80];

	snprintf(peer, sizeof(peer), "user %s", user);
	LIST_EACH(node, tmp, &n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		count += strcmp(s->peer, peer) == 0;
	}
	return count >= n->conf->limits.connections_per_client;
}

/*
 * "transit": others' mail on its way through this host (a batch, rmail). Who
 * brings that says who sent it, so not everybody may.
 */
void
control_submit(struct control_conn *c)
{
	struct record r;

	caller_who(c->n->conf, c->uid, &c->program);
	c->program.transit = conn_get(c, KEY_TRANSIT) != NULL;
	c->program.returns = c->program.ids = c->program.transit;
	if (c->program.transit && !c->program.trusted) {
		conn_end(c, err_exit_status(ERR_PERM),
			"permission denied: mail of others is taken only from "
			"users that programs.trusted names",
			-1);
		return;
	}
	if (c->n->sessions_n >= c->n->conf->limits.connections ||
		has_too_many(c->n, c->program.user)) {
		conn_end(c, err_exit_status(ERR_BUSY),
			"too many connections; try again in a moment", -1);
		return;
	}
	c->submits = true;
	stream_read_enable(c->stream, false);
	record_init(&r);
	protocol_answer(&r, KIND_SERVING);
	conn_send(c, &r);
	record_free(&r);
}

void
control_submit_begin(struct control_conn *c)
{
	struct receive_program p = c->program;
	struct node *n = c->n;

	receive_from_program(n, &p, conn_give_stream(c));
}
