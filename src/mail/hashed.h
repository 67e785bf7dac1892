/*
 * A batch as mail to the user b-smtp (RFC 976 2.3): its lines begin with "#",
 * and no other line counts. Streaming, in any split.
 */
#ifndef MAIL_HASHED_H
#define MAIL_HASHED_H

#include "base/buf.h"

#define HASHED_USER "b-smtp"

struct hashed {
	bool inside; /* of a line */
	bool counts; /* that one */
	bool any;    /* a line that counts was seen */
};

/* Appends to OUT, which has room for them, what counts of OCTETS. */
void hashed_read(struct hashed *h, struct str octets, struct buf *out);

#endif
