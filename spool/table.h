/*
 * The tables as data (private): one C struct a row, one line a column. Both
 * engines work from these lists; schema.sql has the same names.
 *
 * Text is never NULL: "" stands for none, as 0 does for numbers. All indexes
 * run upward; "most urgent first" is a column of its own, the rank.
 */
#ifndef SPOOL_TABLE_H
#define SPOOL_TABLE_H

#include "base/err.h"
#include "spool/types.h"

/* --- rows that are more than the public structs --- */

/* Routes of customers begin so; the name follows. */
#define CUSTOMER_PREFIX "customer:"
/* The customer whose route this is; NULL: nobody's. */
const char *route_customer(const char *route);

struct delivery_row {
	struct spool_delivery d;
	/* facts of the message, so that lists and claims need one table */
	char sender[WIRE_MAILBOX_MAX + 1];
	uint64_t size;
	unsigned needs;
	int64_t rank; /* priority with age in it: lower goes first */
	/*
	 * May be claimed now: READY, or DEFERRED with its time passed (set
	 * when a claim first sees it so, or a session wakes it).
	 */
	bool ripe;
	enum spool_state came_from; /* before ACTIVE, HELD or DELETED */
	/* of the recipient, lower case, on routes "customer:..." only */
	char domain[WIRE_DOMAIN_MAX + 1];
};

/* A body whose message is not there yet. */
struct receiving_row {
	int64_t id;
	uint64_t octets;
};

/* 64 KiB of a body; all but the last are full. */
struct chunk_row {
	int64_t id; /* message * CHUNKS_PER_MESSAGE + number from 0 */
	struct heap_bytes {
		char *p; /* owned, except for insert and update */
		size_t n;
	} octets;
};

enum { CHUNKS_PER_MESSAGE = 1 << 20 }; /* 64 GiB a body, 2^43 messages */

struct route_row {
	char route[SPOOL_NAME_MAX + 1];
	enum spool_reason reason;
	char reason_arg[SPOOL_TEXT_MAX + 1];
	unsigned blocked; /* NEED_ bits that its last peer lacks */
	char blocked_peer[SPOOL_NAME_MAX + 1];
};

struct counter_row {
	char route[SPOOL_NAME_MAX + 1];
	enum spool_state state;
	uint64_t deliveries, bytes;
};

/*
 * What waits for a customer in every state but DELETED, by sender (lower case).
 * A row whose deliveries are all gone goes too.
 */
struct sender_row {
	char route[SPOOL_NAME_MAX + 1];
	char sender[WIRE_MAILBOX_MAX + 1];
	uint64_t deliveries, bytes;
};

struct domain_row {
	char domain[WIRE_DOMAIN_MAX + 1];
	char account[SASL_NAME_MAX + 1];
	int64_t position; /* in the account's list */
};

/* One address of a customer's list; lower case. */
struct recipient_row {
	char account[SASL_NAME_MAX + 1];
	char recipient[WIRE_MAILBOX_MAX + 1];
};

/* What the customer's own host said of an address; lower case. */
struct learnt_row {
	char account[SASL_NAME_MAX + 1];
	char recipient[WIRE_MAILBOX_MAX + 1];
	int64_t place; /* grows with each new address of the account */
	enum spool_known known;
	int64_t learnt_at;
};

struct tally_row {
	char account[SASL_NAME_MAX + 1];
	int64_t month; /* its first second, UTC */
	enum spool_tally kind;
	uint64_t deliveries, bytes;
};

struct ticket_row {
	int64_t id;
	char peer[SPOOL_NAME_MAX + 1];
	char *policy; /* owned */
	struct heap_bytes ticket;
};

/* A recipient of a batch that was taken. */
struct ledger_row {
	char id[SPOOL_LEDGER_ID_MAX + 1];
	int64_t place; /* grows with each new one */
};

enum { META_KEY_MAX = 63 };

struct meta_row {
	char key[META_KEY_MAX + 1];
	struct heap_bytes value;
};

/* --- descriptions --- */

enum column_kind {
	COL_I64,
	COL_U64, /* below 2^63 */
	COL_INT,
	COL_UINT,
	COL_BOOL,
	COL_CHAR, /* one octet as a number */
	COL_REAL,
	COL_TEXT,	/* char[size], terminated */
	COL_OCTETS,	/* unsigned char[size], all of it */
	COL_HEAP_TEXT,	/* char *, NULL for "" */
	COL_HEAP_OCTETS /* struct heap_bytes */
};

struct column {
	const char *name;
	enum column_kind kind;
	size_t offset, size;
};

enum { INDEX_COLUMNS_MAX = 9, INDEXES_MAX = 14 };

struct index {
	const char *name; /* NULL: the primary key */
	unsigned columns_n;
	unsigned char columns[INDEX_COLUMNS_MAX];
	/* rows outside are not in the index; the same said twice */
	const char *where;
	bool (*holds)(const void *row);
};

struct table {
	const char *name;
	size_t row_size;
	const struct column *columns;
	unsigned columns_n;
	bool auto_id; /* the key is one I64, chosen where it is 0 */
	const struct index *indexes; /* [0] is the primary key */
	unsigned indexes_n;
};

enum table_id {
	T_MESSAGE,
	T_DELIVERY,
	T_RECEIVING,
	T_CHUNK,
	T_ROUTE,
	T_COUNTER,
	T_SENDER,
	T_ACCOUNT,
	T_DOMAIN,
	T_RECIPIENT,
	T_LEARNT,
	T_TALLY,
	T_LINK,
	T_BUDGET,
	T_SESSION,
	T_SHARE,
	T_PEER,
	T_TICKET,
	T_META,
	T_LEDGER,
	T_EVENT,
	TABLES_N
};

