/*
 * Addresses of UUCP (RFC 976): bang paths and the lines "From " in front of a
 * message that rmail gets, and back.
 *
 *	b.example!ann		ann@b.example (the domain stands last but one)
 *	a!b.example!ann		the same: hosts in front are only the way
 *	a!ann			ann@a.uucp: a is no domain
 *	ann			ann, a name of this host
 *	ann@b.example		as it is
 *
 * Of a sender, what stands in front of an address with "@" is the way it took:
 * a!ann@b.example is ann@b.example. Of a recipient this could mean two hosts
 * (RFC 976 2.1 and RFC 822 disagree), so it is refused.
 */
#ifndef MAIL_BANG_H
#define MAIL_BANG_H

#include "base/buf.h"
#include "wire/address.h"

enum { BANG_PATH_MAX = 1024, BANG_LINES_MAX = 30 };

/*
 * The address a path means into ADDRESS_R: a mailbox, or a bare name. False:
 * *why_r says what is wrong.
 */
bool bang_to_address(struct str path, bool sender,
	char address_r[WIRE_MAILBOX_MAX + 1], const char **why_r);
/*
 * "ann@b.example" as b.example!ann; a name stays. False: it has no such form,
 * that is none that bang_to_address makes the same address of.
 */
bool bang_from_address(const char *address, struct buf *out);

/* The lines "From " and ">From " at the front, one after the other. */
struct bang_lines {
	char path[BANG_PATH_MAX + 1]; /* the way from here to the sender */
	unsigned n;
};

/*
 * LINE without its end. True: it is such a line and was taken (or, of more than
 * BANG_LINES_MAX or a path that is too long, the way was cut: *cut_r).
 */
bool bang_take_line(struct bang_lines *l, struct str line, bool *cut_r);

/* Appends "From b.example!ann DATE remote from HOST" and a line end. */
void bang_from_line(const char *sender, const char *date, const char *host,
	struct buf *out);

#endif
