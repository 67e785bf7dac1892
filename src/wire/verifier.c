#include "wire/verifier.h"

#include <gsasl.h>
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
fill(const char *prepared, struct verifier *v, struct err *e)
{
	struct keys keys;
	enum err_code code = OK;

	v->iterations = SASL_ITERATIONS;
	if (gsasl_nonce((char *)v->salt, sizeof(v->salt)) != GSASL_OK)
		return err_set(e, ERR_IO, "no random octets for a salt");
	if (!derive(prepared, v->iterations, v->salt, &keys))
		code = err_set(e, ERR_INVALID, "password: cannot be hashed");
	memcpy(v->stored_key, keys.stored, SASL_KEY_BYTES);
	memcpy(v->server_key, keys.server, SASL_KEY_BYTES);
	explicit_bzero(&keys, sizeof(keys));
	return code;
}

enum err_code
verifier_make(const char *password, bool keep_secret,
	struct verifier *verifier_r, struct err *e)
{
	struct verifier v = {0};
	enum err_code code;
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
	code = fill(prepared, &v, e);
	if (code == OK && keep_secret)
		str_copyz(v.secret, sizeof(v.secret), password);
	if (code == OK)
		*verifier_r = v;
	wipe_free(prepared);
	explicit_bzero(&v, sizeof(v));
	return code;
}

/* Looks at every octet, whatever it finds. */
static bool
equal_always(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

bool
verifier_check(const struct verifier *v, const char *password)
{
	bool set = v->iterations > 0, equal, derived;
	bool fits = strlen(password) <= SASL_SECRET_MAX;
	char *prepared =
		fits ? prepare(password, GSASL_ALLOW_UNASSIGNED) : NULL;
	struct keys keys = {0};

	/* The work is the same where no password is set or none was given. */
	derived = derive(prepared ? prepared : "-",
		set ? v->iterations : SASL_ITERATIONS, v->salt, &keys);
	equal = equal_always(v->stored_key, keys.stored, SASL_KEY_BYTES);
	explicit_bzero(&keys, sizeof(keys));
	set = set && derived && equal && prepared != NULL;
	wipe_free(prepared);
	return set;
}
