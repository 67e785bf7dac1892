/*
 * What a conversation weighs on the wire: the one place where overhead is
 * reckoned, for budgets (what a message needs) and plans (what a call needs).
 *
 * Octets of a link are those of both directions: text, TLS records around it,
 * and 40 octets for each TCP segment (IPv4 20, TCP 20), empty ones too. Text of
 * one direction that leaves in one go fills segments of an ordinary 1500 octet
 * link; every second segment is answered by an empty one. The numbers below
 * are typical ones of the standards; what a session really used is in its
 * record, and the history shows both.
 */
#ifndef LINK_OCTETS_H
#define LINK_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OCTETS_SEGMENT = 40,	    /* the head of each TCP segment */
	OCTETS_SEGMENT_TEXT = 1448, /* 1500 less heads and timestamps */
	OCTETS_ACK_EVERY = 2,	    /* segments for one empty answer */
	OCTETS_TLS_RECORD = 22,	    /* TLS 1.3: 5 head, 1 type, 16 tag */
	OCTETS_TLS_TEXT = 16384,    /* the most in one record */
	/* SYN both ways, the last ACK; FIN and ACK both ways. */
	OCTETS_TCP_SENT = 4 * OCTETS_SEGMENT,
	OCTETS_TCP_RECEIVED = 3 * OCTETS_SEGMENT,
	/* TLS 1.3 with a chain of two certificates, and resumed. */
	OCTETS_TLS_FULL_SENT = 620,
	OCTETS_TLS_FULL_RECEIVED = 4200,
	OCTETS_TLS_RESUMED_SENT = 720,
	OCTETS_TLS_RESUMED_RECEIVED = 620,
	/* Replies as today's servers write them. */
	OCTETS_GREETING = 60,
	OCTETS_EHLO_REPLY = 220,
	OCTETS_REPLY = 20,	/* "250 2.1.0 Sender ok" */
	OCTETS_DONE_REPLY = 45, /* "250 2.0.0 Ok: queued as ..." */
};

/* TEXT octets of one direction on the wire, heads and empty answers with it. */
uint64_t octets_wire(uint64_t text, bool tls);

/* How a message's envelope is written. */
struct octets_mail {
	size_t sender, recipients; /* octets of the addresses, in all */
	unsigned recipients_n;
	uint64_t size;
	bool has_size;	   /* SIZE= is said */
	bool has_body;	   /* BODY=8BITMIME is said */
	bool has_priority; /* MT-PRIORITY= is said */
	bool chunking;	   /* BDAT LAST, else DATA and a dot */
	bool reset;	   /* RSET before it */
};
/* Text sent for one message, and of the replies to it. */
uint64_t octets_mail_sent(const struct octets_mail *m);
uint64_t octets_mail_received(const struct octets_mail *m);

#endif
