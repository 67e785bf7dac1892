/* The client's side of SASL. */
#include "smtp/sasl_private.h"

#include <stdlib.h>
#include <string.h>

struct sasl_client {
	enum sasl_mech mech;
	char *user, *password; /* owned; overwritten when freed */
	struct tls_facts tls;
	Gsasl *gsasl; /* not for LOGIN and EXTERNAL */
	Gsasl_session *session;
	unsigned steps;
	bool done, failed;
};

static bool
is_offered(struct str offered, enum sasl_mech mech)
{
	while (offered.n > 0) {
		struct str word = str_cut(offered, ' ', &offered);

		if (str_eq_nocase(word, str_of(sasl_mech_name(mech))))
			return true;
	}
	return false;
}

static bool
is_possible(const struct sasl_client_conf *conf, enum sasl_mech mech)
{
	bool has_password = conf->user && conf->password;

	switch (mech) {
	case MECH_EXTERNAL:
		return conf->external && conf->tls;
	case MECH_SCRAM_PLUS:
		return has_password && sasl_can_bind(conf->tls) &&
		       (conf->secure || conf->clear_allowed);
	case MECH_PLAIN:
	case MECH_LOGIN:
		return has_password && conf->secure;
	default:
		return has_password && (conf->secure || conf->clear_allowed);
	}
}

/*
 * The enum is in the order of preference. PLAIN takes one turn (RFC 4954 4, the
 * initial response), SCRAM three.
 */
static enum sasl_mech
choose(struct str offered, const struct sasl_client_conf *conf)
{
	bool can[MECH_N];
	enum sasl_mech mech = 0;

	for (enum sasl_mech i = 0; i < MECH_N; i++)
		can[i] = is_possible(conf, i) && is_offered(offered, i);
	if (conf->few_turns && can[MECH_PLAIN] && !can[MECH_EXTERNAL])
		return MECH_PLAIN;
	while (mech < MECH_N && !can[mech])
		mech++;
	return mech;
}

/*
 * The rest was set at the start. In TLS 1.2 tls-unique is what every server
 * knows (RFC 5802 6.1).
 *
 * Without -PLUS nothing is told: RFC 5802 6 wants the flag "y" then, but GNU
 * SASL 2.2.0 fails where it should say so. With "n" a server cannot see that
 * somebody took its -PLUS away; who could do that has broken TLS before.
 */
static int
callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	const struct sasl_client *s = gsasl_callback_hook_get(gsasl);
	const struct tls_facts *tls = &s->tls;

	if (s->mech != MECH_SCRAM_PLUS)
		return GSASL_NO_CALLBACK;
	if (property == GSASL_CB_TLS_UNIQUE && tls->cb_unique_n > 0)
		sasl_set_base64(
			session, property, tls->cb_unique, tls->cb_unique_n);
	else if (property == GSASL_CB_TLS_EXPORTER && tls->cb_unique_n == 0 &&
		 tls->has_exporter)
		sasl_set_base64(session, property, tls->cb_exporter,
			sizeof(tls->cb_exporter));
	else
		return GSASL_NO_CALLBACK;
	return GSASL_OK;
}

static char *
copy_text(const char *z)
{
	return str_dupz(z ? z : "");
}

struct sasl_client *
sasl_client_new(struct str offered, const struct sasl_client_conf *conf)
{
	enum sasl_mech mech = choose(offered, conf);
	struct sasl_client *s;

	if (mech == MECH_N)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->mech = mech;
	s->user = copy_text(conf->user);
	s->password = copy_text(conf->password);
	if (conf->tls)
		s->tls = *conf->tls;
	if (mech == MECH_LOGIN || mech == MECH_EXTERNAL)
		return s;
	if (gsasl_init(&s->gsasl) != GSASL_OK)
		goto out;
	gsasl_callback_hook_set(s->gsasl, s);
	gsasl_callback_set(s->gsasl, callback);
	if (gsasl_client_start(s->gsasl, sasl_mech_name(mech), &s->session) !=
		GSASL_OK)
		goto out;
	gsasl_property_set(s->session, GSASL_AUTHID, s->user);
	gsasl_property_set(s->session, GSASL_PASSWORD, s->password);
	return s;
out:
	sasl_client_free(s);
	return NULL;
}

