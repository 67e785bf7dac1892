/*
 * The receiving side of SMTP (RFC 5321 section 3 and 4, as a server), and the
 * provider's side of ATRN up to the turn (RFC 2645 5.1, 5.2).
 *
 * Grammar, order and limits are settled here; who may do what is the host's
 * answer to an event. The verbs are one table (verb.h).
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "smtp/machine.h"
#include "wire/dot.h"

/*
 * What the host must do beyond machine.h:
 *
 * - tick before it feeds, so that waits are measured from the right moment;
 * - at WANT_TLS and WANT_TURN hand what its own input buffer holds to
 *   machine_feed before it acts. Octets there came behind STARTTLS or ATRN: the
 *   machine takes none of them, tells EV_REFUSED and wants CLOSE;
 * - at the end of the stream feed what is left, then machine_eof.
 *
 * LMTP: EV_BODY_END is asked once for each recipient that was taken, in the
 * order of their RCPTs (RFC 2033 4.2); index counts them from 0. The next one
 * comes after the answer to the one before. A 421 ends the connection; those
 * not asked about then get no reply.
 *
 * A limit of 0 below means none; but with LMTP recipients_max 0 means 1000,
 * as each of them gets a reply of its own. After EV_RESET, EV_BODY_FAULT and
 * EV_BODY_TOO_BIG no other event of that message follows. EV_CLOSED comes from
 * machine_eof only; an answer still owed then may be given and is dropped.
 */
struct smtp_server_conf {
	const char *hostname; /* kept (borrowed for the machine's life) */
	const char *greeting; /* text behind the host name; NULL: default */
	unsigned extensions;  /* EXT_ bits this service may offer */
	uint64_t message_size_max;   /* octets; 0 none. Shown by SIZE */
	size_t recipients_max;	     /* per message: then 452 4.5.3 */
	size_t line_max;	     /* octets of a content line without CRLF */
	size_t errors_max;	     /* refused commands, then 421 4.7.0 */
	size_t commands_max;	     /* idle commands (NOOP, RSET...) between
					messages, then 421 4.7.0 */
	uint64_t command_timeout_ms; /* 5321 4.5.3.2.7: 5 min */
	uint64_t data_timeout_ms;    /* between blocks, 4.5.3.2.5: 3 min */
	bool tls_active;    /* the stream is under TLS from the start */
	bool tls_required;  /* 530 5.7.0 for all but EHLO STARTTLS NOOP QUIT */
	bool auth_required; /* 530 5.7.0 to MAIL, ATRN before AUTH */
	bool odmr;	    /* the odmr service: 502 to MAIL and RCPT;
			       ATRN without AUTH is 530 */
	bool turned;	    /* after ATRN: no STARTTLS, AUTH, ATRN */
	/*
	 * RFC 6409 6.4: where an address without "@" in MAIL and RCPT is, once
	 * the client is authenticated; NULL: nowhere. At most 255 octets.
	 */
	const char *home_domain;
	/*
	 * A program of this host, known by other means than AUTH: home_domain
	 * holds for it, and what "NOOP ID=..." says is told with the next RCPT.
	 */
	bool program;
	bool expn; /* EXPN without AUTH, where EXT_EXPN is among extensions */
	bool lmtp; /* RFC 2033: LHLO, a reply for each recipient */
	/*
	 * RFC 9422, shown where extensions has EXT_LIMITS; 0 leaves one out.
	 * RCPTMAX should not be above recipients_max, which is what holds.
	 * After MAILMAX commands MAIL the next one gets 421 4.5.3.
	 */
	size_t limit_rcpt, limit_mail;
	/*
	 * RFC 4865: the longest time and the last date, as EHLO shows them;
	 * NULL: FUTURERELEASE is not offered.
	 */
	const char *future_release;
	/*
	 * Mechanisms to show in EHLO, blank separated, as they stand with and
	 * without TLS; "" hides AUTH.
	 */
	const char *mechs_tls, *mechs_clear;
	/*
	 * The time to tell clients under TLS (wire/peertime.h), UTC; 0: not
	 * known now. NULL: it is told to nobody.
	 */
	int64_t (*time_s)(void);
};

struct smtp_server; /* its first field is a struct machine */

/* The 220 greeting is in out at once. */
struct smtp_server *smtp_server_new(
	const struct smtp_server_conf *conf, uint64_t now_ms);
struct machine *smtp_server_machine(struct smtp_server *s);

/* Octets of the lines before the last of one EXPN, at most. */
enum { SMTP_SERVER_MORE_MAX = 24576 };
/*
 * While the answer to EV_EXPN is owed: R is the beginning of the reply, which
 * that answer, of the same code, ends.
 */
void smtp_server_more(struct smtp_server *s, const struct reply *r);

/*
 * The host wants the client gone: "421 4.3.2 TEXT" goes out where the protocol
 * allows (never inside a body), then WANT_CLOSE.
 */
void smtp_server_shutdown(struct smtp_server *s, const char *text);

bool smtp_server_is_authenticated(const struct smtp_server *s);
/* The name of EHLO/HELO, "" before. */
const char *smtp_server_helo(const struct smtp_server *s);
bool smtp_server_is_extended(const struct smtp_server *s);
/* True while a body is being read. */
bool smtp_server_in_body(const struct smtp_server *s);
/*
 * What was seen in the content of the message in hand: valid from EV_BODY_END
 * until its answer.
 */
const struct content_check *smtp_server_content(const struct smtp_server *s);

#endif
