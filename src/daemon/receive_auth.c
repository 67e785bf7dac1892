#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "spool/records.h"

#include <stdlib.h>
#include <string.h>

/* One step of a SASL exchange, on a helper thread: hashing takes time. */
struct auth_step {
	struct receive *r;
	struct sasl_server *sasl;
	char *line; /* NULL: no initial response */
	struct buf out;
	enum sasl_step result;
};

struct login {
	char name[SASL_NAME_MAX + 1];
	int64_t now;
};

static enum err_code
write_login(struct spool_txn *t, void *arg, struct err *e)
{
	struct login *l = arg;

	return spool_account_login(t, l->name, l->now, false, e);
}

static void
login_written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_warning("login-not-recorded", LOG_STR("why", e->text));
	free(arg);
}

static void
succeed(struct receive *r, const char *name)
{
	struct login *l = xcalloc(1, sizeof(*l));
	struct reply reply;

	str_copyz(r->account, sizeof(r->account), name);
	str_copyz(r->s->peer, sizeof(r->s->peer), name);
	log_info("authenticated", LOG_INT("session", r->s->id),
		LOG_STR("peer", stream_peer_address(r->s->stream)),
		LOG_STR("account", name));
	str_copyz(l->name, sizeof(l->name), name);
	l->now = clock_sane_s();
	spool_submit(r->n->spool, write_login, login_written, l);
	reply_set(&reply, 235, "2.7.0", "Authentication succeeded");
	session_answer(r->s, &reply);
}

static void
refuse(struct receive *r, enum sasl_step result, const char *name)
{
	struct reply reply;

	log_warning("auth-failed", LOG_INT("session", r->s->id),
		LOG_STR("peer", stream_peer_address(r->s->stream)),
		LOG_STR("account", name));
	if (result == SASL_SYNTAX)
		reply_set(&reply, 501, "5.5.2", "Cannot decode this response");
	else
		reply_set(&reply, 535, "5.7.8", "Name or password is wrong");
	session_answer(r->s, &reply);
}

static void
step_work(void *arg)
{
	struct auth_step *st = arg;
	struct str line = {st->line, st->line ? strlen(st->line) : 0};

	st->result = sasl_server_step(st->sasl, line, &st->out);
}

static void
end_exchange(struct receive *r)
{
	sasl_server_free(r->sasl);
	r->sasl = NULL;
}

static void
continue_exchange(struct receive *r, struct buf *out)
{
	struct reply reply;

	reply_set(&reply, 334, "", "%s", buf_z(out));
	session_answer(r->s, &reply);
}

static void
free_step(void *arg)
{
	struct auth_step *st = arg;
	struct session *s = st->r->s;

	buf_free(&st->out);
	if (st->line)
		explicit_bzero(st->line, strlen(st->line));
	free(st->line);
	free(st);
	session_release(s);
}

static void
step_done(void *arg)
{
	struct auth_step *st = arg;
	struct receive *r = st->r;
	struct session *s = r->s;
	char name[SASL_NAME_MAX + 1];

	if (s->closed)
		goto out;
	str_copyz(name, sizeof(name), sasl_server_name(st->sasl));
	if (st->result == SASL_MORE) {
		continue_exchange(r, &st->out);
		goto out;
	}
	end_exchange(r);
	if (st->result == SASL_OK)
		succeed(r, name);
	else
		refuse(r, st->result, name);
out:
	free_step(st);
}

static void
run_step(struct receive *r, struct str line)
{
	struct auth_step *st = xcalloc(1, sizeof(*st));

	st->r = r;
	st->sasl = r->sasl;
	st->line = line.p ? str_dup(line) : NULL;
	buf_init(&st->out, 0);
	session_hold(r->s);
	pool_submit_droppable(r->n->pool, step_work, step_done, free_step, st);
}

void
receive_auth_start(struct receive *r, struct str mech, struct str initial)
{
	const char *mechs = r->s->has_tls ? r->mechs_tls : r->mechs_clear;
	struct str rest = str_of(mechs);
	char name[32];
	struct reply reply;

	end_exchange(r);
	while (rest.n)
		if (str_eq_nocase(str_cut(rest, ' ', &rest), mech) &&
			str_copy(name, sizeof(name), mech))
			r->sasl = sasl_server_new(name, r->n->conf->hostname,
				r->s->has_tls ? &r->s->tls : NULL,
				accounts_verifier, r->n->accounts);
	if (r->sasl) {
		run_step(r, initial);
		return;
	}
	reply_set(&reply, 504, "5.5.4", "This mechanism is not offered");
	machine_answer(r->s->machine, &reply);
}

void
receive_auth_data(struct receive *r, struct str line)
{
	run_step(r, line);
}
