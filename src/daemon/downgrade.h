/*
 * What becomes of mail that needs more than the peer takes: 8 bit, binary,
 * UTF-8 addresses. Where its route has another peer that takes it, it is left
 * for that one. Else 8 bit and binary go as 7 bit (mail/recode.h), where that
 * can be, and what cannot go is returned.
 *
 * Another peer counts for 8 bit where it offered that and served us within
 * DOWNGRADE_TRUST_S: mail does not wait for one that is gone. For UTF-8
 * addresses, which else are returned, any peer counts that is not known to lack
 * them.
 */
#ifndef DAEMON_DOWNGRADE_H
#define DAEMON_DOWNGRADE_H

#include "conf/conf.h"
#include "spool/queue.h"

enum { DOWNGRADE_TRUST_S = 7 * 86400 };

struct downgrade;

/* For a connection to PEER that carries ROUTES (N); copied. On the loop. */
struct downgrade *downgrade_new(const struct conf *conf, const char *peer,
	const char *const *routes, size_t n);
/* UTF-8 mail is left for the other hosts of a domain, whatever it is known. */
void downgrade_leave_utf8(struct downgrade *g);
/* In a transaction: what is known of the others. */
enum err_code downgrade_read(
	struct spool_txn *t, struct downgrade *g, int64_t now, struct err *e);
/* For each of the routes; as in struct spool_claim. */
const struct spool_takes *downgrade_takes(const struct downgrade *g);
void downgrade_free(struct downgrade *g); /* NULL is fine */

#endif
