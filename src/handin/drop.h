/*
 * The drop directory: mail of this host's programs while the daemon is down,
 * a file each, durable when drop_close says so, and imported exactly once
 * (daemon/drop.h).
 *
 *	tmp.NAME	being written; old ones are swept
 *	mail.NAME	a message of the user who owns the file
 *	batch.NAME	mail of others on its way (users in programs.trusted)
 *	refused.NAME	what the daemon did not take, for the operator
 *
 * Each is a batch (mail/bsmtp.h) that ends with QUIT, so half a file is known.
 * The directory belongs to the daemon and has the mode 3733: anyone may put
 * files into it, nobody can list it or touch another's (the sticky bit), and
 * they get the daemon's group, which may read them.
 */
#ifndef HANDIN_DROP_H
#define HANDIN_DROP_H

#include "base/buf.h"
#include "base/err.h"

#define DROP_TMP "tmp."
#define DROP_MAIL "mail."
#define DROP_BATCH "batch."
#define DROP_REFUSED "refused."

enum {
	DROP_MODE = 03733,
	DROP_FILE_MODE = 0640,
	DROP_NAME_MAX = 40, /* of NAME: letters, digits and '-' */
};

bool drop_is_name(struct str name);

struct drop;

/*
 * Begins a file. KIND: DROP_MAIL or DROP_BATCH; NAME: NULL makes one nobody
 * has. ERR_NOTFOUND: there is no such directory; ERR_EXISTS: NAME waits there
 * already; ERR_FULL.
 */
enum err_code drop_open(const char *dir, const char *kind, const char *name,
	struct drop **drop_r, struct err *e);
enum err_code drop_write(struct drop *d, struct str octets, struct err *e);
/* OK: it is on the disk under its name. D is freed in any case. */
enum err_code drop_close(struct drop *d, struct err *e);
/* Takes it away again. NULL is fine. */
void drop_abandon(struct drop *d);

#endif
