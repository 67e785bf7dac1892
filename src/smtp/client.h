/*
 * The sending side of SMTP, and the customer's side of ATRN up to the turn, and
 * of ETRN.
 *
 * Life: greeting, EHLO, STARTTLS and EHLO again, AUTH, then EV_READY and
 * WANT_WORK. The host then gives messages, or asks for ATRN, or quits. Replies
 * are matched by count: every command sent puts one expectation into a queue,
 * every reply takes one out (RFC 2920 3.1).
 *
 * With PIPELINING, MAIL, all RCPTs and DATA leave in one flight; with
 * CHUNKING, BDAT carries the body (RFC 3030). A message of which no recipient
 * was taken is ended by RSET (in front of the next work, never with QUIT), or a
 * lone dot where the peer said 354.
 *
 * Many messages in flight, where the configuration has a window and the peer
 * PIPELINING. When the last octet of a message was handed over and the window
 * has room, the machine wants MORE: the host gives the next message with
 * smtp_client_send, its body at WANT_BODY, and so on. It need not: at WANT_MORE
 * it may wait, and where all is answered WANT_WORK comes. Replies are taken all
 * the while; their events name the message by its tag, oldest first.
 *
 *   CHUNKING   [RSET] MAIL RCPT... BDAT n LAST octets RSET MAIL ... without
 *              waiting for anything. This is speculation: the body goes before
 *              it is known whether anybody is to get it. Where nobody is, its
 *              octets were wasted, BDAT is refused too, and MAIL's or RCPT's
 *              reply is the verdict. A host that would rather wait says so for
 *              the message (patient).
 *   DATA       behind the final dot of a message MAIL, RCPT and DATA of the
 *              next one; its body waits for 354 (RFC 2920 3.1).
 *
 * Each message given ends in one of three ways: EV_DONE; EV_FAILED with
 * smtp_client_in_doubt true for its tag: its last octet had left and no final
 * reply came; EV_FAILED without: nobody got it. When the replies do not match
 * what was sent, EV_FAILED has mismatch set: the host should give this peer
 * window_bytes 0 from then on. Where the peer offers CHUNKING and says to its
 * first BDAT that it does not know it, EV_FAILED has no_bdat: the connection
 * must end, since the octets that are under way are commands to such a peer.
 *
 * Order for the host: machine_tick first in every wake-up, then machine_feed
 * and machine_next until both give nothing, then work. Before machine_eof it
 * feeds all that had come. machine_sent may put more into out (a long envelope
 * is written in parts): look at machine_out again until it is empty.
 *
 * Deadlines count from the last whole reply, the last octets sent or
 * acknowledged by TCP (machine_acked) and the last thing the host gave,
 * whichever was later, so a slow link that moves is never cut. At WANT_WORK,
 * WANT_TLS, WANT_TURN, and at WANT_BODY with nothing to send and no reply owed,
 * it is the host's turn and there is none. A limit of 0 means none.
 *
 * Every end but that of smtp_client_quit is one EV_FAILED and then WANT_CLOSE.
 * What was unsent is dropped then, so a message never gets its end later.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "smtp/machine.h"
#include "smtp/sasl.h"

enum { SMTP_CLIENT_WINDOW_MAX = 256 }; /* messages in flight */

enum client_tls { CLIENT_TLS_NONE, CLIENT_TLS_OFFERED, CLIENT_TLS_REQUIRED };

struct smtp_client_conf {
	const char *hostname; /* for EHLO. All texts borrowed for its life */
	enum client_tls tls;  /* STARTTLS policy; ignored under tls_active */
	bool tls_active;      /* implicit TLS, or the stream was turned */
	bool tls_verified;    /* of tls_active: the peer is who it should be */
	bool lmtp; /* RFC 2033: LHLO, and EV_RCPT_FINAL for each recipient that
		      was taken, before EV_DONE. One message at a time, by DATA,
		      with at most SMTP_CLIENT_LMTP_RCPT_MAX recipients */
	bool turned; /* after ATRN: never STARTTLS nor AUTH */
	/* Of tls_active, for channel binding; NULL: not known. Copied. */
	const struct tls_facts *tls_facts;
	const char *user, *password; /* NULL: no AUTH with a password */
	bool external;	    /* AUTH EXTERNAL where offered and where TLS
			       says that our certificate was shown */
	bool auth_required; /* fail where AUTH is not possible */
	bool auth_clear;    /* CRAM-MD5 and SCRAM without TLS are allowed */
	bool few_turns;	    /* PLAIN before SCRAM where PLAIN is allowed: one
			       turn instead of three */
	bool quit_no_wait;  /* QUIT's reply is not waited for (a departure
			       from RFC 5321 4.1.1.10) */
	uint64_t stall_ms;  /* replies: 5 min, greeting 5 min (4.5.3.2) */
	uint64_t final_ms;  /* the reply to the final dot: 10 min */
	uint64_t turn_ms; /* the reply to ATRN: at least 10 min (2645 5.2.1) */
	size_t chunk_bytes; /* BDAT size; 0: the message in one BDAT LAST.
			       With PIPELINING chunks go without waiting */
	/*
	 * The window. A message or a chunk begins only while fewer messages
	 * than window_messages are in flight (at most SMTP_CLIENT_WINDOW_MAX;
	 * 0 and 1: one) and fewer than window_bytes of octets handed over in
	 * chunks have no reply; so at most window_bytes and one chunk are
	 * unanswered. To keep a link busy it is at least twice the octets of a
	 * round trip and twice chunk_bytes. window_bytes 0: one message at a
	 * time, its body after the replies to its envelope, and chunks without
	 * bound.
	 */
	size_t window_messages;
	uint64_t window_bytes;
};

