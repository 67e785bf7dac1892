/*
 * SASL for both sides, by GNU SASL. Pure computation: no files, no sockets.
 *
 * Server: the host looks a name up and hands its verifier in
 * (wire/verifier.h).
 */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include "base/buf.h"
#include "base/tls_facts.h"
#include "wire/verifier.h"

/*
 * NAME's record; false: there is none (the step goes on with a decoy, so
 * that time and replies do not tell).
 */
typedef bool sasl_lookup(
	void *arg, const char *name, struct verifier_pair *pair_r);

enum sasl_step { SASL_MORE, SASL_OK, SASL_FAILED, SASL_SYNTAX };

struct sasl_server;

/*
 * MECH as in sasl_mechs_server(); NULL: unknown, or TLS (copied; NULL: none)
 * lacks what it needs. Whether it is allowed here is for who offers it. HOST is
 * our name, for mechanisms that use one. Names are given to LOOKUP as the
 * client wrote them, once for an exchange; EXTERNAL gives the name in the
 * client's certificate, which needs an account but no password. Of a pair of
 * verifiers either will do; see sasl_server_next().
 */
struct sasl_server *sasl_server_new(const char *mech, const char *host,
	const struct tls_facts *tls, sasl_lookup *lookup, void *arg);
/*
 * SASL_SYNTAX wants a 501 (5.5.2), SASL_FAILED a 535 (5.7.8).
 * One base64 line from the client ("=" is the empty response; P NULL: no
 * initial response). MORE: the base64 challenge is appended to OUT.
 */
enum sasl_step sasl_server_step(
	struct sasl_server *s, struct str line, struct buf *out);
/* The authenticated name after SASL_OK; the name tried (may be "") before. */
const char *sasl_server_name(const struct sasl_server *s);
/*
 * After SASL_OK by the next password: its verifier, which is to take the place
 * of the present one (borrowed). Else NULL.
 */
const struct verifier *sasl_server_next(const struct sasl_server *s);
void sasl_server_free(struct sasl_server *s);

/* The server speaks first: there is no initial response (RFC 4954 4). */
bool sasl_is_server_first(struct str mech);

enum { SASL_MECHS_MAX = 128 };

/*
 * Blank separated, best first. TLS NULL: the stream is in the clear. CRAM: some
 * account has a secret for it. -PLUS is offered where the channel can be bound,
 * EXTERNAL where the client's certificate was verified.
 */
void sasl_mechs_server(const struct tls_facts *tls, bool clear_allowed,
	bool cram, char out[SASL_MECHS_MAX]);

struct sasl_client;

struct sasl_client_conf {
	const char *user, *password; /* copied; NULL: no password is there */
	bool secure;		     /* PLAIN and LOGIN are allowed */
	bool clear_allowed;	     /* the others are without it, too */
	bool external;		     /* our certificate may speak for us */
	bool few_turns;		     /* PLAIN, where allowed, before SCRAM */
	const struct tls_facts *tls; /* copied; NULL: no TLS */
};

/*
 * Chooses the best mechanism both have. OFFERED: blank separated words of the
 * EHLO reply. EXTERNAL where asked for, then SCRAM, bound to the channel where
 * that is possible, then CRAM-MD5, then PLAIN; with few_turns PLAIN goes
 * before SCRAM. NULL: none in common.
 */
struct sasl_client *sasl_client_new(
	struct str offered, const struct sasl_client_conf *conf);
const char *sasl_client_mech(const struct sasl_client *s);
/*
 * The next line. First call with CHALLENGE.p NULL: *initial_r says whether
 * this mechanism has an initial response (in OUT, base64, "=" for empty).
 * MORE and OK: the line in OUT (may be empty) is to be sent; after OK only the
 * server's verdict follows. FAILED and SYNTAX: send "*".
 */
enum sasl_step sasl_client_step(struct sasl_client *s, struct str challenge,
	struct buf *out, bool *initial_r);
/* For SCRAM: true only after the server proved that it knows the verifier. */
bool sasl_client_is_done(const struct sasl_client *s);
void sasl_client_free(struct sasl_client *s);

#endif
