#include "faces/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum err_code
queue_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct queue_page *p = arg;
	struct spool_cursor after = p->after; /* may run again from the start */
	enum err_code code;

	free(p->rows);
	p->rows = NULL;
	p->n = 0;
	code = spool_list(t, &p->filter, &after, p->limit, &p->rows, &p->n, e);
	if (code == OK)
		p->after = after;
	return code;
}

void
queue_reason(const struct spool_row *row, char *out, size_t size)
{
	out[0] = '\0';
	if (row->reason != REASON_NONE)
		spool_reason_text(row->reason, row->reason_arg,
			row->d.next_attempt, out, size);
}

const char *
queue_sender(const char *sender)
{
	return sender[0] ? sender : "<>";
}

bool
queue_way(const struct spool_delivery *d, char *out, size_t size)
{
	if (d->list_owner[0])
		snprintf(out, size, "by the list %s, from %s", d->alias,
			d->list_owner);
	else if (d->alias[0])
		snprintf(out, size, "by the alias %s", d->alias);
	return d->alias[0] != '\0';
}
