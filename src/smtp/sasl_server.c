/*
 * The server's side of SASL.
 *
 * A name that nobody has is treated as a name with a wrong password: its
 * decoy verifier is derived from the name and a secret of this process, so
 * that SCRAM shows the same salt each time it is asked.
 *
 * GNU SASL does CRAM-MD5, PLAIN and SCRAM; LOGIN and EXTERNAL are done here.
 * It knows one password for a name. Where an account has two (wire/verifier.h)
 * the one that the client proves is found out here, before GNU SASL sees the
 * proof, and it checks that again.
 */
#include "smtp/sasl_private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sasl_server {
	enum sasl_mech mech;
	sasl_lookup *lookup;
	void *arg;
	struct tls_facts tls;
	Gsasl *gsasl;		/* not for LOGIN and EXTERNAL */
	Gsasl_session *session; /* likewise */
	char name[SASL_NAME_MAX + 1];
	struct verifier_pair pair;
	enum verifier_match match; /* which of the two the client has shown */
	bool is_known, is_looked_up;
	bool is_flagged; /* SCRAM: the first message was looked at */
	/*
	 * SCRAM: what was said so far of the AuthMessage (RFC 5802 3).
	 * CRAM-MD5: the challenge.
	 */
	struct buf said;
	struct str message; /* in hand, of the client; borrowed */
	bool is_finished; /* only the empty answer to the last message is due */
	unsigned steps;
};

/* --- the decoy ------------------------------------------------------------ */

static char secret[SASL_KEY_BYTES];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void
make_secret(void)
{
	if (gsasl_random(secret, sizeof(secret)) != GSASL_OK)
		abort(); /* no source of randomness: nothing is safe */
}

static void
make_decoy(const char *name, struct verifier *v)
{
	char salted[SASL_KEY_BYTES], client[SASL_KEY_BYTES];
	char server[SASL_KEY_BYTES], stored[SASL_KEY_BYTES];

	pthread_once(&secret_once, make_secret);
	memset(v, 0, sizeof(*v));
	/* One round is a keyed hash of name and secret. */
	gsasl_scram_secrets_from_password(GSASL_HASH_SHA256, name, 1, secret,
		sizeof(secret), salted, client, server, stored);
	v->iterations = SASL_ITERATIONS;
	memcpy(v->salt, salted, sizeof(v->salt));
	memcpy(v->server_key, server, sizeof(v->server_key));
	memcpy(v->stored_key, stored, sizeof(v->stored_key));
}

/* Finds who NAME is, once. False: the name is too long to be anyone's. */
static bool
look_up(struct sasl_server *s, const char *name)
{
	struct verifier_pair decoy = {.present = {.iterations = 0}};

	if (s->is_looked_up)
		return true;
	if (!str_copyz(s->name, sizeof(s->name), name))
		return false;
	s->is_looked_up = true;
	make_decoy(s->name, &decoy.present);
	s->is_known = s->name[0] && s->lookup(s->arg, s->name, &s->pair) &&
		      s->pair.present.iterations > 0;
	if (!s->is_known)
		s->pair = decoy;
	return true;
}

static enum sasl_step
check_password(struct sasl_server *s, const char *password)
{
	s->match = verifier_pair_check(&s->pair, password);
	return s->match != VERIFIER_NEITHER && s->is_known ? SASL_OK
							   : SASL_FAILED;
}

/* --- which of two passwords ----------------------------------------------- */

/*
 * AuthMessage is the client's first message without the gs2 header, our first
 * message and the client's last without its proof, with commas between
 * (RFC 5802 3).
 */
static void
keep_said(struct sasl_server *s, struct str message, struct str answer)
{
	struct str rest;

	if (s->mech == MECH_CRAM) {
		buf_adds(&s->said, answer);
	} else if (sasl_is_scram(s->mech) && s->said.len == 0) {
		str_cut(message, ',', &rest);
		str_cut(rest, ',', &rest);
		buf_adds(&s->said, rest);
		buf_addz(&s->said, ",");
		buf_adds(&s->said, answer);
		buf_addz(&s->said, ",");
	}
}

