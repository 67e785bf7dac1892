/*
 * Messages and the life of their deliveries, inside a transaction.
 *
 *	            claim                 outcome
 *	READY ------------------> ACTIVE ---------> gone (delivered, failed)
 *	  ^   <-- release, lost --  |  ---------> DEFERRED (an attempt counted)
 *	  |                                           |
 *	  +------------- next_attempt passed ---------+ (claimed from there)
 *	hold -> HELD -> release;  delete -> DELETED -> undelete
 *
 * A claim belongs to an owner: a number the caller makes unique within this
 * start of the daemon. A delivery has at most one. When the last delivery of
 * a message is gone, its body goes too.
 */
#ifndef SPOOL_QUEUE_H
#define SPOOL_QUEUE_H

#include "spool/spool.h"

/* --- storing --- */

/*
 * Appends octets of the body of message ID, which need not exist yet: large
 * bodies come in several transactions before spool_message_add makes the
 * message real at one stroke. What has no message is swept at start, or
 * by spool_body_drop. ERR_EXISTS: the message is complete. Pieces of
 * SPOOL_CHUNK_BYTES are cheapest: a short last chunk is written again.
 */
enum err_code spool_body_append(
	struct spool_txn *t, int64_t id, struct str octets, struct err *e);
enum err_code spool_body_drop(struct spool_txn *t, int64_t id, struct err *e);

/*
 * The message and its N deliveries (numbered 1 to N here; message, state READY
 * or HELD, reason, route, priority, queued_at, links and order are taken from
 * DELIVERIES).
 */
enum err_code spool_message_add(struct spool_txn *t,
	const struct spool_message *m, const struct spool_delivery *deliveries,
	size_t n, struct err *e);

/*
 * Of a recipient that came in a batch: its id is known from now on. ERR_EXISTS:
 * it was before, and is not to be taken again. The last SPOOL_LEDGER_MAX are
 * kept.
 */
enum err_code spool_ledger_add(
	struct spool_txn *t, const char *id, struct err *e);
/* Is it? */
enum err_code spool_ledger_has(
	struct spool_txn *t, const char *id, bool *has_r, struct err *e);

/* --- looking --- */

enum err_code spool_message_get(struct spool_txn *t, int64_t id,
	struct spool_message *m_r, struct err *e);
/*
 * M becomes what the recipient of D, one of its deliveries, gets: a list sends
 * it on in the name of its owner, and what the sender asked of reports ends
 * there (RFC 3461 5.2.7.1).
 */
void spool_message_for(struct spool_message *m, const struct spool_delivery *d);
/* Do A and B, of one message, get the same? */
bool spool_is_sent_as(
	const struct spool_delivery *a, const struct spool_delivery *b);
/* At most SIZE octets from OFFSET; *n_r 0 at the end. */
enum err_code spool_body_read(struct spool_txn *t, int64_t id, uint64_t offset,
	char *out, size_t size, size_t *n_r, struct err *e);

struct spool_filter {
	int64_t id;	       /* 0: any */
	unsigned n;	       /* 0: any delivery of the message */
	const char *from, *to; /* glob patterns; NULL: any */
	bool has_state;
	enum spool_state state; /* without it: all but DELETED */
	const char *route;	/* exact; NULL: any */
	int64_t queued_before;	/* 0: any */
	uint64_t larger;	/* 0: any */
	bool has_reason;
	enum spool_reason reason;
	bool unwarned;	/* only those with warned_at 0 */
	unsigned needs; /* NEED_ bits: only those that have one of them */
	/*
	 * By the clock of steady_at; 0: any. With RETURN_BY (to be returned by
	 * then) and TELL_BY (its sender to be told) a list is in order of time
	 * and has its first rows, at most 200; it knows no cursor.
	 */
	int64_t arrived_before, return_by, tell_by;
};

struct spool_cursor {
	int64_t id;
	unsigned n;
}; /* zero: from the start */

/*
 * Up to LIMIT rows behind AFTER in order of id and n, into ROWS_R (given to
 * the caller, free()); *after_r is moved. Fewer than LIMIT: the end.
 */
