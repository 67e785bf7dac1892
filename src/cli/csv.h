/* Writing CSV (RFC 4180): lines end with CRLF, the first names the fields. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include "base/buf.h"

/* TEXT as a field: in quotes where it needs them (RFC 4180 2). */
void csv_field(struct buf *out, const char *text);

/* The same of text that others wrote: control octets are shown as such. */
void csv_text(struct buf *out, const char *text);

#endif
