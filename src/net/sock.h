/* A socket that counts; under the plain and the TLS side of a stream. */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "net/pace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock {
	int fd;
	int error; /* errno of the first failure; sticky */
	bool eof;  /* the peer has sent its last octet */
	uint64_t sent, received;
	/* At most so many octets unacknowledged in the kernel; 0: no limit. */
	size_t window;
	bool full; /* the last send met the window, not the kernel's own */
	/*
	 * So many octets may be read before the owner has counted them, where
	 * it counts (`counted`).
	 */
	bool counted;
	size_t uncounted;
	struct pace *pace;	/* held; NULL: none */
	bool held_out, held_in; /* the last send or read met it */
};

/*
 * Octets moved; 0 at the end of input; -1 with `error` set when the socket
 * failed, or with errno EAGAIN when it has to wait.
 */
ssize_t sock_recv(struct sock *s, void *p, size_t n);
ssize_t sock_send(struct sock *s, const void *p, size_t n);
/* Octets handed to the kernel that the peer has not acknowledged. */
size_t sock_unacked(const struct sock *s);

#endif
