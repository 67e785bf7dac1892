/* What ended, and waits to be written: at once, or told with others. */
#include "daemon/deliver_private.h"

#include "daemon/crash.h"
#include "daemon/settle.h"

#include <stdlib.h>

/* Refused, and kept to be told together; the last may go beyond. */
enum { KEPT_RECIPIENTS_MAX = 100 };

void
deliver_end(struct deliver *d, struct parcel *p, enum parcel_end end,
	const struct reply *final, bool in_doubt)
{
	p->end = end;
	if (final)
		p->final = *final;
	p->in_doubt = in_doubt;
	d->recipients -= p->claimed.n;
	list_remove(&p->node);
	list_push(&d->ended, &p->node);
	if (end == PARCEL_REPLIED)
		crash_point("deliver-replied-before-commit");
}

/* Room for all of a step. */
struct ended {
	struct settle **v;
	size_t n;
};

/* All that was kept is written in this step. */
static void
settle_kept(struct deliver *d, struct ended *out)
{
	for (size_t i = 0; i < d->kept_n; i++)
		out->v[out->n++] = d->kept[i];
	d->kept_n = d->kept_recipients = 0;
}

/*
 * Equal failures of one session are one notice, where that goes over a link
 * (docs/decisions/011); all else is written at once.
 */
static void
settle_or_keep(struct deliver *d, struct settle *settle, struct ended *out)
{
	if (!settle_can_wait(settle)) {
		out->v[out->n++] = settle;
		return;
	}
	if (d->kept_n == DSN_JOINED_MAX ||
		d->kept_recipients >= KEPT_RECIPIENTS_MAX)
		settle_kept(d, out);
	d->kept[d->kept_n++] = settle;
	d->kept_recipients += settle_recipients(settle);
}

struct settle **
deliver_settles(struct deliver *d, size_t *n_r)
{
	struct ended out = {NULL, 0};
	size_t n = d->kept_n;

	LIST_EACH(node, tmp, &d->ended)
	n++;
	out.v = n ? xcalloc(n, sizeof(struct settle *)) : NULL;
	LIST_EACH(node, tmp, &d->ended)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		settle_or_keep(d, deliver_verdict(d, p), &out);
		list_remove(node);
		parcel_free(p);
	}
	if (d->flushing)
		settle_kept(d, &out);
	d->flushing = false;
	settle_join(out.v, out.n);
	*n_r = out.n;
	return out.v;
}
