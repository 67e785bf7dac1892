/*
 * Inside a stream, between stream.c (life and interface) and stream_io.c
 * (moving octets, telling the owner). Nobody else includes this.
 *
 * Calls of the owner only note what they want and set `later` (a timer of 0
 * ms). Everything happens in on_* of stream_io.c: move octets, tell the
 * owner, arm the events. So the owner is never called from inside its own
 * call, and a stream it closes meanwhile is freed only at the end of on_*.
 */
#ifndef NET_STREAM_PRIVATE_H
#define NET_STREAM_PRIVATE_H

#include "net/address.h"
#include "net/loop_private.h"
#include "net/sock.h"
#include "net/stream.h"
#include "net/tls_private.h"

enum stream_phase {
	PHASE_OPEN,	 /* plain or TLS octets flow */
	PHASE_HANDSHAKE, /* of TLS */
	PHASE_FLUSH,	 /* closed by the owner: sending the rest */
	PHASE_DISCARD,	 /* all sent: waiting for the peer to close too */
	PHASE_GONE,	 /* to be freed */
};

/* What the owner is still to be told. */
enum {
	TELL_TLS_UP = 1,
	TELL_INPUT = 2,
	TELL_DRAINED = 4,
	TELL_CLOSED = 8,
	TELL_MOVED = 16,
};

struct stream {
	struct loop *loop;
	struct loop_ward ward; /* while it lingers */
	const struct stream_ops *ops;
	void *arg;
	struct sock sock;
	struct tls_conn *tls; /* NULL: plain */
	struct event readable, writable, later, timer, wait;
	struct buf in, out;
	enum stream_phase phase;
	size_t record;	   /* TLS: octets of a write to be repeated; 0 none */
	unsigned tell;	   /* TELL_* */
	bool busy;	   /* inside on_*: no need to set `later` */
	size_t piece;	   /* read before the owner has counted; 0 any */
	size_t leaving;	   /* counted: read while it lingers, at most */
	bool read_on;	   /* the owner wants input */
	bool eof;	   /* no more input will come */
	bool dead;	   /* no more octets can be moved */
	bool in_wants_out; /* TLS: reading waits for room to write */
	bool out_wants_in; /* TLS: writing waits for input */
	enum stream_end end;
	char *why; /* of the end */
	uint64_t handshake_ms;
	stream_gone_fn *gone; /* NULL: nobody */
	void *gone_arg;
	char peer[ADDRESS_TEXT_MAX], local[ADDRESS_TEXT_MAX];
	unsigned peer_port;
};

/* Looks after the stream soon, from the loop. */
void stream_poke(struct stream *s);
/* It is over; the first reason counts. WHY is copied. */
void stream_fail(struct stream *s, enum stream_end end, const char *why);
void stream_destroy(struct stream *s);

/* Event handlers; ARG is the stream. */
void stream_on_io(evutil_socket_t fd, short what, void *arg);
void stream_on_timer(evutil_socket_t fd, short what, void *arg);
void stream_on_wait(evutil_socket_t fd, short what, void *arg);

#endif
