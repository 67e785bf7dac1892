/*
 * local.aliases: names of this node that stand for other addresses, in the
 * syntax of aliases(5).
 *
 *	# a comment, where the line begins with it
 *	postmaster: ann
 *	crew:       ann, bob, "carl jones", eve@far.example,
 *	            :include:/etc/tidepost/crew
 *	ann:        \ann, ann@shore.example
 *
 * The last one is ann's own mailbox, and another. A name without "@" holds at
 * every local domain, and is followed again, unless "\" stands before it or it
 * is the name itself. Programs ("|...") and files ("/...") are refused: whose
 * rights would they have? Everything is checked when it is loaded: what is no
 * address, what goes round in a circle, what becomes too many addresses.
 *
 * Where there is an "owner-crew", too, crew is a list (RFC 5321 3.9.2): it
 *sends on in the name of owner-crew, who hears what becomes of it, and not who
 * wrote. Of lists within lists the innermost counts.
 */
#ifndef CONF_ALIASES_H
#define CONF_ALIASES_H

#include "conf/conf.h"
#include "conf/source.h"

enum {
	ALIASES_DEPTH_MAX = 30,	 /* aliases of aliases */
	ALIASES_INCLUDE_MAX = 8, /* :include: in an included file */
	ALIASES_MAX = 100000,
};

struct aliases;

/*
 * Reads C's local.aliases, if any, into C; AT is the setting. What may not be
 * read by who runs this is a warning, and leaves C without them: other programs
 * than the daemon do not need them.
 */
void aliases_load(
	struct conf *c, const struct place *at, struct complaints *out);
void aliases_free(struct aliases *a); /* NULL is fine */

/* Is RECIPIENT, at a local domain, one of them? */
bool aliases_has(const struct conf *c, const struct mailbox *recipient);

/* What RFC 3461 5.2.7 calls it: who reports to the sender, and what. */
enum alias_kind {
	ALIAS_ONE,  /* 5.2.7.2: a single address, which reports for it */
	ALIAS_MANY, /* 5.2.7.3: "expanded" */
	ALIAS_LIST, /* 5.2.7.1: "delivered", and then its owner is told */
};

struct alias_member {
	struct mailbox mailbox;
	size_t owner; /* of the list: owners[owner - 1]; 0 no list */
};

struct alias_list {
	struct alias_member *v; /* owned */
	size_t n;
	struct mailbox *owners; /* owned: owner-NAME@DOMAIN */
	size_t owners_n;
	enum alias_kind kind;
};

/*
 * What RECIPIENT becomes, in the order of the file; an address that stands
 * there twice comes twice. Without LISTS a list is an alias like others: mail
 * without a sender gets none (RFC 5321 4.5.5). ERR_NOTFOUND: it is no alias;
 * ERR_LIMIT, ERR_INVALID (a circle): only by a longer domain than the one that
 * aliases_load looked at. The list is the caller's to free, with any result.
 */
enum err_code aliases_expand(const struct conf *c,
	const struct mailbox *recipient, bool lists, struct alias_list *list_r,
	struct err *e);
void alias_list_free(struct alias_list *l);

#endif
