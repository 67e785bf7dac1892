/*
 * The helper: a small process beside the daemon that starts programs, and puts
 * letters into mailboxes as other users. It is forked first of all, before
 * rights are dropped and threads begin, so it can do what the daemon can not
 * do any more (sandbox.h): run something, and become somebody. It reads the
 * configuration itself, and no path, program or user that is not in there is
 * ever its business.
 *
 * For each request it forks a process that becomes the user and does that
 * alone: letters are put or piped (helper_work.c), all other programs run as
 * the daemon's user, with a minder beside them (net/minder.h).
 *
 * It trusts the daemon with what mail there is, and with nothing else: each
 * field is checked as if a stranger had sent it. It ends with the daemon.
 */
#ifndef DAEMON_HELPER_H
#define DAEMON_HELPER_H

#include "conf/conf.h"
#include "daemon/helper_request.h"
#include "daemon/letter.h"
#include "net/child.h"

enum {
	HELPER_LETTERS_MAX = 16,   /* worked on; others wait */
	HELPER_PROGRAMS_MAX = 200, /* that run; others are refused */
	HELPER_SLACK_MS = 20000, /* beyond local.timeout, for locks and ends */
	HELPER_STOP_MS = 5000,	 /* a stopping daemon waits for those begun */
	HELPER_RELOAD_MS =
		2000, /* for it to read the configuration, at least */
};

struct helper;

/*
 * Forks it, for CONF (borrowed until then). The child does not return.
 */
enum err_code helper_start(
	const struct conf *conf, struct helper **h_r, struct err *e);
/* From the loop: calls FN, once, when it ends before us. */
void helper_watch(
	struct helper *h, struct loop *loop, void (*fn)(void *arg), void *arg);
/* A sentence; NULL: it is there. */
const char *helper_trouble(const struct helper *h);

/* Must letters go through it, by this configuration? */
bool helper_has_letters(const struct conf *conf);
/*
 * Blocking, from any thread; CONF: by which L is delivered. BODY (borrowed) is
 * a file with what stage_new makes. Where the helper has ended: deferred.
 */
void helper_deliver(struct helper *h, const struct conf *conf,
	const struct letter *l, int body, struct letter_end *end_r);

/*
 * From the loop, as child_spawn and child_connect (for HELPER_PEER); start and
 * start_arg of CONF are filled in.
 */
struct child *helper_spawn(struct helper *h, struct loop *loop,
	const struct helper_request *what, const struct child_conf *conf,
	struct err *e);
struct child *helper_connect(struct helper *h, struct loop *loop,
	const struct helper_request *what, const struct child_conf *conf,
	int *fd_r, struct err *e);

/*
 * Has it read the configuration, as we have in TOOK_MS? Blocking, no longer
 * than that takes it on a bad day. On error it lives by the old one.
 */
enum err_code helper_reload(struct helper *h, uint64_t took_ms, struct err *e);
/* It lives by what it read last. */
void helper_adopt(struct helper *h);

/* No more than HELPER_STOP_MS longer for letters that wait. */
void helper_stop(struct helper *h);
void helper_free(struct helper *h); /* NULL is fine */

#endif
