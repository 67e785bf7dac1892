/*
 * How the password of a user or customer is kept: as a SCRAM-SHA-256
 * verifier (RFC 5802 3, RFC 7677), and for accounts created so, the clear
 * secret that CRAM-MD5 needs (RFC 2195). By GNU SASL; no files, no sockets.
 *
 * After a change of the password two verifiers hold, a pair: the present one,
 * and the next, which takes its place when it is used for the first time. A
 * SCRAM server sends salt and rounds before it can know which of the two the
 * client has (RFC 5802 5), so both have the same; what the client proves then
 * tells them apart.
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

struct verifier_pair {
	struct verifier present;
	struct verifier next; /* iterations 0: none */
};

enum verifier_match { VERIFIER_NEITHER, VERIFIER_PRESENT, VERIFIER_NEXT };

/*
 * Makes the verifier of PASSWORD with a fresh salt. KEEP_SECRET: for CRAM-MD5.
 * ERR_INVALID: empty, too long, or not accepted by SASLprep (RFC 4013).
 */
enum err_code verifier_make(const char *password, bool keep_secret,
	struct verifier *verifier_r, struct err *e);
/*
 * Another password for the account that has PRESENT and NEXT: becomes NEXT, in
 * place of one that was never used, with the salt and rounds of PRESENT. At
 * once PRESENT, with a fresh salt, where NOW or where no password was set.
 * A secret is kept where KEEP_SECRET or where PRESENT has one. On error, as of
 * verifier_make, both stay as they are.
 */
enum err_code verifier_change(struct verifier *present, struct verifier *next,
	const char *password, bool keep_secret, bool now, struct err *e);

/* Constant time in the outcome, all three. */
bool verifier_check(const struct verifier *v, const char *password);
/* NEXT where the password is both. */
enum verifier_match verifier_pair_check(
	const struct verifier_pair *pair, const char *password);
/* The same by a client's proof (RFC 5802 3: AuthMessage and ClientProof). */
enum verifier_match verifier_pair_prove(const struct verifier_pair *pair,
	struct str auth_message, const unsigned char proof[SASL_KEY_BYTES]);

/*
 * "SCRAM-SHA-256$4096:SALT$STORED:SERVER", base64 in between, as other software
 * writes it too; the secret is not in it.
 */
enum { VERIFIER_TEXT_MAX = 160 };
void verifier_format(const struct verifier *v, char out[VERIFIER_TEXT_MAX]);
/* False: it is none, or asks for too few or too many rounds. */
bool verifier_parse(struct str text, struct verifier *verifier_r);

/* Looks at every octet, whatever it finds. */
bool verifier_equal(const void *a, const void *b, size_t n);

#endif
