/* Characters of other times and places as UTF-8. */
#ifndef FACES_CHARSET_H
#define FACES_CHARSET_H

#include "base/buf.h"

/*
 * Appends S, which is in CHARSET ("" or unknown: as it stands), as UTF-8. Only
 * well-known charsets are converted: the names come from strangers, and what
 * the C library offers besides has had holes. What cannot be read is "?".
 */
void charset_to_utf8(const char *charset, struct str s, struct buf *out);

#endif
