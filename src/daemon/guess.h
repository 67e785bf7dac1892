/*
 * Who guesses passwords is slowed over all sessions, so that it does not help
 * to connect anew.
 *
 * Wrong logins are counted by client address (of IPv6 the /64) and by account
 * name. Above limits.auth_failures_per_client the outcomes of all logins from
 * the address, right or wrong, are told one at a time, limits.auth_pace apart,
 * in the order they came. So a right one behind the same address waits at most
 * a pace for each session that was there before it, and whoever hangs up before
 * his turn has learned nothing. Above limits.auth_failures_per_account the
 * outcome is held for a while, whoever asks and whatever it is: nobody can lock
 * an account for its owner.
 */
#ifndef DAEMON_GUESS_H
#define DAEMON_GUESS_H

#include "daemon/node.h"

struct guess;
struct guess_wait;

typedef void guess_fn(void *arg);

struct guess *guess_new(struct node *n);
void guess_free(struct guess *g); /* NULL is fine; nobody waits any more */

/* A wrong login. */
void guess_count(struct guess *g, const char *address, const char *account);
/* Were there too many for ACCOUNT? */
bool guess_is_hunted(const struct guess *g, const char *account);
/*
 * May an outcome be told to ADDRESS? NULL: now. Else FN is called when it may;
 * what is returned ends with that, or with guess_wait_end.
 */
struct guess_wait *guess_wait(
	struct guess *g, const char *address, guess_fn *fn, void *arg);
void guess_wait_end(struct guess_wait *w); /* NULL is fine */

#endif
