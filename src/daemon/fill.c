#include "daemon/fill.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/queue.h"

#include <stdlib.h>

enum {
	FILL_FRESH_MS = 1000, /* so often the counters are read, at most */
	/*
	 * Above three quarters of a limit they are read without a commit of
	 * ours, too: what leaves makes room.
	 */
	FILL_AGAIN_MS = 2000,
};

struct fill {
	struct node *n;
	struct loop_timer *timer;
	struct spool_waiting read;  /* by the counters */
	struct spool_waiting since; /* stored since, not in them */
	bool reading;
	uint64_t read_ms;
};

static void refresh(void *arg);

struct fill *
fill_new(struct node *n)
{
	struct fill *f = xcalloc(1, sizeof(*f));

	f->n = n;
	f->timer = loop_timer_new(n->loop, refresh, f);
	return f;
}

void
fill_free(struct fill *f)
{
	if (!f)
		return;
	loop_timer_free(f->timer);
	free(f);
}

static bool
is_limited(const struct fill *f)
{
	const struct conf *c = f->n->conf;

	return c->limits.queue_size || c->limits.queue_messages;
}

/* --- the counters --- */

static enum err_code
read_counters(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_waiting *sum = arg;
	struct spool_stat *stats;
	enum err_code rc;
	size_t n;

	*sum = (struct spool_waiting){0};
	rc = spool_stats(t, &stats, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (stats[i].state == SPOOL_DELETED)
			continue;
		sum->deliveries += stats[i].deliveries;
		sum->bytes += stats[i].bytes;
	}
	free(stats);
	return rc;
}

enum err_code
fill_load(struct fill *f, struct err *e)
{
	if (!is_limited(f))
		return OK;
	return spool_read(f->n->spool, read_counters, &f->read, e);
}

/* --- in the background --- */

struct reading {
	struct fill *f;
	struct spool_waiting sum;
	struct spool_waiting before; /* stored before it began: is in SUM */
};

static enum err_code
read_again(struct spool_txn *t, void *arg, struct err *e)
{
	struct reading *rd = arg;

	return read_counters(t, &rd->sum, e);
}

static bool
is_near(const struct fill *f)
{
	const struct conf *c = f->n->conf;
	uint64_t size = c->limits.queue_size;
	uint64_t messages = c->limits.queue_messages;

	return (size && f->read.bytes >= size / 4 * 3) ||
	       (messages && f->read.deliveries >= messages / 4 * 3);
}

static void
counters_read(void *arg, enum err_code code, const struct err *e)
{
	struct reading *rd = arg;
	struct fill *f = rd->f;

	f->reading = false;
	if (code == OK) {
		f->read = rd->sum;
		f->since.bytes -= rd->before.bytes;
		f->since.deliveries -= rd->before.deliveries;
	} else {
		log_error("queue-unreadable", LOG_STR("why", e->text));
	}
	free(rd);
	if (!f->n->stopping && (code != OK || is_near(f)))
		loop_timer_set(f->timer, FILL_AGAIN_MS);
}

static void
refresh(void *arg)
{
	struct fill *f = arg;
	struct reading *rd;

	if (f->reading || !is_limited(f))
		return;
	rd = xcalloc(1, sizeof(*rd));
	rd->f = f;
	rd->before = f->since;
	f->reading = true;
	f->read_ms = clock_mono_ms();
	spool_submit_read(f->n->spool, read_again, counters_read, rd);
}

void
fill_reload(struct fill *f)
{
	refresh(f);
}

void
fill_stored(struct fill *f, uint64_t size, size_t recipients_n)
{
	uint64_t age_ms = clock_mono_ms() - f->read_ms;

	if (!is_limited(f))
		return;
	f->since.bytes += size * recipients_n;
	f->since.deliveries += recipients_n;
	if (f->n->stopping)
		return;
	loop_timer_set(
		f->timer, age_ms < FILL_FRESH_MS ? FILL_FRESH_MS - age_ms : 0);
}

bool
fill_has_room(const struct fill *f, uint64_t size, struct reply *reply_r)
{
	const struct conf *c = f->n->conf;
	uint64_t bytes = f->read.bytes + f->since.bytes;
	uint64_t messages = f->read.deliveries + f->since.deliveries;

	if (c->limits.queue_size &&
		(bytes >= c->limits.queue_size ||
			size > c->limits.queue_size - bytes))
		reply_set(reply_r, 452, "4.3.1",
			"Too much mail waits here for this message, try again "
			"later");
	else if (c->limits.queue_messages &&
		 messages >= c->limits.queue_messages)
		reply_set(reply_r, 452, "4.3.1",
			"Too many messages wait here, try again later");
	else
		return true;
	return false;
}
