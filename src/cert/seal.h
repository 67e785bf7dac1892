/*
 * A seal over octets: HMAC-SHA256 (RFC 2104) with a secret that both ends have
 * in a file. It tells whose a batch is that came as mail, where an address can
 * be forged.
 */
#ifndef CERT_SEAL_H
#define CERT_SEAL_H

#include <stdbool.h>

#include "base/err.h"

enum {
	SEAL_DIGITS = 64, /* hexadecimal */
	SEAL_SECRET_MIN = 16,
	SEAL_SECRET_MAX = 255,
};

/*
 * The seal of all octets of the file FD with the secret in the first line of
 * FILE. FD stands at its beginning then. Blocking. ERR_IO, ERR_PERM,
 * ERR_NOTFOUND; ERR_INVALID: the secret is too short or too long.
 */
enum err_code seal_make(
	int fd, const char *file, char seal_r[SEAL_DIGITS + 1], struct err *e);
/* Takes as long whatever the first difference is. */
bool seal_is(const char seal[SEAL_DIGITS + 1], const char *other);

#endif
