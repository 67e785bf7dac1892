/*
 * The octets of a batch, whatever it comes in: as it is, made smaller
 * (mail/squeeze.h), or as a message that carries it (mail/carrier.h), which may
 * have been made smaller too. Blocking, and bounded in memory.
 */
#ifndef HANDIN_BATCH_SOURCE_H
#define HANDIN_BATCH_SOURCE_H

#include "base/buf.h"
#include "base/err.h"

struct batch_source;

/* FD: borrowed; read from where it stands. SIZE_MAX: of what comes out. */
struct batch_source *batch_source_new(int fd, uint64_t size_max);
void batch_source_free(struct batch_source *s); /* NULL is fine */
/*
 * Appends octets to OUT, which is empty and has a limit: some, or *done_r.
 * ERR_IO; ERR_LIMIT: too many (limits.batch_size); ERR_INVALID: it is damaged,
 * cut, or a message without a batch.
 */
enum err_code batch_source_read(
	struct batch_source *s, struct buf *out, bool *done_r, struct err *e);

#endif
