/*
 * What a store must be able to do, and nothing of what mail is (private).
 *
 * The life of a delivery is written once, above this line (claim.c,
 * outcome.c, act.c ...), in terms of rows: a table is a C struct and a
 * description of its columns (table.h). An engine knows how to get, insert,
 * update and remove a row, how to walk an index, and how to make a group of
 * these atomic and durable. It also keeps the counters (T_COUNTER) in step
 * with the deliveries, inside the same transaction.
 *
 * A connection belongs to one thread at a time. One connection at most is in
 * a writing transaction; readers see what was committed when they began.
 */
#ifndef SPOOL_ENGINE_H
#define SPOOL_ENGINE_H

#include "spool/spool.h"
#include "spool/table.h"

struct engine;
struct engine_conn;

enum engine_access { ENGINE_READ, ENGINE_WRITE };

struct engine_ops {
	const char *(*version)(void);

	/* WHERE is the part of the url behind "name:". */
	enum err_code (*open)(const struct spool_options *options,
		const char *where, struct engine **engine_r, struct err *e);
	void (*close)(struct engine *g);

	enum err_code (*connect)(struct engine *g, enum engine_access access,
		struct engine_conn **conn_r, struct err *e);
	void (*disconnect)(struct engine_conn *c);

	/* --- transactions; one savepoint inside, never nested --- */

	enum err_code (*begin)(struct engine_conn *c, struct err *e);
	/*
	 * OK: durable. ERR_UNCERTAIN: perhaps. Any other: nothing was done
	 * and the transaction is over.
	 */
	enum err_code (*commit)(struct engine_conn *c, struct err *e);
	void (*rollback)(struct engine_conn *c);
	enum err_code (*mark)(struct engine_conn *c, struct err *e);
	enum err_code (*keep)(struct engine_conn *c, struct err *e);
	/* Back to the mark. False: the whole transaction is gone. */
	bool (*undo)(struct engine_conn *c);

	/* --- rows --- */

	/* The key columns of ROW are filled in; the rest is set. */
	enum err_code (*get)(struct engine_conn *c, enum table_id table,
		void *row, struct err *e);
	/* ERR_EXISTS. A zero key of a table with auto_id is set. */
	enum err_code (*insert)(struct engine_conn *c, enum table_id table,
		void *row, struct err *e);
	/* The columns in MASK of the row with ROW's key. ERR_NOTFOUND. */
	enum err_code (*update)(struct engine_conn *c, enum table_id table,
		const void *row, uint64_t mask, struct err *e);
	enum err_code (*remove)(struct engine_conn *c, enum table_id table,
		const void *row, struct err *e);
	enum err_code (*query)(struct engine_conn *c, const struct query *q,
		struct rows *out, struct err *e);

	/* --- the house around it --- */

	enum err_code (*check)(struct engine_conn *c, struct err *e);
	/* All of it into a new file, as of the transaction that runs. */
	enum err_code (*copy)(
		struct engine_conn *c, const char *path, struct err *e);
	/* All of the file at PATH in place of what is there, at one stroke.
	 * Like vacuum outside of transactions. */
	enum err_code (*replace)(
		struct engine_conn *c, const char *path, struct err *e);
	/* Room that is free goes back to the disk. */
	enum err_code (*vacuum)(struct engine_conn *c, struct err *e);
	/* Fits SIZE beside the reserve? From any thread. */
	bool (*has_room)(struct engine *g, uint64_t size);
	/* The disk is full: give up what was kept for this. False: nothing. */
	bool (*make_room)(struct engine *g);
	/* On the writing connection, after a commit. */
	void (*committed)(struct engine_conn *c);
};

extern const struct engine_ops sqlite_engine;
extern const struct engine_ops memory_engine;

#endif
