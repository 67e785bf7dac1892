#include "net/tls.h"

#include "base/str.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * TLS 1.2: forward secrecy always, AEAD first (RFC 9325 4.1, 4.2); CBC last,
 * for old mail servers that have nothing better. TLS 1.3 has OpenSSL's list.
 */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM:"
			      "ECDHE+AES:!aNULL:!eNULL";

/* Offsets in a ticket key. */
enum { KEY_NAME = 0, KEY_AES = 16, KEY_HMAC = 48 };

static void
shared_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
	void *argp)
{
	struct tls_shared *sh = ptr;

	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!sh)
		return;
	if (sh->keys)
		OPENSSL_cleanse(sh->keys, sh->keys_n * sizeof(*sh->keys));
	free(sh->keys);
	free(sh->ca_file);
	free(sh);
}

static int
shared_index(void)
{
	static int index = -1; /* contexts are made on one thread */

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(
			0, NULL, NULL, NULL, shared_free);
	return index;
}

struct tls_shared *
tls_shared_of(const SSL_CTX *ctx)
{
	return SSL_CTX_get_ex_data(ctx, shared_index());
}

/* The newest reason OpenSSL has, in words; empties its queue. */
static const char *
openssl_words(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *words = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return words ? words : "unknown error";
}

static enum err_code
file_check(const char *what, const char *path, struct err *e)
{
	if (!path || !*path)
		return err_set(e, ERR_CONFIG, "no %s is set", what);
	if (access(path, R_OK) == 0)
		return OK;
	return err_set(e, errno == EACCES ? ERR_PERM : ERR_CONFIG, "%s %s: %s",
		what, path, strerror(errno));
}

enum err_code
tls_load_ca(SSL_CTX *ctx, struct err *e)
{
	struct tls_shared *sh = tls_shared_of(ctx);
	enum err_code code;

	if (sh->ca_loaded)
		return OK;
	if (!sh->ca_file) {
		SSL_CTX_set_default_verify_paths(ctx);
		sh->ca_loaded = true;
		return OK;
	}
	code = file_check("CA file", sh->ca_file, e);
	if (code != OK)
		return code;
	if (SSL_CTX_load_verify_file(ctx, sh->ca_file) != 1)
		return err_set(e, ERR_CONFIG, "CA file %s: %s", sh->ca_file,
			openssl_words());
	sh->ca_loaded = true;
	return OK;
}

static enum err_code
set_min_version(SSL_CTX *ctx, const char *version, struct err *e)
{
	int min = TLS1_2_VERSION;

	if (version && strcmp(version, "1.3") == 0)
		min = TLS1_3_VERSION;
	else if (version && strcmp(version, "1.2") != 0)
		return err_set(e, ERR_CONFIG,
			"TLS version %s: \"1.2\" or \"1.3\" is possible",
			version);
	SSL_CTX_set_min_proto_version(ctx, min);
	return OK;
}

static enum err_code
ctx_new(const SSL_METHOD *method, const char *min_version, SSL_CTX **ctx_r,
	struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	struct tls_shared *sh = xcalloc(1, sizeof(*sh));
	enum err_code code;

	if (!ctx || !SSL_CTX_set_ex_data(ctx, shared_index(), sh)) {
		free(sh);
		SSL_CTX_free(ctx);
		return err_set(e, ERR_NOMEM, "TLS: %s", openssl_words());
	}
	/*
	 * OpenSSL 3 calls a close without close_notify an error. SMTP frames
	 * itself, so nothing can be cut off unseen: it is an end of stream.
	 */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_timeout(ctx, TLS_SESSION_S);
	code = set_min_version(ctx, min_version, e);
	if (code == OK && SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		code = err_set(e, ERR_CONFIG, "TLS: no cipher is left: %s",
			openssl_words());
	if (code != OK) {
		SSL_CTX_free(ctx);
		return code;
	}
	*ctx_r = ctx;
	return OK;
}

/* A key with a pass phrase cannot be used: nobody is there to type it. */
static int
no_pass_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

static enum err_code
load_key(SSL_CTX *ctx, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = NULL;
	bool encrypted = false;
	enum err_code code = OK;

	if (!f)
		return err_set(
			e, ERR_CONFIG, "key %s: %s", path, strerror(errno));
	key = PEM_read_PrivateKey(f, NULL, no_pass_phrase, &encrypted);
	fclose(f);
	if (encrypted)
		code = err_set(e, ERR_CONFIG,
			"key %s: has a pass phrase; remove it with "
			"\"openssl pkey\"",
			path);
	else if (!key)
		code = err_set(e, ERR_CONFIG,
			"key %s: there is no private key in PEM form", path);
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		code = err_set(e, ERR_CONFIG,
			"key %s: does not belong to the certificate (%s)", path,
			openssl_words());
	EVP_PKEY_free(key);
	ERR_clear_error();
	return code;
}

static enum err_code
load_identity(
	SSL_CTX *ctx, const char *certificate, const char *key, struct err *e)
{
	enum err_code code = file_check("certificate", certificate, e);

	if (code == OK)
		code = file_check("key", key, e);
	if (code != OK)
		return code;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return err_set(e, ERR_CONFIG,
			"certificate %s: no certificate in PEM form (%s)",
			certificate, openssl_words());
	return load_key(ctx, key, e);
}

static const unsigned char *
ticket_key_find(const struct tls_shared *sh, const unsigned char name[16])
{
	for (size_t i = 0; i < sh->keys_n; i++)
		if (CRYPTO_memcmp(sh->keys[i] + KEY_NAME, name, 16) == 0)
			return sh->keys[i];
	return NULL;
}

static bool
ticket_key_use(const unsigned char *key, const unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	static char digest[] = "SHA256";
	unsigned char hmac_key[32];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_MAC_PARAM_KEY, hmac_key, sizeof(hmac_key)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	bool ok;

	memcpy(hmac_key, key + KEY_HMAC, sizeof(hmac_key));
	ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + KEY_AES,
		     iv, enc) == 1 &&
	     EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(hmac_key, sizeof(hmac_key));
	return ok;
}

