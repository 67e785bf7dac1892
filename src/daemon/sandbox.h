/*
 * The walls around the daemon, once its sockets are open and its helper was
 * forked: it reads and writes where its configuration says, and runs nothing
 * (landlock.h). Where the kernel has no such thing, or `sandbox = false`, it
 * goes on without, and says so.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "conf/conf.h"

struct sandbox;

/* Before there are threads. Later no new folder can be had. */
struct sandbox *sandbox_new(const struct conf *conf);
void sandbox_free(struct sandbox *s); /* NULL is fine */
/* Could a daemon inside live by NEXT? Else *e says what to do. */
bool sandbox_agrees(
	const struct sandbox *s, const struct conf *next, struct err *e);
/* "landlock 7", or why there is none: for status. */
const char *sandbox_text(const struct sandbox *s);

#endif
