/*
 * Claimed messages as a file: a batch, or one message for rmail. Blocking, for
 * helper threads.
 */
#ifndef DAEMON_BATCHFILE_H
#define DAEMON_BATCHFILE_H

#include "conf/conf.h"
#include "mail/squeeze.h"
#include "spool/queue.h"

struct batchfile {
	struct spool *spool;
	const char *hostname;
	const char *node; /* the first part of all ids */
	enum conf_format format;
	enum squeeze_kind squeeze;
	const struct spool_claimed *messages; /* borrowed */
	size_t n;
	/*
	 * ERR_CORRUPT: the message whose body cannot be read;
	 * ERR_UNSUPPORTED: that is binary and can be nothing else.
	 */
	size_t at; /* the message that was at fault; N: none was */
};

/* The id of a delivery, the same whenever it goes out again. */
void batchfile_id(const struct batchfile *b, const struct spool_message *m,
	unsigned n, char id_r[WIRE_ID_MAX + 1]);

/* A file without a name in DIR, at its beginning: *fd_r is given. */
enum err_code batchfile_make(
	struct batchfile *b, const char *dir, int *fd_r, struct err *e);
/*
 * A file in FOLDER, with a name nobody has (*name_r, given), whole and synced
 * when it has that name. ERR_NOTFOUND: the folder is not there; ERR_UNCERTAIN:
 * it has its name, and perhaps not for long.
 */
enum err_code batchfile_put(
	struct batchfile *b, const char *folder, char **name_r, struct err *e);

#endif
