/*
 * The locks of an mbox file. The one by fcntl belongs to the open file, so that
 * two threads of this program exclude each other too; the other one is a file
 * beside it with our process id, which is taken away where that process is
 * gone, or without one when it is older than ten minutes.
 */
#ifndef DAEMON_MBOX_LOCK_H
#define DAEMON_MBOX_LOCK_H

#include "daemon/letter.h"

struct mbox_lock {
	char path[LETTER_PATH_MAX + 8]; /* "": the folder is not ours */
};

/* Waits half a minute at most. ERR_BUSY: somebody else holds it. */
enum err_code mbox_lock_take(
	struct mbox_lock *k, int fd, const char *path, struct err *e);
void mbox_lock_drop(struct mbox_lock *k);

#endif