enum { SMTP_CLIENT_LMTP_RCPT_MAX = 200 };

struct smtp_client;

struct smtp_client *smtp_client_new(
	const struct smtp_client_conf *conf, uint64_t now_ms);
struct machine *smtp_client_machine(struct smtp_client *c);

/* The extensions of the last EHLO reply (EXT_ bits), and SIZE's limit. */
unsigned smtp_client_extensions(const struct smtp_client *c);
uint64_t smtp_client_size_max(const struct smtp_client *c); /* 0: none */
/* RFC 2852: the least time it wants for mail that is to return; 0: any. */
uint64_t smtp_client_deliver_by_min(const struct smtp_client *c);
/*
 * LIMITS of the last EHLO reply (RFC 9422): recipients of one message, messages
 * of one session; 0: not told. The host splits and ends by them; what goes
 * beyond is sent all the same, and the peer refuses it.
 */
size_t smtp_client_limit_rcpt(const struct smtp_client *c);
size_t smtp_client_limit_mail(const struct smtp_client *c);
/*
 * As many MAILs were issued as the peer takes, answered or not: a new
 * connection is due. WANT_MORE does not come any more.
 */
bool smtp_client_is_spent(const struct smtp_client *c);
/* How many MAILs it takes yet; SIZE_MAX where it does not say. */
size_t smtp_client_mails_left(const struct smtp_client *c);
/*
 * The EHLO keyword lines as the peer said them, unknown ones too, '\n' between
 * them, at most 4 KiB of whole lines; what is not printable ASCII shows as '?'.
 */
const char *smtp_client_keywords(const struct smtp_client *c);

/*
 * What was learnt of the peer: ONE_BY_ONE is window_bytes 0; NO_BDAT: it has
 * no CHUNKING, whatever it offers. Legal from EV_READY to the first message.
 */
void smtp_client_restrict(struct smtp_client *c, bool one_by_one, bool no_bdat);

/* One message. Texts are copied. */
struct smtp_mail {
	struct mailbox sender;
	struct mail_params params; /* written for what the peer offers */
	const struct mailbox *recipients;
	const struct rcpt_params *rcpt_params;
	size_t recipients_n;
	uint64_t size_bytes; /* exact octets of the body that will follow */
	uint64_t tag; /* the host's name for it in events; unique in flight */
	bool patient; /* the body waits for the replies to the envelope, window
			 or not: a large message to a peer that refuses */
};

/*
 * Legal at WANT_WORK and WANT_MORE. Sends the envelope. Later EV_MAIL_REPLY,
 * EV_RCPT_REPLY (one each, in order), WANT_BODY, EV_DONE; with speculation
 * WANT_BODY comes first. Else, with BDAT, the body begins after all RCPT
 * replies, and WANT_BODY comes only if some recipient was taken. A refused MAIL
 * is followed by EV_DONE alone, when all its replies are in.
 *
 * The host has seen to it that the peer can take the message as it is: binary
 * (BODY_BINARYMIME) only where it offers BINARYMIME and CHUNKING (RFC 3030 3).
 */
void smtp_client_send(struct smtp_client *c, const struct smtp_mail *mail);
/*
 * Octets of the body at WANT_BODY, in order, of the message given last; returns
 * how many were taken (out is bounded, so send and come again). The last octets
 * make the machine append the final dot; the host must have made `in_doubt`
 * durable before it hands over the last octet. CRLF lines are the caller's
 * guarantee. After a refusal only the chunk under way is still wanted, and then
 * WANT_BODY goes; what is left of the body is the host's to forget.
 */
size_t smtp_client_body(struct smtp_client *c, struct str octets);
/* Octets of the body still to be handed over; 0 when none is wanted. */
uint64_t smtp_client_body_left(const struct smtp_client *c);
/*
 * The message given last shall not go on (something more urgent came, a budget
 * ends): legal where a chunk has just ended, or before the first one. Its
 * EV_DONE comes, early, with a 451 of our own or the peer's refusal; what the
 * peer has of it is dropped at the next RSET. False: not now (a chunk is under
 * way, the peer has no CHUNKING, it is all handed over, or nothing was given).
 */
bool smtp_client_withdraw(struct smtp_client *c);
/*
 * True: all octets of this message have left (machine_sent) and neither its
 * final reply nor a refusal came, so whether the peer took it is not known. To
 * be asked after EV_FAILED for each message without EV_DONE. After a 421 none
 * is. Holds until machine_free.
 */
bool smtp_client_in_doubt(const struct smtp_client *c, uint64_t tag);
/*
 * The body cannot be read, or the link must go: EV_FAILED(FAIL_ABORTED) with
 * WHY (copied) and WANT_CLOSE. A cut never delivers.
 */
void smtp_client_abort(struct smtp_client *c, const char *why);

/*
 * DOMAINS: comma separated, NULL for all. Legal at WANT_WORK. Then EV_TURNED,
 * or EV_TURN_REPLY and WANT_WORK; where the peer does not offer ATRN, or the
 * line would be malformed or too long, the reply is our own 502 or 501.
 */
void smtp_client_atrn(struct smtp_client *c, const char *domains);
/*
 * RFC 1985: asks for the mail of DOMAIN, which then comes over a connection of
 * its own. Legal at WANT_WORK. Then EV_TURN_REPLY with the reply, whatever it
 * is, and WANT_WORK; our own 502 or 501 as above.
 */
void smtp_client_etrn(struct smtp_client *c, const char *domain);
/*
 * QUIT. Legal at WANT_WORK; WANT_CLOSE after the reply, or 10 s, or at once
 * with quit_no_wait. No event.
 */
void smtp_client_quit(struct smtp_client *c);

#endif
