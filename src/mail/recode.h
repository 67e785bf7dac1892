/*
 * From 8 bit to 7 bit, and from binary to either (RFC 6152 3, RFC 3030 3), for
 * a next hop that takes no more: part by part, each in quoted-printable or
 * base64 as is shorter, and nothing else of the message changed.
 *
 * Two passes over the same octets, in any pieces. The first looks: whether it
 * can be done at all, how each part is written, and the exact size of what
 * comes out. The second writes. Memory is bounded whatever comes: a line's
 * front, two fields, the boundaries that are open, an octet for each part.
 *
 *	r = recode_new(to)  recode_look... recode_look_end
 *	recode_write... recode_write_end
 *
 * What may not be written otherwise is left alone where it may pass; else the
 * whole message cannot go, and recode_why says why: what is signed or encrypted
 * (its very octets are), parts of a type message/ (but in message/rfc822, whose
 * parts are looked at as any), 8 bit in a header or around the parts, an
 * encoding that is not what it says, and what two readers could take for two
 * messages: no boundary, a field twice, a line that is no field, or nearly a
 * delimiter. It is not for messages whose header is UTF-8 (SMTPUTF8).
 */
#ifndef MAIL_RECODE_H
#define MAIL_RECODE_H

#include "base/buf.h"

enum {
	RECODE_DEPTH_MAX = 100,	  /* multiparts in one another */
	RECODE_PARTS_MAX = 10000, /* of one message */
};

struct recode_to {
	bool seven_bit;	 /* else 8 bit, in lines */
	bool binary;	 /* the message came as binary (BODY=BINARYMIME) */
	bool signed_too; /* also where a DKIM signature will not hold then */
};

struct recode;

struct recode *recode_new(const struct recode_to *to);
void recode_free(struct recode *r); /* NULL is fine */

void recode_look(struct recode *r, struct str octets);
/* True: it can be done. */
bool recode_look_end(struct recode *r);
/* Why not: "it is signed, and its signature would break". Valid as long as R.
 */
const char *recode_why(const struct recode *r);
/* What the second pass will write. */
uint64_t recode_size(const struct recode *r);

/* Appends to OUT, which has no limit: at most about 3 octets for one. */
void recode_write(struct recode *r, struct str octets, struct buf *out);
void recode_write_end(struct recode *r, struct buf *out);

#endif
