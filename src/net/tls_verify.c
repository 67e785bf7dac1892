/* Checking certificates, and saying in plain words what is wrong. */
#include "net/tls_private.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	NAMES_SHOWN_MAX = 3, /* of a certificate for another name */
	NAME_TEXT_MAX = 256,
};

static struct tls_conn *
conn_of(X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		x, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_get_app_data(ssl);
}

/* Text of a certificate is a stranger's: printable ASCII only. */
static bool
name_text(const ASN1_STRING *name, char *out_r, size_t size)
{
	const unsigned char *p = ASN1_STRING_get0_data(name);
	size_t n = (size_t)ASN1_STRING_length(name);

	if (n == 0 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] <= ' ' || p[i] > '~')
			return false;
		out_r[i] = (char)p[i];
	}
	out_r[n] = '\0';
	return true;
}

static bool
common_name(const X509_NAME *name, char *out_r, size_t size)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at < 0)
		return false;
	return name_text(
		X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), out_r,
		size);
}

static bool
general_name_text(const GENERAL_NAME *g, char *out_r, size_t size)
{
	int family;

	if (g->type == GEN_DNS)
		return name_text(g->d.dNSName, out_r, size);
	if (g->type != GEN_IPADD)
		return false;
	family = ASN1_STRING_length(g->d.iPAddress) == 4 ? AF_INET : AF_INET6;
	if (family == AF_INET6 && ASN1_STRING_length(g->d.iPAddress) != 16)
		return false;
	return inet_ntop(family, ASN1_STRING_get0_data(g->d.iPAddress), out_r,
		(socklen_t)size);
}

/* "a.example, b.example and others": whom CERTIFICATE is for. */
static void
names_text(X509 *certificate, char *out_r, size_t size)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	char one[NAME_TEXT_MAX];
	size_t at = 0;
	int shown = 0, n = names ? sk_GENERAL_NAME_num(names) : 0;

	out_r[0] = '\0';
	for (int i = 0; i < n && shown <= NAMES_SHOWN_MAX; i++) {
		const char *text = "others";

		if (!general_name_text(
			    sk_GENERAL_NAME_value(names, i), one, sizeof(one)))
			continue;
		if (shown < NAMES_SHOWN_MAX)
			text = one;
		if (at < size)
			at += (size_t)snprintf(out_r + at, size - at, "%s%s",
				shown == 0		  ? ""
				: shown < NAMES_SHOWN_MAX ? ", "
							  : " and ",
				text);
		shown++;
	}
	GENERAL_NAMES_free(names);
	if (shown == 0 &&
		!common_name(X509_get_subject_name(certificate), out_r, size))
		str_copyz(out_r, size, "no name");
}

static void
date_text(const ASN1_TIME *date, char out_r[CLOCK_TEXT_MAX])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(date, &tm))
		clock_rfc3339((int64_t)timegm(&tm), out_r);
	else
		str_copyz(out_r, CLOCK_TEXT_MAX, "an unreadable date");
}

static void
why_date(struct tls_conn *c, X509 *certificate, int depth, int error)
{
	bool expired = error == X509_V_ERR_CERT_HAS_EXPIRED;
	const char *whose =
		depth == 0 ? "certificate" : "certificate of its authority";
	char date[CLOCK_TEXT_MAX];

	date_text(expired ? X509_get0_notAfter(certificate)
			  : X509_get0_notBefore(certificate),
		date);
	if (expired)
		snprintf(c->why, sizeof(c->why), "%s expired on %s", whose,
			date);
	else
		snprintf(c->why, sizeof(c->why),
			"%s is not valid before %s (is this host's clock "
			"right?)",
			whose, date);
}

static void
why_unknown_issuer(struct tls_conn *c, X509 *certificate)
{
	char issuer[NAME_TEXT_MAX];
	const ASN1_STRING *cn = NULL;
	int at = X509_NAME_get_index_by_NID(
		X509_get_issuer_name(certificate), NID_commonName, -1);
	size_t n = 0;

	if (at >= 0)
		cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(
			X509_get_issuer_name(certificate), at));
	/* Blanks are usual in the name of an authority. */
	for (int i = 0; cn && i < ASN1_STRING_length(cn); i++) {
		unsigned char ch = ASN1_STRING_get0_data(cn)[i];

		if (n + 1 < 100)
			issuer[n++] = ch >= ' ' && ch <= '~' ? (char)ch : '?';
	}
	issuer[n] = '\0';
	snprintf(c->why, sizeof(c->why),
		"certificate is from an authority that is not trusted%s%s",
		n ? ": " : "", issuer);
}

