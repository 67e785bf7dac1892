/*
 * Batches that come as mail to batches.address (RFC 2442): what is in them is
 * taken as if it had come itself, by a session whose other end is a helper
 * thread (handin/batch.h), so that all rules hold for it. Only then is the
 * message done. Who may send such mail was said at RCPT; here it is asked
 * whether it is certain that it did: the seal, or who brought it vouches. What
 * cannot be read, or is nobody's, is held for a person and never thrown away.
 *
 * A batch that is read a second time, after a crash or because it came twice,
 * is known by the ids in it.
 */
#ifndef DAEMON_UNPACK_H
#define DAEMON_UNPACK_H

#include "daemon/node.h"

struct unpack;

struct unpack *unpack_new(struct node *n);
/* Such mail may be due. */
void unpack_kick(struct unpack *u);
/* Begins nothing any more; what is under way ends. */
void unpack_stop(struct unpack *u);
void unpack_free(struct unpack *u); /* NULL is fine */

#endif
