/*
 * Landlock (Linux 5.13 and later): a process gives up all files but those
 * beneath some folders, and the right to run anything, for itself and whatever
 * it starts; nothing gives them back. By its system calls: there is no library
 * in Debian 12.
 *
 * Before 5.19 (version 2) it cannot let a file be renamed from one folder into
 * another, as every delivery to a Maildir is: then it is not used.
 */
#ifndef DAEMON_LANDLOCK_H
#define DAEMON_LANDLOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum landlock_access {
	LANDLOCK_READ,	/* files and lists of folders */
	LANDLOCK_WRITE, /* and all else but running them, and devices */
};

struct landlock_path {
	const char *path;
	enum landlock_access access;
};

enum { LANDLOCK_VERSION_MIN = 2 };

/* What the kernel offers; 0: nothing that can be used. */
int landlock_version(void);
/*
 * For this thread and what it starts from now on, so before there are others.
 * Also sets "no new privileges". Paths that are not there are left out.
 */
enum err_code landlock_apply(
	const struct landlock_path *paths, size_t n, struct err *e);

#endif
