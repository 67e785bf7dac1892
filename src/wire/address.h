/*
 * Addresses of the envelope (RFC 5321 4.1.2).
 *
 * A mailbox is kept as the text to send on: local part with its case and
 * quoting as given, domain as given. Two texts for the same mailbox compare
 * equal with mailbox_eq. The null reverse-path is the mailbox with no text.
 */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "base/str.h"
#include "wire/limits.h"

struct mailbox {
	char text[WIRE_MAILBOX_MAX + 1]; /* "" is the null path */
	uint16_t local_n; /* octets before the '@'; whole text if none */
};

enum path_kind { PATH_REVERSE, PATH_FORWARD };

/*
 * Parses "<...>" at the front of *IN and moves behind it. Source routes
 * ("@a,@b:") are accepted and dropped (RFC 5321 4.1.1.3, appendix C). "<>" only
 * where KIND is PATH_REVERSE; "<postmaster>" without domain, in any case, only
 * where it is PATH_FORWARD. On false *IN is unchanged and *why_r is a static
 * text for a 501 or 553.
 */
bool address_path(struct str *in, enum path_kind kind, bool utf8,
	struct mailbox *mailbox_r, const char **why_r);
/*
 * Likewise, but an address without "@" is taken as one at DOMAIN (RFC 6409
 * 6.4); empty: it is malformed.
 */
bool address_path_complete(struct str *in, enum path_kind kind, bool utf8,
	struct str domain, struct mailbox *mailbox_r, const char **why_r);

/* The whole of S is local-part "@" (domain or literal). */
bool address_parse(struct str s, bool utf8, struct mailbox *mailbox_r);

struct str mailbox_local(const struct mailbox *m);
struct str mailbox_domain(const struct mailbox *m); /* empty: none */
bool mailbox_is_null(const struct mailbox *m);
/* In any case, at any domain or none (RFC 5321 4.5.1). */
bool mailbox_is_postmaster(const struct mailbox *m);
/* Same domain without case, same local part with case, quoting undone. */
bool mailbox_eq(const struct mailbox *a, const struct mailbox *b);
/*
 * The local part with its quoting undone ("a b"@x gives a b) into OUT, for
 * local delivery. False: it does not fit.
 */
bool mailbox_local_plain(const struct mailbox *m, char *out, size_t size);

/*
 * Does ADDRESS match PATTERN of a route or rule: "*", "domain", ".domain" (its
 * subdomains), "user@domain"? Domains and user without case.
 */
bool address_match(struct str pattern, const struct mailbox *address);

#endif
