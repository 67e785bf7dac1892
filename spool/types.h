/*
 * The facts the spool keeps, as plain values. All text is UTF-8 or ASCII,
 * terminated; times are seconds since 1970 UTC, 0 meaning "none"; sizes are
 * octets.
 */
#ifndef SPOOL_TYPES_H
#define SPOOL_TYPES_H

#include "wire/address.h"
#include "wire/params.h"
#include "wire/verifier.h"

enum {
	SPOOL_LINKS_MAX = 511, /* names of links, one a line */
	SPOOL_NAME_MAX = 255,  /* names of routes, links, peers, accounts */
	SPOOL_TEXT_MAX = 1023, /* reasons, replies */
	SPOOL_URGENT = 4,      /* from this priority on nothing ages */
	SPOOL_CHUNK_BYTES = 65536,
	SPOOL_DOMAINS_MAX = 1000, /* of one customer */
	SPOOL_LEDGER_ID_MAX = WIRE_ID_MAX + 60,
	SPOOL_LEDGER_MAX = 100000, /* recipients of batches that are known */
};

/* --- messages and deliveries --- */

struct spool_message {
	int64_t id;
	char sender[WIRE_MAILBOX_MAX + 1]; /* "" is the null path */
	int64_t received_at;
	char received_from[SPOOL_NAME_MAX +
			   1];		  /* "helo [address]" or "local" */
	char account[SPOOL_NAME_MAX + 1]; /* who authenticated; "" nobody */
	uint64_t size;			  /* octets of the body as stored */
	struct mail_params params;	  /* as MAIL gave them, to pass on */
	bool has_8bit;			  /* octets above 127 occur */
	int priority;			  /* -9 to 9 */
	bool is_notice; /* made by us: never makes a notice itself */
	/*
	 * Its sender is who it says: a user or customer of ours, or the front's
	 * Authentication-Results says pass. Only then may a notice go to the
	 * sender of what was held for a customer (no back-scatter).
	 */
	bool vouched;
	int64_t deliver_by; /* by the clock of steady_at; 0 none */
};

enum spool_state {
	SPOOL_RECEIVING, /* partly received (RFC 1845) */
	SPOOL_READY,
	SPOOL_ACTIVE, /* claimed by a session */
	SPOOL_DEFERRED,
	SPOOL_HELD,
	SPOOL_DELETED, /* kept for undelete, in no list unless asked */
	SPOOL_STATES_N,
};

/* The reason_code of the interface. */
#define SPOOL_REASONS(X)                                                       \
	X(REASON_NONE, "")                                                     \
	X(REASON_LINK_DOWN, "link-down")                                       \
	X(REASON_WINDOW, "window")                                             \
	X(REASON_BUDGET, "budget")                                             \
	X(REASON_SIZE, "size")                                                 \
	X(REASON_PRIORITY, "priority")                                         \
	X(REASON_RETRY_WAIT, "retry-wait")                                     \
	X(REASON_CUSTOMER_CALL, "customer-call")                               \
	X(REASON_OPERATOR_HOLD, "operator-hold")                               \
	X(REASON_RULE_HOLD, "rule-hold")                                       \
	X(REASON_RELEASE_TIME, "release-time")                                 \
	X(REASON_NO_8BITMIME, "no-8bitmime")                                   \
	X(REASON_NO_SMTPUTF8, "no-smtputf8")                                   \
	X(REASON_TLS, "tls")                                                   \
	X(REASON_AUTH, "auth")                                                 \
	X(REASON_PEER_4XX, "peer-4xx")                                         \
	X(REASON_DISK, "disk")                                                 \
	X(REASON_CLOCK, "clock")

/*
 * The argument of REASON_NO_8BITMIME begins so where more than 8 bits are
 * needed; it is a whole sentence then, else a peer's name.
 */
#define REASON_BINARY_WORDS "needs a peer that takes binary mail"

enum spool_reason {
#define SPOOL_REASON_ENUM(name, text) name,
	SPOOL_REASONS(SPOOL_REASON_ENUM)
#undef SPOOL_REASON_ENUM
};

/*
 * The place of a delivery among those that wait, made by who adds it (it
 * knows how, sched/order.h): lower numbers go first, from priority and age to
 * turn; then the smaller and the older message.
 */
struct spool_order {
	int64_t age;	/* what its time of arrival counts against priority */
	int size_class; /* roughly how large */
	int64_t turn;	/* senders in turn */
};