static void
why_chain(struct tls_conn *c, X509_STORE_CTX *x)
{
	int error = X509_STORE_CTX_get_error(x);
	X509 *at = X509_STORE_CTX_get_current_cert(x);
	X509 *leaf = X509_STORE_CTX_get0_cert(x);
	char names[NAME_TEXT_MAX];

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		why_date(c, at ? at : leaf, X509_STORE_CTX_get_error_depth(x),
			error);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(c->why, sizeof(c->why), "self-signed certificate");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		why_unknown_issuer(c, at ? at : leaf);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_text(leaf, names, sizeof(names));
		snprintf(c->why, sizeof(c->why),
			"certificate is for %.120s, not for %.120s", names,
			c->name);
		break;
	case X509_V_ERR_DANE_NO_MATCH:
		snprintf(c->why, sizeof(c->why),
			"certificate is not what the TLSA records of %.200s "
			"promise",
			c->name);
		break;
	default:
		snprintf(c->why, sizeof(c->why), "certificate: %s",
			X509_verify_cert_error_string(error));
		break;
	}
}

static bool
key_digest(const X509 *certificate, unsigned char out_r[TLS_PIN_BYTES])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, out_r, NULL, EVP_sha256(),
				   NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

static int64_t
end_of(const X509 *certificate)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm)
		       ? (int64_t)timegm(&tm)
		       : 0;
}

bool
tls_verify_look(const X509 *certificate, struct tls_certificate *seen_r)
{
	seen_r->ends = end_of(certificate);
	return key_digest(certificate, seen_r->key);
}

bool
tls_certificate_read(const char *file, struct tls_certificate *seen_r)
{
	FILE *f = fopen(file, "re");
	X509 *certificate = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	bool ok = certificate && tls_verify_look(certificate, seen_r);

	X509_free(certificate);
	if (f)
		fclose(f);
	ERR_clear_error();
	return ok;
}

static void
hex_text(
	const unsigned char key[TLS_PIN_BYTES], char out[2 * TLS_PIN_BYTES + 1])
{
	for (size_t i = 0; i < TLS_PIN_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", key[i]);
}

static bool
key_is_pinned(struct tls_conn *c)
{
	char pinned[2 * TLS_PIN_BYTES + 1], hex[2 * TLS_PIN_BYTES + 1];

	if (!c->has_seen) {
		snprintf(c->why, sizeof(c->why),
			"the key of the certificate cannot be read");
		return false;
	}
	if (memcmp(c->seen.key, c->pin, sizeof(c->pin)) == 0)
		return true;
	hex_text(c->pin, pinned);
	hex_text(c->seen.key, hex);
	snprintf(c->why, sizeof(c->why),
		"the peer's key is not the pinned one: its SHA-256 is %s, not "
		"%s",
		hex, pinned);
	return false;
}

static bool
key_is_accepted(const struct tls_conn *c)
{
	return c->has_accept && c->has_seen &&
	       memcmp(c->seen.key, c->accept, sizeof(c->accept)) == 0;
}

/* We are the client. */
int
tls_verify_server(X509_STORE_CTX *x, void *arg)
{
	struct tls_conn *c = conn_of(x);

	(void)arg;
	c->has_seen = tls_verify_look(X509_STORE_CTX_get0_cert(x), &c->seen);
	if (c->verify != TLS_VERIFY_NONE && key_is_accepted(c)) {
		ERR_clear_error();
		return c->verified = true;
	}
	switch (c->verify) {
	case TLS_VERIFY_NONE:
		return 1;
	case TLS_VERIFY_PIN:
		c->verified = key_is_pinned(c);
		if (!c->verified)
			X509_STORE_CTX_set_error(x, X509_V_ERR_CERT_REJECTED);
		break;
	case TLS_VERIFY_NAME:
	case TLS_VERIFY_DANE:
		c->verified = X509_verify_cert(x) == 1;
		if (!c->verified)
			why_chain(c, x);
		break;
	}
	ERR_clear_error();
	return c->verified;
}

/*
 * We are the server: a client whose certificate proves nothing is a client
 * without one. The result stays with the session, for resumption too.
 */
int
tls_verify_client(X509_STORE_CTX *x, void *arg)
{
	struct tls_conn *c = conn_of(x);
	struct err e;

	(void)arg;
	if (tls_load_ca(SSL_get_SSL_CTX(c->ssl), &e) != OK)
		X509_STORE_CTX_set_error(x, X509_V_ERR_STORE_LOOKUP);
	else
		X509_verify_cert(x);
	ERR_clear_error();
	return 1;
}

static bool
dates_are_good(const X509 *certificate)
{
	time_t now = (time_t)clock_sane_s();

	return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

bool
tls_verify_session(const SSL_SESSION *session)
{
	X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)session);

	return peer && dates_are_good(peer);
}

void
tls_verify_subject(X509 *certificate, char *out_r, size_t size)
{
	GENERAL_NAMES *names;

	out_r[0] = '\0';
	if (common_name(X509_get_subject_name(certificate), out_r, size))
		return;
	names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		if (general_name_text(
			    sk_GENERAL_NAME_value(names, i), out_r, size))
			break;
	GENERAL_NAMES_free(names);
}
