/* A stored body, piece by piece, for helper threads: each read waits. */
#ifndef DAEMON_BODYREAD_H
#define DAEMON_BODYREAD_H

#include "spool/queue.h"

/* As spool_body_read: at most SIZE octets from OFFSET; *n_r 0 at the end. */
enum err_code bodyread(struct spool *s, int64_t id, uint64_t offset, char *out,
	size_t size, size_t *n_r, struct err *e);

#endif