/* "c=biws,r=...,p=PROOF": the proof is the last field (RFC 5802 7). */
static void
match_proof(struct sasl_server *s)
{
	struct str proof = s->message;
	struct buf octets;

	while (proof.n > 0 && !str_starts_nocase(proof, STR(",p=")))
		proof = str_skip(proof, 1);
	buf_adds(&s->said, (struct str){s->message.p, s->message.n - proof.n});
	buf_init(&octets, 0);
	if (sasl_decode(str_skip(proof, 3), &octets) &&
		octets.len == SASL_KEY_BYTES)
		s->match = verifier_pair_prove(&s->pair, buf_view(&s->said),
			(const unsigned char *)buf_view(&octets).p);
	sasl_wipe(&octets);
}

enum { CRAM_DIGEST = 32 }; /* RFC 2195 2: "name digest", 32 hex digits */

static bool
is_same_digest(struct str a, struct str b)
{
	return a.n > CRAM_DIGEST && b.n > CRAM_DIGEST &&
	       verifier_equal(a.p + a.n - CRAM_DIGEST, b.p + b.n - CRAM_DIGEST,
		       CRAM_DIGEST);
}

/* Is it what a client answers who has the next secret? */
static void
match_digest(struct sasl_server *s)
{
	Gsasl_session *client = NULL;
	struct str challenge = buf_view(&s->said), right = {NULL, 0};
	char *text = NULL;

	if (!s->pair.next.secret[0] ||
		gsasl_client_start(
			s->gsasl, sasl_mech_name(s->mech), &client) != GSASL_OK)
		return;
	gsasl_property_set(client, GSASL_AUTHID, s->name);
	gsasl_property_set(client, GSASL_PASSWORD, s->pair.next.secret);
	if (gsasl_step(client, challenge.p, challenge.n, &text, &right.n) ==
		GSASL_OK)
		right.p = text;
	else
		right.n = 0;
	if (is_same_digest(right, s->message))
		s->match = VERIFIER_NEXT;
	gsasl_free(text);
	gsasl_finish(client);
}

/* --- what GNU SASL asks --------------------------------------------------- */

static const struct verifier *
shown(const struct sasl_server *s)
{
	return s->match == VERIFIER_NEXT ? &s->pair.next : &s->pair.present;
}

/* Salt and rounds are asked for first, and are the same of both. */
static int
give_salt(struct sasl_server *s, Gsasl_session *session)
{
	const struct verifier *v = &s->pair.present;
	char number[16];

	snprintf(number, sizeof(number), "%u", v->iterations);
	gsasl_property_set(session, GSASL_SCRAM_ITER, number);
	sasl_set_base64(session, GSASL_SCRAM_SALT, v->salt, sizeof(v->salt));
	return GSASL_OK;
}

/* The keys when the client's proof is there. */
static int
give_keys(struct sasl_server *s, Gsasl_session *session)
{
	const struct verifier *v;

	match_proof(s);
	v = shown(s);
	sasl_set_base64(session, GSASL_SCRAM_SERVERKEY, v->server_key,
		sizeof(v->server_key));
	sasl_set_base64(session, GSASL_SCRAM_STOREDKEY, v->stored_key,
		sizeof(v->stored_key));
	return GSASL_OK;
}

static int
give_scram(
	struct sasl_server *s, Gsasl_session *session, Gsasl_property property)
{
	switch (property) {
	case GSASL_SCRAM_ITER:
	case GSASL_SCRAM_SALT:
		return give_salt(s, session);
	case GSASL_SCRAM_SERVERKEY:
	case GSASL_SCRAM_STOREDKEY:
		return give_keys(s, session);
	default:
		return GSASL_NO_CALLBACK;
	}
}

/* CRAM-MD5 needs the password; who has none gets one that nobody knows. */
static int
give_secret(struct sasl_server *s, Gsasl_session *session)
{
	const struct verifier *v;

	match_digest(s);
	v = shown(s);
	if (s->is_known && v->secret[0])
		gsasl_property_set(session, GSASL_PASSWORD, v->secret);
	else
		sasl_set_base64(
			session, GSASL_PASSWORD, secret, sizeof(secret));
	return GSASL_OK;
}

/* Acting for somebody else is not offered: authzid is empty or the name. */
static bool
is_acting_as_self(Gsasl_session *session, const char *authid)
{
	const char *authzid = gsasl_property_fast(session, GSASL_AUTHZID);

	return !authzid || !authzid[0] || strcmp(authzid, authid) == 0;
}

