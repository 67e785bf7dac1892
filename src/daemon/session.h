/*
 * One stream and one machine: octets between them, deadlines, TLS, the turn.
 * A session does not know which side of SMTP its machine is; its host does.
 *
 * References: work of the spool or a helper thread that will come back to
 * the host holds one (session_hold); the host is freed with the last. After
 * session_close the host gets `closed` and nothing else.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include "daemon/share.h"
#include "daemon/node.h"
#include "smtp/machine.h"

/* Octets waiting for the kernel; below the half a body goes on. */
enum { SESSION_UNSENT_MAX = 32000 };

struct session_host {
	void (*event)(void *arg, const struct smtp_event *ev);
	/*
	 * WANT_WORK, WANT_MORE or WANT_BODY. True: something was given to the
	 * machine; false: nothing now (session_pump is called when there is).
	 */
	bool (*work)(void *arg, enum want want);
	/* Start the handshake on the stream (its buffers are empty). */
	void (*start_tls)(void *arg);
	/* TLS from the start is up and there is no machine yet: give one. */
	void (*secured)(void *arg);
	/*
	 * Swap machine and host (session_swap); buffers are empty. False: not
	 * before what is still under way is done (session_pump is called then).
	 */
	bool (*turn)(void *arg);
	/* The daemon stops: say so to the peer where that is allowed. NULL: no.
	 */
	void (*shutdown)(void *arg);
	/* May more input be fed now? (back-pressure) NULL: always. */
	bool (*may_feed)(void *arg);
	/*
	 * Is work of our own under way that will bring octets? Then it is not
	 * the peer that is waited for. NULL: never.
	 */
	bool (*busy)(void *arg);
	/* Once: the stream is gone. WHY is for the log. */
	void (*closed)(void *arg, const char *why);
	void (*free)(void *arg);
};

/*
 * Turn-arounds: how often our side had nothing to send and waited for the peer
 * before it could go on. The TCP handshake is the first, and a handshake of TLS
 * counts too; the reply to QUIT does not, since nothing follows it. Only where
 * we are the client: a server always waits.
 */
struct session_turns {
	unsigned n;
	bool counting;
	bool idle;  /* nothing to send, by now */
	bool heard; /* the peer spoke while idle; nothing followed yet */
};

struct session {
	struct list_node node;
	struct node *n;
	uint64_t id;
	struct stream *stream; /* NULL once closed */
	struct machine *machine;
	struct loop_timer *timer;
	const struct session_host *host;
	void *arg;
	struct tls_facts tls;
	bool has_tls;
	bool in_handshake, pumping, again, closed;
	uint64_t closing_ms; /* since when the machine wants to be rid of it */
	enum stream_end end; /* how the stream ended, once closed by it */
	const char *stalled; /* that it moved nothing, in words; NULL: it did */
	unsigned refs;
	int64_t started_s;
	int64_t estimate_s; /* how long it would take, as planned; 0: none */
	uint64_t estimate_bytes; /* on the wire, likewise */
	uint64_t started_ms, progress_ms;
	size_t unsent_max; /* octets that may wait for the kernel */
	uint64_t acked;	   /* octets the peer acknowledged, at the last look */
	/* for status and the log */
	char peer[SPOOL_NAME_MAX + 1]; /* peer, customer or address */
	char link[SPOOL_NAME_MAX + 1]; /* "" none */
	const char *role;	       /* receive, push, collect, serve */
	const char *doing;	       /* a word; static */
	int64_t message;
	uint64_t bytes_done, bytes_total;
	unsigned messages_sent, messages_received;
	struct shares shares; /* of a link: whose they were */
	/* set when it closes */
	struct stream_counts counts;
	struct tls_certificate certificate; /* that the peer showed */
	bool has_certificate;
	struct session_turns turns;
	/* of a link, for its speed: octets counted so far (speeds.c) */
	uint64_t measured, received_seen;
	bool rtt_taken;
	/* octets on the wire that the link's budget was charged with */
	uint64_t charged;
	/* likewise, of mail that was begun and is not yet charged (at most) */
	uint64_t pending;
	bool taking; /* the far side sends mail */
	bool cut;    /* closes without waiting for the peer */
	/*
	 * The peer is a program of this host: when it has said all (EOF) it
	 * still reads what is answered. ENDED: it has.
	 */
	bool half_open, ended;
	/* mail that the link may not carry was left at the far side */
	struct session_left {
		bool size, priority, budget;
	} left;
};

/* Takes over STREAM. The caller gives machine and host with session_swap. */
struct session *session_new(
	struct node *n, struct stream *stream, const char *role);

/*
 * Machine and host from now on; the old machine is freed, the old host is
 * the caller's affair. Both given.
 */
void session_swap(struct session *s, struct machine *m,
	const struct session_host *host, void *arg);

/* Moves octets and events until nothing moves any more. */
void session_pump(struct session *s);

/* The daemon stops: session_close after a word to the peer. */
void session_shutdown(struct session *s);

/*
 * A slow line: at most OCTETS wait for the kernel, and as many in it for the
 * peer's acknowledgement. 0: no slow one.
 */
void session_set_window(struct session *s, size_t octets);

/* Sends what is out, closes; `closed` is called at once. Twice is fine. */
void session_close(struct session *s, const char *why);

/* From a connection we made: counts turn-arounds from here on. */
void session_count_turns(struct session *s);
/* We are the server from here on (ATRN): no more of them are counted. */
void session_end_turns(struct session *s);

void session_hold(struct session *s);
void session_release(struct session *s);

/* For hosts: answers the machine's question and pumps, if still open. */
void session_answer(struct session *s, const struct reply *r);

#endif
