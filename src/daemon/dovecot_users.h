/*
 * Whether a local user exists, asked of Dovecot's user database
 * (local.users = "dovecot:PATH", the socket auth-userdb).
 *
 * Answers are kept a minute, so that a RCPT for a known name does not wait;
 * the loop never does.
 */
#ifndef DAEMON_DOVECOT_USERS_H
#define DAEMON_DOVECOT_USERS_H

#include "conf/conf.h"
#include "net/loop.h"

enum dovecot_user {
	DOVECOT_USER_UNKNOWN, /* not asked lately */
	DOVECOT_USER_THERE,
	DOVECOT_USER_NONE,
	DOVECOT_USER_TEMP, /* it could not be asked */
};

typedef void dovecot_users_fn(void *arg, enum dovecot_user user);

struct dovecot_users;
struct dovecot_lookup;

struct dovecot_users *dovecot_users_new(struct loop *loop);
void dovecot_users_free(struct dovecot_users *u); /* NULL is fine */
/* Connects where CONF says so, and forgets what it knew of another socket. */
void dovecot_users_set_conf(struct dovecot_users *u, const struct conf *conf);
bool dovecot_users_is_used(const struct dovecot_users *u);

enum dovecot_user dovecot_users_cached(
	struct dovecot_users *u, const struct mailbox *m);
/* FN is called once, from the loop, never with UNKNOWN. */
struct dovecot_lookup *dovecot_users_ask(struct dovecot_users *u,
	const struct mailbox *m, dovecot_users_fn *fn, void *arg);
/* FN will not be called. NULL is fine. */
void dovecot_users_cancel(struct dovecot_lookup *q);

#endif
