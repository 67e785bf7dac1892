/*
 * Puts a letter where local.deliver says, as who runs this: on a helper thread
 * of the daemon, or in a process that became the user.
 */
#ifndef DAEMON_PUTTING_H
#define DAEMON_PUTTING_H

#include "conf/conf.h"
#include "daemon/letter.h"

/* Blocking. */
void putting_do(const struct conf *conf, const struct letter *l,
	struct letter_end *end_r);

#endif
