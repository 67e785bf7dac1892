#include "wire/verifier.h"

#include <gsasl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct keys {
	char salted[GSASL_HASH_SHA256_SIZE];
	char client[GSASL_HASH_SHA256_SIZE];
	char server[GSASL_HASH_SHA256_SIZE];
	char stored[GSASL_HASH_SHA256_SIZE];
};

_Static_assert(
	(int)SASL_KEY_BYTES == (int)GSASL_HASH_SHA256_SIZE, "SHA-256 keys");

static void
wipe_free(char *z)
{
	if (z)
		explicit_bzero(z, strlen(z));
	free(z);
}

/*
 * PASSWORD by SASLprep (RFC 4013), given to the caller; NULL: not accepted.
 * What is stored may hold no unassigned code points, a query may (RFC 3454 7).
 */
static char *
prepare(const char *password, Gsasl_saslprep_flags flags)
{
	char *prepared = NULL;

	if (gsasl_saslprep(password, flags, &prepared, NULL) != GSASL_OK)
		return NULL;
	if (prepared[0] == '\0') {
		wipe_free(prepared);
		return NULL;
	}
	return prepared;
}

static bool
derive(const char *prepared, unsigned iterations, const unsigned char *salt,
	struct keys *keys_r)
{
	return gsasl_scram_secrets_from_password(GSASL_HASH_SHA256, prepared,
		       iterations, (const char *)salt, SASL_SALT_BYTES,
		       keys_r->salted, keys_r->client, keys_r->server,
		       keys_r->stored) == GSASL_OK;
}

static enum err_code
fresh_salt(struct verifier *v, struct err *e)
{
	v->iterations = SASL_ITERATIONS;
	if (gsasl_nonce((char *)v->salt, sizeof(v->salt)) != GSASL_OK)
		return err_set(e, ERR_IO, "no random octets for a salt");
	return OK;
}

static enum err_code
fill(const char *prepared, struct verifier *v, struct err *e)
{
	struct keys keys;
	enum err_code code = OK;

	if (!derive(prepared, v->iterations, v->salt, &keys))
		code = err_set(e, ERR_INVALID, "password: cannot be hashed");
	memcpy(v->stored_key, keys.stored, SASL_KEY_BYTES);
	memcpy(v->server_key, keys.server, SASL_KEY_BYTES);
	explicit_bzero(&keys, sizeof(keys));
	return code;
}

/* LIKE: whose salt and rounds it gets; NULL: a fresh salt. */
static enum err_code
make(const char *password, bool keep_secret, const struct verifier *like,
	struct verifier *verifier_r, struct err *e)
{
	struct verifier v = {0};
	enum err_code code = OK;
	char *prepared;

	if (password[0] == '\0')
		return err_set(e, ERR_INVALID, "password: is empty");
	if (strlen(password) > SASL_SECRET_MAX)
		return err_set(e, ERR_INVALID, "password: above %d octets",
			SASL_SECRET_MAX);
	prepared = prepare(password, 0);
	if (!prepared)
		return err_set(e, ERR_INVALID,
			"password: holds characters that are not allowed "
			"(controls, or text that is not UTF-8)");
	if (like) {
		v.iterations = like->iterations;
		memcpy(v.salt, like->salt, sizeof(v.salt));
	} else {
		code = fresh_salt(&v, e);
	}
	if (code == OK)
		code = fill(prepared, &v, e);
	if (code == OK && keep_secret)
		str_copyz(v.secret, sizeof(v.secret), password);
	if (code == OK)
		*verifier_r = v;
	wipe_free(prepared);
	explicit_bzero(&v, sizeof(v));
	return code;
}

enum err_code
verifier_make(const char *password, bool keep_secret,
	struct verifier *verifier_r, struct err *e)
{
	return make(password, keep_secret, NULL, verifier_r, e);
}

enum err_code
verifier_change(struct verifier *present, struct verifier *next,
	const char *password, bool keep_secret, bool now, struct err *e)
{
	bool keep = keep_secret || present->secret[0];
	enum err_code code;

	if (present->iterations > 0 && !now)
		return make(password, keep, present, next, e);
	code = make(password, keep, NULL, present, e);
	if (code == OK)
		explicit_bzero(next, sizeof(*next));
	return code;
}

