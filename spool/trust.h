/*
 * The certificates of peers: until when the one last seen is good, and the key
 * that a person accepted although nothing vouches for it.
 */
#ifndef SPOOL_TRUST_H
#define SPOOL_TRUST_H

#include "spool/types.h"

struct spool_txn;

enum { SPOOL_KEY_BYTES = 32 }; /* SHA-256 of a public key */

struct spool_trust {
	bool has_key; /* accepted, and UNTIL is not over */
	unsigned char key[SPOOL_KEY_BYTES];
	int64_t until; /* 0: for ever */
	int64_t ends;  /* the certificate last seen is good until; 0: unknown */
};

/* What is known of PEER at NOW; nothing is no error. */
enum err_code spool_trust_get(struct spool_txn *t, const char *peer,
	int64_t now, struct spool_trust *trust_r, struct err *e);
/*
 * Accepts the key that PEER showed last (its row), until UNTIL (0: for ever; a
 * time that is over takes it back). ERR_NOTFOUND: it never showed one.
 */
enum err_code spool_trust_accept(
	struct spool_txn *t, const char *peer, int64_t until, struct err *e);
/* The certificate it showed now is good until ENDS. */
enum err_code spool_trust_ends_put(
	struct spool_txn *t, const char *peer, int64_t ends, struct err *e);

#endif
