#include "daemon/careful.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 64, DAY_S = 86400 };

struct careful {
	char key[KEY_MAX];
	int64_t until;
};

static void
key_of(const char *peer, char key_r[KEY_MAX])
{
	snprintf(key_r, KEY_MAX, "careful:%.50s", peer);
}

static enum err_code
write_until(struct spool_txn *t, void *arg, struct err *e)
{
	const struct careful *c = arg;
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, c->until);
	return spool_meta_put(t, c->key, str_of(text), e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_warning("careful-not-stored", LOG_STR("why", e->text));
	free(arg);
}

void
careful_put(struct node *n, const char *peer)
{
	struct careful *c = xcalloc(1, sizeof(*c));

	key_of(peer, c->key);
	c->until = clock_sane_s() + (int64_t)CAREFUL_DAYS * DAY_S;
	log_warning("careful", LOG_STR("peer", peer),
		LOG_STR("what", "its replies did not match: one message at a "
				"time from now on"),
		LOG_INT("days", CAREFUL_DAYS));
	spool_submit(n->spool, write_until, written, c);
}

enum err_code
careful_get(struct spool_txn *t, const char *peer, int64_t now, bool *careful_r,
	struct err *e)
{
	char key[KEY_MAX];
	struct buf text;
	uint64_t until = 0;
	enum err_code rc;

	key_of(peer, key);
	buf_init(&text, 0);
	rc = spool_meta_get(t, key, &text, e);
	*careful_r = rc == OK && str_u64(buf_view(&text), &until) &&
		     now < (int64_t)until;
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}
