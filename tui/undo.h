/* Actions that can be taken back, the last first. */
#ifndef TUI_UNDO_H
#define TUI_UNDO_H

#include "spool/queue.h"

enum { UNDO_MAX = 10, UNDO_TEXT_MAX = 120 };

/* A delivery as it was when something was done to it. */
struct target {
	int64_t id;
	unsigned n;
	enum spool_state state;
	int priority;
	uint64_t size;
	int given; /* the priority that it was given instead, if one was */
};

struct undo {
	const char *word;	/* of the act that takes it back; static */
	struct target *targets; /* owned */
	size_t n;
	char text[UNDO_TEXT_MAX]; /* what was done */
};

struct undo_stack {
	struct undo v[UNDO_MAX];
	size_t n;
};

/* TARGETS are given; the oldest goes where there are too many. */
void undo_push(struct undo_stack *u, const char *word, struct target *targets,
	size_t n, const char *text);
/* The last one into *UNDO_R, which is the caller's. False: there is none. */
bool undo_pop(struct undo_stack *u, struct undo *undo_r);
void undo_clear(struct undo_stack *u);

#endif
