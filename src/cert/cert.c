#include "cert/cert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

enum { DAY_S = 86400, SERIAL_OCTETS = 16 };

static char *
beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return str_dupz(name);
	return str_printf("%.*s/%s", (int)(slash - file), file, name);
}

void
cert_files_set(struct cert_files *f, const char *certificate, const char *key)
{
	f->certificate = str_dupz(certificate);
	f->key = str_dupz(key);
	f->ca = beside(certificate, "tidepost-ca.pem");
	f->ca_key = beside(certificate, "tidepost-ca.key");
}

void
cert_files_free(struct cert_files *f)
{
	free(f->certificate);
	free(f->key);
	free(f->ca);
	free(f->ca_key);
}

/* --- files --- */

/* NULL: E says why; ERR_NOTFOUND where it is not there. */
static BIO *
open_pem(const char *file, struct err *e)
{
	BIO *bio = BIO_new_file(file, "re");

	if (!bio) {
		err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_PERM, "%s: %s",
			file, strerror(errno));
		ERR_clear_error();
	}
	return bio;
}

static X509 *
read_certificate(const char *file, struct err *e)
{
	BIO *bio = open_pem(file, e);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (bio && !x)
		err_set(e, ERR_INVALID, "%s: there is no certificate in it",
			file);
	ERR_clear_error();
	BIO_free(bio);
	return x;
}

/* A key with a pass phrase is none: nobody is there to type it. */
static int
no_phrase(char *out, int size, int writes, void *arg)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static EVP_PKEY *
read_key(const char *file, struct err *e)
{
	BIO *bio = open_pem(file, e);
	EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL)
		    : NULL;

	if (bio && !key)
		err_set(e, ERR_INVALID,
			"%s: there is no key in it, or it has a pass phrase",
			file);
	ERR_clear_error();
	BIO_free(bio);
	return key;
}

static enum err_code
write_octets(
	int fd, const char *file, struct str s, unsigned mode, struct err *e)
{
	enum err_code code = file_put_all(fd, s, file, e);

	if (code != OK)
		return code;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return err_set(e, ERR_IO, "%s: %s", file, strerror(errno));
	return OK;
}

/* Beside it first: a half-written file never has its name. */
static enum err_code
write_file(const char *file, BIO *from, unsigned mode, struct err *e)
{
	char *part = str_printf("%s.XXXXXX", file), *octets;
	long n = BIO_get_mem_data(from, &octets);
	int fd = mkstemp(part); /* 0600 until it is whole */
	enum err_code code;

	if (fd < 0) {
		code = err_set(e, ERR_PERM, "%s: %s", file, strerror(errno));
		free(part);
		return code;
	}
	code = write_octets(fd, file, (struct str){octets, (size_t)n}, mode, e);
	close(fd);
	if (code == OK && rename(part, file) < 0)
		code = err_set(e, ERR_IO, "%s: %s", file, strerror(errno));
	if (code != OK)
		unlink(part);
	free(part);
	return code == OK ? file_sync_folder(file, e) : code;
}

static enum err_code
library_failed(const char *what, struct err *e)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return err_set(e, ERR_IO, "%s: %s", what, text);
}

static enum err_code
write_certificate(const char *file, X509 *x, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	enum err_code code;

	if (!bio || !PEM_write_bio_X509(bio, x))
		code = library_failed(file, e);
	else
		code = write_file(file, bio, 0644, e);
	BIO_free(bio);
	return code;
}

/* The key in FILE, or a new one. */
static enum err_code
key_for(const char *file, EVP_PKEY **key_r, struct err *e)
{
	enum err_code code;
	BIO *bio;

	*key_r = read_key(file, e);
	if (*key_r)
		return OK;
	if (e->code != ERR_NOTFOUND)
		return e->code;
	*key_r = EVP_EC_gen("P-256");
	bio = BIO_new(BIO_s_mem());
	if (!*key_r || !bio ||
		!PEM_write_bio_PrivateKey(
			bio, *key_r, NULL, NULL, 0, NULL, NULL))
		code = library_failed(file, e);
	else
		code = write_file(file, bio, 0600, e);
	BIO_free(bio);
	return code;
}

