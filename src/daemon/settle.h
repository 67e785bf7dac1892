/*
 * What becomes of a claimed message: a verdict for each of its deliveries,
 * written with the notices in one transaction. Shared by the sending host
 * and local delivery.
 */
#ifndef DAEMON_SETTLE_H
#define DAEMON_SETTLE_H

#include "daemon/node.h"
#include "mail/dsn.h"
#include "spool/queue.h"
#include "wire/reply.h"

struct settle;

/* Why something is held whose body is not whole any more. */
#define SETTLE_UNREADABLE                                                      \
	"its body cannot be read from the spool; look with tidepost spool "    \
	"check"

/* CLAIMED is copied. PEER: whose words the verdicts quote. LINK may be NULL. */
struct settle *settle_new(struct node *n, const struct spool_claimed *claimed,
	uint64_t owner, const char *peer, const char *link, uint64_t session);
/* The peer's host, as notices call it; by default PEER. Before the verdicts. */
void settle_host(struct settle *st, const char *host);

/* The peer's answer to delivery I of the claimed: 2xx, 4xx or 5xx. */
void settle_reply(struct settle *st, size_t i, const struct reply *r);
/* Our own trouble (disk, connection): an attempt, to be tried again. */
void settle_defer(
	struct settle *st, size_t i, enum spool_reason reason, const char *why);
/* Not an attempt, and to be tried again after a while. */
void settle_postpone(
	struct settle *st, size_t i, enum spool_reason reason, const char *why);
/* Kept back until a person releases it. Not an attempt. */
void settle_hold(
	struct settle *st, size_t i, enum spool_reason reason, const char *why);
/* We, or an operator, give it up: STATUS "5.1.1". */
void settle_fail(
	struct settle *st, size_t i, const char *status, const char *why);
/* The peer cannot take it, and it cannot be made into what it takes. */
void settle_refuse(
	struct settle *st, size_t i, const char *status, const char *why);
/*
 * The lifetime of what is held for a customer is over. As a refusal by the
 * customer's host, it is told only to a sender somebody vouches for; else it
 * goes to quarantine (no back-scatter).
 */
void settle_expire(struct settle *st, size_t i, const char *why);
/*
 * It failed, and is held since the disk had no room to say so
 * (settle_drop_notices): said now.
 */
bool settle_is_untold(const struct spool_delivery *d);
void settle_tell_now(struct settle *st, size_t i);
/* Not an attempt: it goes back to where it was. Also the default. */
void settle_release(struct settle *st, size_t i, const char *why);
/* The same, and REASON with ARG is why it stays there. */
void settle_leave(
	struct settle *st, size_t i, enum spool_reason reason, const char *arg);
/*
 * What is released is one of many messages of one failure: the caller tells of
 * that once, and no row or line is written for each.
 */
void settle_quiet(struct settle *st);
/*
 * What a success is told as to senders who asked: DSN_DELIVERED for a mailbox
 * of ours, DSN_RELAYED for a peer that does not know DSN (RFC 3461 5.2.2). Say
 * it before the verdicts; without it nothing is told.
 */
void settle_tell_success(struct settle *st, enum dsn_action action);
/* Whoever did not forbid it hears that it went on (RFC 2852 4.1.4). */
void settle_tell_trace(struct settle *st);
/*
 * A customer's host answered RCPT for delivery I: whether it has this recipient
 * is remembered (--recipients verify), where the answer is about the recipient.
 */
void settle_learn(struct settle *st, size_t i, const struct reply *to_rcpt);
/*
 * The final octets were out and no reply came (RFC 1047): logged, of those that
 * are not at their end by the verdicts so far.
 */
void settle_in_doubt(struct settle *st);
/* The same of delivery I, whatever its verdict. */
void settle_doubt(struct settle *st, size_t i);

/* The message; borrowed. */
const struct spool_message *settle_message(const struct settle *st);
/* How many of its deliveries were delivered. */
size_t settle_delivered(const struct settle *st);
/*
 * The disk has no room for notices: what was to be returned is held instead, so
 * that the other verdicts can be written. False: there are none.
 */
bool settle_drop_notices(struct settle *st);

/*
 * For N settles that are written in one transaction, in this order, when they
 * have their verdicts: equal failures of one sender become one notice. Where
 * notices are dropped, they are dropped from all of them.
 */
void settle_join(struct settle *const *settles, size_t n);

/*
 * Is it nothing but failures, told in a notice that may wait for others of the
 * same failure (bounce_can_wait)? Then it may be written later, too.
 */
bool settle_can_wait(const struct settle *st);
/* The earliest time at which what is deferred goes again; 0: nothing is. */
int64_t settle_next_attempt(const struct settle *st);
size_t settle_recipients(const struct settle *st);
/*
 * In a transaction before that of settle_write, for one that waits: the history
 * has what the peer answered. Once; settle_answer_written after the commit.
 */
enum err_code settle_write_answer(
	struct spool_txn *t, const struct settle *st, struct err *e);
void settle_answer_written(struct settle *st);

/* In the transaction. */
enum err_code settle_write(
	struct spool_txn *t, struct settle *st, struct err *e);
/* After the commit: log lines, and what must be looked at again. */
void settle_written(struct settle *st);
void settle_free(struct settle *st); /* NULL is fine */

#endif
