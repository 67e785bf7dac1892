/* What reading aliases and following them share. */
#ifndef CONF_ALIASES_PRIVATE_H
#define CONF_ALIASES_PRIVATE_H

#include "conf/aliases.h"
#include "conf/complaint.h"

struct alias {
	char *name; /* "crew" or "crew@a.example", lower case, no quotes */
	/*
	 * Addresses, or local parts as an address has them; "\" before one
	 * that is not followed.
	 */
	char **to;
	size_t n;
	struct place at; /* while it is loaded */
};

struct aliases {
	struct alias *v; /* by name */
	size_t n;
	bool unreadable; /* it, or a file in it, by who runs this */
};

/* NULL: none of this name. */
const struct alias *aliases_find(const struct aliases *a, const char *name);
/* The text of FILE, and what it includes, into A, not yet sorted. */
void aliases_read(struct aliases *a, const char *file, const struct place *at,
	struct sources *sources, struct complaints *out);

#endif
