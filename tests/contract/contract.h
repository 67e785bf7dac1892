/*
 * What the programs of the contract suite share: every test runs on every
 * engine, against spool.h alone. Included once by each program.
 */
#ifndef TESTS_CONTRACT_H
#define TESTS_CONTRACT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "spool/queue.h"
#include "spool/records.h"
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1800000000 };

struct box {
	const char *engine; /* "sqlite" or "memory" */
	char folder[64];
	char url[128];
	struct spool *spool;
};

static inline void
quiet(const struct log_fact *fact, const char *line, void *arg)
{
	(void)fact;
	(void)line;
	(void)arg;
}

static inline struct spool *
box_open_with(struct box *b, bool daemon)
{
	struct spool_options o = {
		.url = b->url, .create = true, .daemon = daemon};
	struct err e = {.code = OK};

	if (spool_open(&o, &b->spool, &e) != OK)
		fail_msg("%s", e.text);
	return b->spool;
}

static inline int
box_setup(void **state, const char *engine)
{
	static unsigned boxes;
	struct box *b = calloc(1, sizeof(*b));

	log_set_sink(quiet, NULL);
	b->engine = engine;
	snprintf(b->url, sizeof(b->url), "memory:box-%u", ++boxes);
	if (!strcmp(engine, "sqlite")) {
		snprintf(b->folder, sizeof(b->folder), "/tmp/spool-XXXXXX");
		if (!mkdtemp(b->folder))
			return -1;
		snprintf(b->url, sizeof(b->url), "sqlite:%s/spool.db",
			b->folder);
	}
	box_open_with(b, true);
	*state = b;
	return 0;
}

static inline int
setup_sqlite(void **state)
{
	return box_setup(state, "sqlite");
}

static inline int
setup_memory(void **state)
{
	return box_setup(state, "memory");
}

static inline int
box_teardown(void **state)
{
	struct box *b = *state;
	char command[128];

	spool_close(b->spool);
	if (b->folder[0]) {
		snprintf(command, sizeof(command), "rm -rf '%s'", b->folder);
		if (system(command))
			return -1;
	}
	free(b);
	return 0;
}

