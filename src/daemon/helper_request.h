/*
 * What the daemon asks its helper to run: a packet with the kind of program,
 * whose it is, the command, and words. The helper takes it from a process that
 * may have been taken over, so the reader believes nothing: limits, ends of
 * texts, no octet too many. Whether the command may run at all is not its
 * business (helper_permit.h).
 *
 * The packet: struct head, then the texts, each with its NUL: name, command,
 * words.
 */
#ifndef DAEMON_HELPER_REQUEST_H
#define DAEMON_HELPER_REQUEST_H

#include "base/buf.h"
#include "base/err.h"

enum {
	HELPER_PACKET_MAX = 128 * 1024, /* octets: what a shell takes, too */
	HELPER_NAME_MAX = 255,
	HELPER_WORDS_MAX = 5000,
};

enum helper_kind {
	HELPER_HOOK,	  /* name: the event; command: the file's name;
			     words: the environment */
	HELPER_DIAL_UP,	  /* name: the link */
	HELPER_DIAL_DOWN, /* likewise */
	HELPER_PROBE,	  /* likewise */
	HELPER_PEER,	  /* name: the peer; its input and output are the
			     connection */
	HELPER_ROUTE,	  /* name: the route; words: the recipients */
	HELPER_RELOAD,	  /* reads the configuration, and waits; the rest is
			     empty, from here on */
	HELPER_ADOPT,	  /* lives by what it has read */
	HELPER_KINDS_N,
};

struct helper_request {
	enum helper_kind kind;
	bool has_io;		    /* a third descriptor */
	const char *name, *command; /* borrowed */
	const char *const *words;   /* borrowed, NULL at their end */
	size_t words_n;
};

/* ERR_LIMIT: too long. */
enum err_code helper_request_write(
	const struct helper_request *q, struct buf *out, struct err *e);
/*
 * The texts are borrowed from PACKET, the list of words is the caller's
 * (helper_request_clear). ERR_INVALID: it is none, E says why.
 */
enum err_code helper_request_read(
	struct str packet, struct helper_request *q_r, struct err *e);
void helper_request_clear(struct helper_request *q);

#endif
