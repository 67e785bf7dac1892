/*
 * Before mail goes into mailboxes: has each of its recipients one? RCPT has not
 * asked for whom an alias named, and who had one may have lost it since.
 */
#ifndef DAEMON_LOCAL_USERS_H
#define DAEMON_LOCAL_USERS_H

#include "daemon/dovecot_users.h"
#include "daemon/node.h"
#include "spool/queue.h"

struct local_users;
typedef void local_users_fn(void *arg);

/*
 * Asks for the recipients of C (borrowed while it asks): the list of users at
 * once, Dovecot for whom an alias named, one after the other. DONE is called
 * once, perhaps before this returns.
 */
void local_users_ask(struct node *n, const struct spool_claimed *c,
	local_users_fn *done, void *arg, struct local_users **asked_r);
/* Of recipient I, when all have been asked: THERE, NONE or TEMP. */
enum dovecot_user local_users_of(const struct local_users *q, size_t i);
/* DONE is not called any more. NULL is fine. */
void local_users_free(struct local_users *q);

#endif
