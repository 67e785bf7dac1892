/*
 * Appending one message to an mbox file ("mboxrd"), under the locks that other
 * programs take: fcntl, then PATH.lock (where the folder lets us make it).
 *
 * A field in each message names the delivery and says "part" until all of it
 * is on the disk, then "done". So a second try after a crash finds it: what is
 * done is not put there again, what is in part is cut off first. Where
 * writing fails, the file becomes what it was.
 */
#ifndef DAEMON_MBOX_H
#define DAEMON_MBOX_H

#include "daemon/letter.h"

/*
 * Blocking, and waits for the locks. Any error is the disk's or another
 * program's. QUOTA: of the file, octets, 0 none; ERR_LIMIT.
 */
enum err_code mbox_put(const struct letter *l, const char *path, uint64_t quota,
	struct err *e);

#endif
