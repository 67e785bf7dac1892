/*
 * Random life: after every step the counters equal a recount, no delivery has
 * two owners, nothing is lost, no field is left over from a state that has
 * passed, and a claim is the first in the order of all that it may have. Seeds
 * are fixed, so a failure repeats.
 */
#include "tests/contract/contract.h"

enum { OWNERS = 4, STEPS = 1000, LETTERS_MAX = 1024, BIG = 50000 };

struct life {
	struct box *b;
	uint64_t seed;
	/* what this test believes */
	size_t added, ended;
	struct {
		int64_t id;
		unsigned n;
		uint64_t owner;
	} claims[4096];
	size_t claims_n;
	int64_t now;
	struct letter letters[LETTERS_MAX]; /* by id, modulo */
};

static unsigned
dice(struct life *l, unsigned sides)
{
	l->seed = l->seed * UINT64_C(6364136223846793005) +
		  UINT64_C(1442695040888963407);
	return (unsigned)(l->seed >> 33) % sides;
}

static const char *const routes[] = {"one", "two", "customer:c"};
static const char *const senders[] = {"ann@x.example", "Ben@x.example", ""};

static const char *const links[] = {NULL, "vsat", "harbour\nvsat"};

/* As sched/order.h would have it, roughly: the classes have one border. */
static int
some_class(uint64_t size)
{
	return size > BIG / 2;
}

static struct spool_order
some_order(struct life *l, size_t size)
{
	return (struct spool_order){.age = dice(l, 12),
		.size_class = some_class(size),
		.turn = dice(l, 3)};
}

static void
step_add(struct life *l)
{
	struct letter m = {.route = routes[dice(l, 3)],
		.sender = senders[dice(l, 3)],
		.priority = (int)dice(l, 19) - 9,
		.size = 1 + dice(l, 3) * 40000 + dice(l, 100),
		.held = dice(l, 10) == 0,
		.has_8bit = dice(l, 4) == 0,
		.smtputf8 = dice(l, 6) == 0,
		.binary = dice(l, 6) == 0};
	unsigned n = 1 + dice(l, 4);

	for (unsigned i = 0; i < n; i++)
		m.to[i] = i % 2 ? "a@x.example" : "b@y.example";
	m.order = some_order(l, m.size);
	m.return_at = dice(l, 6) ? 0 : l->now + dice(l, 2000);
	m.tell_at = dice(l, 6) ? 0 : l->now + dice(l, 2000);
	m.release_at = dice(l, 6) ? 0 : l->now + 1 + dice(l, 1000);
	m.release_wall = dice(l, 2);
	m.links = links[dice(l, 10) < 7 ? 0 : dice(l, 3)];
	m.id = put_letter(l->b, m);
	l->letters[m.id % LETTERS_MAX] = m;
	l->added += n;
}

/* --- what a claim should give --- */

static bool
may_have(const struct life *l, const struct spool_claim *c,
	const struct spool_row *row)
{
	const struct letter *m = &l->letters[row->d.message % LETTERS_MAX];
	const char *link = c->link;
	bool due = row->d.state == SPOOL_READY ||
		   (row->d.state == SPOOL_DEFERRED &&
			   row->d.next_attempt <= c->now);
	bool route = false;

	assert_int_equal(m->id, row->d.message);
	for (size_t i = 0; i < c->routes_n; i++)
		route |= !strcmp(c->routes[i], row->d.route);
	if (c->domains && !strstr(row->d.recipient, "@x.example"))
		return false;
	if (c->bound && m->links && !strstr(m->links, link))
		return false;
	if (spool_limits_refuse(&c->limits, row->d.priority, row->size))
		return false;
	return due && route && !(c->max_size && row->size > c->max_size) &&
	       !(c->no_8bit && m->has_8bit && !m->binary) &&
	       !(c->no_binary && m->binary) && !(c->no_smtputf8 && m->smtputf8);
}

static int64_t
rank_of(const struct spool_delivery *d)
{
	return 9 - d->priority + (d->priority < 4 ? d->order.age : 0);
}

/* Below 0: A goes before B. */
static int64_t
compare(const struct spool_delivery *a, uint64_t a_size,
	const struct spool_delivery *b, uint64_t b_size)
{
	int64_t by[] = {rank_of(a) - rank_of(b),
		a->order.size_class - b->order.size_class,
		a->order.turn - b->order.turn,
		(int64_t)a_size - (int64_t)b_size, a->message - b->message};

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		if (by[i])
			return by[i];
	return 0;
}

