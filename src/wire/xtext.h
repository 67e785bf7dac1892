/* xtext of RFC 3461 4: "+41" for "A". */
#ifndef WIRE_XTEXT_H
#define WIRE_XTEXT_H

#include "base/buf.h"

/* True if S is well-formed xtext. */
bool xtext_valid(struct str s);
/* Appends S decoded. False: malformed or no room. */
bool xtext_decode(struct str s, struct buf *out);
/* Appends S encoded. False: no room. */
bool xtext_encode(struct str s, struct buf *out);

#endif
