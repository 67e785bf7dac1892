/*
 * The client's side of an SMTP session with the daemon, over a descriptor that
 * has become one (verb=submit, or a socket pair): blocking, one command and
 * its reply at a time, each with a deadline. The line is a socket of this
 * host, so turn-arounds cost nothing, and nothing here is pipelined.
 */
#ifndef HANDIN_TALK_H
#define HANDIN_TALK_H

#include "base/err.h"
#include "wire/dot.h"
#include "wire/reply.h"

enum { TALK_TIMEOUT_MS = 300000 }; /* of one read or write */

struct talk {
	int fd;		    /* borrowed */
	struct reply reply; /* the last one */
	/* private */
	struct reply_parser parser;
	struct buf in;
	struct dot_writer dots;
};

/*
 * FIRST: octets that came with the daemon's answer. Waits for the greeting and
 * says EHLO. ERR_CLOSED, ERR_TIMEOUT: the daemon is gone; ERR_BUSY: it
 * refuses; then T is to be freed too.
 */
enum err_code talk_begin(
	struct talk *t, int fd, struct str first, struct err *e);
/* One command, without its end; its reply is in t->reply. */
enum err_code talk_command(struct talk *t, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Octets of the message, after DATA was answered with 354. */
enum err_code talk_body(struct talk *t, struct str octets, struct err *e);
/* The final dot; the reply to the whole message is in t->reply. */
enum err_code talk_end(struct talk *t, struct err *e);
void talk_free(struct talk *t);

#endif
