/*
 * A batch (mail/bsmtp.h) from a file, compressed or not, handed to the daemon
 * message by message. What was taken stays taken: whoever reads the batch
 * again hands everything in again, and the daemon knows it by its ids.
 */
#ifndef HANDIN_BATCH_H
#define HANDIN_BATCH_H

#include "handin/talk.h"

enum { BATCH_WHY_MAX = 300 };

struct batch_conf {
	int fd; /* borrowed; read from where it stands */
	/*
	 * Of messages without ids of their own: BASE, the message's number and
	 * the recipient's make one. At most 60 octets.
	 */
	const char *base;
	bool keep_ids;	   /* those in the batch count; else all are by BASE */
	uint64_t size_max; /* octets once decompressed */
	bool must_end;	   /* without QUIT at its end it is no batch */
};

struct batch_result {
	size_t taken, known, refused; /* messages */
	uint64_t line;		      /* in which what follows was found */
	bool later; /* the daemon cannot take some of it now: read it again */
	/* why it was not read to its end, or a message was refused; "" */
	char why[BATCH_WHY_MAX];
	bool bad; /* damaged, cut or no batch from LINE on */
};

/*
 * T has begun. OK: the batch was read as far as it can be, *result_r tells
 * how it went; else the daemon is gone, and result_r->later is set too.
 */
enum err_code batch_hand_in(struct talk *t, const struct batch_conf *conf,
	struct batch_result *result_r, struct err *e);

/*
 * A name for the content of a file (32 hexadecimal digits), the same each time
 * it is read. FD stands at its begin again. ERR_IO.
 */
enum { BATCH_NAME_MAX = 32 };
enum err_code batch_name(
	int fd, char name_r[BATCH_NAME_MAX + 1], struct err *e);

#endif