/* What a message needs of the peer that takes it, as bits. */
enum spool_need {
	NEED_8BIT = 1,	 /* 8BITMIME */
	NEED_UTF8 = 2,	 /* SMTPUTF8 */
	NEED_BINARY = 4, /* BINARYMIME, with CHUNKING */
	NEED_TLS = 8,	 /* REQUIRETLS, from a peer that is verified */
	NEED_BY = 16,	 /* DELIVERBY, since it is to return in time */
};

struct spool_delivery {
	int64_t message;
	unsigned n; /* from 1: "4711.2" */
	char recipient[WIRE_MAILBOX_MAX + 1];
	struct rcpt_params params; /* as RCPT gave them */
	/* what RCPT named, where an alias or list of ours led to it; "" it */
	char alias[WIRE_MAILBOX_MAX + 1];
	/*
	 * Whom a list names as the sender on the way to its members; "" the
	 * sender of the message (spool_message_for).
	 */
	char list_owner[WIRE_MAILBOX_MAX + 1];
	enum spool_state state;
	/*
	 * Why it waits. REASON_NONE for a ready one: the reason of its route
	 * holds (spool_route_reason_put), since it is the same for all.
	 */
	enum spool_reason reason;
	char reason_arg[SPOOL_TEXT_MAX + 1];
	/* "local", "customer:NAME", or a route's name or match */
	char route[SPOOL_NAME_MAX + 1];
	int64_t route_generation;
	char link[SPOOL_NAME_MAX + 1]; /* "" unless assigned */
	/* only these may carry it, '\n' between; "" any */
	char links[SPOOL_LINKS_MAX + 1];
	int priority;
	struct spool_order order;
	int64_t queued_at;
	/*
	 * The same by a clock that goes on evenly when the wall clock is set
	 * (sched/clockwatch.h): what counts elapsed time counts by this.
	 */
	int64_t steady_at;
	/*
	 * RFC 2852, by that clock, 0 never: when it is returned, and when its
	 * sender is told that it is late.
	 */
	int64_t return_at, tell_at;
	/*
	 * RFC 4865: held by its sender until then, 0 not. By the wall clock
	 * where RELEASE_WALL (HOLDUNTIL), else by the other one (HOLDFOR).
	 */
	int64_t release_at;
	bool release_wall;
	unsigned attempts, days_attempted;
	int64_t last_attempt, next_attempt;
	int64_t warned_at;
	uint64_t owner; /* the claim; 0 none */
	bool in_doubt;
	int64_t deleted_until;
};

/*
 * A row of a list: a delivery with the facts of its message; without the next
 * attempt of what is in a session or deleted.
 */
struct spool_row {
	struct spool_delivery d;
	char sender[WIRE_MAILBOX_MAX + 1];
	uint64_t size;
	/* why it waits, the route's reason already put in where it holds */
	enum spool_reason reason;
	char reason_arg[SPOOL_TEXT_MAX + 1];
};

/* --- users and customers: one name space --- */

enum spool_account_kind { ACCOUNT_USER, ACCOUNT_CUSTOMER };

/* Which recipients a customer has. */
enum spool_recipients {
	RECIPIENTS_ANY,
	RECIPIENTS_LISTED, /* only those of its list */
	RECIPIENTS_VERIFY, /* as its own answers teach */
};

struct spool_account {
	char name[SASL_NAME_MAX + 1];
	enum spool_account_kind kind;
	struct verifier verifier;
	struct verifier next; /* a new password, until it was used once */
	char *senders;	      /* patterns, '\n' between; owned; may be NULL */
	int max_priority;
	int64_t last_login;
	/* customers only */
	char *domains;	/* '\n' between, lower case; owned; may be NULL */
	char *networks; /* CIDRs, '\n' between; owned; may be NULL */
	uint64_t quota, max_size; /* 0: none */
	int64_t lifetime_s;	  /* of held mail; 0: default */
	char etrn[SPOOL_NAME_MAX + 1];
	bool suspended;
	enum spool_recipients recipients;
	int64_t last_call;
	char last_result[SPOOL_TEXT_MAX + 1];
};

void spool_account_clear(struct spool_account *a); /* frees what it owns */

/* What waits for one customer (from counters). */
struct spool_waiting {
	uint64_t deliveries, bytes;
};

