/*
 * What a call would move, in which order, and what it would cost; nothing is
 * sent. The same estimate is recorded with the session afterwards, beside what
 * really happened.
 *
 * Octets: octets.h. Seconds: all octets at the link's rate plus a round trip
 * for each turn-around (a wait with nothing to send). A connection costs TCP,
 * greeting and EHLO; STARTTLS two more and an EHLO, implicit TLS one;
 * AUTH its own. With PIPELINING and CHUNKING all mail is one flight; with
 * PIPELINING each message waits for its final reply; with neither, each
 * command. QUIT is not waited for.
 *
 * A message's bytes, seconds and cost are what it adds; the total has the
 * connection, the call and rounding to billing steps too. Mail that peers
 * hold for us is not known beforehand: a line of its own, the mean of past
 * sessions, and not in the total.
 */
#ifndef SCHED_PLAN_H
#define SCHED_PLAN_H

#include "link/budget.h"
#include "wire/params.h"

/* Why a message stays: the reason_code of the interface. */
#define PLAN_REASONS(X)                                                        \
	X(PLAN_GO, "")                                                         \
	X(PLAN_SIZE, "size")                                                   \
	X(PLAN_PRIORITY, "priority")                                           \
	X(PLAN_BUDGET, "budget")                                               \
	X(PLAN_WINDOW, "window")                                               \
	X(PLAN_NO_8BITMIME, "no-8bitmime")                                     \
	X(PLAN_NO_SMTPUTF8, "no-smtputf8")                                     \
	X(PLAN_RETRY_WAIT, "retry-wait")                                       \
	X(PLAN_OPERATOR_HOLD, "operator-hold")                                 \
	X(PLAN_RULE_HOLD, "rule-hold")                                         \
	X(PLAN_RELEASE_TIME, "release-time")

enum plan_reason {
#define PLAN_ENUM(name, text) name,
	PLAN_REASONS(PLAN_ENUM)
#undef PLAN_ENUM
};
const char *plan_reason_name(enum plan_reason reason);

struct plan_link {
	uint64_t bps, rtt_ms;	     /* speed.h */
	const struct budget *budget; /* borrowed; prices and limits */
	struct budget_time now;
	uint64_t max_size; /* 0: none */
	bool has_min_priority;
	int min_priority;
	int64_t dial_ms; /* until the line is there, as it was last time */
};

enum plan_tls { PLAN_TLS_NONE, PLAN_TLS_STARTTLS, PLAN_TLS_IMPLICIT };

struct plan_peer {
	unsigned extensions; /* EXT_ bits of its last EHLO; 0: not known */
	uint64_t size_max;   /* 0: none */
	enum plan_tls tls;
	bool resumes; /* a TLS session is kept */
	/* Octets of its last TLS handshake; 0: the usual ones */
	uint64_t tls_sent, tls_received;
	unsigned auth_turns; /* 0: no AUTH; PLAIN 1, SCRAM 2 or 3 */
};

/* A waiting message; the caller gives them in the order of the spool. */
struct plan_row {
	int64_t id;
	uint64_t size;
	int priority;
	size_t sender, recipients; /* octets of the addresses, in all */
	unsigned recipients_n;
	bool needs_8bit, needs_utf8;
	enum plan_reason reason; /* known to stay; PLAN_GO: decide */
};

struct plan_item {
	int64_t id;
	enum plan_reason reason;
	uint64_t bytes, ms;
	double cost;
};

/* Means of past sessions that collected; sessions 0: not known. */
struct plan_inbound {
	unsigned sessions;
	uint64_t messages, bytes;
};

struct plan_total {
	unsigned messages, stay, turnarounds;
	uint64_t bytes, ms;
	double cost;
	/* What collecting may add. */
	uint64_t inbound_messages, inbound_bytes, inbound_ms;
	double inbound_cost;
};

/*
 * Decides on N rows into ITEMS (as many, the caller's) and sums up. Messages
 * that do not fit the budget any more stay; smaller ones behind may go.
 */
void plan_make(const struct plan_link *l, const struct plan_peer *p,
	const struct plan_inbound *in, const struct plan_row *rows, size_t n,
	struct plan_item *items, struct plan_total *total_r);

/* Turn-arounds of a connection with MESSAGES of RECIPIENTS in all. */
unsigned plan_turnarounds(
	const struct plan_peer *p, unsigned messages, unsigned recipients);

#endif
