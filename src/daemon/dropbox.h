/*
 * Mail that programs left in the drop directory (handin/drop.h), imported at
 * start and when a file comes, one after the other.
 *
 * A file goes only when the spool has its mail: each recipient has an id made
 * of the file's name, which is stored with the message (spool_ledger_add), so
 * a file that is read again after a crash brings nothing twice. What may not
 * be taken is kept as refused.NAME, and the log says why. Files are what any
 * user of this host likes: only regular ones with one name are opened, and
 * what they say counts as said by their owner.
 */
#ifndef DAEMON_DROPBOX_H
#define DAEMON_DROPBOX_H

#include "daemon/node.h"

struct passwd;
struct dropbox;

/*
 * Makes the directory where it lacks, for PW (NULL: who runs the daemon). That
 * it cannot is no error of the daemon; it is logged.
 */
void dropbox_make(const struct conf *conf, const struct passwd *pw);

struct dropbox *dropbox_new(struct node *n);
/* Begins nothing any more, and ends what is under way. */
void dropbox_stop(struct dropbox *d);
void dropbox_free(struct dropbox *d); /* after the pool; NULL is fine */

#endif
