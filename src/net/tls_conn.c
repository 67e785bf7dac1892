/* One TLS connection over a counted socket. */
#include "net/tls_private.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where TLS alerts begin among the reasons of OpenSSL (ssl/sslerr.h). */
enum { ALERT_REASON = SSL_AD_REASON_OFFSET };

static int
bio_read(BIO *bio, char *p, int n)
{
	ssize_t got = sock_recv(BIO_get_data(bio), p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return (int)got;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
	ssize_t put = sock_send(BIO_get_data(bio), p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (put < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)put;
}

static long
bio_ctrl(BIO *bio, int command, long num, void *ptr)
{
	const struct sock *sock = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	if (command == BIO_CTRL_EOF)
		return sock->eof;
	return command == BIO_CTRL_FLUSH;
}

static const BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD *method; /* one for the life of the program */

	if (method)
		return method;
	method = BIO_meth_new(
		BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "counted socket");
	if (!method)
		abort();
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

/* A connection of CTX over SOCK. Aborts without memory, as xmalloc does. */
static struct tls_conn *
conn_new(SSL_CTX *ctx, struct sock *sock)
{
	struct tls_conn *c = xcalloc(1, sizeof(*c));
	BIO *bio = BIO_new(bio_method());

	c->sock = sock;
	c->ssl = SSL_new(ctx);
	if (!bio || !c->ssl)
		abort();
	BIO_set_data(bio, sock);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_app_data(c->ssl, c);
	X509_VERIFY_PARAM_set_time(
		SSL_get0_param(c->ssl), (time_t)clock_sane_s());
	return c;
}

struct tls_conn *
tls_conn_accept(struct tls_server *server, struct sock *sock)
{
	struct tls_conn *c = conn_new(server->ctx, sock);

	c->is_server = true;
	SSL_set_accept_state(c->ssl);
	return c;
}

/* A ticket is used again only under the policy it was made under. */
static void
policy_digest(const struct tls_conn *c, const struct tls_identity *identity,
	unsigned char out_r[32])
{
	unsigned char text[1 + 2 * TLS_PIN_BYTES + 256 + 32] = {0};
	size_t n = strlen(c->name) < 256 ? strlen(c->name) : 256;

	text[0] = (unsigned char)c->verify;
	if (c->verify == TLS_VERIFY_PIN)
		memcpy(text + 1, c->pin, TLS_PIN_BYTES);
	if (c->has_accept)
		memcpy(text + 1 + TLS_PIN_BYTES, c->accept, TLS_PIN_BYTES);
	memcpy(text + 1 + 2 * TLS_PIN_BYTES, c->name, n);
	if (identity)
		memcpy(text + sizeof(text) - 32, identity->digest, 32);
	EVP_Digest(text, sizeof(text), out_r, NULL, EVP_sha256(), NULL);
}

static void
conn_set_ticket(struct tls_conn *c, struct str ticket)
{
	const unsigned char *p = (const unsigned char *)ticket.p;
	SSL_SESSION *session;

	if (ticket.n <= sizeof(c->policy_id) ||
		memcmp(p, c->policy_id, sizeof(c->policy_id)) != 0)
		return;
	p += sizeof(c->policy_id);
	session = d2i_SSL_SESSION(
		NULL, &p, (long)(ticket.n - sizeof(c->policy_id)));
	/* Without a certificate that is still good: a whole handshake. */
	if (session &&
		(c->verify != TLS_VERIFY_NAME || tls_verify_session(session)))
		SSL_set_session(c->ssl, session);
	SSL_SESSION_free(session);
	ERR_clear_error(); /* a damaged ticket is no ticket */
}

static bool
is_ip_literal(const char *name)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, name, octets) == 1 ||
	       inet_pton(AF_INET6, name, octets) == 1;
}

/* The name for SNI (never an IP address) and for the check. */
static void
conn_set_name(struct tls_conn *c)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);

	if (!*c->name)
		return;
	if (is_ip_literal(c->name)) {
		X509_VERIFY_PARAM_set1_ip_asc(param, c->name);
		return;
	}
	SSL_set_tlsext_host_name(c->ssl, c->name);
	/* RFC 7817 3: "*" only as the whole left-most label. */
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	X509_VERIFY_PARAM_set1_host(param, c->name, 0);
}

