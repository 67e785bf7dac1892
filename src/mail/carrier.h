/*
 * A batch (bsmtp.h) as a message, or as a part of one: application/batch-SMTP
 * (RFC 2442). A batch that was made smaller is no such thing, since that type
 * is lines; it is application/gzip (RFC 6713) or application/zstd (RFC 8878)
 * with a name that ends as those of files do, ".bsmtp.gz" or ".bsmtp.zst".
 *
 * Reading is streaming: a message goes in, in any pieces, and the octets of the
 * first batch in it come out, also out of a part of a part or of a message that
 * was returned. Memory is bounded: one line, one header, the boundaries that
 * are open.
 */
#ifndef MAIL_CARRIER_H
#define MAIL_CARRIER_H

#include "mail/mime.h"
#include "mail/squeeze.h"
#include "wire/params.h"

enum {
	CARRIER_HEADER_MAX = 65536, /* octets of one header */
	CARRIER_SEAL_MAX = 64,	    /* hexadecimal digits */
	CARRIER_WHY_MAX = 200,
	CARRIER_LINE_MAX = 998, /* RFC 5322 2.1.1 */
};

/* --- writing --- */

struct carrier {
	const char *hostname, *from, *to;
	const char *date; /* "" not known */
	const char *name; /* of the batch: one that no other has */
	const char *seal; /* over its octets; "" none */
	enum squeeze_kind squeeze;
	enum transfer how;
	bool has_8bit;	     /* where it is not encoded */
	unsigned extensions; /* EXT_ bits its messages make use of */
	size_t messages_n;
};

/* Appends the header and its empty line. */
void carrier_write_header(const struct carrier *c, struct buf *out);

/* What a batch has that a message may not have as it is. */
struct carrier_look {
	size_t column;
	bool has_8bit, long_line;
};
void carrier_look(struct carrier_look *l, struct str octets);

/* --- reading --- */

/* Do these first octets begin a message, and no batch? */
bool carrier_is_message(struct str begin);

struct carrier_reader;

struct carrier_reader *carrier_reader_new(void);
void carrier_reader_free(struct carrier_reader *r); /* NULL is fine */
/* Appends to OUT, which has no limit, about as many octets as come in. */
void carrier_read(struct carrier_reader *r, struct str octets, struct buf *out);
/* No octets follow. True: there was a batch; else carrier_why tells. */
bool carrier_read_end(struct carrier_reader *r, struct buf *out);
/* Why there is none that can be read; "": it may still come. */
const char *carrier_why(const struct carrier_reader *r);
/* Of the batch that was found; "" none. */
const char *carrier_seal(const struct carrier_reader *r);

#endif
