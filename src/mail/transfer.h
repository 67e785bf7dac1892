/*
 * The two encodings that make 7 bit of any octets (RFC 2045 6.7, 6.8), as
 * streams: octets in, whole output in any number of pieces. Any split of the
 * input gives the same output.
 *
 * Quoted-printable has a kind: text keeps its CRLF line ends as line ends and
 * nothing else as such; binary has none (a CR or LF in it is an octet). Output
 * lines are at most 76 octets; the last one has no line end of its own, since a
 * delimiter brings one. A line that a soft break begins never looks like a
 * delimiter of the multipart around it.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buf.h"

enum transfer {
	TRANSFER_NONE, /* as it is */
	TRANSFER_QP,
	TRANSFER_BASE64,
};

enum { TRANSFER_LINE_MAX = 76 };

struct transfer_write {
	enum transfer how;
	bool binary;
	unsigned column; /* octets in the line under way */
	bool soft;	 /* that line was begun by a soft break */
	char held[3];	 /* QP: a blank, a CR; base64: less than a group */
	unsigned held_n;
	uint64_t octets; /* written so far */
	struct buf *out; /* borrowed; NULL: only counted */
};

/* OUT NULL: counts the octets it would write. */
void transfer_begin(struct transfer_write *w, enum transfer how, bool binary,
	struct buf *out);
void transfer_octets(struct transfer_write *w, struct str octets);
/* No octets follow. */
void transfer_end(struct transfer_write *w);
/* And nothing else does: the last line is ended so that it means nothing. */
void transfer_end_line(struct transfer_write *w);

/* "quoted-printable" or "base64" */
const char *transfer_name(enum transfer how);

/* Octets of N in base64 with the line ends in it. */
uint64_t transfer_base64_octets(uint64_t n);

/* The shorter of the two for S as text; quoted-printable where equal. */
enum transfer transfer_shorter(struct str s);
/* Appends the whole of S. */
void transfer_add(struct buf *out, struct str s, enum transfer how);

#endif