/* --- who we are ----------------------------------------------------------- */

static const struct tls_identity *
find_identity(const struct tls_client *client, const char *certificate)
{
	for (size_t i = 0; certificate && i < client->identities_n; i++)
		if (strcmp(client->identities[i].certificate, certificate) == 0)
			return &client->identities[i];
	return NULL;
}

/* SSL_set_cert_cb(3): the peer asks who we are. */
static int
on_asked(SSL *ssl, void *arg)
{
	struct tls_conn *c = SSL_get_app_data(ssl);

	(void)arg;
	c->shown = true;
	return 1;
}

static bool
conn_set_identity(struct tls_conn *c, const struct tls_identity *identity)
{
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(identity->ctx, &chain);
	SSL_set_cert_cb(c->ssl, on_asked, NULL);
	return SSL_use_cert_and_key(c->ssl,
		       SSL_CTX_get0_certificate(identity->ctx),
		       SSL_CTX_get0_privatekey(identity->ctx), chain, 1) == 1;
}

/*
 * RFC 7672 3.1: a key that the zone names is good whatever name and dates stand
 * in its certificate.
 */
static bool
conn_set_dane(struct tls_conn *c, const struct tls_dane *d)
{
	size_t usable = 0;

	if (SSL_dane_enable(c->ssl, c->name) != 1)
		return false;
	SSL_dane_set_flags(c->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < d->n; i++)
		usable += SSL_dane_tlsa_add(c->ssl, d->v[i].usage,
				  d->v[i].selector, d->v[i].matching,
				  d->v[i].digest, d->v[i].octets) == 1;
	return usable > 0;
}

struct tls_conn *
tls_conn_connect(struct tls_client *client, const struct tls_policy *policy,
	struct sock *sock, struct err *e)
{
	struct tls_conn *c;
	struct str name = str_of(policy->name);
	const struct tls_identity *identity =
		find_identity(client, policy->certificate);

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (policy->verify == TLS_VERIFY_NAME) {
		if (name.n == 0) {
			err_set(e, ERR_INVALID, "no name to verify");
			return NULL;
		}
		if (tls_load_ca(client->ctx, e) != OK)
			return NULL;
	}
	c = conn_new(client->ctx, sock);
	c->verify = policy->verify;
	memcpy(c->pin, policy->pin, sizeof(c->pin));
	c->has_accept = policy->accept != NULL;
	if (policy->accept)
		memcpy(c->accept, policy->accept, sizeof(c->accept));
	c->name = str_dup(name);
	c->ticket_fn = policy->ticket_fn;
	c->ticket_arg = policy->ticket_arg;
	policy_digest(c, identity, c->policy_id);
	if (identity && !conn_set_identity(c, identity)) {
		err_set(e, ERR_CONFIG, "certificate %s cannot be used",
			policy->certificate);
		tls_conn_free(c);
		ERR_clear_error();
		return NULL;
	}
	c->has_identity = identity != NULL;
	conn_set_name(c);
	if (c->verify == TLS_VERIFY_DANE && !conn_set_dane(c, policy->dane)) {
		err_set(e, ERR_INVALID, "no TLSA record of %.200s can be used",
			c->name);
		tls_conn_free(c);
		ERR_clear_error();
		return NULL;
	}
	conn_set_ticket(c, policy->ticket);
	SSL_set_connect_state(c->ssl);
	return c;
}

void
tls_conn_free(struct tls_conn *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->tickets_n; i++)
		buf_free(&c->tickets[i]);
	free(c->tickets);
	SSL_free(c->ssl);
	free(c->name);
	free(c);
}

