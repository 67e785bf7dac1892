/*
 * Puts a letter where local.deliver says, as who runs this: on a helper thread
 * of the daemon, or in a process that became the user.
 */
#ifndef DAEMON_PUTTING_H
#define DAEMON_PUTTING_H

#include "conf/conf.h"
#include "daemon/letter.h"

/*
 * A Maildir or an mbox. HOME: of the user this runs as; NULL: {home} is not
 * known. Blocking.
 */
void putting_do(const struct conf *conf, const struct letter *l,
	const char *home, struct letter_end *end_r);

/* The domain of an address that has none. */
const char *putting_domain(const struct conf *conf);

#endif
