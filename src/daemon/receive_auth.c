#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/history.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTH_DELAYS_MAX = 3 }; /* doublings of limits.auth_delay */

/* How an exchange ended, until the client may hear it. */
struct auth_outcome {
	enum sasl_step result; /* OK or FAILED */
	struct account_mark mark;
	char name[SASL_NAME_MAX + 1];
	bool used_next;
	unsigned char next_key[SASL_KEY_BYTES]; /* of the next password */
};

/* One step of a SASL exchange, on a helper thread: hashing takes time. */
struct auth_step {
	struct receive *r;
	struct sasl_server *sasl;
	char *line; /* NULL: no initial response */
	struct buf out;
	enum sasl_step result;
};

/* A login on its way into the spool. */
struct login {
	struct receive *r; /* its client waits for it; NULL: it does not */
	struct auth_outcome outcome;
	int64_t now;
};

/* Another password may have come since the exchange began: then this is old. */
static enum err_code
is_still_next(
	struct spool_txn *t, const struct login *l, bool *yes_r, struct err *e)
{
	struct spool_account a;
	enum err_code rc;

	*yes_r = false;
	if (!l->outcome.used_next)
		return OK;
	rc = spool_account_get(t, l->outcome.name, &a, e);
	if (rc != OK)
		return rc;
	*yes_r = verifier_equal(
		a.next.stored_key, l->outcome.next_key, SASL_KEY_BYTES);
	explicit_bzero(&a.verifier, sizeof(a.verifier));
	explicit_bzero(&a.next, sizeof(a.next));
	spool_account_clear(&a);
	return OK;
}

static enum err_code
write_login(struct spool_txn *t, void *arg, struct err *e)
{
	struct login *l = arg;
	bool is_next;
	enum err_code rc = is_still_next(t, l, &is_next, e);

	return rc == OK ? spool_account_login(
				  t, l->outcome.name, l->now, is_next, e)
			: rc;
}

static void
log_failed(const struct receive *r, const char *name)
{
	log_warning("auth-failed", LOG_INT("session", r->s->id),
		LOG_STR("peer", stream_peer_address(r->s->stream)),
		LOG_STR("account", name));
}

static void
welcome(struct receive *r)
{
	struct reply reply;

	if (r->s->closed)
		return;
	reply_set(&reply, 235, "2.7.0", "Authentication succeeded");
	session_answer(r->s, &reply);
}

static void
end_login(struct login *l)
{
	struct receive *r = l->r;

	explicit_bzero(l, sizeof(*l));
	free(l);
	if (!r)
		return;
	welcome(r);
	session_release(r->s);
}

static void
old_forgotten(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_warning("accounts-not-read", LOG_STR("why", e->text));
	end_login(arg);
}

static void
login_written(void *arg, enum err_code code, const struct err *e)
{
	struct login *l = arg;

	if (code != OK)
		log_warning("login-not-recorded",
			LOG_STR("account", l->outcome.name),
			LOG_STR("why", e->text));
	if (code == OK && l->r)
		accounts_reload(
			l->r->n->accounts, l->r->n->spool, old_forgotten, l);
	else
		end_login(l);
}

/*
 * With the next password the client hears 235 when the old one has ended, on
 * the disk and here; with a settled one at once. A disk that cannot be written
 * keeps nobody out: then both hold on.
 */
static void
record_login(struct receive *r, const struct auth_outcome *o)
{
	struct login *l = xcalloc(1, sizeof(*l));

	l->outcome = *o;
	l->now = clock_sane_s();
	if (o->used_next) {
		l->r = r;
		session_hold(r->s);
	}
	spool_submit(r->n->spool, write_login, login_written, l);
}

static void
succeed(struct receive *r, const struct auth_outcome *o)
{
	/* Of Dovecot's user alone there is no row to write to. */
	bool has_row = accounts_get(r->n->accounts, o->name) != NULL;

	str_copyz(r->account, sizeof(r->account), o->name);
	r->mark = o->mark;
	str_copyz(r->s->peer, sizeof(r->s->peer), o->name);
	log_info("authenticated", LOG_INT("session", r->s->id),
		LOG_STR("peer", stream_peer_address(r->s->stream)),
		LOG_STR("account", o->name));
	if (o->used_next)
		log_info("password-changed", LOG_INT("session", r->s->id),
			LOG_STR("account", o->name));
	if (has_row)
		record_login(r, o);
	if (!has_row || !o->used_next)
		welcome(r);
}

