/*
 * The inside of a spool, shared by the files of this room (private).
 *
 * A transaction in the hands of a job is a struct spool_txn; the tx_ functions
 * are the only door to the engine. They count down injected faults, and they
 * remember the first failure: a job that overlooks an error is undone anyway.
 */
#ifndef SPOOL_PRIVATE_H
#define SPOOL_PRIVATE_H

#include "spool/engine.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	SPOOL_BATCH_MAX = 512, /* jobs in one commit */
	SPOOL_READERS = 2,
	SPOOL_ID_STEP = 100, /* ids reserved by one write of "last-id" */
	SPOOL_PAGE = 200,    /* rows fetched at once where many are walked */
	SPOOL_EVENTS_MAX = 200000,
	SPOOL_EVENTS_KEEP_S = 90 * 86400,
	SPOOL_SESSIONS_KEEP_S = 400 * 86400, /* a year of statements */
};

struct job {
	struct job *next;
	spool_fn *fn;
	spool_done *done; /* NULL: somebody waits in spool_write or _read */
	void *arg;
	enum err_code code;
	struct err e;
	bool finished;
};

struct job_list {
	struct job *head, **tail;
};

struct spool {
	const struct engine_ops *ops;
	struct engine *engine;
	struct spool_options options; /* url is owned */

	struct engine_conn *writer; /* NULL: read-only */
	struct engine_conn *reader; /* of spool_read, under reader_lock */
	pthread_mutex_t reader_lock;

	pthread_mutex_t lock; /* all below, down to the line */
	pthread_cond_t wake_writer, wake_reader, finished;
	struct job_list writes, reads, done;
	bool stopping, writer_runs;
	unsigned readers_n;
	pthread_t writer_thread, reader_threads[SPOOL_READERS];
	/* ------- */

	atomic_size_t backlog;
	atomic_int_fast64_t last_id;
	int64_t first_last_id; /* as it was at the start */
	/* Routes that are claimed by domain. Only the writer looks at it. */
	struct {
		char (*v)[SPOOL_NAME_MAX + 1];
		size_t n;
	} domain_routes;
	/* The disk was full: storing asks first whether there is room. */
	atomic_bool tight;
	/* faults: operations to let pass, then to fail */
	atomic_uint fault_skip, fault_count;
	atomic_int fault_code;
};

struct spool_txn {
	struct spool *spool;
	struct engine_conn *conn;
	bool writes;
	enum err_code failed; /* the first failure of an operation */
	struct err failed_why;
};

/* --- engine.c --- */

/* What an injected fault does to the next operation; OK: nothing. */
enum err_code spool_fault(struct spool *s, struct err *e);

enum err_code tx_get(
	struct spool_txn *t, enum table_id table, void *row, struct err *e);
enum err_code tx_insert(
	struct spool_txn *t, enum table_id table, void *row, struct err *e);
/* Writes the columns in which ROW differs from OLD. */
enum err_code tx_update(struct spool_txn *t, enum table_id table,
	const void *old, const void *row, struct err *e);
/* Insert, or update where the key exists. */
enum err_code tx_put(
	struct spool_txn *t, enum table_id table, void *row, struct err *e);
enum err_code tx_remove(struct spool_txn *t, enum table_id table,
	const void *row, struct err *e);
/* Start OUT with rows_init; free it in any case. */
enum err_code tx_query(struct spool_txn *t, const struct query *q,
	struct rows *out, struct err *e);
/* The first row; ERR_NOTFOUND. */
enum err_code tx_first(
	struct spool_txn *t, const struct query *q, void *row, struct err *e);

/* --- worker.c --- */

enum err_code worker_start(struct spool *s, struct err *e);
void worker_stop(struct spool *s); /* everything submitted is finished */

/* --- delivery.c: what all who move deliveries share --- */

/* Sets the columns that follow from the others (rank, ripe, next_attempt). */
void delivery_settle(struct delivery_row *r);
/* The domain, where R's route is claimed by domain: for a new route. */
void delivery_set_domain(const struct spool *s, struct delivery_row *r);
/*
 * R was kept, and its route may have gone meanwhile: the next spool_reroute
 * looks at it again.
 */
void delivery_route_anew(struct delivery_row *r);
/* A new one, or one that changes. */
enum err_code delivery_insert(
	struct spool_txn *t, struct delivery_row *r, struct err *e);
enum err_code delivery_update(struct spool_txn *t,
	const struct delivery_row *old, struct delivery_row *r, struct err *e);
/* Gone; with the last one of a message its body goes too. */
enum err_code delivery_remove(
	struct spool_txn *t, const struct delivery_row *r, struct err *e);
enum err_code delivery_get(struct spool_txn *t, int64_t message, unsigned n,
	struct delivery_row *r, struct err *e);
/* Its reason says that it was left by a peer or link for what it is. */
bool delivery_is_left(const struct delivery_row *r);
/* An event about delivery R; fields of PROTO are kept where set. */
enum err_code delivery_event(struct spool_txn *t, const struct delivery_row *r,
	const char *name, int64_t now, const struct spool_event *proto,
	struct err *e);
