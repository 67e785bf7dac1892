/*
 * The sending side of SMTP, and the customer's side of ATRN up to the turn.
 *
 * Life: greeting, EHLO, STARTTLS and EHLO again, AUTH, then EV_READY and
 * WANT_WORK. The host then gives messages one by one, or asks for ATRN, or
 * quits. Replies are matched by count: every command sent puts one expectation
 * into a queue, every reply takes one out (RFC 2920 3.1).
 *
 * With PIPELINING, MAIL, all RCPTs and DATA leave in one flight; with
 * CHUNKING, BDAT carries the body (RFC 3030). A message of which no recipient
 * was taken is ended by RSET, or a lone dot where the peer said 354.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "smtp/machine.h"
#include "smtp/sasl.h"

enum client_tls { CLIENT_TLS_NONE, CLIENT_TLS_OFFERED, CLIENT_TLS_REQUIRED };

struct smtp_client_conf {
	const char *hostname; /* for EHLO. All texts borrowed for its life */
	enum client_tls tls;  /* STARTTLS policy; ignored under tls_active */
	bool tls_active;      /* implicit TLS, or the stream was turned */
	bool turned;	      /* after ATRN: never STARTTLS nor AUTH */
	const char *user, *password; /* NULL: no AUTH */
	bool auth_required;	     /* fail where AUTH is not possible */
	bool auth_clear;   /* CRAM-MD5 and SCRAM without TLS are allowed */
	uint64_t stall_ms; /* replies: 5 min, greeting 5 min (4.5.3.2) */
	uint64_t final_ms; /* the reply to the final dot: 10 min */
	uint64_t turn_ms;  /* the reply to ATRN: at least 10 min (2645 5.2.1) */
	size_t chunk_bytes; /* BDAT size; 0: the message in one BDAT LAST */
};

struct smtp_client;

struct smtp_client *smtp_client_new(
	const struct smtp_client_conf *conf, uint64_t now_ms);
struct machine *smtp_client_machine(struct smtp_client *c);

/* The extensions of the last EHLO reply (EXT_ bits), and SIZE's limit. */
unsigned smtp_client_extensions(const struct smtp_client *c);
uint64_t smtp_client_size_max(const struct smtp_client *c); /* 0: none */
/* The EHLO keyword lines as the peer said them, '\n' between them. */
const char *smtp_client_keywords(const struct smtp_client *c);

/* One message. Texts are copied. */
struct smtp_mail {
	struct mailbox sender;
	struct mail_params params; /* written for what the peer offers */
	const struct mailbox *recipients;
	const struct rcpt_params *rcpt_params;
	size_t recipients_n;
	uint64_t size_bytes; /* exact octets of the body that will follow */
};

/*
 * Legal at WANT_WORK. Sends the envelope. Later EV_MAIL_REPLY, EV_RCPT_REPLY
 * (one each, in order), WANT_BODY, EV_DONE. With BDAT the body begins after all
 * RCPT replies; the first WANT_BODY comes only if some recipient was taken.
 */
void smtp_client_send(struct smtp_client *c, const struct smtp_mail *mail);
/*
 * Octets of the body at WANT_BODY, in order; returns how many were taken (out
 * is bounded, so send and come again). The last octets make the machine
 * append the final dot; the host must have made `in_doubt` durable before
 * it hands over the last octet. CRLF lines are the caller's guarantee.
 */
size_t smtp_client_body(struct smtp_client *c, struct str octets);
/* Octets of the body still to be handed over. */
uint64_t smtp_client_body_left(const struct smtp_client *c);
/* The body cannot be read: closes the connection (a cut never delivers). */
void smtp_client_abort(struct smtp_client *c, const char *why);

/* DOMAINS: comma separated, NULL for all. Legal at WANT_WORK. */
void smtp_client_atrn(struct smtp_client *c, const char *domains);
/* QUIT. Legal at WANT_WORK; then WANT_CLOSE after the reply. */
void smtp_client_quit(struct smtp_client *c);

#endif
