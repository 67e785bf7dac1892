/*
 * The queue in an order of one's own, however long it is.
 *
 * Walking the spool takes time in proportion to the queue, so it is done a page
 * at a time, each a look of its own, while keys are answered; what the order
 * needs to know of a delivery is kept in a small entry. Rows themselves are
 * read when they are seen. So nothing here is large, nothing keeps a
 * transaction open, and what is on the screen is fresh even where the order is
 * a little old.
 */
#ifndef TUI_INDEX_H
#define TUI_INDEX_H

#include "tui/console.h"

enum { INDEX_TEXT = 20 };

enum index_sort {
	SORT_AGE,
	SORT_SIZE,
	SORT_PRIORITY,
	SORT_STATE,
	SORT_FROM,
	SORT_TO,
	SORT_NEXT,
	SORTS_N,
};
extern const char *const index_sort_names[SORTS_N];

struct entry {
	int64_t id;
	unsigned n;
	enum spool_state state;
	int priority;
	bool marked;
	uint64_t size;
	int64_t queued_at, next_attempt;
	char from[INDEX_TEXT], to[INDEX_TEXT]; /* their fronts, lower case */
};

/* Which rows are in it, and how they are ordered. */
struct index_conf {
	enum index_sort sort;
	bool reverse;
	bool has_state;
	enum spool_state state;
	const char *route; /* NULL: any; borrowed */
	const char *words; /* all in one row; borrowed */
};

struct index {
	struct index_conf conf;
	struct entry *v; /* owned; in order */
	size_t n, cap;
	struct entry *next; /* owned; what a new walk found so far */
	size_t next_n, next_cap;
	struct spool_cursor after; /* the walk is there */
	bool walking, whole;	   /* V is of a walk that ended */
	uint64_t began_ms, took_ms, ended_ms;
};

void index_free(struct index *x);
/* A new walk with CONF; what was found before stays until it is over, but
 * where ANEW goes at once. */
void index_begin(struct index *x, const struct index_conf *conf, bool anew);
/* One page of it; true: there is more. */
bool index_work(struct index *x, struct console *c);
/* Another order of what is there. */
void index_sort(struct index *x, enum index_sort sort, bool reverse);
/* Where ID.N stands; false: nowhere. */
bool index_find(const struct index *x, int64_t id, unsigned n, size_t *at_r);

#endif
