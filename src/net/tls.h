/*
 * TLS for streams: the only place that sets OpenSSL up for connections.
 *
 * Certificates are checked against clock_sane_s(), so a node whose clock is
 * below the floor can still send (names and chains are checked as ever).
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/tls_facts.h"

#include <stdint.h>

enum { TLS_PIN_BYTES = 32 };

/* "openssl 3.0.17" */
const char *tls_library(void);

struct tls_server; /* shared by listeners, replaced whole on reload */
struct tls_client; /* CA store and settings, shared by all peers */

struct tls_server_conf {
	const char *certificate, *key; /* PEM files; the chain in certificate */
	const char *ca_file;	 /* for client certificates; may be NULL */
	const char *min_version; /* "1.2" or "1.3" */
	/*
	 * Keys of session tickets, newest first, 80 octets each (name 16, AES
	 * 32, HMAC 32); the first makes tickets, all open them. Copied.
	 */
	const unsigned char (*ticket_keys)[80];
	size_t ticket_keys_n;
};

/* Errors name the file and what is wrong with it. */
enum err_code tls_server_new(const struct tls_server_conf *conf,
	struct tls_server **server_r, struct err *e);
void tls_server_free(struct tls_server *s);

struct tls_client_conf {
	const char *ca_file; /* loaded on the first connection that needs it */
	const char *min_version;
};

enum err_code tls_client_new(const struct tls_client_conf *conf,
	struct tls_client **client_r, struct err *e);
void tls_client_free(struct tls_client *c);
/*
 * Reads a certificate (PEM, the chain in it) and its key, to be shown to the
 * peers whose policy names them. Errors name the file and what is wrong.
 */
enum err_code tls_client_identity(struct tls_client *c, const char *certificate,
	const char *key, struct err *e);

enum tls_verify {
	TLS_VERIFY_NAME,
	TLS_VERIFY_NONE,
	TLS_VERIFY_PIN,
	TLS_VERIFY_DANE, /* by the records of the policy, which has some */
};

/* What the peer's certificate is, whether it was found good or not. */
struct tls_certificate {
	unsigned char key[TLS_PIN_BYTES]; /* SHA-256 of its public key */
	int64_t ends;			  /* good until, wall time */
};

/* The first certificate (PEM) in FILE. False: there is none to read. */
bool tls_certificate_read(const char *file, struct tls_certificate *seen_r);

/* Eight records are more than anybody publishes for one host. */
enum { TLS_TLSA_MAX = 8 };

/* A TLSA record (RFC 6698 2.1). */
struct tls_tlsa {
	unsigned char usage, selector, matching;
	unsigned char digest[64];
	size_t octets;
};

/*
 * What a host promises in its signed zone (RFC 7672): REQUIRED: it has TLS.
 * Where N is not 0, it is verified by one of the records and nothing else.
 */
struct tls_dane {
	bool required;
	struct tls_tlsa v[TLS_TLSA_MAX];
	size_t n;
};

/* How one connection as client is checked. Texts borrowed until tls_up. */
struct tls_policy {
	const char *name; /* SNI and the name to verify (RFC 6125, 7817) */
	enum tls_verify verify;
	unsigned char pin[TLS_PIN_BYTES]; /* SHA-256 of the public key (SPKI) */
	/*
	 * A key (as PIN) that a person accepted: with it the peer is verified
	 * whatever VERIFY says. NULL: none.
	 */
	const unsigned char *accept;
	const struct tls_dane *dane; /* for TLS_VERIFY_DANE */
	/*
	 * What to show to a peer that asks for a certificate: a file known by
	 * tls_client_identity; NULL: nothing.
	 */
	const char *certificate;
	/*
	 * A session kept from before, as ticket_fn gave it; empty: none. One of
	 * another name, verify, pin or certificate, or a damaged one, is not
	 * used.
	 */
	struct str ticket;
	/*
	 * A session worth keeping arrived (any time on the stream, also after
	 * each resumption, so every ticket may be used once and dropped).
	 */
	void (*ticket_fn)(void *arg, struct str session);
	void *ticket_arg;
};

#endif
