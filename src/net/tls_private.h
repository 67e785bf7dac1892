/*
 * TLS between tls.c (contexts), tls_verify.c (certificates) and tls_conn.c
 * (one connection), and what stream.c calls. Nobody else includes this.
 */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include "net/sock.h"
#include "net/tls.h"

#include <openssl/ssl.h>

enum {
	TLS_WHY_MAX = 320,
	TLS_TICKETS_MAX = 4,	   /* kept on a stream until told */
	TLS_TICKET_MAX = 16384,	   /* octets of a session, longer is dropped */
	TLS_RECORD_MAX = 16384,	   /* octets in one record of TLS */
	TLS_SESSION_S = 7 * 86400, /* the most TLS 1.3 allows a ticket */
};

/*
 * What a context and the connections made from it share; it lives as long as
 * the longest of them, as ex_data of the SSL_CTX.
 */
struct tls_shared {
	char *ca_file;	/* NULL: the system's own */
	bool ca_loaded; /* once, on first use */
	bool has_ca;	/* server: ask for certificates of clients */
	size_t keys_n;
	unsigned char (*keys)[80];
};

struct tls_shared *tls_shared_of(const SSL_CTX *ctx);
/* Loads the CA file if that was not done yet. */
enum err_code tls_load_ca(SSL_CTX *ctx, struct err *e);

struct tls_server {
	SSL_CTX *ctx;
};

/* Who we are to some peers. */
struct tls_identity {
	char *certificate;	  /* its file, by which it is known; owned */
	SSL_CTX *ctx;		  /* holds certificate, chain and key */
	unsigned char digest[32]; /* of the certificate */
};

struct tls_client {
	SSL_CTX *ctx;
	struct tls_identity *identities;
	size_t identities_n;
};

enum tls_step {
	TLS_OK,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_EOF,    /* with or without close_notify */
	TLS_SOCKET, /* the socket failed: sock.error */
	TLS_FAILED, /* tls_conn_why says it */
};

struct tls_conn {
	SSL *ssl;
	struct sock *sock; /* borrowed */
	bool is_server, up;
	bool has_identity; /* client: a certificate of ours */
	bool shown;	   /* client: the peer asked for our certificate */
	bool verified;	   /* by the certificate callback, or with the ticket */
	enum tls_verify verify;
	unsigned char pin[TLS_PIN_BYTES], accept[TLS_PIN_BYTES];
	bool has_accept;
	bool has_seen; /* client: SEEN is what the peer showed */
	struct tls_certificate seen;
	char *name; /* client: to verify; may be "" */
	unsigned char policy_id[32];
	void (*ticket_fn)(void *arg, struct str session);
	void *ticket_arg;
	struct buf *tickets; /* TLS_TICKETS_MAX, not yet told */
	size_t tickets_n;
	char why[TLS_WHY_MAX];
};

struct tls_conn *tls_conn_accept(struct tls_server *server, struct sock *sock);
/* NULL: E says why. */
struct tls_conn *tls_conn_connect(struct tls_client *client,
	const struct tls_policy *policy, struct sock *sock, struct err *e);
void tls_conn_free(struct tls_conn *c);

enum tls_step tls_conn_handshake(struct tls_conn *c);
enum tls_step tls_conn_read(struct tls_conn *c, void *p, size_t n, size_t *n_r);
enum tls_step tls_conn_write(
	struct tls_conn *c, const void *p, size_t n, size_t *n_r);
bool tls_conn_has_more(const struct tls_conn *c); /* octets inside OpenSSL */
void tls_conn_bye(struct tls_conn *c);		  /* close_notify, once */
const char *tls_conn_why(const struct tls_conn *c);
void tls_conn_facts(const struct tls_conn *c, struct tls_facts *facts_r);
/*
 * Takes a session that arrived; the caller frees OUT_R and tells the fn.
 */
bool tls_conn_take_ticket(struct tls_conn *c, struct buf *out_r);

/* For SSL_CTX_set_cert_verify_callback. */
int tls_verify_server(X509_STORE_CTX *x, void *arg);
int tls_verify_client(X509_STORE_CTX *x, void *arg);
/* What CERTIFICATE is. False: its key cannot be read. */
bool tls_verify_look(const X509 *certificate, struct tls_certificate *seen_r);
/* The date of the certificate kept with SESSION is still good. */
bool tls_verify_session(const SSL_SESSION *session);
/* The name of a verified client: its common name, else its first DNS name. */
void tls_verify_subject(X509 *certificate, char *out_r, size_t size);

/* For SSL_CTX_sess_set_new_cb. */
int tls_conn_new_session(SSL *ssl, SSL_SESSION *session);

#endif