/* The message that goes first of all that C may have; 0: none. */
static int64_t
first_for(const struct life *l, const struct spool_claim *c)
{
	struct list_job j = {.limit = 100000};
	const struct spool_row *best = NULL;
	int64_t id;

	READ(l->b, do_list, &j);
	for (size_t i = 0; i < j.n; i++) {
		const struct spool_row *row = &j.rows[i];

		if (may_have(l, c, row) &&
			(!best || compare(&row->d, row->size, &best->d,
					  best->size) < 0))
			best = row;
	}
	id = best ? best->d.message : 0;
	free(j.rows);
	return id;
}

static struct spool_limits
some_limits(struct life *l)
{
	return (struct spool_limits){.has_min_priority = dice(l, 4) == 0,
		.min_priority = (int)dice(l, 9) - 4,
		.max_size = dice(l, 3) ? 0 : 30000,
		.has_room = dice(l, 4) == 0,
		.room = 1000,
		.urgent_room = 60000,
		.urgent_from = (int)dice(l, 9) - 2};
}

static void
step_claim(struct life *l)
{
	static const char *const domains[] = {"x.example"};
	int64_t first;
	struct claim_job j = {
		.claim = {.owner = 1 + dice(l, OWNERS),
			.routes = &routes[dice(l, 2)],
			.routes_n = 1 + dice(l, 2),
			.now = l->now,
			.max_size = dice(l, 2) ? 0 : BIG,
			.size_class = dice(l, 2) ? some_class : NULL,
			.bound = dice(l, 2),
			.link = dice(l, 2) ? "harbour" : "vsat",
			.max_recipients = dice(l, 3),
			.limits = some_limits(l),
			.no_8bit = dice(l, 2),
			.no_smtputf8 = dice(l, 2),
			.no_binary = dice(l, 2),
			.peer = "p"}};

	if (dice(l, 5) == 0) {
		j.claim.routes = &routes[2];
		j.claim.routes_n = 1;
		j.claim.domains = domains;
		j.claim.domains_n = 1;
	}
	first = first_for(l, &j.claim);
	assert_int_equal(claim(l->b, &j), first);
	if (first) {
		assert_true(j.got.n > 0);
		bool binary = j.got.message.params.body == BODY_BINARYMIME;

		assert_false(
			j.claim.no_8bit && j.got.message.has_8bit && !binary);
		assert_false(j.claim.no_binary && binary);
		assert_false(
			j.claim.no_smtputf8 && j.got.message.params.smtputf8);
		assert_false(j.claim.max_size &&
			     j.got.message.size > j.claim.max_size);
	}
	for (size_t i = 0; i < j.got.n; i++) {
		const struct spool_delivery *d = &j.got.deliveries[i];

		for (size_t k = 0; k < l->claims_n; k++)
			assert_false(l->claims[k].id == d->message &&
				     l->claims[k].n == d->n);
		l->claims[l->claims_n].id = d->message;
		l->claims[l->claims_n].n = d->n;
		l->claims[l->claims_n++].owner = d->owner;
	}
	spool_claimed_clear(&j.got);
}

/* What a session, or who gives up, could say. */
static enum spool_reason
some_reason(struct life *l, enum spool_outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_DEFERRED:
		return dice(l, 2) ? REASON_PEER_4XX : REASON_RETRY_WAIT;
	case OUTCOME_HELD:
		return dice(l, 2) ? REASON_RULE_HOLD : REASON_DISK;
	case OUTCOME_QUARANTINED:
		return REASON_RULE_HOLD;
	case OUTCOME_RELEASED:
		return dice(l, 2) ? REASON_NONE : REASON_SIZE;
	case OUTCOME_DELIVERED:
	case OUTCOME_FAILED:
		break;
	}
	return REASON_NONE;
}