/* --- certificates --- */

static bool
set_serial(X509 *x)
{
	unsigned char octets[SERIAL_OCTETS];
	BIGNUM *n;
	bool ok;

	if (RAND_bytes(octets, sizeof(octets)) != 1)
		return false;
	octets[0] &= 0x7f; /* RFC 5280 4.1.2.2: positive */
	n = BN_bin2bn(octets, sizeof(octets), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

/* Valid from a day ago: the clocks of phones differ. */
static bool
set_times(X509 *x, int64_t now, int days)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - DAY_S)) &&
	       ASN1_TIME_set(X509_getm_notAfter(x),
		       (time_t)(now + (int64_t)days * DAY_S));
}

static bool
set_subject(X509 *x, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
		       MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
		       0) == 1;
}

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *
begin(EVP_PKEY *key, int64_t now, int days)
{
	X509 *x = X509_new();

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
		set_times(x, now, days) && X509_set_pubkey(x, key))
		return x;
	X509_free(x);
	return NULL;
}

/* A common name has at most 64 octets (RFC 5280 A.1). */
static void
ca_name(const char *host, char out[65])
{
	snprintf(out, 65, "tidepost at %s", host);
}

static enum err_code
make_authority(const struct cert_files *f, const char *host, int64_t now,
	struct err *e)
{
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	char name[65];
	enum err_code code = key_for(f->ca_key, &key, e);

	if (code != OK)
		goto out;
	ca_name(host, name);
	x = begin(key, now, CERT_CA_DAYS);
	if (!x || !set_subject(x, name) ||
		!X509_set_issuer_name(x, X509_get_subject_name(x)) ||
		!add_extension(x, x, NID_basic_constraints,
			"critical,CA:TRUE,pathlen:0") ||
		!add_extension(
			x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
		!add_extension(x, x, NID_subject_key_identifier, "hash") ||
		!X509_sign(x, key, EVP_sha256()))
		code = library_failed(f->ca, e);
	else
		code = write_certificate(f->ca, x, e);
out:
	X509_free(x);
	EVP_PKEY_free(key);
	return code;
}

enum err_code
cert_authority(const struct cert_files *f, const char *host, int64_t now,
	bool *made_r, struct err *e)
{
	X509 *ca = read_certificate(f->ca, e);
	char wanted[65], has[65] = "";
	enum err_code code = OK;

	*made_r = false;
	if (!ca && e->code != ERR_NOTFOUND)
		return e->code;
	if (!ca) {
		*made_r = true;
		return make_authority(f, host, now, e);
	}
	ca_name(host, wanted);
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(ca), NID_commonName, has, sizeof(has));
	if (strcmp(wanted, has) != 0)
		code = err_set(e, ERR_EXISTS,
			"%s is the authority \"%s\", not of this host: move "
			"it and %s away",
			f->ca, has, f->ca_key);
	X509_free(ca);
	return code;
}

static bool
issued(X509 *ca, X509 *x)
{
	bool ok = X509_verify(x, X509_get0_pubkey(ca)) == 1;

	ERR_clear_error();
	return ok;
}

bool
cert_is_ours(const struct cert_files *f)
{
	struct err e;
	X509 *ca = read_certificate(f->ca, &e);
	X509 *x = read_certificate(f->certificate, &e);
	bool ok = ca && x && issued(ca, x);

	X509_free(ca);
	X509_free(x);
	return ok;
}

/* --- the node's --- */

static bool
is_address(const char *name)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, name, octets) == 1 ||
	       inet_pton(AF_INET6, name, octets) == 1;
}

