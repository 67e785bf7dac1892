/*
 * Authentication-Results (RFC 8601): what the front of this node found out
 * about the sender of a message.
 *
 * Anybody can write such a field. Only the first one that carries a name of
 * ours (authserv-id) counts, and the caller asks only where the client is one
 * that it trusts to have removed those of others.
 */
#ifndef MAIL_AUTHRES_H
#define MAIL_AUTHRES_H

#include "base/buf.h"

enum { AUTHRES_VALUE_MAX = 8192 }; /* octets; a longer field says nothing */

/* The fields of one message, as they stream by. */
struct authres {
	const char *const *names; /* ours; borrowed */
	size_t names_n;
	struct str sender_domain; /* borrowed */
	struct buf value;	  /* of the field being read */
	bool too_long;
	bool found; /* one with our name was there */
	bool pass;  /* and it says pass */
};

/* SENDER_DOMAIN: of the envelope, to whom a notice would go. */
void authres_init(struct authres *a, const char *const *names, size_t names_n,
	struct str sender_domain);
void authres_free(struct authres *a); /* what it owns; NULL is fine */
/* Octets behind the colon of an Authentication-Results field. */
void authres_octet(struct authres *a, char octet);
/* The field is over. Without octets since the last one nothing happens. */
void authres_end(struct authres *a);

/*
 * VALUE is what stands behind the colon, folded or not. True: it carries one
 * of NAMES; *pass_r says whether spf, dkim or dmarc passed for SENDER_DOMAIN:
 * whoever owns a domain can sign a message that claims another sender. What
 * does not follow the grammar never says pass.
 */
bool authres_parse(struct str value, const char *const *names, size_t names_n,
	struct str sender_domain, bool *pass_r);

#endif
