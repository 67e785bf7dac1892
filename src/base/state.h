/*
 * Declared state machines: a table of rows says which state may follow
 * which, and one door moves, checks and traces.
 *
 *	static const struct state_row rows[] = {
 *		[LINK_DOWN] = {"down", STATE_TO(LINK_DIALING) | ...},
 *	};
 *
 * A move the table does not allow is a bug of ours: it asserts.
 */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <stdint.h>

#define STATE_TO(s) (UINT32_C(1) << (s)) /* at most 32 states */

struct state_row {
	const char *name;
	uint32_t next; /* STATE_TO bits */
};

struct state {
	const char *machine; /* for the trace; static */
	const struct state_row *rows;
	unsigned now;
	uint64_t id; /* for the trace */
};

void state_init(struct state *s, const char *machine,
	const struct state_row *rows, unsigned first, uint64_t id);
void state_move(struct state *s, unsigned to);
const char *state_name(const struct state *s);

#endif
