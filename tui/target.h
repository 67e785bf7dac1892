/* Deliveries that something is done to, and how they are at this moment. */
#ifndef TUI_TARGET_H
#define TUI_TARGET_H

#include "tui/console.h"

/*
 * One delivery as it is now; LIKELY: its state when last seen, which is looked
 * for first. *THERE_R false: it is in the spool no more.
 */
enum err_code target_row(struct spool_txn *t, int64_t id, unsigned n,
	enum spool_state likely, struct spool_row *row_r, bool *there_r,
	struct err *e);

/*
 * State, priority and size of N targets, read anew, some at a time, so that no
 * look is a long one. One that is gone has SPOOL_STATES_N, which is no state.
 */
void target_renew(struct console *c, struct target *targets, size_t n);

#endif
