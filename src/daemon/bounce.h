/*
 * Notices (failed, delivered, relayed), written in the transaction that ends
 * the deliveries, so that no failure is ever silent and none is told twice.
 */
#ifndef DAEMON_BOUNCE_H
#define DAEMON_BOUNCE_H

#include "daemon/node.h"
#include "mail/dsn.h"
#include "spool/queue.h"

struct bounce;

enum bounce_need {
	BOUNCE_WRITE, /* a notice is due */
	BOUNCE_NONE,  /* the sender asked for none (RFC 3461 4.1) */
	BOUNCE_HOLD,  /* nobody can be told: null sender, or no way to it */
};

/* May, and must, the failure of D (of message M) be told? */
enum bounce_need bounce_needed(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d);

struct bounce *bounce_new(struct node *n, const struct spool_message *m);
/* Did the sender ask to hear of success (RFC 3461 4.1), and can it? */
bool bounce_wanted(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d);
/* STATUS "5.1.1"; REPLY: PEER's words, or ours where PEER is "". */
void bounce_add(struct bounce *b, const struct spool_delivery *d,
	enum dsn_action action, const char *status, const char *reply,
	const char *peer, int64_t now);
bool bounce_is_empty(const struct bounce *b);
/* In the transaction, before the original's deliveries end. */
enum err_code bounce_write(
	struct spool_txn *t, struct bounce *b, struct err *e);
/* After the commit. */
void bounce_written(struct bounce *b);
void bounce_free(struct bounce *b); /* NULL is fine */

#endif
