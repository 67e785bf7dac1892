/*
 * Who has a mailbox here, where a list says so: a file (local.users =
 * "file:PATH"; one local part a line, "#" begins a comment; read again when it
 * changes), or the users in the spool ("spool"): by their name, at every local
 * domain, or as NAME@DOMAIN. The extension of the address does not matter.
 */
#ifndef DAEMON_USERLIST_H
#define DAEMON_USERLIST_H

#include "daemon/node.h"

/*
 * Is there a mailbox for RECIPIENT? Without such a list, and while it cannot be
 * read, for everybody.
 */
bool userlist_has(const struct node *n, const struct mailbox *recipient);

#endif