enum err_code spool_list(struct spool_txn *t, const struct spool_filter *f,
	struct spool_cursor *after, size_t limit, struct spool_row **rows_r,
	size_t *rows_n_r, struct err *e);

struct spool_stat {
	enum spool_state state;
	char route[SPOOL_NAME_MAX + 1];
	uint64_t deliveries, bytes;
	int64_t oldest;
};
/* By state and route, from counters. Given, free(). */
enum err_code spool_stats(struct spool_txn *t, struct spool_stat **stats_r,
	size_t *n_r, struct err *e);

/* What carries mail, for deliveries that are bound to some links. */
struct spool_carrier {
	bool bound;	  /* only what LINK may carry; false: all */
	const char *link; /* NULL: no link */
};

/*
 * The earliest time at which a READY or DEFERRED delivery of ROUTE that BY may
 * carry may be tried: 0: now, -1: none is there. BY may be NULL: all.
 */
enum err_code spool_route_due(struct spool_txn *t, const char *route,
	const struct spool_carrier *by, int64_t now, int64_t *due_r,
	struct err *e);

/*
 * May something of ROUTE, a customer's, be claimed now for DOMAIN (lower case)?
 */
enum err_code spool_domain_due(struct spool_txn *t, const char *route,
	const char *domain, int64_t now, bool *due_r, struct err *e);

/*
 * Deliveries of these ROUTES can be claimed by domain from now on, and of no
 * others but customers'; spool_reroute brings those that wait in line. Kept in
 * memory: to be said after each start.
 */
enum err_code spool_domain_routes_put(struct spool_txn *t,
	const char *const *routes, size_t n, struct err *e);
/*
 * The first domain behind AFTER ("": from the start), in order of octets, for
 * which something of ROUTE may be claimed now. ERR_NOTFOUND: no more. What
 * became due is seen from here on.
 */
enum err_code spool_domain_next(struct spool_txn *t, const char *route,
	int64_t now, const char *after, char domain_r[WIRE_DOMAIN_MAX + 1],
	struct err *e);

struct spool_wake {
	const char *route;
	/* Lower case; of a route that can be claimed by domain. NULL: all. */
	const char *domain;
	int64_t now, refused_before;
	/* How many are looked at, those due soonest first; 0: all. */
	size_t most;
};
/*
 * A new session begins, or the peer is well again: every DEFERRED delivery of
 * the route is due now, but those a peer refused after REFUSED_BEFORE.
 * *more_r (may be NULL): not all were looked at, and of these some were due at
 * once, so that it is worth asking again.
 */
enum err_code spool_route_wake(struct spool_txn *t, const struct spool_wake *w,
	bool *more_r, struct err *e);
/*
 * The clock was set back: what is DEFERRED, on whatever route, to a time behind
 * LATEST is due NOW. At most LIMIT of them; *n_r: how many there were.
 */
enum err_code spool_wake_behind(struct spool_txn *t, int64_t latest,
	int64_t now, size_t limit, size_t *n_r, struct err *e);

/* --- what asks for a call of a link --- */

struct spool_wish {
	bool waiting;	/* some message may use the link */
	int64_t oldest; /* of these: queued at */
	/* Some came, or became due again, since the last call: */
	bool fresh;
	int most_urgent; /* of these */
};
struct spool_limits;
/*
 * Adds to *wish_r (zero at first) what waits for ROUTE and may go by BY within
 * L. SINCE: what was there or due by then had its chance, and is not fresh. Of
 * a long queue the newest are looked at. The message ASIDE (0: none) asks for
 * no call.
 */
enum err_code spool_route_wish(struct spool_txn *t, const char *route,
	const struct spool_carrier *by, const struct spool_limits *l,
	int64_t since, int64_t now, int64_t aside, struct spool_wish *wish_r,
	struct err *e);

/* --- moving --- */