extern const struct table tables[TABLES_N];

/* Columns that are asked for by number. */
enum { MESSAGE_ID };
enum {
	DELIVERY_MESSAGE,
	DELIVERY_N,
	DELIVERY_RECIPIENT,
	DELIVERY_STATE,
	DELIVERY_ROUTE,
	DELIVERY_GENERATION,
	DELIVERY_RANK,
	DELIVERY_SIZE_CLASS,
	DELIVERY_TURN,
	DELIVERY_LINKS,
	DELIVERY_PRIORITY,
	DELIVERY_QUEUED_AT,
	DELIVERY_NEXT_ATTEMPT,
	DELIVERY_OWNER,
	DELIVERY_DELETED_UNTIL,
	DELIVERY_SENDER,
	DELIVERY_SIZE,
	DELIVERY_NEEDS,
	DELIVERY_RIPE,
	DELIVERY_DOMAIN,
	DELIVERY_REASON,
	DELIVERY_WARNED_AT,
	DELIVERY_STEADY_AT,
	DELIVERY_RETURN_AT,
	DELIVERY_TELL_AT,
	DELIVERY_RELEASE_AT,
	DELIVERY_RELEASE_WALL
};
enum { CHUNK_ID };
enum { ROUTE_ROUTE, ROUTE_REASON };
enum { COUNTER_ROUTE, COUNTER_STATE, COUNTER_DELIVERIES };
enum { SENDER_ROUTE, SENDER_SENDER };
enum { DOMAIN_DOMAIN, DOMAIN_ACCOUNT, DOMAIN_POSITION };
enum { RECIPIENT_ACCOUNT, RECIPIENT_RECIPIENT };
enum { LEARNT_ACCOUNT, LEARNT_RECIPIENT, LEARNT_PLACE, LEARNT_AT };
enum { TALLY_ACCOUNT, TALLY_MONTH, TALLY_KIND };
enum { BUDGET_LINK };
enum { SESSION_ID, SESSION_LINK, SESSION_STARTED, SESSION_PEER, SESSION_ENDED };
enum { SHARE_SESSION, SHARE_WHO };
enum { TICKET_ID, TICKET_PEER };
enum { LEDGER_ID, LEDGER_PLACE };
enum { EVENT_ID, EVENT_TIME, EVENT_MESSAGE, EVENT_N, EVENT_SESSION };

/* Indexes by their place in the table's list. */
enum { BY_KEY };
enum {
	DELIVERY_BY_STATE = 1,
	DELIVERY_BY_ROUTE,
	DELIVERY_BY_CLAIM,
	DELIVERY_BY_CLAIM_DOMAIN,
	DELIVERY_BY_DUE,
	DELIVERY_BY_OWNER,
	DELIVERY_BY_GENERATION,
	DELIVERY_BY_DELETED,
	DELIVERY_BY_UNTOLD,
	DELIVERY_BY_TURN,
	DELIVERY_BY_RETURN,
	DELIVERY_BY_TELL,
	DELIVERY_BY_RELEASE
};
enum { DOMAIN_BY_ACCOUNT = 1 };
enum { LEARNT_BY_PLACE = 1, LEARNT_BY_AGE };
enum { SESSION_BY_LINK = 1, SESSION_BY_CUSTOMER };
enum { TICKET_BY_PEER = 1 };
enum { LEDGER_BY_PLACE = 1 };
enum { EVENT_BY_MESSAGE = 1, EVENT_BY_SESSION };

/* --- asking --- */

enum pred_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_GLOB };

struct pred {
	unsigned char column;
	unsigned char op;
	int64_t number;
	const char *text; /* for text columns; borrowed */
};

enum { QUERY_PREDS_MAX = 12 };

/*
 * The rows of TABLE that fulfil all PREDS, in the order of INDEX, at most
 * LIMIT. AFTER: only rows behind this one (in that direction), by the columns
 * of the index that follow those fixed with OP_EQ.
 */
struct query {
	enum table_id table;
	unsigned index;
	struct pred preds[QUERY_PREDS_MAX];
	unsigned preds_n;
	const void *after;
	bool backward;
	size_t limit;
};

void query_number(
	struct query *q, unsigned column, enum pred_op op, int64_t number);
void query_text(
	struct query *q, unsigned column, enum pred_op op, const char *text);
/* How many leading columns of Q's index are fixed by OP_EQ. */
unsigned query_fixed(const struct query *q);

/* Result rows, grown on demand or one in the caller's hands. */
struct rows {
	enum table_id table;
	char *data; /* owned, unless CAP_FIXED */
	size_t n, cap;
	bool fixed;
};

void rows_init(struct rows *r, enum table_id table);
void rows_init_one(struct rows *r, enum table_id table, void *row);
/* The next row, zeroed. */
void *rows_push(struct rows *r);
void *rows_at(const struct rows *r, size_t i);
void rows_free(struct rows *r); /* and what the rows own */

/* --- rows by description --- */

void row_clear(enum table_id table, void *row); /* frees what it owns */
void row_copy(enum table_id table, void *to, const void *from);
/* Bits of the columns in which A and B differ. */
uint64_t row_diff(enum table_id table, const void *a, const void *b);
/* By column, as an index sorts: numbers, then text by octets. */
int column_compare(const struct column *c, const void *a, const void *b);
int64_t column_number(const struct column *c, const void *row);
void column_set_number(const struct column *c, void *row, int64_t number);
/* Text and octets of a column as a view. */
struct str column_view(const struct column *c, const void *row);
/* Stores a copy; too long is cut. */
void column_set_view(const struct column *c, void *row, struct str s);
bool column_is_text(const struct column *c);
bool column_is_bytes(const struct column *c);

#endif
