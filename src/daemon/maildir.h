/*
 * Putting one message into a Maildir: written into tmp, synced, linked into
 * new, the folder synced. Never half a message; and since the name derives
 * from the delivery and is looked for first, never twice.
 *
 * The extension of the address names a folder (Maildir++: ".Lists" beside
 * new), where there is one.
 */
#ifndef DAEMON_MAILDIR_H
#define DAEMON_MAILDIR_H

#include "daemon/letter.h"

/*
 * Blocking; for a helper thread. FOLDER is made where it is missing. QUOTA as
 * in maildirsize.h; ERR_LIMIT: it is full. Anything else is the disk's trouble.
 */
enum err_code maildir_put(const struct letter *l, const char *folder,
	uint64_t quota, struct err *e);

#endif
