/* What is put right when a daemon starts, in steps of bounded size. */
#include "spool/private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_ID_KEY "last-id"
#define LAST_TIME_KEY "last-time"

/* --- numbers kept in meta --- */

static enum err_code
number_get(
	struct spool_txn *t, const char *key, int64_t *value_r, struct err *e)
{
	struct buf text;
	enum err_code rc;

	*value_r = 0;
	buf_init(&text, 0);
	rc = spool_meta_get(t, key, &text, e);
	if (rc == OK)
		*value_r = strtoll(buf_z(&text), NULL, 10);
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
id_store(struct spool_txn *t, int64_t id, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)id);
	return spool_meta_put(t, LAST_ID_KEY, str_of(text), e);
}

/* In steps, so that most messages write nothing here. */
enum err_code
id_used(struct spool_txn *t, int64_t id, struct err *e)
{
	int64_t last;
	enum err_code rc = number_get(t, LAST_ID_KEY, &last, e);

	if (rc == OK && id > last)
		rc = id_store(t, id + SPOOL_ID_STEP, e);
	return rc;
}

/* --- facts read at the start --- */

struct start_facts {
	int64_t last_id, last_time;
	int64_t told_ms; /* as clock_told() had it; 0: not in this boot */
};

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum err_code
read_facts(struct spool_txn *t, void *arg, struct err *e)
{
	struct query newest = {
		.table = T_MESSAGE, .index = BY_KEY, .backward = true};
	struct query last = {
		.table = T_EVENT, .index = BY_KEY, .backward = true};
	struct start_facts *f = arg;
	struct spool_message m = {.id = 0};
	struct spool_event ev = {.id = 0};
	enum err_code rc = number_get(t, LAST_ID_KEY, &f->last_id, e);

	if (rc == OK)
		rc = number_get(t, LAST_TIME_KEY, &f->last_time, e);
	if (rc == OK)
		rc = told_get(t, &f->told_ms, e);
	if (rc == OK)
		rc = tx_first(t, &newest, &m, e);
	if (rc == OK || rc == ERR_NOTFOUND)
		rc = tx_first(t, &last, &ev, e);
	f->last_id = later(f->last_id, m.id);
	f->last_time = later(f->last_time, later(m.received_at, ev.time));
	return rc == ERR_NOTFOUND ? OK : rc;
}

/* --- claims of earlier starts --- */

struct step {
	bool more;
};

static enum err_code
release_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct query q = {.table = T_DELIVERY,
		.index = DELIVERY_BY_STATE,
		.limit = SPOOL_PAGE};
	struct step *step = arg;
	struct rows page;
	enum err_code rc;

	query_number(&q, DELIVERY_STATE, OP_EQ, SPOOL_ACTIVE);
	rows_init(&page, T_DELIVERY);
	rc = tx_query(t, &q, &page, e);
	for (size_t i = 0; i < page.n && rc == OK; i++) {
		const struct delivery_row *old = rows_at(&page, i);
		struct delivery_row r = *old;

		rc = delivery_give_back(t, old, &r, clock_sane_s(), e);
	}
	step->more = page.n == SPOOL_PAGE;
	rows_free(&page);
	return rc;
}

/* --- bodies whose message never came --- */

static enum err_code
sweep_body_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct query q = {.table = T_RECEIVING, .index = BY_KEY};
	struct step *step = arg;
	struct receiving_row r;
	enum err_code rc = tx_first(t, &q, &r, e);

	step->more = rc == OK;
	if (rc == ERR_NOTFOUND)
		return OK;
	return rc == OK ? spool_body_drop(t, r.id, e) : rc;
}

static enum err_code
run_steps(struct spool *s, spool_fn *fn, struct err *e)
{
	struct step step = {.more = true};
	enum err_code rc = OK;

	while (rc == OK && step.more)
		rc = spool_write(s, fn, &step, e);
	return rc;
}

enum err_code
spool_start(struct spool *s, struct err *e)
{
	struct start_facts facts = {0, 0, 0};
	enum err_code rc = spool_read(s, read_facts, &facts, e);

	if (rc != OK)
		return rc;
	atomic_store(&s->last_id, facts.last_id);
	s->first_last_id = facts.last_id;
	clock_floor_raise(facts.last_time);
	if (facts.told_ms)
		clock_told_set(facts.told_ms);
	if (!s->options.daemon)
		return OK;
	rc = run_steps(s, release_step, e);
	if (rc == OK)
		rc = run_steps(s, sweep_body_step, e);
	return rc == OK ? OK : err_wrap(e, rc, "clean up after last time");
}
