/*
 * Where a message of our own goes: an address, or what it stands for where it
 * is an alias of ours, or an owner of a list is.
 */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include "daemon/node.h"
#include "spool/types.h"

struct target {
	char address[WIRE_MAILBOX_MAX + 1], route[SPOOL_NAME_MAX + 1];
};

/* Zero at first. */
struct targets {
	struct target *v; /* owned */
	size_t n;
};

/* Adds those of ADDRESS that have a route, each once. */
void targets_add(struct node *n, const char *address, struct targets *to);
void targets_clear(struct targets *to); /* frees what it owns */

#endif
