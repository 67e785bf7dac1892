/*
 * Who has a mailbox here, where a list says so: a file (local.users =
 * "file:PATH"; one local part a line, "#" begins a comment; read again when it
 * changes), or the users in the spool ("spool"): by their name, at every local
 * domain, or as NAME@DOMAIN. The extension of the address does not matter.
 */
#ifndef DAEMON_USERLIST_H
#define DAEMON_USERLIST_H

#include "daemon/node.h"

enum userlist_answer {
	USERLIST_THERE,
	USERLIST_NONE,
	USERLIST_UNSURE, /* the list cannot be read, or is another's */
};

/* Is there a mailbox for RECIPIENT? Without a list for everybody. */
enum userlist_answer userlist_ask(
	const struct node *n, const struct mailbox *recipient);
/* The same; who is unsure says yes. */
bool userlist_has(const struct node *n, const struct mailbox *recipient);

/*
 * For other threads than the loop: the text of the list in C, given to the
 * caller, or NULL; and the answer that rests on it.
 */
char *userlist_read(const struct conf *c);
enum userlist_answer userlist_ask_text(const struct conf *c,
	struct accounts *accounts, const char *text,
	const struct mailbox *recipient);

#endif