int
tls_conn_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_conn *c = SSL_get_app_data(ssl);
	int n = i2d_SSL_SESSION(session, NULL);
	unsigned char *der, *p;
	struct buf *b;

	if (!c->ticket_fn || n <= 0 || n > TLS_TICKET_MAX ||
		c->tickets_n == TLS_TICKETS_MAX ||
		!SSL_SESSION_is_resumable(session))
		return 0;
	if (!c->tickets)
		c->tickets = xcalloc(TLS_TICKETS_MAX, sizeof(*c->tickets));
	der = p = xmalloc((size_t)n);
	i2d_SSL_SESSION(session, &p);
	b = &c->tickets[c->tickets_n++];
	buf_init(b, 0);
	buf_add(b, c->policy_id, sizeof(c->policy_id));
	buf_add(b, der, (size_t)n);
	free(der);
	return 0; /* OpenSSL keeps its own reference */
}

bool
tls_conn_take_ticket(struct tls_conn *c, struct buf *out_r)
{
	if (c->tickets_n == 0)
		return false;
	*out_r = c->tickets[0];
	c->tickets_n--;
	memmove(c->tickets, c->tickets + 1, c->tickets_n * sizeof(*c->tickets));
	if (c->tickets_n == 0) {
		free(c->tickets);
		c->tickets = NULL;
	}
	return true;
}

/* An alert the peer sent, in words. */
static const char *
alert_words(int alert)
{
	switch (alert) {
	case SSL_AD_UNKNOWN_CA:
		return "the peer does not trust the authority of our "
		       "certificate";
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_ACCESS_DENIED:
		return "the peer does not accept our certificate";
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "the peer says that our certificate has expired";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "the peer says that our certificate is revoked";
	case SSL_AD_PROTOCOL_VERSION:
		return "the peer wants another version of TLS";
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_INSUFFICIENT_SECURITY:
		return "the peer found no cipher it shares with us";
	case SSL_AD_UNRECOGNIZED_NAME:
		return "the peer does not know the name we asked for";
	default:
		return NULL;
	}
}

/* A reason of OpenSSL that people meet, in plainer words than its own. */
static const char *
reason_words(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_BAD_RECORD_TYPE:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return "what the peer sent is not TLS";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		return "the peer's version of TLS is too old";
	case SSL_R_NO_SHARED_CIPHER:
		return "no cipher is shared with the peer";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the peer closed the connection";
	default:
		return NULL;
	}
}

static void
explain(struct tls_conn *c)
{
	unsigned long code = ERR_peek_error(); /* the first is the cause */
	int reason = ERR_GET_REASON(code);
	const char *words = NULL;

	if (c->why[0])
		return; /* said by the check of the certificate */
	if (c->sock->error)
		words = strerror(c->sock->error);
	else if (c->sock->eof)
		words = "the peer closed the connection";
	else if (reason > ALERT_REASON && reason < ALERT_REASON + 256)
		words = alert_words(reason - ALERT_REASON);
	else if (code)
		words = reason_words(reason);
	if (!words && code)
		words = ERR_reason_error_string(code);
	snprintf(c->why, sizeof(c->why), "%s%s",
		c->up ? "TLS: " : "TLS handshake: ",
		words ? words : "unknown error");
}

/* What the return value RC of an SSL_* call means. */
static enum tls_step
step_of(struct tls_conn *c, int rc)
{
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_NONE:
		return TLS_OK;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	default:
		if (c->sock->error)
			return TLS_SOCKET;
		return c->sock->eof ? TLS_EOF : TLS_FAILED;
	}
}

/* Like step_of; notes the words of what ended the connection. */
static enum tls_step
conn_step(struct tls_conn *c, int rc)
{
	enum tls_step step = step_of(c, rc);

	if (step == TLS_FAILED || (step > TLS_WANT_WRITE && !c->up))
		explain(c);
	ERR_clear_error();
	return step;
}

/* The session went on; it was verified when its ticket was made. */
static void
conn_resumed(struct tls_conn *c)
{
	X509 *peer = SSL_SESSION_get0_peer(SSL_get_session(c->ssl));

	c->verified = c->verify != TLS_VERIFY_NONE;
	if (peer)
		c->has_seen = tls_verify_look(peer, &c->seen);
	/*
	 * In TLS 1.2 OpenSSL tells nothing when a ticket was renewed, and the
	 * old one stays good. Who uses each ticket once gets it back this way.
	 */
	if (SSL_version(c->ssl) < TLS1_3_VERSION)
		tls_conn_new_session(c->ssl, SSL_get0_session(c->ssl));
}