/* What may use a link. */
struct spool_limits {
	bool has_min_priority;
	int min_priority;
	uint64_t max_size; /* 0: any */
	/*
	 * The largest message for which the link's budget has room (0: none);
	 * for those of URGENT_FROM and above, URGENT_ROOM.
	 */
	bool has_room;
	uint64_t room, urgent_room;
	int urgent_from;
};
/* Why a message may not: REASON_PRIORITY, _SIZE, _BUDGET; NONE: it may. */
enum spool_reason spool_limits_refuse(
	const struct spool_limits *l, int priority, uint64_t size);

/* Mail that needs what the peer lacks. */
struct spool_takes {
	bool eight_bit, smtputf8, binary, requiretls, deliver_by;
};

struct spool_claim {
	uint64_t owner;
	const char *const *routes;
	size_t routes_n;
	int64_t now;
	uint64_t max_size; /* 0: any */
	/* of a size, as struct spool_order has it; NULL: nothing is known */
	int (*size_class)(uint64_t size);
	unsigned max_recipients; /* of one message at a time; 0: 100 */
	bool no_8bit; /* leave messages that need 8BITMIME, with the reason */
	bool no_smtputf8;
	bool no_binary;	    /* ... that need BINARYMIME, with CHUNKING */
	bool no_requiretls; /* ... RFC 8689, and a peer that is verified */
	bool no_deliver_by; /* ... RFC 2852, since they are to return in time */
	/*
	 * For each of ROUTES: what of that is claimed all the same, since the
	 * caller makes something of it that the peer takes, or returns it.
	 * NULL: nothing.
	 */
	const struct spool_takes *takes;
	const char *peer; /* for the reasons set on what is left */
	/*
	 * Domains the recipients must be in (ATRN with a list, delivery by MX);
	 * NULL: all. Only routes "customer:..." and those of
	 * spool_domain_routes_put can be claimed so; others give nothing.
	 */
	const char *const *domains;
	size_t domains_n;
	/*
	 * On routes "customer:..." nothing goes that is not the customer's at
	 * this moment: to a suspended one nothing, and what is for a domain
	 * that it lost is held until it has a route (spool_reroute).
	 */
	bool owned;
	const char *link;	    /* recorded in the row; NULL none */
	bool bound;		    /* only what LINK may carry (rules) */
	struct spool_limits limits; /* of the link */
};

struct spool_claimed {
	struct spool_message message;
	struct spool_delivery *deliveries; /* owned */
	size_t n;
};

/*
 * Who adds a message asks this for the turn in struct spool_order. *LAST_R: the
 * last turn of SENDER among what may go now to ROUTE with RANK; -1: none does.
 * *LOWEST_R: then the lowest turn of all that may go there with RANK and
 * SIZE_CLASS; 0: none does.
 */
enum err_code spool_turns_get(struct spool_txn *t, const char *route,
	const char *sender, int64_t rank, int size_class, int64_t *last_r,
	int64_t *lowest_r, struct err *e);

/*
 * The next message for a session: the first in the order (struct spool_order:
 * most urgent, then roughly the smallest, then senders in turn, then the
 * smallest, then the oldest), with all its deliveries of the routes that are
 * due and that the carrier may have. They become ACTIVE.
 * ERR_NOTFOUND: nothing to do.
 */
enum err_code spool_claim_next(struct spool_txn *t, const struct spool_claim *c,
	struct spool_claimed *claimed_r, struct err *e);
void spool_claimed_clear(struct spool_claimed *c);
/*
 * The same for ROUTE, whose mail ends on this node. *FOUND_R false: nothing is
 * due; then *DUE_R is as of spool_route_due. What CLAIMED has is cleared first.
 */
enum err_code spool_claim_here(struct spool_txn *t, const char *route,
	uint64_t owner, int64_t now, struct spool_claimed *claimed,
	bool *found_r, int64_t *due_r, struct err *e);

/* What waits for a link, and may or may not use it. */
struct spool_peek {
	bool ready;		     /* a message may go now */
	bool size, priority, budget; /* some may not, because of this */
	int64_t next; /* when the next deferred one is due; 0: none */
};
/* As spool_claim_next would find it; C's limits, routes and time count. */
enum err_code spool_claim_peek(struct spool_txn *t, const struct spool_claim *c,
	struct spool_peek *peek_r, struct err *e);
