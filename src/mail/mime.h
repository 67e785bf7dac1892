/*
 * The parts of a message in memory (RFC 2046), for looking at it. Whatever is
 * malformed, every octet of a body is in some part, and the walk ends: depth
 * and number of parts are bounded.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "mail/decode.h"

enum {
	MIME_DEPTH_MAX = 8,
	MIME_PARTS_MAX = 200,
	MIME_TYPE_MAX = 80,
	MIME_NAME_MAX = 200,
	MIME_BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
};

struct mime_part {
	struct str header, body;
	char type[MIME_TYPE_MAX + 1]; /* lower case; "text/plain" by default */
	char charset[DECODE_CHARSET_MAX + 1]; /* "" none given */
	char name[MIME_NAME_MAX + 1];	      /* of a file; "" none */
	enum transfer how;
	bool nested;	      /* the header of a message within the message */
	unsigned alternative; /* the same number: one of several; 0: alone */
};

/* A part without parts, or with NESTED a message/rfc822 whose parts follow. */
typedef void mime_each(void *arg, const struct mime_part *part);
void mime_walk(struct str message, mime_each *each, void *arg);

/* What P's header says of its type, its encoding and the name of a file. */
void mime_read_header(struct mime_part *p);
/* Of Content-Type, without quotes; "": there is none; cut where it is too long.
 */
void mime_parameter(struct str header, struct str name, char *out, size_t size);
/* LINE, without its end, as a boundary (RFC 2046 5.1.1); *LAST_R: the end. */
bool mime_is_boundary(struct str line, struct str boundary, bool *last_r);

/* The header at the front of MESSAGE, and what follows its empty line. */
struct str mime_header(struct str message, struct str *body_r);

#endif
