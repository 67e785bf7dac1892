/*
 * The shape that both sides of SMTP share.
 *
 * A machine is protocol without sockets, clocks or disks. Its host (a
 * session of the daemon, a test, a fuzzer) moves octets and answers
 * questions:
 *
 *	take = machine_feed(m, octets)     octets that came from the peer
 *	while (machine_next(m, &event))    what they mean; may ask something
 *	machine_out(m) / machine_sent(m)   octets for the peer
 *	machine_want(m)                    what it waits for now
 *
 * feed takes nothing more while an event is unread or an answer is owed, so
 * pipelined input waits outside and memory is bounded. Events are delivered
 * in order; a view inside one is valid until the next call on the machine.
 * Output first: a host sends what is in out before it acts on WANT_TLS,
 * WANT_TURN or WANT_CLOSE.
 *
 * TLS and TURN demand empty buffers: octets already received behind the
 * command are an attack or a bug. The host checks its own input buffer and
 * the machine checks its line reader; either non-empty: close and say so.
 */
#ifndef SMTP_MACHINE_H
#define SMTP_MACHINE_H

#include "base/tls_facts.h"
#include "smtp/event.h"
#include "wire/reply.h"

enum want {
	WANT_INPUT,  /* octets from the peer */
	WANT_ANSWER, /* an answer from the host to the last event */
	WANT_WORK,   /* client: idle; the host gives a message or says quit */
	WANT_MORE,   /* client: messages wait for their replies, and there is
			room for one more. Input is taken all the same */
	WANT_BODY,   /* client: message octets (smtp_client_body) */
	WANT_TLS,    /* send out, do the TLS handshake, then machine_tls_done */
	WANT_TURN,   /* send out, then swap this machine for the other side's */
	WANT_CLOSE,  /* send out, then close */
};

struct machine;

struct machine_ops {
	size_t (*feed)(struct machine *m, struct str in);
	bool (*next)(struct machine *m, struct smtp_event *event_r);
	void (*answer)(struct machine *m, const struct reply *reply);
	void (*tls_done)(struct machine *m, const struct tls_facts *facts);
	void (*tick)(struct machine *m, uint64_t now_ms);
	uint64_t (*deadline)(const struct machine *m);
	void (*eof)(struct machine *m);
	enum want (*want)(const struct machine *m);
	void (*free)(struct machine *m);
	/* N octets of out are gone; may be NULL */
	void (*sent)(struct machine *m, size_t n);
	void (*acked)(struct machine *m, uint64_t now_ms); /* may be NULL */
};

/* First field of struct smtp_server and struct smtp_client. */
struct machine {
	const struct machine_ops *ops;
	struct buf out; /* bounded; a machine stops taking input when full */
};

/* Takes octets from the peer; returns how many (0 while it waits). */
size_t machine_feed(struct machine *m, struct str in);
/* The next event, if any. */
bool machine_next(struct machine *m, struct smtp_event *event_r);
/* The host's answer to the event that asked; at once or any time later. */
void machine_answer(struct machine *m, const struct reply *reply);
void machine_tls_done(struct machine *m, const struct tls_facts *facts);
struct str machine_out(const struct machine *m);
/* N octets of out are gone; more may have come into it, so look again. */
void machine_sent(struct machine *m, size_t n);
/*
 * The peer acknowledged octets that were sent before: on a slow link they stand
 * in buffers for minutes, and no wait for a reply begins before they are there.
 */
void machine_acked(struct machine *m, uint64_t now_ms);
/*
 * Hands monotonic time in. At or past machine_deadline the machine gives up
 * as its side does: the server says 421, the client emits EV_FAILED.
 */
void machine_tick(struct machine *m, uint64_t now_ms);
uint64_t machine_deadline(const struct machine *m); /* UINT64_MAX: none */
/* The peer closed, or the stream failed. Events tell what that ended. */
void machine_eof(struct machine *m);
enum want machine_want(const struct machine *m);
void machine_free(struct machine *m); /* NULL is fine */

#endif