static int
validate(struct sasl_server *s, Gsasl_session *session, const char *authid)
{
	const char *password = gsasl_property_fast(session, GSASL_PASSWORD);

	if (check_password(s, password ? password : "") != SASL_OK ||
		!is_acting_as_self(session, authid))
		return GSASL_AUTHENTICATION_ERROR;
	return GSASL_OK;
}

/* RFC 5802 6: the client says which kind it binds with. */
static int
give_binding(
	struct sasl_server *s, Gsasl_session *session, Gsasl_property property)
{
	const struct tls_facts *tls = &s->tls;

	if (s->mech != MECH_SCRAM_PLUS)
		return GSASL_NO_CALLBACK;
	if (property == GSASL_CB_TLS_EXPORTER && tls->has_exporter)
		sasl_set_base64(session, property, tls->cb_exporter,
			sizeof(tls->cb_exporter));
	else if (property == GSASL_CB_TLS_UNIQUE && tls->cb_unique_n > 0)
		sasl_set_base64(
			session, property, tls->cb_unique, tls->cb_unique_n);
	else
		return GSASL_NO_CALLBACK;
	return GSASL_OK;
}

static int
callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	struct sasl_server *s = gsasl_callback_hook_get(gsasl);
	const char *authid;

	switch (property) {
	case GSASL_CB_TLS_EXPORTER:
	case GSASL_CB_TLS_UNIQUE:
		return give_binding(s, session, property);
	case GSASL_VALIDATE_SIMPLE:
	case GSASL_PASSWORD:
	case GSASL_SCRAM_ITER:
	case GSASL_SCRAM_SALT:
	case GSASL_SCRAM_SERVERKEY:
	case GSASL_SCRAM_STOREDKEY:
		break;
	default:
		return GSASL_NO_CALLBACK;
	}
	authid = gsasl_property_fast(session, GSASL_AUTHID);
	if (!authid || !look_up(s, authid))
		return GSASL_AUTHENTICATION_ERROR;
	if (property == GSASL_VALIDATE_SIMPLE)
		return validate(s, session, authid);
	if (sasl_is_scram(s->mech))
		return give_scram(s, session, property);
	return property == GSASL_PASSWORD ? give_secret(s, session)
					  : GSASL_NO_CALLBACK;
}

/* --- steps ---------------------------------------------------------------- */

static bool
is_possible(enum sasl_mech mech, const struct tls_facts *tls)
{
	if (mech == MECH_SCRAM_PLUS)
		return sasl_can_bind(tls);
	if (mech == MECH_EXTERNAL)
		return tls && tls->verified && tls->peer_name[0];
	return mech != MECH_N;
}

struct sasl_server *
sasl_server_new(const char *mech, const char *host, const struct tls_facts *tls,
	sasl_lookup *lookup, void *arg)
{
	enum sasl_mech found = sasl_mech_find(str_of(mech));
	struct sasl_server *s;

	if (!is_possible(found, tls))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->mech = found;
	s->lookup = lookup;
	s->arg = arg;
	buf_init(&s->said, 0);
	if (tls)
		s->tls = *tls;
	if (found == MECH_LOGIN || found == MECH_EXTERNAL)
		return s;
	if (gsasl_init(&s->gsasl) != GSASL_OK)
		goto out;
	gsasl_callback_hook_set(s->gsasl, s);
	gsasl_callback_set(s->gsasl, callback);
	if (gsasl_server_start(s->gsasl, sasl_mech_name(found), &s->session) !=
		GSASL_OK)
		goto out;
	gsasl_property_set(s->session, GSASL_SERVICE, "smtp");
	gsasl_property_set(s->session, GSASL_HOSTNAME, host);
	return s;
out:
	sasl_server_free(s);
	return NULL;
}

/* The name in clear, then the password: two questions, two answers. */
static enum sasl_step
step_login(struct sasl_server *s, struct str message, struct buf *out)
{
	char text[SASL_NAME_MAX + 1];
	enum sasl_step step;

	if (memchr(message.p, '\0', message.n) ||
		!str_copy(text, sizeof(text), message))
		return SASL_FAILED;
	if (!s->is_looked_up) {
		look_up(s, text);
		sasl_encode(STR("Password:"), out);
		return SASL_MORE;
	}
	step = check_password(s, text);
	explicit_bzero(text, sizeof(text));
	return step;
}

