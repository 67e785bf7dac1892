/*
 * The helper: a small process beside the daemon that puts letters into
 * mailboxes as other users and runs programs. It is forked first of all, before
 * rights are dropped and threads begin, and knows the configuration of that
 * moment: no other path, program or user is ever its business. A request names
 * a delivery and brings two descriptors: the body, and where the end is told.
 * For each one it forks a process that becomes the user, does the work and
 * tells; so what a user's program or disk does to it, it does alone.
 *
 * It trusts the daemon with what mail there is, and with nothing else: each
 * field is checked as if a stranger had sent it. It ends with the daemon.
 */
#ifndef DAEMON_HELPER_H
#define DAEMON_HELPER_H

#include "conf/conf.h"
#include "daemon/letter.h"

enum {
	HELPER_AT_ONCE = 16,	 /* requests worked on; others wait */
	HELPER_SLACK_MS = 20000, /* beyond local.timeout, for locks and ends */
	HELPER_STOP_MS = 5000,	 /* a stopping daemon waits for those begun */
};

struct helper;

/* Does this configuration want one: programs, or mail as another user? */
bool helper_is_needed(const struct conf *conf);
/*
 * Forks it, for CONF (borrowed). Where it is not needed *h_r is NULL. The child
 * does not return.
 */
enum err_code helper_start(
	const struct conf *conf, struct helper **h_r, struct err *e);
/*
 * Does it do what NEXT wants? False: only a new start of the daemon would; *e
 * says so. H may be NULL.
 */
bool helper_agrees(
	const struct helper *h, const struct conf *next, struct err *e);

/*
 * Blocking, from any thread. BODY (borrowed) is a file with what stage_new
 * makes. H NULL, or an end of the helper: deferred.
 */
void helper_deliver(struct helper *h, const struct letter *l, int body,
	struct letter_end *end_r);

/* No more than HELPER_STOP_MS longer for those that wait. */
void helper_stop(struct helper *h);
void helper_free(struct helper *h); /* NULL is fine */

#endif