static void
tell(void *arg)
{
	struct receive *r = arg;
	struct auth_outcome *o = r->outcome;
	struct reply reply;

	r->outcome = NULL;
	if (o->result == SASL_OK) {
		succeed(r, o);
	} else {
		reply_set(&reply, 535, "5.7.8", "Name or password is wrong");
		session_answer(r->s, &reply);
	}
	free(o);
}

/* Guessing gets slower with each guess: once, twice, four times the delay. */
static uint64_t
next_delay(struct receive *r)
{
	uint64_t delay_ms = (uint64_t)r->n->conf->limits.auth_delay_ms;

	if (guess_is_hunted(r->n->guess, r->outcome->name))
		return delay_ms << AUTH_DELAYS_MAX;
	if (r->outcome->result == SASL_OK)
		return 0;
	delay_ms <<= r->auth_failures;
	if (r->auth_failures < AUTH_DELAYS_MAX)
		r->auth_failures++;
	return delay_ms;
}

/*
 * A customer whose password is wrong hears it from the provider's people. Only
 * as often as guesses get their turn, so strangers cannot keep the disk busy.
 */
static void
note_wrong(const struct receive *r, const char *name)
{
	const struct spool_account *a = accounts_get(r->n->accounts, name);
	char text[300];

	if (!a || a->kind != ACCOUNT_CUSTOMER)
		return;
	snprintf(text, sizeof(text),
		"refused (535): %s from %s; customer passwd sets a new one",
		a->verifier.iterations ? "a wrong password came"
				       : "it has no password, and one came",
		stream_peer_address(r->s->stream));
	history_customer(r->n, name, text);
}

/* It may be told to this client; but how soon? */
static void
have_turn(void *arg)
{
	struct receive *r = arg;
	uint64_t delay_ms = next_delay(r);

	r->turn = NULL;
	if (r->outcome->result == SASL_FAILED) {
		guess_count(r->n->guess, stream_peer_address(r->s->stream),
			r->outcome->name);
		note_wrong(r, r->outcome->name);
	}
	if (delay_ms == 0) {
		tell(r);
		return;
	}
	if (!r->slow)
		r->slow = loop_timer_new(r->n->loop, tell, r);
	loop_timer_set(r->slow, delay_ms);
}

/* NEXT: the verifier of the next password, where that was used; else NULL. */
static void
conclude(struct receive *r, enum sasl_step result, const char *name,
	const struct verifier *next)
{
	struct auth_outcome *o = xcalloc(1, sizeof(*o));

	o->result = result;
	str_copyz(o->name, sizeof(o->name), name);
	o->mark = accounts_mark(r->n->accounts, name);
	if (next) {
		o->used_next = true;
		memcpy(o->next_key, next->stored_key, sizeof(o->next_key));
	}
	if (result == SASL_FAILED)
		log_failed(r, name);
	r->outcome = o;
	r->turn = guess_wait(
		r->n->guess, stream_peer_address(r->s->stream), have_turn, r);
	if (!r->turn)
		have_turn(r);
}

/* A line that is no answer: that is no guess. */
static void
refuse_line(struct receive *r, const char *name)
{
	struct reply reply;

	log_failed(r, name);
	reply_set(&reply, 501, "5.5.2", "Cannot decode this response");
	session_answer(r->s, &reply);
}

void
receive_auth_drop(struct receive *r)
{
	if (r->slow)
		loop_timer_clear(r->slow);
	guess_wait_end(r->turn);
	r->turn = NULL;
	free(r->outcome);
	r->outcome = NULL;
}

static void
step_work(void *arg)
{
	struct auth_step *st = arg;
	struct str line = {st->line, st->line ? strlen(st->line) : 0};

	st->result = sasl_server_step(st->sasl, line, &st->out);
}

void
receive_auth_end(struct receive *r)
{
	sasl_server_free(r->sasl);
	r->sasl = NULL;
	dovecot_cancel(r->dovecot);
	r->dovecot = NULL;
}

