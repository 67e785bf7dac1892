/*
 * Hooks: which links were told up, as a value in the spool (names, a line
 * each), so that link-up and link-down alternate over restarts, too.
 */
#include "base/log.h"
#include "daemon/hook_private.h"
#include "spool/records.h"

#include <stdlib.h>

static const char up_key[] = "hooks-up";

struct mark {
	struct hook_lane *lane;
	struct buf text;
};

static enum err_code
write_mark(struct spool_txn *t, void *arg, struct err *e)
{
	struct mark *m = arg;

	return spool_meta_put(t, up_key, buf_view(&m->text), e);
}

static void
marked(void *arg, enum err_code code, const struct err *e)
{
	struct mark *m = arg;

	if (code != OK)
		log_warning("hooks-not-recorded", LOG_STR("why", e->text));
	hook_run(m->lane);
	buf_free(&m->text);
	free(m);
}

void
hook_mark(struct hook_lane *lane)
{
	struct mark *m = xcalloc(1, sizeof(*m));

	m->lane = lane;
	buf_init(&m->text, 0);
	LIST_EACH(node, next, &lane->h->lanes)
	{
		const struct hook_lane *l =
			LIST_ITEM(node, struct hook_lane, node);

		if (l->up)
			buf_addf(&m->text, "%s\n", l->link);
	}
	spool_submit(lane->h->n->spool, write_mark, marked, m);
}

static enum err_code
read_mark(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = spool_meta_get(t, up_key, arg, e);

	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
hooks_load(struct hooks *h, struct err *e)
{
	enum err_code rc;
	struct buf text;
	struct str rest;
	char name[SPOOL_NAME_MAX + 1];

	buf_init(&text, 0);
	rc = spool_read(h->n->spool, read_mark, &text, e);
	rest = buf_view(&text);
	while (rc == OK && rest.n) {
		str_copy(name, sizeof(name), str_cut(rest, '\n', &rest));
		hook_lane_of(h, name)->up = name[0] != '\0';
	}
	buf_free(&text);
	return rc;
}

void
hooks_loaded(struct hooks *h)
{
	LIST_EACH(node, next, &h->lanes)
	{
		const struct hook_lane *lane =
			LIST_ITEM(node, struct hook_lane, node);

		if (lane->link[0] && !conf_link(h->n->conf, lane->link))
			hooks_link(h, false,
				&(struct hook_facts){.link = lane->link,
					.state = "down",
					.reason = "the link is no longer "
						  "configured"});
	}
}
