/* What the daemon and its helper say to each other, and the helper's side. */
#ifndef DAEMON_HELPER_PRIVATE_H
#define DAEMON_HELPER_PRIVATE_H

#include "daemon/helper.h"
#include "daemon/helper_permit.h"

#include <pwd.h>
#include <sys/types.h>

/*
 * A letter is one packet, with two descriptors: the body (a plain file) and a
 * pipe for the struct letter_end. Both sides are the same program, so it goes
 * as it is; but each text must end, and each number is looked at.
 */
struct helper_letter {
	uint32_t magic;
	uint32_t n;
	int64_t id, received_at;
	uint64_t size;
	uint8_t again;
	char recipient[WIRE_MAILBOX_MAX + 1];
	char sender[WIRE_MAILBOX_MAX + 1];
};

enum {
	HELPER_MAGIC = 0x74706c31,
	HELPER_LETTER_FDS = 2,
	HELPER_PROGRAM_FDS = 3, /* control, output, perhaps input */
	HELPER_FDS_MAX = 3,
};

/* What stands in a packet of the programs' socket is helper_request.h. */

struct helper {
	int letters, programs; /* its sockets */
	int stop[2];	       /* the first is readable once the daemon stops */
	_Atomic bool lost;
	pid_t pid;
	void (*ended)(void *arg); /* NULL: nobody is told any more */
	void *ended_arg;
};

/* --- helper_fds.c --- */

/* DONT_WAIT: EAGAIN where it has no room. False: errno. */
bool helper_send(int socket, const void *p, size_t n, const int *fds,
	size_t fds_n, bool dont_wait);
/*
 * As recvmsg; -1 with EBADMSG: it was too long, or had more than HELPER_FDS_MAX
 * descriptors. Those that came are the caller's.
 */
ssize_t helper_receive(int socket, void *p, size_t size,
	int fds_r[HELPER_FDS_MAX], size_t *fds_n_r);

/* --- in the helper process --- */

/* Until the other ends are closed. */
void helper_serve(const struct conf *conf, int letters, int programs)
	__attribute__((noreturn));

/*
 * Does one request and tells its end, in a process of its own. BODY and REPLY
 * are the descriptors.
 */
void helper_work(const struct conf *conf, const struct helper_letter *q,
	int body, int reply) __attribute__((noreturn));
/* Likewise runs a program. FDS: HELPER_PROGRAM_FDS or one less. */
void helper_run(const struct conf *conf, const struct permit *permit,
	const struct helper_request *q, const int *fds, size_t fds_n)
	__attribute__((noreturn));

#endif
