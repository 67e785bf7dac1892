/*
 * The other way from transfer.h, for reading: octets out of quoted-printable
 * and base64 (RFC 2045 6.7, 6.8), and out of the encoded words of a header
 * (RFC 2047). Made for what strangers wrote: what is malformed is taken as it
 * stands, nothing is refused, and no more comes out than went in.
 */
#ifndef MAIL_DECODE_H
#define MAIL_DECODE_H

#include "mail/transfer.h"

/* Appends the octets that S stands for. */
void decode_transfer(struct buf *out, struct str s, enum transfer how);

/* The same for what comes in pieces; quoted-printable: whole lines each. */
struct decode {
	enum transfer how;
	/* private: base64 */
	uint32_t bits;
	unsigned bits_n;
	bool ended;
};
void decode_more(struct decode *d, struct buf *out, struct str s);

/* "quoted-printable", "base64", in any case; all else is TRANSFER_NONE. */
enum transfer decode_transfer_name(struct str name);

enum { DECODE_CHARSET_MAX = 40 };

/* A piece of a field's value. CHARSET "": as it stands there. */
typedef void decode_piece(void *arg, const char *charset, struct str octets);
/*
 * VALUE, unfolded, piece by piece: blanks between two encoded words are
 * dropped (RFC 2047 6.2).
 */
void decode_words(struct str value, decode_piece *each, void *arg);

#endif
