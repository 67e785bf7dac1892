/* What the daemon and its helper say to each other, and the helper's side. */
#ifndef DAEMON_HELPER_PRIVATE_H
#define DAEMON_HELPER_PRIVATE_H

#include "daemon/helper.h"

/*
 * One packet, with two descriptors: the body (a plain file) and a pipe for the
 * struct letter_end. Both sides are the same program, so it goes as it is; but
 * each text must end, and each number is looked at.
 */
struct helper_request {
	uint32_t magic;
	uint32_t n;
	int64_t id, received_at;
	uint64_t size;
	uint8_t again;
	char recipient[WIRE_MAILBOX_MAX + 1];
	char sender[WIRE_MAILBOX_MAX + 1];
};

enum { HELPER_MAGIC = 0x74706c31, HELPER_FDS = 2 };

/* The helper process: until the other end of FD is closed. */
void helper_serve(const struct conf *conf, int fd) __attribute__((noreturn));

/*
 * Does one request and tells its end, in a process of its own. BODY and REPLY
 * are the descriptors.
 */
void helper_work(const struct conf *conf, const struct helper_request *q,
	int body, int reply) __attribute__((noreturn));

#endif
