/*
 * The memory engine (private; reached from open.c through memory_engine).
 *
 * For tests and for trying things: the same primitives over sorted arrays.
 * "memory:" is a store of its own; "memory:NAME" is kept until the process
 * ends, so that a second open finds what the first one left. Rows are never
 * changed, only replaced, so undoing is putting the old pointer back.
 */
#ifndef SPOOL_MEMORY_H
#define SPOOL_MEMORY_H

#include "spool/engine.h"

#include <pthread.h>

/* Row pointers in the order of one index. */
struct sorted {
	void **rows;
	size_t n, cap;
};

/* One change: a row added (OLD NULL), removed (NEW NULL) or replaced. */
struct change {
	enum table_id table;
	void *old_row, *new_row;
};

struct engine {
	struct engine *next; /* of the named ones */
	char *name;	     /* "" private */
	bool in_use;	     /* by a daemon */
	pthread_rwlock_t lock;
	struct sorted sets[TABLES_N][INDEXES_MAX];
	/* of the transaction that writes */
	struct change *changes;
	size_t changes_n, changes_cap, mark;
};

/* --- sorted.c --- */

/*
 * The first place in index X whose row is not before KEY by the index's first
 * COLUMNS_N columns; PAST: the first behind all that are equal.
 */
size_t sorted_seek(const struct sorted *s, enum table_id table, unsigned x,
	const void *key, unsigned columns_n, bool past);
void sorted_add(struct sorted *s, enum table_id table, unsigned x, void *row);
void sorted_remove(
	struct sorted *s, enum table_id table, unsigned x, const void *row);
int index_compare(enum table_id table, unsigned x, const void *a, const void *b,
	unsigned columns_n);

/* --- change.c --- */

/* By primary key; NULL. */
void *store_find(struct engine *g, enum table_id table, const void *key);
/* Takes the rows over; one of them may be NULL. Counters follow. */
void store_change(
	struct engine *g, enum table_id table, void *old_row, void *new_row);
/* Undoes what was changed since there were N changes. */
void store_undo(struct engine *g, size_t n);
/* What was replaced is freed. */
void store_commit(struct engine *g);
void store_clear(struct engine *g);

/* --- scan.c --- */

enum err_code memory_query(struct engine_conn *c, const struct query *q,
	struct rows *out, struct err *e);

struct engine_conn {
	struct engine *engine;
	enum engine_access access;
	bool in_transaction;
};

#endif
