/*
 * The local users a file names (local.users = "file:PATH"): one local part a
 * line, "#" begins a comment. Read again when the file changes.
 */
#ifndef DAEMON_USERLIST_H
#define DAEMON_USERLIST_H

#include "conf/conf.h"

/* Is there a mailbox for RECIPIENT? An unreadable list knows everybody. */
bool userlist_has(const struct conf *conf, const struct mailbox *recipient);

#endif
