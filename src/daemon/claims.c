#include "daemon/claims.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "spool/queue.h"

#include <stdlib.h>
#include <string.h>

enum { CLAIMS_AGAIN_MS = 5000 };

struct claims {
	struct node *n;
	struct loop_timer *timer;
	uint64_t *late; /* owned: of those that could not be released */
	size_t late_n;
};

/* One transaction; it has owners of its own, since the loop's may grow. */
struct job {
	struct claims *c;
	bool again;
	size_t n;
	uint64_t owners[];
};

static enum err_code
write_release(struct spool_txn *t, void *arg, struct err *e)
{
	const struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->n; i++)
		rc = spool_release_owner(
			t, j->owners[i], clock_sane_s(), NULL, e);
	return rc;
}

static void
keep(struct claims *c, const struct job *j)
{
	c->late = xrealloc(c->late, (c->late_n + j->n) * sizeof(*c->late));
	memcpy(c->late + c->late_n, j->owners, j->n * sizeof(*c->late));
	c->late_n += j->n;
	loop_timer_set(c->timer, CLAIMS_AGAIN_MS);
}

static void
released(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;
	struct claims *c = j->c;

	if (code != OK && !j->again)
		log_error("claims-not-released", LOG_STR("why", e->text));
	if (code != OK && !c->n->stopping) /* else the next start does */
		keep(c, j);
	if (code == OK && j->again) {
		log_info("claims-released", LOG_INT("sessions", j->n));
		if (!c->n->stopping)
			dispatch_all(c->n->dispatch);
	}
	free(j);
}

static void
submit(struct claims *c, const uint64_t *owners, size_t n, bool again)
{
	struct job *j = xcalloc(1, sizeof(*j) + n * sizeof(j->owners[0]));

	j->c = c;
	j->again = again;
	j->n = n;
	memcpy(j->owners, owners, n * sizeof(j->owners[0]));
	spool_submit(c->n->spool, write_release, released, j);
}

static void
on_timer(void *arg)
{
	struct claims *c = arg;
	size_t n = c->late_n;

	if (c->n->stopping || !n)
		return;
	c->late_n = 0;
	submit(c, c->late, n, true);
}

void
claims_release(struct node *n, uint64_t owner)
{
	submit(n->claims, &owner, 1, false);
}

struct claims *
claims_new(struct node *n)
{
	struct claims *c = xcalloc(1, sizeof(*c));

	c->n = n;
	c->timer = loop_timer_new(n->loop, on_timer, c);
	return c;
}

void
claims_free(struct claims *c)
{
	if (!c)
		return;
	loop_timer_free(c->timer);
	free(c->late);
	free(c);
}