/* The same test on each engine. */
#define ON_BOTH(fn)                                                            \
	{#fn " (sqlite)", fn, setup_sqlite, box_teardown, NULL},               \
	{                                                                      \
#fn " (memory)", fn, setup_memory, box_teardown, NULL          \
	}
#define ON_SQLITE(fn)                                                          \
	{                                                                      \
#fn " (sqlite)", fn, setup_sqlite, box_teardown, NULL          \
	}

/* --- doing one thing in a transaction of its own --- */

#define WRITE(b, fn, arg)                                                      \
	do {                                                                   \
		struct err e_ = {.code = OK};                                  \
		if (spool_write((b)->spool, fn, arg, &e_) != OK)               \
			fail_msg("%s: %s", #fn, e_.text);                      \
	} while (0)
#define READ(b, fn, arg)                                                       \
	do {                                                                   \
		struct err e_ = {.code = OK};                                  \
		if (spool_read((b)->spool, fn, arg, &e_) != OK)                \
			fail_msg("%s: %s", #fn, e_.text);                      \
	} while (0)

/* --- a message with a body made from its id --- */

struct letter {
	int64_t id;
	const char *sender, *route;
	const char *to[8]; /* ends with NULL; NULL first: rcpt@example.org */
	int priority;
	size_t size; /* 0: 100 */
	bool held, has_8bit, smtputf8, binary, no_body, notice, vouched;
	int64_t generation, queued_at;
	struct spool_order order;
	const char *links; /* NULL: any */
	/* what the clock does to it */
	int64_t steady_at, return_at, tell_at, release_at;
	bool release_wall, requiretls, returns;
	const char *account;
	const char *owner_of_second; /* a list led there; NULL: none */
};

static inline char
letter_octet(int64_t id, uint64_t at)
{
	return (char)('a' + (at * 7 + (uint64_t)id) % 26);
}

static inline enum err_code
add_body(struct spool_txn *t, int64_t id, size_t size, struct err *e)
{
	char octets[SPOOL_CHUNK_BYTES];
	enum err_code rc = OK;

	for (size_t at = 0; at < size && rc == OK;) {
		size_t n =
			size - at < sizeof(octets) ? size - at : sizeof(octets);

		for (size_t i = 0; i < n; i++)
			octets[i] = letter_octet(id, at + i);
		rc = spool_body_append(t, id, (struct str){octets, n}, e);
		at += n;
	}
	return rc;
}

static inline size_t
letter_deliveries(const struct letter *l, struct spool_delivery *d)
{
	size_t n = 0;

	for (; n < 8 && (l->to[n] || !n); n++) {
		memset(&d[n], 0, sizeof(d[n]));
		snprintf(d[n].recipient, sizeof(d[n].recipient), "%s",
			l->to[n] ? l->to[n] : "rcpt@example.org");
		snprintf(d[n].route, sizeof(d[n].route), "%s",
			l->route ? l->route : "*");
		d[n].state = l->held ? SPOOL_HELD : SPOOL_READY;
		if (l->held)
			d[n].reason = REASON_RULE_HOLD;
		d[n].priority = l->priority;
		d[n].order = l->order;
		snprintf(d[n].links, sizeof(d[n].links), "%s",
			l->links ? l->links : "");
		d[n].route_generation = l->generation;
		d[n].queued_at = l->queued_at ? l->queued_at : NOW;
		d[n].steady_at = l->steady_at ? l->steady_at : d[n].queued_at;
		d[n].return_at = l->return_at;
		d[n].tell_at = l->tell_at;
		d[n].release_at = l->release_at;
		d[n].release_wall = l->release_wall;
		if (n == 1 && l->owner_of_second) {
			snprintf(d[n].list_owner, sizeof(d[n].list_owner), "%s",
				l->owner_of_second);
			snprintf(d[n].alias, sizeof(d[n].alias), "list@x");
		}
		if (!l->to[n])
			return 1;
	}
	return n;
}

static inline enum err_code
add_letter(struct spool_txn *t, void *arg, struct err *e)
{
	const struct letter *l = arg;
	struct spool_message m = {.id = l->id,
		.received_at = NOW,
		.size = l->size ? l->size : 100,
		.has_8bit = l->has_8bit,
		.is_notice = l->notice,
		.vouched = l->vouched,
		.priority = l->priority};
	struct spool_delivery d[8];
	enum err_code rc = OK;
	size_t n = letter_deliveries(l, d);

	m.params.smtputf8 = l->smtputf8;
	m.params.ret = RET_FULL;
	snprintf(m.params.envid, sizeof(m.params.envid), "E1");
	m.params.requiretls = l->requiretls;
	m.params.has_deliver_by = l->returns;
	m.params.deliver_by_mode = l->returns ? 'R' : 0;
	snprintf(m.account, sizeof(m.account), "%s",
		l->account ? l->account : "");
	if (l->binary)
		m.params.body = BODY_BINARYMIME;
	snprintf(m.sender, sizeof(m.sender), "%s",
		l->sender ? l->sender : "sender@example.org");
	if (!l->no_body)
		rc = add_body(t, l->id, m.size, e);
	return rc == OK ? spool_message_add(t, &m, d, n, e) : rc;
}

static inline int64_t
put_letter(struct box *b, struct letter l)
{
	if (!l.id)
		l.id = spool_new_id(b->spool);
	WRITE(b, add_letter, &l);
	return l.id;
}

/* --- claims and outcomes --- */

struct claim_job {
	struct spool_claim claim;
	struct spool_claimed got;
	enum err_code code;
};

static inline enum err_code
do_claim(struct spool_txn *t, void *arg, struct err *e)
{
	struct claim_job *j = arg;

	spool_claimed_clear(&j->got);
	j->code = spool_claim_next(t, &j->claim, &j->got, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

static const char *const route_star[] = {"*"};

/* The id of the message claimed, 0 for none; the caller clears J->got. */
static inline int64_t
claim(struct box *b, struct claim_job *j)
{
	if (!j->claim.routes) {
		j->claim.routes = route_star;
		j->claim.routes_n = 1;
	}
	if (!j->claim.owner)
		j->claim.owner = 1;
	if (!j->claim.now)
		j->claim.now = NOW;
	WRITE(b, do_claim, j);
	return j->code == OK ? j->got.message.id : 0;
}

/* Claims for OWNER from route "*" and gives the id. */
static inline int64_t
claim_simple(struct box *b, uint64_t owner)
{
	struct claim_job j = {.claim = {.owner = owner}};
	int64_t id = claim(b, &j);

	spool_claimed_clear(&j.got);
	return id;
}

struct outcome_job {
	struct spool_outcome outcome;
	enum err_code code;
};

static inline enum err_code
do_outcome(struct spool_txn *t, void *arg, struct err *e)
{
	struct outcome_job *j = arg;

	if (!j->outcome.now)
		j->outcome.now = NOW;
	j->code = spool_outcome(t, &j->outcome, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

static inline enum err_code
outcome(struct box *b, struct spool_outcome o)
{
	struct outcome_job j = {.outcome = o};

	if (!j.outcome.n)
		j.outcome.n = 1;
	if (!j.outcome.owner)
		j.outcome.owner = 1;
	WRITE(b, do_outcome, &j);
	return j.code;
}

struct owner_job {
	uint64_t owner;
	int64_t id;
	size_t n;
	enum err_code code;
};

static inline enum err_code
do_release_owner(struct spool_txn *t, void *arg, struct err *e)
{
	struct owner_job *j = arg;

	return spool_release_owner(t, j->owner, NOW, &j->n, e);
}

static inline enum err_code
do_in_doubt(struct spool_txn *t, void *arg, struct err *e)
{
	struct owner_job *j = arg;

	j->code = spool_set_in_doubt(t, j->owner, j->id, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

/* --- lists --- */

struct list_job {
	struct spool_filter filter;
	struct spool_cursor after;
	size_t limit;
	struct spool_row *rows;
	size_t n;
};

static inline enum err_code
do_list(struct spool_txn *t, void *arg, struct err *e)
{
	struct list_job *j = arg;

	return spool_list(t, &j->filter, &j->after, j->limit ? j->limit : 1000,
		&j->rows, &j->n, e);
}

static inline size_t
count(struct box *b, struct spool_filter f)
{
	struct list_job j = {.filter = f, .limit = 100000};

	READ(b, do_list, &j);
	free(j.rows);
	return j.n;
}

/* The row of one delivery; false: it is gone. */
static inline bool
row_of(struct box *b, int64_t id, unsigned n, struct spool_row *row_r)
{
	struct list_job j = {.filter = {.id = id, .n = n}, .limit = 1};

	memset(row_r, 0, sizeof(*row_r));
	READ(b, do_list, &j);
	if (!j.n) {
		j.filter.has_state = true;
		j.filter.state = SPOOL_DELETED;
		j.after = (struct spool_cursor){0, 0};
		free(j.rows);
		READ(b, do_list, &j);
	}
	if (j.n)
		*row_r = j.rows[0];
	free(j.rows);
	return j.n == 1;
}

static inline enum spool_state
state_of(struct box *b, int64_t id, unsigned n)
{
	struct spool_row row;

	if (!row_of(b, id, n, &row))
		fail_msg("no delivery %lld.%u", (long long)id, n);
	return row.d.state;
}

/* --- acting --- */

struct act_job {
	struct spool_action action;
	size_t n;
};

static inline enum err_code
do_act(struct spool_txn *t, void *arg, struct err *e)
{
	struct act_job *j = arg;

	return spool_act(t, &j->action, &j->n, e);
}

static inline size_t
act(struct box *b, struct spool_action a)
{
	struct act_job j = {.action = a};

	if (!j.action.now)
		j.action.now = NOW;
	WRITE(b, do_act, &j);
	return j.n;
}

/* --- events --- */

struct events_job {
	struct spool_event_filter filter;
	size_t limit;
	struct spool_event *list;
	size_t n;
};

static inline enum err_code
do_events(struct spool_txn *t, void *arg, struct err *e)
{
	struct events_job *j = arg;

	return spool_event_list(
		t, &j->filter, j->limit ? j->limit : 1000, &j->list, &j->n, e);
}

static inline size_t
count_events(struct box *b, int64_t message, const char *name)
{
	struct events_job j = {.filter = {.message = message}, .limit = 100000};
	size_t n = 0;

	READ(b, do_events, &j);
	for (size_t i = 0; i < j.n; i++)
		n += !strcmp(j.list[i].event, name);
	free(j.list);
	return n;
}

/* --- everything in order? --- */

static inline void
assert_sound(struct box *b)
{
	struct err e = {.code = OK};

	if (spool_check(b->spool, &e) != OK)
		fail_msg("%s", e.text);
}

#endif
