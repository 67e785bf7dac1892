/* Tells when a file comes into a folder, or the folder goes. */
#ifndef NET_FOLDER_H
#define NET_FOLDER_H

#include "net/loop.h"

struct folder;

/*
 * FN on the loop, once for all that came at a time. NULL: it cannot be watched
 * (it is not there, or the system has no watch left): look from time to time.
 */
struct folder *folder_watch(
	struct loop *loop, const char *path, loop_fn *fn, void *arg);
void folder_free(struct folder *f); /* NULL is fine */

#endif
