/*
 * Cuts a stream of octets into lines that end with CRLF, and only CRLF
 * (RFC 5321 2.3.8). A bare CR or LF is part of the line and is reported.
 *
 * Sans-I/O: the reader looks at a view, takes a whole line or nothing, so
 * octets behind the line stay with the caller. A line above the limit is
 * swallowed to its CRLF and reported once.
 */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include "base/buf.h"

enum line_result {
	LINE_MORE,     /* no whole line yet; everything was taken */
	LINE_OK,       /* a line is in line_text() */
	LINE_TOO_LONG, /* a line above the limit has just ended */
	LINE_BARE,     /* a line holding a bare CR, bare LF or NUL */
};

struct line_reader {
	struct buf text; /* the line so far, without its CRLF */
	bool saw_cr;	 /* the last octet taken was CR */
	bool too_long, bare;
	bool done; /* the line in text was handed out; the next call drops it */
};

/* LIMIT: octets of a line without CRLF, at least 1. */
void line_reader_init(struct line_reader *r, size_t limit);
void line_reader_free(struct line_reader *r);
void line_reader_set_limit(struct line_reader *r, size_t limit);

/*
 * Takes octets of DATA up to and including the first CRLF; *taken_r says how
 * many. After LINE_OK and LINE_BARE line_text() is valid until the next call.
 */
enum line_result line_read(
	struct line_reader *r, struct str data, size_t *taken_r);
struct str line_text(const struct line_reader *r);
/* True while part of a line is held. */
bool line_pending(const struct line_reader *r);

#endif
