#include "tui/target.h"

#include <stdlib.h>

enum { LOOK_MAX = 500 }; /* targets in one look */

enum err_code
target_row(struct spool_txn *t, int64_t id, unsigned n, enum spool_state likely,
	struct spool_row *row_r, bool *there_r, struct err *e)
{
	*there_r = false;
	for (int turn = 0; turn < 2 && !*there_r; turn++) {
		bool deleted = (likely == SPOOL_DELETED) != (turn == 1);
		struct spool_filter f = {.id = id,
			.n = n,
			.has_state = deleted,
			.state = SPOOL_DELETED};
		struct spool_cursor after = {0};
		struct spool_row *row = NULL;
		size_t got = 0;
		enum err_code code =
			spool_list(t, &f, &after, 1, &row, &got, e);

		if (code == OK && got) {
			*there_r = true;
			*row_r = *row;
		}
		free(row);
		if (code != OK)
			return code;
	}
	return OK;
}

struct look {
	struct target *targets;
	size_t n;
};

static enum err_code
renew(struct spool_txn *t, void *arg, struct err *e)
{
	const struct look *l = arg;
	enum err_code code = OK;

	for (size_t i = 0; code == OK && i < l->n; i++) {
		struct target *x = &l->targets[i];
		struct spool_row row;
		bool there;

		code = target_row(t, x->id, x->n, x->state, &row, &there, e);
		if (code != OK)
			break;
		x->state = there ? row.d.state : SPOOL_STATES_N;
		if (there) {
			x->priority = row.d.priority;
			x->size = row.size;
		}
	}
	return code;
}

void
target_renew(struct console *c, struct target *targets, size_t n)
{
	while (n) {
		struct look l = {targets, n < LOOK_MAX ? n : LOOK_MAX};

		if (!console_read(c, renew, &l))
			return;
		targets += l.n;
		n -= l.n;
	}
}