static void
continue_exchange(struct receive *r, const char *challenge)
{
	struct reply reply;

	reply_set(&reply, 334, "", "%s", challenge);
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

	if (s->closed)
		goto out;
	if (st->result == SASL_MORE) {
		continue_exchange(r, buf_z(&st->out));
		goto out;
	}
	r->sasl = NULL;
	if (st->result == SASL_SYNTAX)
		refuse_line(r, sasl_server_name(st->sasl));
	else
		conclude(r, st->result, sasl_server_name(st->sasl),
			sasl_server_next(st->sasl));
	sasl_server_free(st->sasl);
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

/* --- by Dovecot --- */

static void
postpone(struct receive *r, const char *why)
{
	struct reply reply;

	log_warning("auth-not-checked", LOG_INT("session", r->s->id),
		LOG_STR("peer", stream_peer_address(r->s->stream)),
		LOG_STR("why", why));
	reply_set(&reply, 454, "4.7.0",
		"Passwords cannot be checked now, try again later");
	session_answer(r->s, &reply);
}

static void
dovecot_answered(void *arg, enum dovecot_answer answer, const char *text)
{
	struct receive *r = arg;

	if (answer != DOVECOT_MORE)
		r->dovecot = NULL;
	switch (answer) {
	case DOVECOT_MORE:
		continue_exchange(r, text);
		break;
	case DOVECOT_OK:
		conclude(r, SASL_OK, text, NULL);
		break;
	case DOVECOT_FAILED:
		conclude(r, SASL_FAILED, text, NULL);
		break;
	case DOVECOT_SYNTAX:
		refuse_line(r, text);
		break;
	case DOVECOT_TEMP:
		postpone(r, text);
		break;
	}
}

static void
ask_dovecot(struct receive *r, const char *mech, struct str initial)
{
	struct dovecot_client client = {
		.secured = r->s->has_tls,
		.local_address = stream_local_address(r->s->stream),
		.remote_address = stream_peer_address(r->s->stream),
		.remote_port = stream_peer_port(r->s->stream),
	};

	r->dovecot = dovecot_auth(
		r->n->dovecot, mech, &client, initial, dovecot_answered, r);
}

/* --- the exchange --- */

/*
 * Without listeners.channel_binding there is nothing to bind to: -PLUS is not
 * offered, and a client that says so ("y", RFC 5802 6) is right.
 */
const struct tls_facts *
receive_tls(const struct receive *r, struct tls_facts *copy)
{
	if (!r->s->has_tls)
		return NULL;
	*copy = r->s->tls;
	if (!r->channel_binding) {
		copy->has_exporter = false;
		copy->cb_unique_n = 0;
	}
	return copy;
}

/* The machine lets through only what EHLO offered; NAME_R as it stood there. */
static bool
is_offered(const struct receive *r, struct str mech, char *name_r, size_t size)
{
	struct str rest = str_of(r->s->has_tls ? r->mechs_tls : r->mechs_clear);

	while (rest.n) {
		struct str word = str_cut(rest, ' ', &rest);

		if (str_eq_nocase(word, mech))
			return str_copy(name_r, size, word);
	}
	return false;
}

void
receive_auth_start(struct receive *r, struct str mech, struct str initial)
{
	char name[32];
	struct tls_facts copy;
	struct reply reply;

	receive_auth_end(r);
	if (initial.p && str_eq_nocase(mech, STR("CRAM-MD5"))) {
		/* RFC 4954 4: the server speaks first there */
		reply_set(&reply, 501, "5.7.0",
			"This mechanism takes no initial response");
		machine_answer(r->s->machine, &reply);
		return;
	}
	if (is_offered(r, mech, name, sizeof(name))) {
		if (dovecot_is_used(r->n->dovecot)) {
			ask_dovecot(r, name, initial);
			return;
		}
		r->sasl = sasl_server_new(name, r->n->conf->hostname,
			receive_tls(r, &copy), accounts_verifiers,
			r->n->accounts);
	}
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
	if (r->dovecot)
		dovecot_continue(r->dovecot, line);
	else
		run_step(r, line);
}
