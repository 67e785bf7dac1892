/* What a statement of a month has of words: months, and fields of CSV. */
#ifndef CLI_STATEMENT_H
#define CLI_STATEMENT_H

#include "base/buf.h"

/*
 * "2026-03": from its first second to before the first of the next, UTC.
 * False: no month of the years 1970 to 9999.
 */
bool statement_month(struct str s, int64_t *from_r, int64_t *to_r);
/* The month of a time. */
void statement_month_of(int64_t wall_s, int64_t *from_r, int64_t *to_r);
/* TEXT as a field: in quotes where it needs them (RFC 4180 2). */
void statement_field(struct buf *out, const char *text);

#endif
