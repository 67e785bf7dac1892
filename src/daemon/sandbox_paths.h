/*
 * Which folders the daemon needs, by its configuration: whose files it reads,
 * and where it writes. Each is the real path of what is there now: of what is
 * not, the nearest folder above; the root is never one.
 *
 * Folders and not files, since programs replace files.
 */
#ifndef DAEMON_SANDBOX_PATHS_H
#define DAEMON_SANDBOX_PATHS_H

#include "conf/conf.h"
#include "daemon/landlock.h"

struct sandbox_path {
	char *path; /* owned */
	enum landlock_access access;
	const char *key; /* of the configuration; "" it is the system's */
};

struct sandbox_paths {
	struct sandbox_path *v; /* owned */
	size_t n;
	/* wanted, but nothing of them is there */
	struct sandbox_path *missing; /* owned */
	size_t missing_n;
};

/* Looks at the disk. */
void sandbox_paths_read(const struct conf *conf, struct sandbox_paths *p_r);
void sandbox_paths_clear(struct sandbox_paths *p);
/*
 * Who has A, has all of B; else the first that is not, NULL: it has. What the
 * system brought since then, and what both miss, is no reason.
 */
const struct sandbox_path *sandbox_paths_beyond(
	const struct sandbox_paths *a, const struct sandbox_paths *b);

#endif
