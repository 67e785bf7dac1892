#include "daemon/careful.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = SPOOL_NAME_MAX + 32, TEXT_MAX = 48, DAY_S = 86400 };

static const char one_by_one[] = "careful";
static const char no_bdat[] = "no-bdat";
static const char closes[] = "closes";
static const char refused[] = "refused";

/* --- one value ------------------------------------------------------------ */

struct key {
	char z[KEY_MAX];
};

static struct key
key_of(const char *what, const struct careful_peer *peer)
{
	struct key k;

	snprintf(k.z, sizeof(k.z), "%s:%s%.*s", what,
		peer->customer ? "customer:" : "", SPOOL_NAME_MAX, peer->name);
	return k;
}

/* "until answered"; *holds_r false: it is not there, or its time is over. */
static enum err_code
read_value(struct spool_txn *t, const struct key *k, int64_t now, bool *holds_r,
	uint64_t *answered_r, struct err *e)
{
	struct str first, rest;
	struct buf text;
	uint64_t until = 0;
	enum err_code rc;

	buf_init(&text, 0);
	rc = spool_meta_get(t, k->z, &text, e);
	first = str_cut(buf_view(&text), ' ', &rest);
	*holds_r = rc == OK && str_u64(first, &until) &&
		   str_u64(rest, answered_r) && now < (int64_t)until;
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
write_value(struct spool_txn *t, const struct key *k, int64_t until,
	uint64_t answered, struct err *e)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, until, answered);
	return spool_meta_put(t, k->z, str_of(text), e);
}

/* "until" and what refusals_write gives. */
static enum err_code
read_refusals(struct spool_txn *t, const struct careful_peer *peer, int64_t now,
	struct refusals *refusals_r, struct err *e)
{
	struct key k = key_of(refused, peer);
	struct str first, rest;
	struct buf text;
	uint64_t until = 0;
	enum err_code rc;

	*refusals_r = (struct refusals){.answered = 0};
	buf_init(&text, 0);
	rc = spool_meta_get(t, k.z, &text, e);
	first = str_cut(buf_view(&text), ' ', &rest);
	if (rc == OK && str_u64(first, &until) && now < (int64_t)until)
		refusals_read(refusals_r, rest);
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
careful_get(struct spool_txn *t, const struct careful_peer *peer, int64_t now,
	struct careful_way *way_r, struct err *e)
{
	struct key one = key_of(one_by_one, peer), data = key_of(no_bdat, peer);
	uint64_t none;
	enum err_code rc =
		read_value(t, &one, now, &way_r->one_by_one, &none, e);

	if (rc == OK)
		rc = read_value(t, &data, now, &way_r->no_bdat, &none, e);
	if (rc == OK)
		rc = read_refusals(t, peer, now, &way_r->refusals, e);
	return rc;
}

/* --- remembering ---------------------------------------------------------- */

struct lesson {
	struct key key;	   /* what holds from now on */
	struct key closes; /* of careful_closed; "" else */
	int64_t now;
	uint64_t answered;
	char peer[SPOOL_NAME_MAX + 1];
	const char *what; /* static; for the log */
};

static enum err_code
write_lesson(struct spool_txn *t, void *arg, struct err *e)
{
	const struct lesson *l = arg;
	bool again = true;
	uint64_t answered = 0;
	enum err_code rc = OK;

	if (l->closes.z[0]) {
		rc = read_value(t, &l->closes, l->now, &again, &answered, e);
		again = again && answered == l->answered;
	}
	if (rc == OK && !again)
		return write_value(
			t, &l->closes, l->now + DAY_S, l->answered, e);
	return rc == OK ? write_value(t, &l->key,
				  l->now + (int64_t)CAREFUL_DAYS * DAY_S, 0, e)
			: rc;
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct lesson *l = arg;

	if (code == OK)
		log_warning("careful", LOG_STR("peer", l->peer),
			LOG_STR("what", l->what),
			LOG_INT("days", CAREFUL_DAYS));
	else
		log_warning("careful-not-stored", LOG_STR("peer", l->peer),
			LOG_STR("what", l->what), LOG_STR("why", e->text));
	free(l);
}

static struct lesson *
lesson_of(const char *key, const struct careful_peer *peer, const char *what)
{
	struct lesson *l = xcalloc(1, sizeof(*l));

	l->key = key_of(key, peer);
	l->now = clock_sane_s();
	str_copyz(l->peer, sizeof(l->peer), peer->name);
	l->what = what;
	return l;
}

void
careful_mismatch(struct node *n, const struct careful_peer *peer)
{
	spool_submit(n->spool, write_lesson, written,
		lesson_of(one_by_one, peer,
			"its replies did not match: one message at a time from "
			"now on"));
}

void
careful_no_bdat(struct node *n, const struct careful_peer *peer)
{
	spool_submit(n->spool, write_lesson, written,
		lesson_of(no_bdat, peer,
			"it offers CHUNKING and does not know BDAT: DATA from "
			"now on"));
}

void
careful_closed(
	struct node *n, const struct careful_peer *peer, uint64_t answered)
{
	struct lesson *l = lesson_of(one_by_one, peer,
		"it closed in the middle: where it does so again at the same "
		"place, one message at a time");

	l->closes = key_of(closes, peer);
	l->answered = answered;
	spool_submit(n->spool, write_lesson, written, l);
}

/* --- what it refused ------------------------------------------------------ */

struct refused_job {
	struct key key;
	char text[REFUSALS_TEXT_MAX + TEXT_MAX];
};

static enum err_code
write_refused(struct spool_txn *t, void *arg, struct err *e)
{
	const struct refused_job *j = arg;

	return spool_meta_put(t, j->key.z, str_of(j->text), e);
}

static void
refused_written(void *arg, enum err_code code, const struct err *e)
{
	struct refused_job *j = arg;

	if (code != OK)
		log_warning("careful-not-stored", LOG_STR("key", j->key.z),
			LOG_STR("why", e->text));
	free(j);
}

void
careful_refused(struct node *n, const struct careful_peer *peer,
	const struct refusals *refusals)
{
	char text[REFUSALS_TEXT_MAX];
	struct refused_job *j;

	if (!refusals->changed)
		return;
	j = xcalloc(1, sizeof(*j));
	refusals_write(refusals, text);
	snprintf(j->text, sizeof(j->text), "%" PRId64 " %s",
		clock_sane_s() + (int64_t)CAREFUL_DAYS * DAY_S, text);
	j->key = key_of(refused, peer);
	spool_submit(n->spool, write_refused, refused_written, j);
}
