/*
 * Whose mailbox an address names, in the words that paths and programs are
 * made of: "Ann+Lists@a.example" is user "ann", extension "Lists", domain
 * "a.example". User and domain cannot climb out of a folder or hide in it; the
 * extension is as it was written.
 */
#ifndef DAEMON_ADDRESSEE_H
#define DAEMON_ADDRESSEE_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/address.h"

struct addressee {
	char recipient[WIRE_MAILBOX_MAX + 1]; /* as in the envelope */
	char user[WIRE_LOCAL_PART_MAX + 1];   /* lower case */
	/* what stood behind the separator, "" nothing, with its case */
	char extension[WIRE_LOCAL_PART_MAX + 1];
	char domain[WIRE_DOMAIN_MAX + 1]; /* lower case */
};

/*
 * RECIPIENT, an address or "postmaster", which is at FALLBACK_DOMAIN then.
 * SEPARATORS: octets of which the first in the local part begins the extension;
 * "" there is none. ERR_INVALID: it cannot be the name of a mailbox.
 */
enum err_code addressee_set(struct addressee *a, const char *recipient,
	const char *fallback_domain, const char *separators, struct err *e);
/* The same of a mailbox that has a domain. */
bool addressee_of(
	struct addressee *a, const struct mailbox *m, const char *separators);

/* An extension that would climb out of a folder, or hide in it, is none. */
void addressee_for_path(struct addressee *a);

/*
 * The local part of M without quoting and extension, as it is written. False:
 * it does not fit.
 */
bool addressee_user(const struct mailbox *m, const char *separators,
	char user_r[WIRE_LOCAL_PART_MAX + 1]);

/* What {user}, {domain} and others stand for. NULL: not known here. */
struct addressee_words {
	const struct addressee *to;
	const char *sender, *home;
};
/*
 * PATTERN with {user}, {domain}, {extension}, {recipient}, {sender} and {home}
 * put in, behind what is in OUT. False: it does not fit, or holds a word that
 * is not known here.
 */
bool addressee_expand(struct str pattern, const struct addressee_words *words,
	struct buf *out);

#endif
