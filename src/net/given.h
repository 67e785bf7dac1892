/*
 * Listening sockets that the service manager opened before us and keeps open
 * while we start anew (the protocol of sd_listen_fds(3): descriptors from 3 on,
 * LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say whose, how many, and what they
 * are called). So no caller is refused meanwhile, and ports below 1024 need no
 * rights of ours.
 *
 * Kept for the whole process, as its descriptors are. Loop thread only.
 */
#ifndef NET_GIVEN_H
#define NET_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

enum { GIVEN_MAX = 64 };

/*
 * Looks at the environment, and takes these variables out of it: programs that
 * we start are not meant. At start, once. Returns how many there are.
 */
size_t given_look(void);
/*
 * A given socket for ADDRESS (as listen_tcp has it) and PORT, or called NAME
 * where PORT is 0. It stays given: it is found again after it was let go. -1:
 * there is none.
 */
int given_tcp(const char *address, unsigned port, const char *name);
int given_unix(const char *path);
/* In a process that is forked: they are not for it. */
void given_close(void);
/* FN for each that was never asked for, with what it is bound to. */
void given_each_unused(
	void (*fn)(void *arg, const char *name, const char *where), void *arg);

#endif
