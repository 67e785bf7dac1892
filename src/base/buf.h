/*
 * A bounded queue of octets: in at the back, out at the front.
 *
 * Memory grows on demand up to LIMIT and never beyond; what does not fit is
 * refused whole, so nothing is ever half in. A limit of 0 means no limit
 * (only for text whose length our own code bounds).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *data; /* owned */
	size_t start, len, cap, limit;
};

void buf_init(struct buf *b, size_t limit);
void buf_free(struct buf *b); /* back to empty, keeps the limit */

/* False: over the limit, nothing was added. */
bool buf_add(struct buf *b, const void *p, size_t n);
bool buf_addz(struct buf *b, const char *z);
bool buf_adds(struct buf *b, struct str s);
bool buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What is in it, valid until the next call on B. */
struct str buf_view(const struct buf *b);
void buf_consume(struct buf *b, size_t n);
void buf_clear(struct buf *b);
/* How many octets may still be added (SIZE_MAX when unlimited). */
size_t buf_room(const struct buf *b);
/* Adds a NUL behind the content (not counted) and gives the content's start. */
const char *buf_z(struct buf *b);

#endif