static void
step_outcome(struct life *l)
{
	size_t i;
	struct spool_outcome o = {.now = l->now, .text = "some reply"};

	if (!l->claims_n)
		return;
	i = dice(l, (unsigned)l->claims_n);
	o.message = l->claims[i].id;
	o.n = l->claims[i].n;
	o.owner = l->claims[i].owner;
	o.kind = (enum spool_outcome_kind)dice(l, 6);
	o.reason = some_reason(l, o.kind);
	o.not_returned = dice(l, 2);
	o.not_tried = dice(l, 2);
	o.keep_until = l->now + 1000000;
	o.next_attempt = l->now + dice(l, 50);
	if (dice(l, 2)) {
		struct owner_job d = {.owner = o.owner, .id = o.message};

		WRITE(l->b, do_in_doubt, &d);
	}
	assert_int_equal(outcome(l->b, o), OK);
	l->ended += o.kind == OUTCOME_DELIVERED || o.kind == OUTCOME_FAILED;
	l->claims[i] = l->claims[--l->claims_n];
}

static void
step_session_end(struct life *l)
{
	struct owner_job o = {.owner = 1 + dice(l, OWNERS)};
	size_t kept = 0;

	WRITE(l->b, do_release_owner, &o);
	for (size_t i = 0; i < l->claims_n; i++)
		if (l->claims[i].owner != o.owner)
			l->claims[kept++] = l->claims[i];
	assert_int_equal(o.n, l->claims_n - kept);
	l->claims_n = kept;
}

static void
step_act(struct life *l)
{
	struct spool_action a = {.kind = (enum spool_action_kind)dice(l, 6),
		.filter = {.route = dice(l, 2) ? routes[dice(l, 3)] : NULL,
			.to = dice(l, 3) ? NULL : "a@*",
			.larger = dice(l, 3) ? 0 : 40000},
		.now = l->now,
		.keep_until = l->now + 1000000,
		.priority = (int)dice(l, 19) - 9,
		.who = "somebody"};

	act(l->b, a);
}

static bool
any_route(void *arg, const struct mailbox *m, char route_r[SPOOL_NAME_MAX + 1])
{
	struct life *l = arg;

	assert_true(m->text[m->local_n] == '@');
	snprintf(route_r, SPOOL_NAME_MAX + 1, "%s", routes[dice(l, 3)]);
	return dice(l, 10) != 0;
}

static enum err_code
do_reroute(struct spool_txn *t, void *arg, struct err *e)
{
	struct life *l = arg;

	return spool_reroute(
		t, l->now, l->now, 10, any_route, l, NULL, NULL, e);
}

static enum err_code
do_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	struct life *l = arg;

	return spool_sweep(t, l->now, 50, e);
}

static enum err_code
do_timed(struct spool_txn *t, void *arg, struct err *e)
{
	struct life *l = arg;
	size_t n;

	return spool_timed_release(t, l->now, l->now, 50, &n, e);
}

struct rows_job {
	uint64_t owner;
	struct spool_filter filter;
	size_t limit;
	struct spool_row *rows;
	size_t n;
};

static enum err_code
do_claim_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct rows_job *j = arg;

	return spool_claim_rows(
		t, j->owner, &j->filter, j->limit, &j->rows, &j->n, e);
}

/* As for a return: whatever state they are in. */
static void
step_claim_rows(struct life *l)
{
	struct rows_job j = {.owner = 1 + dice(l, OWNERS),
		.filter = {.route = routes[dice(l, 3)], .to = "a@*"},
		.limit = 1 + dice(l, 5)};

	WRITE(l->b, do_claim_rows, &j);
	for (size_t i = 0; i < j.n; i++) {
		l->claims[l->claims_n].id = j.rows[i].d.message;
		l->claims[l->claims_n].n = j.rows[i].d.n;
		l->claims[l->claims_n++].owner = j.rows[i].d.owner;
	}
	free(j.rows);
}

static void
step_restart(struct life *l)
{
	spool_close(l->b->spool);
	box_open_with(l->b, true);
	l->claims_n = 0;
}

struct facts_job {
	const char *sender;
	struct spool_customer_facts f;
};

static enum err_code
do_facts(struct spool_txn *t, void *arg, struct err *e)
{
	struct facts_job *j = arg;

	return spool_customer_facts(t, "c", "x@y", j->sender, &j->f, e);
}

/* What waits for customer c from SENDER, added up from the list. */
static uint64_t
listed_bytes(struct box *b, const char *sender)
{
	struct list_job j = {.filter = {.route = routes[2]}, .limit = 100000};
	uint64_t bytes = 0;

	READ(b, do_list, &j);
	for (size_t i = 0; i < j.n; i++)
		if (!strcmp(j.rows[i].sender, sender))
			bytes += j.rows[i].size;
	free(j.rows);
	return bytes;
}

