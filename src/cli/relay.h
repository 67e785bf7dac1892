/*
 * Octets both ways between our standard input and output and a socket, until
 * the socket's side is over.
 */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include "base/err.h"

#include <stddef.h>

enum {
	RELAY_BUFFER = 16384, /* octets held each way */
	/* What may pass in a pipe at once without waiting (POSIX PIPE_BUF). */
	RELAY_WRITE_MAX = 4096,
	/* The other end is gone, and its last words are not taken. */
	RELAY_LAST_MS = 60000,
};

/*
 * FIRST_N octets of FIRST are said first. The end of our input is told to the
 * socket; the end of the socket ends the relay. ERR_CLOSED, ERR_IO: E.
 */
enum err_code relay_run(
	int socket, const char *first, size_t first_n, struct err *e);

#endif
