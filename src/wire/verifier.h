/*
 * How the password of a user or customer is kept: as a SCRAM-SHA-256
 * verifier (RFC 5802 3, RFC 7677), and for accounts created so, the clear
 * secret that CRAM-MD5 needs (RFC 2195). By GNU SASL; no files, no sockets.
 */
#ifndef WIRE_VERIFIER_H
#define WIRE_VERIFIER_H

#include "base/err.h"
#include "base/str.h"

enum {
	SASL_NAME_MAX = 255,
	SASL_SECRET_MAX = 255,
	SASL_SALT_BYTES = 16,
	SASL_KEY_BYTES = 32,
	SASL_ITERATIONS = 4096, /* RFC 7677 4: at least 4096 */
};

struct verifier {
	unsigned iterations; /* 0: no password is set, nothing matches */
	unsigned char salt[SASL_SALT_BYTES];
	unsigned char stored_key[SASL_KEY_BYTES];
	unsigned char server_key[SASL_KEY_BYTES];
	char secret[SASL_SECRET_MAX + 1]; /* CRAM-MD5 accounts only; else "" */
};

/*
 * Makes the verifier of PASSWORD with a fresh salt. KEEP_SECRET: for CRAM-MD5.
 * ERR_INVALID: empty, too long, or not accepted by SASLprep (RFC 4013).
 */
enum err_code verifier_make(const char *password, bool keep_secret,
	struct verifier *verifier_r, struct err *e);
/* Constant time in the outcome. */
bool verifier_check(const struct verifier *v, const char *password);

#endif