bool
verifier_equal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

static enum verifier_match
match(const struct verifier_pair *pair, const void *stored_key)
{
	const struct verifier *present = &pair->present, *next = &pair->next;
	bool is_present =
		verifier_equal(present->stored_key, stored_key, SASL_KEY_BYTES);
	bool is_next =
		verifier_equal(next->stored_key, stored_key, SASL_KEY_BYTES);

	/* No password is set: that is no secret. */
	if (present->iterations == 0)
		return VERIFIER_NEITHER;
	if (is_next && next->iterations > 0)
		return VERIFIER_NEXT;
	return is_present ? VERIFIER_PRESENT : VERIFIER_NEITHER;
}

enum verifier_match
verifier_pair_check(const struct verifier_pair *pair, const char *password)
{
	const struct verifier *v = &pair->present;
	bool fits = strlen(password) <= SASL_SECRET_MAX;
	char *prepared =
		fits ? prepare(password, GSASL_ALLOW_UNASSIGNED) : NULL;
	enum verifier_match found;
	struct keys keys = {0};
	bool derived;

	/* The work is the same where no password is set or none was given. */
	derived = derive(prepared ? prepared : "-",
		v->iterations ? v->iterations : SASL_ITERATIONS, v->salt,
		&keys);
	found = match(pair, keys.stored);
	if (!derived || !prepared)
		found = VERIFIER_NEITHER;
	explicit_bzero(&keys, sizeof(keys));
	wipe_free(prepared);
	return found;
}

bool
verifier_check(const struct verifier *v, const char *password)
{
	struct verifier_pair pair = {.present = *v};
	bool matches = verifier_pair_check(&pair, password) != VERIFIER_NEITHER;

	explicit_bzero(&pair, sizeof(pair));
	return matches;
}

/* --- proofs --- */

enum { HASH_BLOCK = 64 }; /* FIPS 180-4: of SHA-256 */

/* HMAC with a key of one hash (RFC 2104 2): the inner, then the outer one. */
static void
hash_keyed(const unsigned char key[SASL_KEY_BYTES], struct str text,
	unsigned char out[SASL_KEY_BYTES])
{
	unsigned char outer[HASH_BLOCK + SASL_KEY_BYTES];
	unsigned char *inner = xcalloc(1, HASH_BLOCK + text.n);

	for (size_t i = 0; i < HASH_BLOCK; i++) {
		unsigned char k = i < SASL_KEY_BYTES ? key[i] : 0;

		inner[i] = k ^ 0x36;
		outer[i] = k ^ 0x5c;
	}
	if (text.n)
		memcpy(inner + HASH_BLOCK, text.p, text.n);
	SHA256(inner, HASH_BLOCK + text.n, outer + HASH_BLOCK);
	SHA256(outer, sizeof(outer), out);
	explicit_bzero(inner, HASH_BLOCK);
	explicit_bzero(outer, sizeof(outer));
	free(inner);
}

/*
 * RFC 5802 3: ClientKey := ClientProof XOR ClientSignature, and its hash is the
 * StoredKey of who made the proof.
 */
static bool
is_proof(const struct verifier *v, struct str auth_message,
	const unsigned char proof[SASL_KEY_BYTES])
{
	unsigned char key[SASL_KEY_BYTES], stored[SASL_KEY_BYTES];
	bool matches;

	hash_keyed(v->stored_key, auth_message, key);
	for (size_t i = 0; i < SASL_KEY_BYTES; i++)
		key[i] ^= proof[i];
	SHA256(key, sizeof(key), stored);
	matches = verifier_equal(v->stored_key, stored, SASL_KEY_BYTES);
	explicit_bzero(key, sizeof(key));
	return matches && v->iterations > 0;
}

enum verifier_match
verifier_pair_prove(const struct verifier_pair *pair, struct str auth_message,
	const unsigned char proof[SASL_KEY_BYTES])
{
	bool is_present = is_proof(&pair->present, auth_message, proof);
	bool is_next = is_proof(&pair->next, auth_message, proof);

	if (is_next)
		return VERIFIER_NEXT;
	return is_present ? VERIFIER_PRESENT : VERIFIER_NEITHER;
}
