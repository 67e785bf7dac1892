/*
 * Batches made smaller, and read again: gzip (RFC 1952) or zstd (RFC 8878).
 * Streaming; memory is bounded (a zstd window of at most 8 MB is read).
 */
#ifndef MAIL_SQUEEZE_H
#define MAIL_SQUEEZE_H

#include "base/buf.h"
#include "base/err.h"

enum squeeze_kind { SQUEEZE_NONE, SQUEEZE_GZIP, SQUEEZE_ZSTD };

enum { SQUEEZE_MAGIC = 4 }; /* octets by which it is known */

/* By the first octets, at least SQUEEZE_MAGIC where there are so many. */
enum squeeze_kind squeeze_guess(struct str begin);
/* "", ".gz", ".zst" */
const char *squeeze_suffix(enum squeeze_kind kind);

struct squeeze;

struct squeeze *squeeze_new(enum squeeze_kind kind, bool expand);
void squeeze_free(struct squeeze *s); /* NULL is fine */
/*
 * Takes octets of IN (which moves) and appends to OUT until IN is used up or
 * OUT, which has a limit, is full. LAST: nothing follows IN; then call until
 * *done_r. ERR_INVALID: it is damaged or cut.
 */
enum err_code squeeze_run(struct squeeze *s, struct str *in, bool last,
	struct buf *out, bool *done_r, struct err *e);

#endif
