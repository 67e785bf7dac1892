/*
 * SASL for both sides, by GNU SASL. Pure computation: no files, no sockets.
 *
 * Server: the host looks a name up and hands its verifier in
 * (wire/verifier.h).
 */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include "base/buf.h"
#include "wire/verifier.h"

/*
 * NAME's record; false: there is none (the step goes on with a decoy, so
 * that time and replies do not tell).
 */
typedef bool sasl_lookup(
	void *arg, const char *name, struct verifier *verifier_r);

enum sasl_step { SASL_MORE, SASL_OK, SASL_FAILED, SASL_SYNTAX };

struct sasl_server;

/*
 * MECH as in sasl_mechs_server(); NULL: unknown. Whether it is allowed here
 * is for who offers it. HOST is our name, for mechanisms that use one. Names
 * are given to LOOKUP as the client wrote them, once for an exchange.
 */
struct sasl_server *sasl_server_new(
	const char *mech, const char *host, sasl_lookup *lookup, void *arg);
/*
 * SASL_SYNTAX wants a 501 (5.5.2), SASL_FAILED a 535 (5.7.8).
 * One base64 line from the client ("=" is the empty response; P NULL: no
 * initial response). MORE: the base64 challenge is appended to OUT.
 */
enum sasl_step sasl_server_step(
	struct sasl_server *s, struct str line, struct buf *out);
/* The authenticated name after SASL_OK; the name tried (may be "") before. */
const char *sasl_server_name(const struct sasl_server *s);
void sasl_server_free(struct sasl_server *s);

/* Blank separated, best first. CRAM: some account has a secret for it. */
const char *sasl_mechs_server(bool tls, bool clear_allowed, bool cram);

struct sasl_client;

/*
 * Chooses the best mechanism both have. OFFERED: blank separated words of the
 * EHLO reply. TLS: PLAIN and LOGIN are allowed. SCRAM first, then CRAM-MD5,
 * then PLAIN under TLS. NULL: none in common.
 */
struct sasl_client *sasl_client_new(struct str offered, bool tls,
	bool clear_allowed, const char *user, const char *password);
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