enum tls_step
tls_conn_handshake(struct tls_conn *c)
{
	enum tls_step step;

	ERR_clear_error();
	step = conn_step(c, SSL_do_handshake(c->ssl));
	if (step == TLS_OK) {
		c->up = true;
		if (!c->is_server && SSL_session_reused(c->ssl))
			conn_resumed(c);
	}
	return step;
}

enum tls_step
tls_conn_read(struct tls_conn *c, void *p, size_t n, size_t *n_r)
{
	*n_r = 0;
	ERR_clear_error();
	return conn_step(c, SSL_read_ex(c->ssl, p, n, n_r));
}

enum tls_step
tls_conn_write(struct tls_conn *c, const void *p, size_t n, size_t *n_r)
{
	*n_r = 0;
	ERR_clear_error();
	return conn_step(c, SSL_write_ex(c->ssl, p, n, n_r));
}

bool
tls_conn_has_more(const struct tls_conn *c)
{
	return SSL_pending(c->ssl) > 0;
}

void
tls_conn_bye(struct tls_conn *c)
{
	/* After a fatal error SSL_shutdown must not be called. */
	if (!c->up || c->sock->error || c->why[0])
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const char *
tls_conn_why(const struct tls_conn *c)
{
	return c->why;
}

static void
server_facts(const struct tls_conn *c, struct tls_facts *facts_r)
{
	X509 *peer = SSL_get0_peer_certificate(c->ssl);

	if (!peer || SSL_get_verify_result(c->ssl) != X509_V_OK ||
		!tls_verify_session(SSL_get0_session(c->ssl)))
		return;
	tls_verify_subject(
		peer, facts_r->peer_name, sizeof(facts_r->peer_name));
	facts_r->verified = facts_r->peer_name[0] != '\0';
}

/* RFC 5929 3.1: the first Finished of the last handshake. */
static size_t
first_finished(const struct tls_conn *c, void *out, size_t size)
{
	/* The server is first where a session is resumed. */
	bool ours = c->is_server == SSL_session_reused(c->ssl);

	return ours ? SSL_get_finished(c->ssl, out, size)
		    : SSL_get_peer_finished(c->ssl, out, size);
}

/*
 * RFC 9266 4.2: below TLS 1.3 neither kind binds anything without the
 * extended master secret (RFC 7627).
 */
static void
binding_facts(const struct tls_conn *c, struct tls_facts *facts_r)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	bool old = SSL_version(c->ssl) < TLS1_3_VERSION;
	size_t n;

	if (old && SSL_get_extms_support(c->ssl) != 1)
		return;
	facts_r->has_exporter =
		SSL_export_keying_material(c->ssl, facts_r->cb_exporter,
			sizeof(facts_r->cb_exporter), label, sizeof(label) - 1,
			(const unsigned char *)"", 0, 1) == 1;
	if (!old)
		return;
	n = first_finished(c, facts_r->cb_unique, sizeof(facts_r->cb_unique));
	if (n <= sizeof(facts_r->cb_unique))
		facts_r->cb_unique_n = n;
}

void
tls_conn_facts(const struct tls_conn *c, struct tls_facts *facts_r)
{
	*facts_r = (struct tls_facts){
		.resumed = SSL_session_reused(c->ssl),
	};
	str_copyz(facts_r->version, sizeof(facts_r->version),
		SSL_get_version(c->ssl));
	str_copyz(facts_r->cipher, sizeof(facts_r->cipher),
		SSL_get_cipher_name(c->ssl));
	binding_facts(c, facts_r);
	if (c->is_server) {
		server_facts(c, facts_r);
		return;
	}
	facts_r->shown = c->shown || (facts_r->resumed && c->has_identity);
	facts_r->verified = c->verified;
	if (c->verified)
		str_copyz(facts_r->peer_name, sizeof(facts_r->peer_name),
			c->name);
}