/*
 * SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 use, 2 use and renew, 0 no such
 * key (a full handshake follows), -1 error.
 */
static int
on_ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	const struct tls_shared *sh = tls_shared_of(SSL_get_SSL_CTX(ssl));
	const unsigned char *key = sh->keys[0];

	if (enc) {
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		memcpy(name, key + KEY_NAME, 16);
		return ticket_key_use(key, iv, cipher, mac, 1) ? 1 : -1;
	}
	key = ticket_key_find(sh, name);
	if (!key)
		return 0;
	if (!ticket_key_use(key, iv, cipher, mac, 0))
		return -1;
	/* In TLS 1.3 a ticket is used once, so each one is renewed. */
	return key != sh->keys[0] || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
}

static void
set_sessions(SSL_CTX *ctx, const struct tls_server_conf *conf)
{
	static const unsigned char context[] = "tidepost";
	struct tls_shared *sh = tls_shared_of(ctx);

	/* Sessions live in tickets alone, so they survive a restart. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
	if (conf->ticket_keys_n == 0)
		return;
	sh->keys = xcalloc(conf->ticket_keys_n, sizeof(*sh->keys));
	memcpy(sh->keys, conf->ticket_keys,
		conf->ticket_keys_n * sizeof(*sh->keys));
	sh->keys_n = conf->ticket_keys_n;
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key);
}

enum err_code
tls_server_new(const struct tls_server_conf *conf, struct tls_server **server_r,
	struct err *e)
{
	SSL_CTX *ctx;
	enum err_code code =
		ctx_new(TLS_server_method(), conf->min_version, &ctx, e);

	if (code != OK)
		return code;
	code = load_identity(ctx, conf->certificate, conf->key, e);
	if (code == OK && conf->ca_file)
		code = file_check("CA file", conf->ca_file, e);
	if (code != OK) {
		SSL_CTX_free(ctx);
		return code;
	}
	set_sessions(ctx, conf);
	if (conf->ca_file) {
		tls_shared_of(ctx)->ca_file = str_dupz(conf->ca_file);
		tls_shared_of(ctx)->has_ca = true;
		/*
		 * Asked for, not required. The names of the authorities are
		 * not sent: a system's list has 20 KB.
		 */
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, tls_verify_client, NULL);
	}
	*server_r = xcalloc(1, sizeof(**server_r));
	(*server_r)->ctx = ctx;
	return OK;
}

void
tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->ctx); /* connections keep it as long as they need */
	free(s);
}

enum err_code
tls_client_new(const struct tls_client_conf *conf, struct tls_client **client_r,
	struct err *e)
{
	SSL_CTX *ctx;
	enum err_code code =
		ctx_new(TLS_client_method(), conf->min_version, &ctx, e);

	if (code != OK)
		return code;
	if (conf->ca_file)
		tls_shared_of(ctx)->ca_file = str_dupz(conf->ca_file);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify_server, NULL);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, tls_conn_new_session);
	SSL_CTX_dane_enable(ctx);
	*client_r = xcalloc(1, sizeof(**client_r));
	(*client_r)->ctx = ctx;
	return OK;
}

void
tls_client_free(struct tls_client *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->identities_n; i++) {
		SSL_CTX_free(c->identities[i].ctx);
		free(c->identities[i].certificate);
	}
	free(c->identities);
	SSL_CTX_free(c->ctx);
	free(c);
}

enum err_code
tls_client_identity(struct tls_client *c, const char *certificate,
	const char *key, struct err *e)
{
	struct tls_identity identity = {.certificate = NULL};
	enum err_code code;

	identity.ctx = SSL_CTX_new(TLS_client_method());
	if (!identity.ctx)
		return err_set(e, ERR_NOMEM, "TLS: %s", openssl_words());
	code = load_identity(identity.ctx, certificate, key, e);
	if (code == OK && X509_digest(SSL_CTX_get0_certificate(identity.ctx),
				  EVP_sha256(), identity.digest, NULL) != 1)
		code = err_set(e, ERR_CONFIG, "certificate %s: %s", certificate,
			openssl_words());
	if (code != OK) {
		SSL_CTX_free(identity.ctx);
		return code;
	}
	identity.certificate = str_dupz(certificate);
	c->identities = xrealloc(
		c->identities, (c->identities_n + 1) * sizeof(*c->identities));
	c->identities[c->identities_n++] = identity;
	return OK;
}

const char *
tls_library(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "openssl %s",
		OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
	return text;
}
