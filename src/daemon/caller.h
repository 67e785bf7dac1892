/*
 * Programs of this host that hand mail in, by the user who runs them
 * (programs.trusted).
 */
#ifndef DAEMON_CALLER_H
#define DAEMON_CALLER_H

#include "daemon/receive.h"

/* User UID as the session knows it; all else in *p_r is false. */
void caller_who(
	const struct conf *conf, unsigned uid, struct receive_program *p_r);
/*
 * A session of such a program whose other end is a helper thread's: a blocking
 * socket, given. -1: errno says why there is none.
 */
int caller_session(struct node *n, const struct receive_program *who);

#endif
