#include "daemon/ticketkeys.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* In the spool: "TIME KEY" each, 8 octets big-endian and the key. */
enum {
	ROW_BYTES = 8 + TICKET_KEY_BYTES,
	KEY_EVERY_S = 86400,
};

static const char meta_key[] = "tls-ticket-keys";

struct rows {
	unsigned char v[TICKET_KEYS_MAX][ROW_BYTES];
	size_t n;
};

static int64_t
row_time(const unsigned char *row)
{
	uint64_t t = 0;

	for (int i = 0; i < 8; i++)
		t = t << 8 | row[i];
	return (int64_t)t;
}

static enum err_code
add_row(struct rows *r, int64_t now, struct err *e)
{
	unsigned char *row = r->v[0];
	uint64_t t = (uint64_t)now;

	if (r->n == TICKET_KEYS_MAX)
		r->n--;
	memmove(r->v[1], r->v[0], r->n * ROW_BYTES);
	r->n++;
	for (int i = 7; i >= 0; i--, t >>= 8)
		row[i] = (unsigned char)(t & 255);
	if (getrandom(row + 8, TICKET_KEY_BYTES, 0) == TICKET_KEY_BYTES)
		return OK;
	return err_set(e, ERR_IO, "no random octets: %s", strerror(errno));
}

static enum err_code
refresh(struct spool_txn *t, void *arg, struct err *e)
{
	struct rows *r = arg;
	int64_t now = clock_sane_s();
	struct buf kept;
	enum err_code rc;

	buf_init(&kept, sizeof(r->v));
	rc = spool_meta_get(t, meta_key, &kept, e);
	r->n = rc == OK ? kept.len / ROW_BYTES : 0;
	if (r->n > TICKET_KEYS_MAX)
		r->n = TICKET_KEYS_MAX;
	if (r->n)
		memcpy(r->v, buf_view(&kept).p, r->n * ROW_BYTES);
	buf_free(&kept);
	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	if (r->n && now - row_time(r->v[0]) < KEY_EVERY_S)
		return OK;
	rc = add_row(r, now, e);
	if (rc != OK)
		return rc;
	return spool_meta_put(t, meta_key,
		(struct str){(const char *)r->v, r->n * ROW_BYTES}, e);
}

static void
take_keys(const struct rows *r, struct ticketkeys *keys_r)
{
	keys_r->n = r->n;
	for (size_t i = 0; i < r->n; i++)
		memcpy(keys_r->v[i], r->v[i] + 8, TICKET_KEY_BYTES);
}

enum err_code
ticketkeys_load(struct spool *spool, struct ticketkeys *keys_r, struct err *e)
{
	struct rows *r = xcalloc(1, sizeof(*r));
	enum err_code rc = spool_write(spool, refresh, r, e);

	if (rc == OK)
		take_keys(r, keys_r);
	explicit_bzero(r, sizeof(*r));
	free(r);
	return rc;
}

struct renewal {
	struct rows rows; /* first: what refresh() is given */
	ticketkeys_done *done;
	void *arg;
};

static void
renewed(void *arg, enum err_code code, const struct err *e)
{
	struct renewal *r = arg;
	struct ticketkeys keys = {.n = 0};

	if (code == OK) {
		take_keys(&r->rows, &keys);
		r->done(r->arg, &keys);
	} else {
		log_warning("ticket-keys-not-renewed", LOG_STR("why", e->text));
		r->done(r->arg, NULL);
	}
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(r, sizeof(*r));
	free(r);
}

void
ticketkeys_renew(struct spool *spool, ticketkeys_done *done, void *arg)
{
	struct renewal *r = xcalloc(1, sizeof(*r));

	r->done = done;
	r->arg = arg;
	spool_submit(spool, refresh, renewed, r);
}