static void
check_senders(struct life *l)
{
	for (size_t i = 0; i < 3; i++) {
		struct facts_job j = {.sender = senders[i]};

		READ(l->b, do_facts, &j);
		assert_int_equal(
			j.f.sender_bytes, listed_bytes(l->b, senders[i]));
	}
}

/* --- what each state may have --- */

static void
check_attempts(const struct spool_delivery *d)
{
	assert_int_equal(d->attempts > 0, d->last_attempt > 0);
	assert_int_equal(d->attempts > 0, d->days_attempted > 0);
	assert_true(d->days_attempted <= d->attempts);
}

/* When it goes on by itself, and why not now. */
static void
check_wait(const struct spool_delivery *d)
{
	bool timed = d->reason == REASON_RELEASE_TIME;

	if (d->state == SPOOL_READY) {
		assert_int_equal(d->next_attempt, 0);
		assert_int_equal(d->release_at, 0);
		assert_true(
			d->reason == REASON_NONE || d->reason == REASON_SIZE);
	} else if (d->state == SPOOL_DEFERRED) {
		assert_int_not_equal(d->next_attempt, 0);
		assert_int_equal(d->release_at, 0);
		assert_int_not_equal(d->reason, REASON_NONE);
	} else if (d->state == SPOOL_HELD) {
		assert_int_not_equal(d->reason, REASON_NONE);
		assert_int_equal(d->next_attempt != 0, timed);
		assert_true(!timed || d->release_at);
	} else { /* in a session, or deleted */
		assert_int_equal(d->next_attempt, 0);
	}
	assert_true(d->reason != REASON_NONE || !d->reason_arg[0]);
}

static void
check_fields(const struct spool_delivery *d)
{
	assert_int_equal(d->state == SPOOL_ACTIVE, d->owner != 0);
	assert_int_equal(d->state == SPOOL_DELETED, d->deleted_until != 0);
	assert_true(d->state == SPOOL_ACTIVE || (!d->in_doubt && !d->link[0]));
	check_attempts(d);
	check_wait(d);
}

static void
check_rows(struct life *l, struct spool_filter f)
{
	struct list_job j = {.filter = f, .limit = 100000};

	READ(l->b, do_list, &j);
	for (size_t i = 0; i < j.n; i++)
		check_fields(&j.rows[i].d);
	free(j.rows);
}

static void
check(struct life *l)
{
	size_t rows = count(l->b, (struct spool_filter){.id = 0}) +
		      count(l->b, (struct spool_filter){.has_state = true,
					  .state = SPOOL_DELETED});

	assert_int_equal(rows, l->added - l->ended);
	assert_int_equal(count(l->b, (struct spool_filter){.has_state = true,
					     .state = SPOOL_ACTIVE}),
		l->claims_n);
	check_senders(l);
	check_rows(l, (struct spool_filter){.id = 0});
	check_rows(l, (struct spool_filter){
			      .has_state = true, .state = SPOOL_DELETED});
	assert_sound(l->b);
}

static void
step(struct life *l)
{
	unsigned what = dice(l, 100);

	l->now += dice(l, 20);
	if (what < 30)
		step_add(l);
	else if (what < 60)
		step_claim(l);
	else if (what < 85)
		step_outcome(l);
	else if (what < 88)
		step_session_end(l);
	else if (what < 95)
		step_act(l);
	else if (what < 96)
		WRITE(l->b, do_reroute, l);
	else if (what < 97)
		WRITE(l->b, do_timed, l);
	else if (what < 98)
		step_claim_rows(l);
	else if (what < 99)
		WRITE(l->b, do_sweep, l);
	else
		step_restart(l);
}

static void
live(struct box *b, uint64_t seed)
{
	static struct life l;

	memset(&l, 0, sizeof(l));
	l.b = b;
	l.seed = seed;
	l.now = NOW;
	for (unsigned i = 0; i < STEPS; i++) {
		step(&l);
		if (i % 10 == 0)
			check(&l);
	}
	check(&l);
	assert_true(l.ended > 20);
}

static void
random_life(void **state)
{
	struct box *b = *state;

	live(b, 1);
}

static void
another_random_life(void **state)
{
	struct box *b = *state;

	live(b, 20260301);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(random_life),
		ON_BOTH(another_random_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
