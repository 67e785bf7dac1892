/*
 * Which programs run at an event: the executables of its folder, in order of
 * their names. Nothing is run that somebody else could have written: the
 * folders and each file must belong to root or to us, and be written by nobody
 * but them (or our own group).
 *
 * Looks at the disk, so not for the loop.
 */
#ifndef DAEMON_HOOK_DIR_H
#define DAEMON_HOOK_DIR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	HOOK_FILES_MAX = 100, /* in a folder; with more none is run */
};

struct hook_dir {
	char **programs; /* their paths */
	size_t programs_n;
	char **complaints; /* what is not run and why, a sentence each */
	size_t complaints_n;
};

/* FOLDER/EVENT.d; where that does not exist there is nothing to run. */
void hook_dir_read(const char *folder, const char *event, struct hook_dir *d_r);
/* NAME of FOLDER/EVENT.d alone, as seen by who runs it; E has the complaint. */
bool hook_dir_may_run(
	const char *folder, const char *event, const char *name, struct err *e);
void hook_dir_clear(struct hook_dir *d); /* twice is fine */

#endif
