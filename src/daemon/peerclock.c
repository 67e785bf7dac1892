#include "daemon/peerclock.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/links.h"
#include "spool/records.h"

#include <stdlib.h>

static enum err_code
write_told(struct spool_txn *t, void *arg, struct err *e)
{
	const int64_t *offset_ms = arg;

	return spool_told_put(t, *offset_ms, e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_warning("peer-time-not-stored", LOG_STR("why", e->text));
	free(arg);
}

static void
keep(struct node *n, int64_t offset_ms)
{
	int64_t *job = xmalloc(sizeof(*job));

	*job = offset_ms;
	clock_told_set(offset_ms);
	spool_submit(n->spool, write_told, written, job);
}

static bool
is_absurd(int64_t wall_s)
{
	return wall_s < clock_floor_s() ||
	       wall_s > clock_floor_s() + PEERCLOCK_AHEAD_MAX_S;
}

void
peerclock_heard(struct node *n, const char *peer, int64_t wall_s)
{
	int64_t was = clock_told(), offset_ms = clock_told_offset(wall_s);
	int64_t off = was ? (offset_ms - was) / 1000 : 0;
	bool used = clock_known() && !clock_trusted();
	char text[CLOCK_TEXT_MAX];

	clock_rfc3339(wall_s, text);
	if (is_absurd(wall_s)) {
		log_warning("peer-time-refused", LOG_STR("peer", peer),
			LOG_STR("time", text),
			LOG_STR("why", "it cannot be that time"));
		return;
	}
	if (was && off <= PEERCLOCK_SAME_S && off >= -PEERCLOCK_SAME_S)
		return;
	if (off > PEERCLOCK_JUMP_S || off < -PEERCLOCK_JUMP_S)
		log_warning("peer-time-jumped", LOG_STR("peer", peer),
			LOG_STR("time", text), LOG_INT("seconds", off));
	log_info("peer-time", LOG_STR("peer", peer), LOG_STR("time", text),
		LOG_INT("system_off", clock_wall_s() - wall_s),
		LOG_STR("clock", clock_trusted() ? "trusted" : "not trusted"));
	keep(n, offset_ms);
	if (!clock_trusted() && !used)
		links_clock_known(n->links);
}
