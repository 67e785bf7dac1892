/*
 * May a recipient have this message, as far as its customer is concerned? The
 * decision alone: what it rests on is handed in.
 *
 * The facts are those of the last commit. What other sessions have in flight is
 * not in them, so a quota may be overshot by that much and no more: each
 * message is judged once more, by its true size, when it is whole.
 */
#ifndef DAEMON_ADMIT_H
#define DAEMON_ADMIT_H

#include "spool/types.h"
#include "wire/reply.h"

/* How long a customer's own answers count (RECIPIENTS_VERIFY), in seconds. */
enum {
	ADMIT_REFUSED_S = 7 * 86400,
	ADMIT_ACCEPTED_S = 30 * 86400,
};

enum {
	/* This part of a quota is kept for messages below ADMIT_SMALL. */
	ADMIT_RESERVE_DIVISOR = 5,
	ADMIT_SMALL = 20 * 1024,
	/* What waits from one sender is at most this part of it. */
	ADMIT_SENDER_DIVISOR = 2,
};

struct admit_message {
	const struct mailbox *recipient, *sender; /* borrowed */
	bool has_size; /* SIZE was given, or the message is whole */
	uint64_t size;
	/* taken already in this transaction for the same customer */
	uint64_t pending;
	int64_t now;
};

/* Must the spool be asked (spool_customer_facts) before admit_rcpt? */
bool admit_needs_facts(const struct spool_account *customer);

/* The answer to RCPT. FACTS may be NULL where none are needed. */
void admit_rcpt(const struct spool_account *customer,
	const struct spool_customer_facts *facts, const struct admit_message *m,
	struct reply *reply_r);

/*
 * At the end of a message that was taken at RCPT under a smaller SIZE, or none:
 * size and quota alone, by the true size. False: REPLY_R refuses it.
 */
bool admit_whole(const struct spool_account *customer,
	const struct spool_customer_facts *facts, const struct admit_message *m,
	struct reply *reply_r);

#endif
