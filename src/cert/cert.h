/*
 * A small authority of this node's own, for the phones and mail programs of
 * its local network: its certificate is put on each of them once, and vouches
 * for the node's. Elliptic keys (P-256); files in PEM, keys 0600.
 *
 * The node's key stays when its certificate is made anew, so that who pinned
 * it need not care, and a certificate never stands beside the wrong key.
 */
#ifndef CERT_CERT_H
#define CERT_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CERT_CA_DAYS = 3650,
	CERT_DAYS = 397, /* phones refuse much more */
	CERT_RENEW_DAYS = 30,
	CERT_NAMES_MAX = 64,
};

struct cert_files {
	char *certificate, *key; /* owned, as all of them */
	char *ca, *ca_key;	 /* tidepost-ca.pem, .key beside */
};

void cert_files_set(
	struct cert_files *f, const char *certificate, const char *key);
void cert_files_free(struct cert_files *f);

/* The authority of HOST, if there is none yet (*made_r). ERR_EXISTS: it is of
 * another host; ERR_INVALID, ERR_PERM, ERR_IO. NOW: seconds, as below. */
enum err_code cert_authority(const struct cert_files *f, const char *host,
	int64_t now, bool *made_r, struct err *e);
/* Is the certificate from this authority? False, too: there is none. */
bool cert_is_ours(const struct cert_files *f);
/* One for NAMES (hosts and addresses; the first is the subject). */
enum err_code cert_issue(const struct cert_files *f, const char *const *names,
	size_t n, int64_t now, struct err *e);
/*
 * Where it is ours, ends within CERT_RENEW_DAYS, and the authority's key is
 * here: another with the same names. *done_r: it was.
 */
enum err_code cert_renew(
	const struct cert_files *f, int64_t now, bool *done_r, struct err *e);

enum { CERT_KEY_OCTETS = 32 };

/* Of FILE's first certificate: SHA-256 of its public key, as peers.verify wants
 * it, and its end. ERR_NOTFOUND, ERR_PERM, ERR_INVALID. */
enum err_code cert_look(const char *file, unsigned char key_r[CERT_KEY_OCTETS],
	int64_t *ends_r, struct err *e);

#endif