/* What is known of one recipient of a customer. */
enum spool_known {
	KNOWN_NOTHING,
	KNOWN_LISTED,	/* in the customer's list */
	KNOWN_ACCEPTED, /* the customer's own host took it at learnt_at */
	KNOWN_REFUSED,	/* ... refused it as unknown */
};

/* For the answer to RCPT. */
struct spool_customer_facts {
	struct spool_waiting waiting; /* in every state but DELETED */
	uint64_t sender_bytes;	      /* of these, from the sender asked for */
	enum spool_known known;
	int64_t learnt_at;
};

/* Counted by customer and month, in the transaction of the fact. */
enum spool_tally {
	TALLY_RECEIVED,	   /* taken in for it */
	TALLY_DELIVERED,   /* its host took it */
	TALLY_EXPIRED,	   /* its lifetime ended */
	TALLY_RETURNED,	   /* refused by its host, or by an operator */
	TALLY_QUARANTINED, /* refused, and its sender not to be told */
	TALLIES_N,
};

struct spool_statement {
	char name[SASL_NAME_MAX + 1];
	/* from the sessions that ended in the month */
	unsigned sessions;
	int64_t seconds;
	uint64_t bytes_sent, bytes_received;
	uint64_t messages_sent;
	/* deliveries and their octets, by enum spool_tally */
	struct spool_waiting tally[TALLIES_N];
	struct spool_waiting waiting; /* now */
};

/* --- links, sessions, peers --- */

struct spool_link {
	char name[SPOOL_NAME_MAX + 1];
	bool up;
	bool disabled;
	char reason[SPOOL_TEXT_MAX + 1];
	char interface[64], address[64];
	char boot[64]; /* the boot of the machine this state belongs to */
	int64_t since;
	bool verified;
	bool dialed;	   /* the line may be open, whatever boot it was */
	bool stuck;	   /* no automatic calls */
	int64_t called_at; /* the last call began; 0: never */
};

/* What a link used in one period, and what was allowed beyond its budget. */
struct spool_budget {
	char link[SPOOL_NAME_MAX + 1];
	char period[16]; /* session, day, month */
	int64_t starts_at;
	int64_t seconds;
	uint64_t bytes;
	double cost;
	int64_t extra_seconds;
	uint64_t extra_bytes;
	double extra_cost;
};

/* One use of a link, or one session with a customer. */
struct spool_session {
	int64_t id;
	char link[SPOOL_NAME_MAX + 1];
	char peer[SPOOL_NAME_MAX + 1]; /* peer or customer */
	int64_t started, ended;
	uint64_t bytes_sent, bytes_received;
	unsigned messages_sent, messages_received, turnarounds;
	double cost;
	int64_t estimate_s;
	char result[SPOOL_TEXT_MAX + 1];
};

/* Whose mail a session of a link carried, and how much of it. */
struct spool_share {
	int64_t session;
	char who[SPOOL_NAME_MAX + 1]; /* account, sender, or a word in "()" */
	unsigned messages;
	uint64_t bytes; /* octets of the messages */
};

struct spool_peer {
	char name[SPOOL_NAME_MAX + 1];
	char address[64];	       /* the last good one */
	char keywords[4096];	       /* of its last EHLO, '\n' between */
	unsigned char fingerprint[32]; /* SHA-256 of its public key */
	bool has_fingerprint;
	int64_t last_success;
	char last_result[SPOOL_TEXT_MAX + 1];
};

/* --- the event log --- */

struct spool_event {
	int64_t id;
	int64_t time;
	int level; /* enum log_level */
	char event[64];
	uint64_t session; /* 0 none */
	int64_t message;  /* 0 none */
	unsigned n;	  /* delivery, 0 none */
	char link[SPOOL_NAME_MAX + 1], peer[SPOOL_NAME_MAX + 1];
	char text[SPOOL_TEXT_MAX + 1];
};

const char *spool_state_name(enum spool_state state);
bool spool_state_parse(struct str name, enum spool_state *state_r);
const char *spool_reason_name(enum spool_reason reason);
bool spool_reason_parse(struct str name, enum spool_reason *reason_r);
/*
 * The sentence for people, the same in list, console, log and JSON:
 * (REASON_LINK_DOWN, "iridium") -> "waits for link iridium".
 */
void spool_reason_text(enum spool_reason reason, const char *arg,
	int64_t next_attempt, char *out, size_t size);

#endif
