/*
 * The message by which a station says once a day how it is: one line of
 * name=value, as subject and as text, so that it costs little on a link, is
 * seen in a list of messages, and is easily read by a program.
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include "base/buf.h"

enum { REPORT_LINE_MAX = 900 }; /* RFC 5322 2.1.1: 998 */

/* Names of hosts and addresses are ASCII, within the limits of wire/limits.h */
struct report_letter {
	const char *hostname;
	const char *to;
	const char *date; /* RFC 5322; "" none */
	int64_t id;	  /* for the Message-ID */
	/* Printable ASCII, parted by single blanks; what is too long is left
	 * out, in whole words. */
	struct str line;
};

/* Appends the whole message, CRLF lines. */
void report_compose(const struct report_letter *r, struct buf *out);

#endif
