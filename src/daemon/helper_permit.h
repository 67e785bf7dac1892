/*
 * What the helper runs: the programs that the configuration names, which it
 * reads itself, and no others. A request brings the command only so that it can
 * be compared; what varies (recipients, what a hook is told) is looked at word
 * by word.
 */
#ifndef DAEMON_HELPER_PERMIT_H
#define DAEMON_HELPER_PERMIT_H

#include "conf/conf.h"
#include "daemon/helper_request.h"

enum { PERMIT_FORMER_MAX = 100 };

/* A command that a call which began with it ends by. */
struct permit_former {
	char *link, *command; /* owned */
};

struct permits {
	const struct conf *conf; /* borrowed */
	struct permit_former former[PERMIT_FORMER_MAX];
	size_t former_n; /* the oldest first */
};

/* CONF holds from now on; dial.down of the one before stays. */
void permits_set(struct permits *p, const struct conf *conf);
void permits_clear(struct permits *p);

struct permit {
	char *command; /* owned; for /bin/sh, or of a hook its path */
	bool connects;
	const char *event; /* of a hook; NULL */
};

/*
 * ERR_PERM: it is not named, E says what does not agree; then *out_r is empty.
 * Free its command.
 */
enum err_code permits_look(const struct permits *p,
	const struct helper_request *q, struct permit *out_r, struct err *e);

#endif
