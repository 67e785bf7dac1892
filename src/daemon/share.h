/*
 * Whose mail a session carried: for each sender the messages and their octets,
 * so that the bill of a link can be shared (link history --by user).
 */
#ifndef DAEMON_SHARE_H
#define DAEMON_SHARE_H

#include "spool/types.h"

enum { SHARES_MAX = 200 }; /* of one session; what is more is "(others)" */

/* Who all that came in is of: nobody here sent it. */
#define SHARE_RECEIVED "(received)"

struct shares {
	struct spool_share *v; /* owned */
	size_t n;
};

/* A message of OCTETS moved for WHO. */
void shares_add(struct shares *s, const char *who, uint64_t octets);
void shares_free(struct shares *s);

/* Who pays for M: the account that handed it in, or else its sender. */
const char *share_payer(const struct spool_message *m);

#endif
