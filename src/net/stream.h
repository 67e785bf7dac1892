/*
 * A connection: octets in and out, with or without TLS, over one fd.
 *
 * The owner gets told by its ops, always from the loop, never from inside
 * a call it makes on the stream. Input is held back by
 * stream_read_enable(false); then at most STREAM_INPUT_MAX octets wait here.
 * A new stream reads. `input` tells of new octets, not again of those that
 * the owner left, but for a new owner and when reading is enabled again. The
 * peer's end of stream comes behind the input and waits with it while that
 * is held back; the stream can still send then. A failure does not wait.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/loop.h"
#include "net/pace.h"
#include "net/tls.h"

enum { STREAM_INPUT_MAX = 65536 };

enum stream_end {
	STREAM_EOF,	/* closed by the peer (with or without close_notify) */
	STREAM_RESET,	/* reset, or any other socket error */
	STREAM_TLS,	/* the handshake or the TLS layer failed */
	STREAM_TIMEOUT, /* no acknowledged octet for stall_ms */
};

struct stream_ops {
	void (*input)(void *arg); /* there is something in stream_view() */
	void (*drained)(
		void *arg); /* all that was written went to the kernel */
	void (*tls_up)(void *arg, const struct tls_facts *facts);
	/*
	 * Of a stream that is counted: octets came, perhaps only part of what
	 * `input` will tell of. May be NULL.
	 */
	void (*moved)(void *arg);
	/* Once, last. WHY in words. The owner frees the stream. */
	void (*closed)(void *arg, enum stream_end end, const char *why);
};

struct stream;

/* Takes over FD (a connected socket), non-blocking. */
struct stream *stream_new(
	struct loop *loop, int fd, const struct stream_ops *ops, void *arg);
/* Another owner from now on (the turn of ATRN). */
void stream_set_owner(
	struct stream *s, const struct stream_ops *ops, void *arg);

struct str stream_view(const struct stream *s); /* contiguous */
void stream_consume(struct stream *s, size_t n);
void stream_read_enable(struct stream *s, bool enable);
/*
 * From now on reads at most OCTETS from the socket before `moved` is told: the
 * owner counts what comes and may have to stop it, in the middle of a TLS
 * record too. Closing reads no more than OCTETS, for all of the linger.
 */
void stream_count(struct stream *s, size_t octets);

/*
 * Sends and reads no faster than P (held by the stream; NULL: no bound) lets.
 */
void stream_set_pace(struct stream *s, struct pace *p);

void stream_write(struct stream *s, struct str octets);
/* Octets written but not yet handed to the kernel. */
size_t stream_unsent(const struct stream *s);

/*
 * Starts a handshake. All plain output must have gone (drained) and the input
 * must be empty, else closed(STREAM_TLS): plain octets in front of a handshake
 * are an attack. tls_up or closed follows; TIMEOUT_MS bounds it.
 */
void stream_tls_accept(
	struct stream *s, struct tls_server *server, uint64_t timeout_ms);
void stream_tls_connect(struct stream *s, struct tls_client *client,
	const struct tls_policy *policy, uint64_t timeout_ms);

/*
 * TCP_USER_TIMEOUT: closed(STREAM_TIMEOUT) when sent octets stay without
 * acknowledgement this long.
 */
void stream_set_stall_ms(struct stream *s, uint64_t stall_ms);

/*
 * At most OCTETS handed to the kernel and not yet acknowledged by the peer, TLS
 * included; 0: no limit. On a slow link what sits in the kernel can be neither
 * counted, stopped nor overtaken.
 */
void stream_set_window(struct stream *s, size_t octets);
/* Octets that are not with the peer yet: unsent, or not acknowledged. */
size_t stream_unacked(const struct stream *s);

/* The certificate that the peer of a TLS client showed. False: none yet. */
bool stream_certificate(
	const struct stream *s, struct tls_certificate *certificate_r);

struct stream_counts {
	uint64_t sent, received; /* octets on the socket, TLS included */
};
struct stream_counts stream_counts(const struct stream *s);
/* "192.0.2.1" and the port of the other end; "local" for a Unix socket. */
const char *stream_peer_address(const struct stream *s);
unsigned stream_peer_port(const struct stream *s);
const char *stream_local_address(const struct stream *s);
int stream_fd(const struct stream *s);

/*
 * FN when the stream is about to be freed, its socket still open: what moved
 * while it lingered is known only then. NULL: nobody.
 */
typedef void stream_gone_fn(void *arg, const struct stream *s);
void stream_on_gone(struct stream *s, stream_gone_fn *fn, void *arg);

/*
 * Closes: sends what is left, waits for the peer to close too (so that unread
 * input does not reset the connection and take our last words with it), both
 * for at most LINGER_MS, then frees. No more calls to the owner. With
 * LINGER_MS 0 it is gone at once. NULL is fine.
 */
void stream_close(struct stream *s, uint64_t linger_ms);

#endif
