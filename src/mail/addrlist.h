/*
 * The addresses in a field of the header (RFC 5322 3.4, with the obsolete
 * forms of 4.4): names, comments, quoting, groups and source routes are read
 * and dropped, folding is undone.
 *
 * Strict where readers differ: what does not follow the grammar is no address
 * list at all, so that nobody sees another address in it than we do. A name
 * may hold any octet above 127, well-formed or not.
 */
#ifndef MAIL_ADDRLIST_H
#define MAIL_ADDRLIST_H

#include "wire/address.h"

struct addrlist {
	struct str rest;  /* not yet read; borrowed */
	bool in_group;	  /* between "name:" and ";" */
	bool needs_comma; /* an address or a group came last */
	/*
	 * Where a name without domain is (borrowed); empty: it is BAD. BARE:
	 * the last address was one, and "@" and HOME belong here; else NULL.
	 */
	struct str home;
	const char *bare;
};

enum addrlist_result {
	ADDRLIST_ONE, /* *mailbox_r is the next address */
	ADDRLIST_END,
	ADDRLIST_BAD, /* not an address list; ask no further */
};

/* BODY is what stands behind the colon, its line ends included. */
void addrlist_init(struct addrlist *l, struct str body);

/*
 * The next address, its quoting as plain as can be: "ann"@x is given as ann@x.
 * An address without domain is BAD, unless L->home says where it is.
 */
enum addrlist_result addrlist_next(
	struct addrlist *l, struct mailbox *mailbox_r);

#endif