/* The row that says: perhaps R arrived, and it will be sent again. */
enum err_code delivery_doubt_event(struct spool_txn *t,
	const struct delivery_row *r, int64_t now, struct err *e);
/* Ends the claim of R: back to where it was. */
enum err_code delivery_put_back(struct spool_txn *t,
	const struct delivery_row *old, struct delivery_row *r, struct err *e);
/* The same for a session that died: warns where R was in doubt. */
enum err_code delivery_give_back(struct spool_txn *t,
	const struct delivery_row *old, struct delivery_row *r, int64_t now,
	struct err *e);

/* --- carry.c: the links a delivery is bound to, '\n' between --- */

bool bound_allows(const char *links, const struct spool_carrier *by);
/*
 * LINKS (SPOOL_LINKS_MAX + 1 octets) becomes the next set, in order of octets,
 * that a ripe delivery of ROUTE is bound to. ERR_NOTFOUND.
 */
enum err_code bound_next(
	struct spool_txn *t, const char *route, char *links, struct err *e);
/* Is one of them up, as last reported? */
enum err_code bound_is_up(
	struct spool_txn *t, const char *links, bool *up_r, struct err *e);
void bound_text(const char *links, char *out, size_t size); /* "a or b" */

/* --- timed.c --- */

/* R becomes HELD until its release time. */
void timed_hold(struct delivery_row *r);

/* --- stretch.c: the index of claims --- */

/*
 * What all rows of a stretch of it share: DOMAIN, or LINKS where none is named.
 * In a stretch they stand in the order in which they are to go.
 */
struct stretch {
	const char *route, *domain, *links;
	unsigned needs;
};

void stretch_query(const struct stretch *s, struct query *q);
/*
 * Moves S to the next need at or above its own that has rows; ERR_NOTFOUND:
 * there is none.
 */
enum err_code stretch_need(
	struct spool_txn *t, struct stretch *s, struct err *e);
/* The first row of rank FROM or behind it; ERR_NOTFOUND. */
enum err_code stretch_rank(struct spool_txn *t, const struct stretch *s,
	int64_t from, struct delivery_row *r, struct err *e);
/* The first that may go by C. */
enum err_code stretch_first(struct spool_txn *t, const struct spool_claim *c,
	const struct stretch *s, struct delivery_row *r, struct err *e);

typedef enum err_code stretch_fn(struct spool_txn *t,
	const struct spool_claim *c, const struct stretch *s, void *arg,
	struct err *e);
/* FN for each stretch of ROUTE that C may have, until it fails. */
enum err_code stretch_each(struct spool_txn *t, const struct spool_claim *c,
	const char *route, stretch_fn *fn, void *arg, struct err *e);

/* Is R within C's sizes and limits? */
bool claim_may(const struct spool_claim *c, const struct delivery_row *r);
/* The needs that C's peer does not meet. */
unsigned claim_lacks(const struct spool_claim *c, const char *route);

/* --- list.c --- */

/*
 * Up to LIMIT rows of F behind AFTER, which is moved. *end_r: no more follow.
 */
enum err_code list_page(struct spool_txn *t, const struct spool_filter *f,
	struct spool_cursor *after, size_t limit, struct rows *out, bool *end_r,
	struct err *e);

/* --- route.c --- */

/* R waits for a route; what a session or an operator has stays as it is. */
void hold_without_route(struct delivery_row *r);
/* Held for it, or set free: the log tells it. OLD: as it was before. */
enum err_code without_route_event(struct spool_txn *t,
	const struct delivery_row *old, const struct delivery_row *r,
	int64_t now, struct err *e);

/* --- account.c --- */

/* ERR_NOTFOUND: nobody has this name, or it is a user's. */
enum err_code customer_exists(
	struct spool_txn *t, const char *name, struct err *e);

/* --- recipient.c --- */

/* What was learnt too long ago: up to LIMIT. */
enum err_code recipients_sweep(
	struct spool_txn *t, int64_t now, size_t limit, struct err *e);
/* Its list and what was learnt. */
enum err_code recipients_forget(
	struct spool_txn *t, const char *name, struct err *e);

/* --- tally.c --- */

/* Counts D for its customer, if its route is one's. */
enum err_code tally_add(struct spool_txn *t, const struct delivery_row *d,
	enum spool_tally kind, int64_t now, struct err *e);
/* Its tallies and calls: the next one of that name begins with none. */
enum err_code tally_forget(
	struct spool_txn *t, const char *name, struct err *e);

/* --- body.c --- */

/*
 * The body of ID is complete with SIZE octets: what was received belongs to a
 * message now. ERR_INVALID: another size is there.
 */
enum err_code body_complete(
	struct spool_txn *t, int64_t id, uint64_t size, struct err *e);

/* --- start.c --- */

enum err_code spool_start(struct spool *s, struct err *e);
/* An id is used: a later start begins above it. */
/* What was told in this boot of the machine; 0: nothing. */
enum err_code told_get(
	struct spool_txn *t, int64_t *offset_ms_r, struct err *e);
enum err_code id_used(struct spool_txn *t, int64_t id, struct err *e);
enum err_code id_store(struct spool_txn *t, int64_t id, struct err *e);

#endif
