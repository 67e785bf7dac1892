/*
 * The transparency of DATA (RFC 5321 4.5.2), streaming, in both directions.
 *
 * Reading ends at CRLF.CRLF and nothing else. What else ends a line for lax
 * servers (bare LF, bare CR) is data here and shows up in the checker below.
 */
#ifndef WIRE_DOT_H
#define WIRE_DOT_H

#include "base/buf.h"

struct dot_reader {
	unsigned state; /* private; zero is the start of a message */
};

struct dot_writer {
	unsigned state; /* private; zero is the start of a message */
};

/*
 * Takes octets of IN, appends message octets (dots undone) to OUT, until OUT
 * is full (buf_room below 4: stop, call again later), IN is used up or the end
 * of data was seen. *taken_r: octets taken. Returns true at the end of data;
 * octets behind it are not taken, and R is ready for the next message.
 */
bool dot_read(
	struct dot_reader *r, struct str in, struct buf *out, size_t *taken_r);

/*
 * Appends IN with dots doubled to OUT as far as it fits; returns how many
 * octets of IN were taken.
 */
size_t dot_write(struct dot_writer *w, struct str in, struct buf *out);
/*
 * Appends the end of data: "." CRLF, with CRLF before it where it lacks. W is
 * ready for the next message then. False: no room, nothing was added.
 */
bool dot_write_end(struct dot_writer *w, struct buf *out);

/*
 * Watches message content (after undoing dots, or as BDAT gives it) for what
 * must not pass: bare CR, bare LF, NUL, and lines above a limit. Also notes
 * whether octets above 127 occur.
 */
enum content_fault {
	CONTENT_OK,
	CONTENT_BARE_CR,
	CONTENT_BARE_LF,
	CONTENT_NUL,
	CONTENT_LONG_LINE,
};

struct content_check {
	size_t line_limit; /* octets of a line without CRLF; 0 none */
	size_t line_len;
	bool saw_cr;
	bool has_8bit, has_8bit_header;
	bool in_body;	      /* past the first empty line */
	uint64_t line_number; /* of the line being read, from 1 */
	uint64_t size_bytes;
	enum content_fault fault; /* the first one found */
	uint64_t fault_line;
};

void content_check_init(struct content_check *c, size_t line_limit);
void content_check_feed(struct content_check *c, struct str s);
/* Call once at the end: a CR as the very last octet is a bare one. */
void content_check_end(struct content_check *c);
/* "bare LF", "a line longer than the limit", ... */
const char *content_fault_text(enum content_fault fault);

#endif