/*
 * What is READY on C's routes and may not use the link says so from now on
 * (REASON_SIZE, _PRIORITY, _BUDGET with C's link); up to LIMIT. A claim takes
 * the mark away.
 */
enum err_code spool_left_mark(struct spool_txn *t, const struct spool_claim *c,
	size_t limit, struct err *e);
/*
 * Takes such marks away from deliveries of ROUTE behind AFTER, which is moved;
 * looks at up to LIMIT of them. *end_r: those were the last.
 */
enum err_code spool_left_clear(struct spool_txn *t, const char *route,
	struct spool_cursor *after, size_t limit, bool *end_r, struct err *e);

/* Durable before the last octet leaves: OWNER's deliveries of message ID. */
enum err_code spool_set_in_doubt(
	struct spool_txn *t, uint64_t owner, int64_t id, struct err *e);

enum spool_outcome_kind {
	OUTCOME_DELIVERED, /* passed on or in a mailbox: gone */
	OUTCOME_DEFERRED,  /* an attempt that counts; try at next_attempt */
	OUTCOME_FAILED,	   /* given up: gone (the notice is the caller's, in
			      the same transaction) */
	OUTCOME_RELEASED,  /* not an attempt: back to where it was */
	OUTCOME_HELD,
	/*
	 * Given up, and nobody may be told: DELETED until keep_until, so that
	 * an operator can still undelete it.
	 */
	OUTCOME_QUARANTINED,
};

struct spool_outcome {
	int64_t message;
	unsigned n;
	uint64_t owner; /* must hold the claim; else ERR_NOTFOUND, nothing done
			 */
	enum spool_outcome_kind kind;
	int64_t now;
	int64_t next_attempt; /* DEFERRED */
	bool not_tried;	      /* DEFERRED: this was no attempt */
	/*
	 * DEFERRED: by a clock that may be wrong, so the day counts as no new
	 * day of trying.
	 */
	bool no_day;
	int64_t keep_until; /* QUARANTINED */
	bool expired;	    /* FAILED, QUARANTINED: its lifetime ended */
	/*
	 * HELD: it was to be returned, and could not be: the time that its
	 * sender gave (return_at) does so no more.
	 */
	bool not_returned;
	bool quiet; /* RELEASED: one of many, for which the caller has one row
		     */
	/*
	 * All octets were out and no reply came: logged as
	 * may-be-delivered-twice. Whoever ends a claim knows this; the mark in
	 * the row speaks only for sessions that died without a word.
	 */
	bool in_doubt;
	enum spool_reason reason;
	const char *text; /* the reply or reason, for row and event log */
	const char *peer, *link;
	uint64_t session;
};

/*
 * Writes the event row too (delivered, deferred, failed, released, held,
 * quarantined), and for routes "customer:..." the tally.
 */
enum err_code spool_outcome(
	struct spool_txn *t, const struct spool_outcome *o, struct err *e);

/*
 * The session is over: everything OWNER still holds is released. What was in
 * doubt is logged may-be-delivered-twice. *n_r may be NULL.
 */
enum err_code spool_release_owner(struct spool_txn *t, uint64_t owner,
	int64_t now, size_t *n_r, struct err *e);

/* --- acting (people) --- */

enum spool_action_kind {
	ACTION_HOLD,
	ACTION_RELEASE,
	ACTION_RETRY, /* deferred: due now */
	ACTION_DELETE,
	ACTION_UNDELETE,
	ACTION_PRIORITY,
};

struct spool_action {
	enum spool_action_kind kind;
	struct spool_filter filter;
	int64_t now;
	int64_t keep_until; /* DELETE: kept for undelete until */
	int priority;	    /* PRIORITY */
	const char *who;    /* for the event log */
};

/* *n_r: deliveries changed. ACTIVE ones are left alone. */
enum err_code spool_act(struct spool_txn *t, const struct spool_action *a,
	size_t *n_r, struct err *e);