static bool
add_names(X509 *x, X509 *ca, const char *const *names, size_t n)
{
	struct buf text;
	bool ok;

	buf_init(&text, 0);
	for (size_t i = 0; i < n && i < CERT_NAMES_MAX; i++)
		buf_addf(&text, "%s%s:%s", i ? "," : "",
			is_address(names[i]) ? "IP" : "DNS", names[i]);
	ok = add_extension(x, ca, NID_subject_alt_name, buf_z(&text));
	buf_free(&text);
	return ok;
}

/* The names of OLD, as they are. */
static bool
copy_names(X509 *x, X509 *old)
{
	int at = X509_get_ext_by_NID(old, NID_subject_alt_name, -1);

	return at >= 0 &&
	       X509_set_subject_name(x, X509_get_subject_name(old)) &&
	       X509_add_ext(x, X509_get_ext(old, at), -1) == 1;
}

static bool
finish(X509 *x, X509 *ca, EVP_PKEY *ca_key)
{
	return X509_set_issuer_name(x, X509_get_subject_name(ca)) &&
	       add_extension(
		       x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(
		       x, ca, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, ca, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x, ca, NID_authority_key_identifier, "keyid") &&
	       X509_sign(x, ca_key, EVP_sha256());
}

/* With NAMES, or (n 0) those of OLD. */
static enum err_code
issue(const struct cert_files *f, const char *const *names, size_t n, X509 *old,
	int64_t now, struct err *e)
{
	X509 *ca = read_certificate(f->ca, e), *x = NULL;
	EVP_PKEY *ca_key = ca ? read_key(f->ca_key, e) : NULL, *key = NULL;
	enum err_code code = ca_key ? key_for(f->key, &key, e) : e->code;

	if (code != OK)
		goto out;
	x = begin(key, now, CERT_DAYS);
	if (!x ||
		(n ? !set_subject(x,
			     strlen(names[0]) <= 64 ? names[0] : "tidepost") ||
					!add_names(x, ca, names, n)
		   : !copy_names(x, old)) ||
		!finish(x, ca, ca_key))
		code = library_failed(f->certificate, e);
	else if (!issued(ca, x))
		code = err_set(e, ERR_INVALID, "%s is not the key of %s",
			f->ca_key, f->ca);
	else
		code = write_certificate(f->certificate, x, e);
out:
	X509_free(ca);
	X509_free(x);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return code;
}

enum err_code
cert_issue(const struct cert_files *f, const char *const *names, size_t n,
	int64_t now, struct err *e)
{
	return issue(f, names, n, NULL, now, e);
}

static bool
ends_before(X509 *x, int64_t when)
{
	time_t t = (time_t)when;

	return X509_cmp_time(X509_get0_notAfter(x), &t) < 0;
}

enum err_code
cert_renew(const struct cert_files *f, int64_t now, bool *done_r, struct err *e)
{
	X509 *old;
	enum err_code code;

	*done_r = false;
	if (access(f->ca_key, R_OK) != 0 || !cert_is_ours(f))
		return OK;
	old = read_certificate(f->certificate, e);
	if (!old || !ends_before(old, now + (int64_t)CERT_RENEW_DAYS * DAY_S)) {
		X509_free(old);
		return OK;
	}
	code = issue(f, NULL, 0, old, now, e);
	*done_r = code == OK;
	X509_free(old);
	return code;
}

/* --- looking --- */

static bool
digest_key(X509 *x, unsigned char key_r[CERT_KEY_OCTETS])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, key_r, NULL, EVP_sha256(),
				   NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

enum err_code
cert_look(const char *file, unsigned char key_r[CERT_KEY_OCTETS],
	int64_t *ends_r, struct err *e)
{
	X509 *x = read_certificate(file, e);
	enum err_code code = OK;
	struct tm tm = {0};

	if (!x)
		return e->code;
	if (!digest_key(x, key_r) ||
		!ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm))
		code = library_failed(file, e);
	*ends_r = timegm(&tm);
	X509_free(x);
	return code;
}
