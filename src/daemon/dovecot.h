/*
 * Passwords checked by Dovecot (auth = "dovecot:PATH"): a client of its
 * authentication protocol, version 1, over the Unix socket auth-client.
 *
 * Several exchanges run at once over one connection. Each step of one has a
 * deadline; when Dovecot is away or silent the answer is DOVECOT_TEMP, never
 * a wait without end. What users send is wiped here when it has been sent.
 */
#ifndef DAEMON_DOVECOT_H
#define DAEMON_DOVECOT_H

#include "base/str.h"
#include "net/loop.h"
#include "smtp/sasl.h"

enum dovecot_answer {
	DOVECOT_MORE,	/* text: the challenge, base64 */
	DOVECOT_OK,	/* text: the user, as Dovecot names it */
	DOVECOT_FAILED, /* text: the user, or "" */
	DOVECOT_SYNTAX, /* not base64, or too long */
	DOVECOT_TEMP,	/* text: why */
};

/*
 * From the loop, never from inside a call below. After anything but MORE the
 * request is gone.
 */
typedef void dovecot_fn(
	void *arg, enum dovecot_answer answer, const char *text);

struct dovecot;
struct dovecot_request;

struct dovecot *dovecot_new(struct loop *loop);
void dovecot_free(struct dovecot *d); /* NULL is fine; no FN is called */
/* AUTH as configured: "dovecot:" and a path connects, else it is not used. */
void dovecot_set_auth(struct dovecot *d, const char *auth);
bool dovecot_is_used(const struct dovecot *d);

/*
 * The mechanisms to offer, blank separated, as far as they are known: before
 * the first handshake PLAIN and LOGIN under TLS, since whoever tries them then
 * is told to come back. Without TLS, where that is allowed, those that show no
 * password.
 */
void dovecot_mechs(const struct dovecot *d, bool tls, bool clear_allowed,
	char out[SASL_MECHS_MAX]);

struct dovecot_client {
	bool secured; /* by TLS */
	const char *local_address, *remote_address;
	unsigned remote_port;
};

/* INITIAL: base64, "=" for empty; P NULL: there is none. */
struct dovecot_request *dovecot_auth(struct dovecot *d, const char *mech,
	const struct dovecot_client *client, struct str initial, dovecot_fn *fn,
	void *arg);
/* Legal after MORE: the next line of the client. */
void dovecot_continue(struct dovecot_request *q, struct str line);
/* FN will not be called. NULL is fine. */
void dovecot_cancel(struct dovecot_request *q);

#endif