/*
 * Somebody was told that it waits (warned_at): the sender, or on customers'
 * routes the recipient. There it is 0 again when the reason is another.
 */
enum err_code spool_set_warned(struct spool_txn *t, int64_t message, unsigned n,
	int64_t now, struct err *e);

/*
 * What is kept back from the customer of ROUTE and was not told it: held, put
 * off, or too large (spool_kept_mark), up to LIMIT in order of id and n. Given.
 */
enum err_code spool_kept_list(struct spool_txn *t, const char *route,
	size_t limit, struct spool_row **rows_r, size_t *n_r, struct err *e);
/*
 * What is READY on C's routes and larger than its MAX_SIZE has REASON_SIZE from
 * now on, with C's peer; up to LIMIT. A claim takes the mark away.
 */
enum err_code spool_kept_mark(struct spool_txn *t, const struct spool_claim *c,
	size_t limit, struct err *e);

/*
 * Up to LIMIT deliveries that match F are claimed by OWNER regardless of route
 * and time (for expiry and return). As spool_list.
 */
enum err_code spool_claim_rows(struct spool_txn *t, uint64_t owner,
	const struct spool_filter *f, size_t limit, struct spool_row **rows_r,
	size_t *rows_n_r, struct err *e);

/* --- what the clock does (RFC 2852, RFC 4865) --- */

/* When the first of each is due; 0: never. */
struct spool_timed {
	int64_t release_wall, release_steady; /* by which clock */
	int64_t return_at, tell_at;	      /* steady */
};
enum err_code spool_timed_next(
	struct spool_txn *t, struct spool_timed *next_r, struct err *e);
/*
 * What its sender held until now is READY, as if it came now; up to LIMIT of
 * each clock. *n_r: how many.
 */
enum err_code spool_timed_release(struct spool_txn *t, int64_t wall,
	int64_t steady, size_t limit, size_t *n_r, struct err *e);
/* The sender was told that it is late: once. */
enum err_code spool_set_told_late(
	struct spool_txn *t, int64_t message, unsigned n, struct err *e);
/* How many messages ACCOUNT has held until a time; *n_r: at most MOST. */
enum err_code spool_timed_held(struct spool_txn *t, const char *account,
	size_t most, size_t *n_r, struct err *e);
/* The NEED_ bits of what may go on ROUTE now. */
enum err_code spool_route_needs(struct spool_txn *t, const char *route,
	unsigned *needs_r, struct err *e);

/* Likewise of what goes by domain (spool_domain_routes_put), for DOMAIN. */
enum err_code spool_domain_needs(struct spool_txn *t, const char *route,
	const char *domain, unsigned *needs_r, struct err *e);

/* --- routes --- */

/* Why READY deliveries of ROUTE wait; REASON_NONE: they do not. */
enum err_code spool_route_reason_put(struct spool_txn *t, const char *route,
	enum spool_reason reason, const char *arg, struct err *e);

/*
 * Fills route_r (SPOOL_NAME_MAX + 1 octets) for RECIPIENT, which holds the
 * route it has; false: no route any more (the delivery is held, the reason says
 * so). What was deferred is due on another route.
 */
typedef bool spool_router(void *arg, const struct mailbox *recipient,
	char route_r[SPOOL_NAME_MAX + 1]);
/*
 * Re-routes up to LIMIT rows below GENERATION; *n_r: how many were stale, and
 * *busy_r: how many stay so, since they are under way and have no route any
 * more. Either may be NULL. NOW: for the log, which tells what is held and
 * released so.
 */
enum err_code spool_reroute(struct spool_txn *t, int64_t generation,
	int64_t now, size_t limit, spool_router *fn, void *arg, size_t *n_r,
	size_t *busy_r, struct err *e);

/* --- upkeep --- */

/*
 * Deliveries DELETED whose time is over, old events and sessions, what was
 * learnt of recipients long ago: up to LIMIT of each.
 */
enum err_code spool_sweep(
	struct spool_txn *t, int64_t now, size_t limit, struct err *e);

#endif