/* RFC 4422 A: the message is the authzid. Who it is TLS has found out. */
static enum sasl_step
step_external(struct sasl_server *s, struct str message)
{
	str_copyz(s->name, sizeof(s->name), s->tls.peer_name);
	if (message.n > 0 && !str_eq(message, str_of(s->name)))
		return SASL_FAILED;
	s->is_looked_up = true;
	s->is_known = s->lookup(s->arg, s->name, &s->pair);
	return s->is_known ? SASL_OK : SASL_FAILED;
}

/*
 * RFC 5802 6, of the client's first message: "y" says that we did not offer
 * -PLUS. Where we did, somebody between has taken it out.
 */
static bool
is_flag_true(const struct sasl_server *s, struct str message)
{
	char flag = message.p[0];

	if (s->mech == MECH_SCRAM_PLUS)
		return flag == 'p';
	return flag == 'n' || (flag == 'y' && !sasl_can_bind(&s->tls));
}

static enum sasl_step
step_gsasl(struct sasl_server *s, struct str message, struct buf *out)
{
	char *answer = NULL;
	size_t n = 0;
	const char *name;
	int rc;

	s->message = message;
	rc = gsasl_step(s->session, message.p, message.n, &answer, &n);
	if (rc == GSASL_NEEDS_MORE)
		keep_said(s, message, (struct str){answer, n});
	name = gsasl_property_fast(s->session, GSASL_AUTHID);
	if (!s->is_looked_up && name)
		str_copyz(s->name, sizeof(s->name), name);
	if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
		sasl_encode((struct str){answer, n}, out);
	gsasl_free(answer);
	if (rc == GSASL_NEEDS_MORE)
		return SASL_MORE;
	if (rc == GSASL_MECHANISM_PARSE_ERROR)
		return SASL_SYNTAX;
	if (rc != GSASL_OK || !s->is_known ||
		!is_acting_as_self(s->session, s->name))
		return SASL_FAILED;
	if (n == 0)
		return SASL_OK;
	/* SMTP's 235 carries no data: one more turn (RFC 4422 3.1). */
	s->is_finished = true;
	return SASL_MORE;
}

/* Before the client said anything: a first question, or an empty one. */
static enum sasl_step
start(struct sasl_server *s, struct buf *out)
{
	if (s->mech == MECH_LOGIN)
		sasl_encode(STR("Username:"), out);
	else if (s->mech == MECH_CRAM)
		return step_gsasl(s, STR(""), out);
	return SASL_MORE;
}

static enum sasl_step
step_message(struct sasl_server *s, struct str message, struct buf *out)
{
	if (s->is_finished)
		return message.n == 0 ? SASL_OK : SASL_FAILED;
	if (s->mech == MECH_LOGIN)
		return step_login(s, message, out);
	if (s->mech == MECH_EXTERNAL)
		return step_external(s, message);
	if (message.n == 0)
		return SASL_SYNTAX;
	if (sasl_is_scram(s->mech) && !s->is_flagged) {
		s->is_flagged = true;
		if (!is_flag_true(s, message))
			return SASL_FAILED;
	}
	return step_gsasl(s, message, out);
}

enum sasl_step
sasl_server_step(struct sasl_server *s, struct str line, struct buf *out)
{
	enum sasl_step step = SASL_SYNTAX;
	bool is_first = s->steps++ == 0;
	struct buf message;

	if (!line.p)
		return is_first ? start(s, out) : SASL_SYNTAX;
	if (is_first && sasl_is_server_first(str_of(sasl_mech_name(s->mech))))
		return SASL_SYNTAX;
	if (s->steps > SASL_STEPS_MAX)
		return SASL_FAILED;
	buf_init(&message, SASL_MESSAGE_MAX);
	if (sasl_decode(line, &message))
		step = step_message(s, buf_view(&message), out);
	sasl_wipe(&message);
	return step;
}

const char *
sasl_server_name(const struct sasl_server *s)
{
	return s->name;
}

const struct verifier *
sasl_server_next(const struct sasl_server *s)
{
	return s->match == VERIFIER_NEXT ? &s->pair.next : NULL;
}

void
sasl_server_free(struct sasl_server *s)
{
	if (!s)
		return;
	if (s->session)
		gsasl_finish(s->session);
	if (s->gsasl)
		gsasl_done(s->gsasl);
	sasl_wipe(&s->said);
	explicit_bzero(s, sizeof(*s));
	free(s);
}
