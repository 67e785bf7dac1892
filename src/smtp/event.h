/*
 * What a machine tells its host, and what it asks. "Asks" in the comment
 * means: the host owes one machine_answer().
 */
#ifndef SMTP_EVENT_H
#define SMTP_EVENT_H

#include "wire/address.h"
#include "wire/params.h"
#include "wire/reply.h"

enum smtp_event_kind {
	/* --- the server machine --- */
	EV_HELO,	 /* text: the name given; extended tells EHLO */
	EV_AUTH_START,	 /* asks. text: mechanism, upper case; data: initial
			    response (still base64, "=" for empty), or p NULL
			    for none. Answer 334 (text: base64 challenge), 235,
			    or a 4xx/5xx */
	EV_AUTH_DATA,	 /* asks. data: base64 line. Answers as above */
	EV_AUTH_CANCEL,	 /* the client sent "*"; the machine answered 501 */
	EV_MAIL,	 /* asks. mailbox, mail */
	EV_RCPT,	 /* asks. mailbox, rcpt; text: its id, "" none */
	EV_DATA,	 /* asks once before the body (DATA: 354 goes out on
			    any 3xx or 2xx answer; BDAT: before the first chunk
			    is taken). A 4xx/5xx refuses the body */
	EV_BODY,	 /* data: message octets, dots undone */
	EV_BODY_FAULT,	 /* the content may not pass (text says why, fault_line
			    where): forget the message; the machine reads on to
			    the true end and answers 554 5.6.0 itself */
	EV_BODY_TOO_BIG, /* likewise, 552 5.3.4 */
	EV_BODY_END,	 /* asks: the reply to the final dot or BDAT LAST;
			    LMTP: for recipient number index (from 0) of
			    those that were taken, one after the other */
	EV_RESET,	 /* the transaction begun by EV_MAIL is over without a
			    body end: forget it */
	EV_ATRN,	 /* asks. text: the domains as given, "" for all. 250
			    turns; anything else stays */
	EV_ETRN,	 /* asks. text: the argument */
	EV_EXPN,	 /* asks. text: the name, without "<>"; utf8: the reply
			    may hold UTF-8. See smtp_server_more */
	EV_TLS_STARTED,	 /* client and server: facts of the layer arrived */
	EV_REFUSED,	 /* text: a command line the machine refused by itself,
			    reply: what it said (for the log) */
	EV_QUIT,	 /* the client said QUIT and was answered */

	/* --- the client machine --- */
	EV_PEER_TIME, /* the reply to EHLO, from a peer that TLS has verified,
			 says that it is wall_s */
	EV_READY,     /* EHLO, TLS, AUTH are done; extensions: EXT_ bits */
	/* the next five name the message by its tag */
	EV_MAIL_REPLY, /* reply to MAIL */
	EV_RCPT_REPLY, /* reply to RCPT number index (from 0) */
	EV_DATA_REPLY, /* reply to DATA where it was not 354 */
	EV_RCPT_FINAL, /* LMTP: the final reply for recipient number index */
	EV_DONE,       /* the message is over; reply: the final one, or
			  the one that ended it early (then early is set: no
			  recipient of it was taken) */
	EV_TURNED,     /* ATRN said 250: WANT_TURN follows */
	EV_TURN_REPLY, /* ATRN said something else; what ETRN said */
	EV_FAILED,     /* no further work on this connection: fail, reply
			  (if the peer said something), text */

	/* --- both --- */
	EV_CLOSED, /* the stream is over; in_doubt tells whether the
		      final octets of a message were out unanswered */
};

/* Why a client connection is of no further use. */
enum client_fail {
	FAIL_NONE,
	FAIL_CLOSED,	   /* closed or reset by the peer */
	FAIL_TIMEOUT,	   /* a deadline passed; text says which */
	FAIL_PROTOCOL,	   /* the peer does not speak SMTP; text says why */
	FAIL_REFUSED,	   /* greeting, EHLO or a 421: 4xx/5xx */
	FAIL_TLS,	   /* STARTTLS not offered or refused, where required */
	FAIL_AUTH,	   /* no common mechanism, or 4xx/5xx */
	FAIL_EARLY_OCTETS, /* octets behind STARTTLS or ATRN's reply */
	FAIL_ABORTED,	   /* the host cut it: smtp_client_abort */
};

struct smtp_event {
	enum smtp_event_kind kind;
	struct str text;
	struct str data;
	const struct mailbox *mailbox;	/* EV_MAIL, EV_RCPT */
	const struct mail_params *mail; /* EV_MAIL */
	const struct rcpt_params *rcpt; /* EV_RCPT */
	const struct reply *reply;
	size_t index;
	uint64_t tag; /* which message; EV_FAILED: the oldest not ended */
	unsigned extensions;
	uint64_t fault_line;
	int64_t wall_s; /* EV_PEER_TIME: UTC */
	enum client_fail fail;
	bool extended; /* EV_HELO: EHLO */
	bool early;    /* EV_DONE */
	bool in_doubt; /* EV_CLOSED; EV_FAILED: some message is, ask
			  smtp_client_in_doubt which */
	bool mismatch; /* EV_FAILED: the replies do not match the commands */
	bool no_bdat;  /* EV_FAILED: it offers CHUNKING and knows no BDAT;
			  nothing in flight was taken */
	bool chunking; /* EV_DATA: by BDAT */
	bool utf8;     /* EV_EXPN */
};

#endif