const char *
sasl_client_mech(const struct sasl_client *s)
{
	return sasl_mech_name(s->mech);
}

/*
 * "r=...,s=...,i=4096": RFC 7677 4 asks for at least 4096 rounds, and a peer
 * must not make us count for minutes.
 */
static bool
is_sane_round_count(struct str message)
{
	struct str rest = message;

	while (rest.n > 0) {
		struct str field = str_cut(rest, ',', &rest);
		uint64_t rounds;

		if (field.n > 2 && field.p[0] == 'i' && field.p[1] == '=')
			return str_u64(str_skip(field, 2), &rounds) &&
			       rounds >= SASL_ITERATIONS &&
			       rounds <= SASL_ITERATIONS_MAX;
	}
	return false;
}

static enum sasl_step
step_login(struct sasl_client *s, struct buf *out)
{
	const char *text = s->steps == 2 ? s->user : s->password;

	sasl_encode(str_of(text), out);
	s->done = s->steps == 3;
	return s->done ? SASL_OK : SASL_MORE;
}

static enum sasl_step
step_gsasl(struct sasl_client *s, struct str message, struct buf *out)
{
	char *answer = NULL;
	size_t n = 0;
	int rc;

	if (sasl_is_scram(s->mech) && s->steps == 2 &&
		!is_sane_round_count(message))
		return SASL_FAILED;
	rc = gsasl_step(s->session, message.p, message.n, &answer, &n);
	if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
		sasl_encode((struct str){answer, n}, out);
	gsasl_free(answer);
	if (rc == GSASL_NEEDS_MORE)
		return SASL_MORE;
	s->done = rc == GSASL_OK;
	return s->done ? SASL_OK : SASL_FAILED;
}

static enum sasl_step
step_message(struct sasl_client *s, struct str message, struct buf *out)
{
	return s->mech == MECH_LOGIN ? step_login(s, out)
				     : step_gsasl(s, message, out);
}

/*
 * LOGIN and CRAM-MD5 wait for the server's first question. EXTERNAL leaves it
 * to the server who the certificate is (RFC 4422 A.2).
 */
static enum sasl_step
start(struct sasl_client *s, struct buf *out, bool *initial_r)
{
	*initial_r = s->mech != MECH_LOGIN && s->mech != MECH_CRAM;
	if (s->mech == MECH_EXTERNAL) {
		buf_addz(out, "=");
		s->done = true;
		return SASL_OK;
	}
	return *initial_r ? step_gsasl(s, STR(""), out) : SASL_MORE;
}

enum sasl_step
sasl_client_step(struct sasl_client *s, struct str challenge, struct buf *out,
	bool *initial_r)
{
	enum sasl_step step = SASL_SYNTAX;
	struct buf message;

	*initial_r = false;
	if (s->failed || s->done || ++s->steps > SASL_STEPS_MAX)
		return SASL_FAILED;
	if (!challenge.p)
		return start(s, out, initial_r);
	buf_init(&message, SASL_MESSAGE_MAX);
	if (sasl_decode(challenge, &message))
		step = step_message(s, buf_view(&message), out);
	sasl_wipe(&message);
	s->failed = step == SASL_FAILED || step == SASL_SYNTAX;
	return step;
}

bool
sasl_client_is_done(const struct sasl_client *s)
{
	return s->done;
}

static void
wipe(char *z)
{
	if (z)
		explicit_bzero(z, strlen(z));
	free(z);
}

void
sasl_client_free(struct sasl_client *s)
{
	if (!s)
		return;
	if (s->session)
		gsasl_finish(s->session);
	if (s->gsasl)
		gsasl_done(s->gsasl);
	wipe(s->user);
	wipe(s->password);
	free(s);
}
