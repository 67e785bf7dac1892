#include "cert/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { SEAL_BLOCK = 65536, SEAL_OCTETS = SEAL_DIGITS / 2 };

struct secret {
	char text[SEAL_SECRET_MAX + 2]; /* and its line end */
	size_t n;
};

static enum err_code
read_secret(const char *file, struct secret *s, struct err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, s->text, sizeof(s->text));
	enum err_code code = errno == ENOENT   ? ERR_NOTFOUND
			     : errno == EACCES ? ERR_PERM
					       : ERR_IO;

	if (n < 0)
		err_set(e, code, "%s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return code;
	while (s->n < (size_t)n && !strchr("\r\n", s->text[s->n]))
		s->n++;
	if (s->n >= SEAL_SECRET_MIN && s->n <= SEAL_SECRET_MAX)
		return OK;
	return err_set(e, ERR_INVALID,
		"%s: the secret should have %d to %d characters", file,
		(int)SEAL_SECRET_MIN, (int)SEAL_SECRET_MAX);
}

static enum err_code
add_file(EVP_MAC_CTX *ctx, int fd, struct err *e)
{
	unsigned char octets[SEAL_BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, octets, sizeof(octets), at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(
				e, ERR_IO, "the batch: %s", strerror(errno));
		if (EVP_MAC_update(ctx, octets, (size_t)n) != 1)
			return err_set(e, ERR_NOMEM, "HMAC");
		at += n;
	}
	return OK;
}

static enum err_code
make(EVP_MAC_CTX *ctx, int fd, const struct secret *s,
	unsigned char octets_r[SEAL_OCTETS], struct err *e)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	enum err_code rc;
	size_t n = 0;

	if (!ctx || EVP_MAC_init(ctx, (const unsigned char *)s->text, s->n,
			    params) != 1)
		return err_set(e, ERR_NOMEM, "HMAC");
	rc = add_file(ctx, fd, e);
	if (rc == OK && (EVP_MAC_final(ctx, octets_r, &n, SEAL_OCTETS) != 1 ||
				n != SEAL_OCTETS))
		rc = err_set(e, ERR_NOMEM, "HMAC");
	return rc;
}

enum err_code
seal_make(int fd, const char *file, char seal_r[SEAL_DIGITS + 1], struct err *e)
{
	struct secret s = {.n = 0};
	unsigned char octets[SEAL_OCTETS];
	enum err_code rc = read_secret(file, &s, e);
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;

	if (rc != OK)
		return rc;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	rc = make(ctx, fd, &s, octets, e);
	for (size_t i = 0; rc == OK && i < SEAL_OCTETS; i++)
		snprintf(seal_r + 2 * i, 3, "%02x", octets[i]);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	OPENSSL_cleanse(&s, sizeof(s));
	if (rc == OK && lseek(fd, 0, SEEK_SET) < 0)
		rc = err_set(e, ERR_IO, "the batch: %s", strerror(errno));
	return rc;
}

bool
seal_is(const char seal[SEAL_DIGITS + 1], const char *other)
{
	return strlen(other) == SEAL_DIGITS &&
	       CRYPTO_memcmp(seal, other, SEAL_DIGITS) == 0;
}
