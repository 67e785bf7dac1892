/*
 * What programs write, as lines that mail may have: LF, CR and CRLF all end a
 * line and come out as CRLF; the last line gets its end; where LIMIT is set,
 * longer lines are broken (CRLF and a blank, never inside a character of
 * UTF-8) and NUL is left out. Streaming, in any split.
 *
 * With DOT_ENDS a line that is a lone dot ends the message, as sendmail does
 * it without -i.
 */
#ifndef MAIL_TIDY_H
#define MAIL_TIDY_H

#include "base/buf.h"

struct tidy {
	size_t limit; /* octets of a line without its CRLF; 0 none */
	bool dot_ends;
	/* private */
	size_t line_n;
	bool saw_cr, held_dot;
	bool ended; /* the lone dot was seen: the rest is dropped */
};

/* Appends to OUT: at most twice the octets, and what breaking lines adds. */
void tidy_feed(struct tidy *t, struct str in, struct buf *out);
/* No octets follow. */
void tidy_end(struct tidy *t, struct buf *out);

#endif
