/* Jobs: grouped in one commit, each undone alone; faults at every step. */
#include "tests/contract/contract.h"

#include <pthread.h>

/* --- grouping --- */

struct mixed {
	struct letter letter;
	bool fail, ignore_error;
	enum err_code code;
	unsigned done;
};

static enum err_code
add_and_maybe_fail(struct spool_txn *t, void *arg, struct err *e)
{
	struct mixed *m = arg;
	enum err_code rc = add_letter(t, &m->letter, e);

	if (rc == OK && m->fail)
		return err_set(e, ERR_INVALID, "on purpose");
	return rc;
}

static void
count_done(void *arg, enum err_code code, const struct err *e)
{
	struct mixed *m = arg;

	assert_int_equal(e->code, code);
	m->code = code;
	m->done++;
}

static void
dispatch_all(struct box *b)
{
	for (unsigned i = 0; spool_backlog(b->spool); i++) {
		spool_dispatch(b->spool);
		usleep(1000);
		assert_true(i < 20000);
	}
}

static void
a_failing_job_undoes_only_itself(void **state)
{
	enum { N = 300 };
	static struct mixed jobs[N];
	struct box *b = *state;

	memset(jobs, 0, sizeof(jobs));
	for (int i = 0; i < N; i++) {
		jobs[i].letter.id = i + 1;
		jobs[i].fail = i % 3 == 1;
		spool_submit(
			b->spool, add_and_maybe_fail, count_done, &jobs[i]);
	}
	dispatch_all(b);
	for (int i = 0; i < N; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_int_equal(jobs[i].code, i % 3 == 1 ? ERR_INVALID : OK);
		assert_int_equal(count(b, (struct spool_filter){.id = i + 1}),
			i % 3 == 1 ? 0 : 1);
	}
	assert_sound(b);
}

static void
close_finishes_what_was_submitted(void **state)
{
	static struct mixed jobs[50];
	struct box *b = *state;

	memset(jobs, 0, sizeof(jobs));
	for (int i = 0; i < 50; i++) {
		jobs[i].letter.id = i + 1;
		spool_submit(
			b->spool, add_and_maybe_fail, count_done, &jobs[i]);
	}
	spool_close(b->spool);
	for (int i = 0; i < 50; i++)
		assert_int_equal(jobs[i].done, 1);
	box_open_with(b, true);
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), 50);
}

/* --- readers, on their own threads --- */

struct reading {
	size_t n;
	enum err_code code;
	bool done;
};

static enum err_code
count_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct list_job j = {.limit = 1000};
	struct reading *r = arg;
	enum err_code rc = do_list(t, &j, e);

	r->n = j.n;
	free(j.rows);
	return rc;
}

static void
reading_done(void *arg, enum err_code code, const struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->code = code;
	r->done = true;
}

static void
readers_see_what_was_committed(void **state)
{
	struct box *b = *state;
	struct reading r[10];

	memset(r, 0, sizeof(r));
	put_letter(b, (struct letter){.to = {"a@x", "b@x"}});
	for (int i = 0; i < 10; i++)
		spool_submit_read(b->spool, count_rows, reading_done, &r[i]);
	dispatch_all(b);
	for (int i = 0; i < 10; i++) {
		assert_true(r[i].done);
		assert_int_equal(r[i].code, OK);
		assert_int_equal(r[i].n, 2);
	}
}

static void
readers_cannot_write(void **state)
{
	struct box *b = *state;
	struct letter l = {.id = 1};
	struct err e;

	assert_int_equal(
		spool_read(b->spool, add_letter, &l, &e), ERR_READONLY);
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), 0);
}

static void
notify_add(void *arg)
{
	__atomic_add_fetch((unsigned *)arg, 1, __ATOMIC_SEQ_CST);
}

static void
notifies(void **state)
{
	struct box *b = *state;
	struct mixed job = {.letter = {.id = 1}};
	unsigned notified = 0;
	struct spool_options o = {.url = b->url,
		.daemon = true,
		.notify = notify_add,
		.notify_arg = &notified};
	struct err e;

	spool_close(b->spool);
	assert_int_equal(spool_open(&o, &b->spool, &e), OK);
	spool_submit(b->spool, add_and_maybe_fail, count_done, &job);
	while (!__atomic_load_n(&notified, __ATOMIC_SEQ_CST))
		usleep(1000);
	assert_int_equal(job.done, 0); /* only dispatch calls DONE */
	spool_dispatch(b->spool);
	assert_int_equal(job.done, 1);
	assert_int_equal(spool_backlog(b->spool), 0);
}

/* --- faults --- */

static enum err_code
ignores_an_error(struct spool_txn *t, void *arg, struct err *e)
{
	add_letter(t, arg, e);
	return OK;
}

static void
an_overlooked_error_undoes_the_job(void **state)
{
	struct box *b = *state;
	struct letter l = {.id = 1, .to = {"a@x", "b@x"}};
	struct err e;

	spool_inject_fault(b->spool, 6, 1, ERR_IO);
	assert_int_equal(
		spool_write(b->spool, ignores_an_error, &l, &e), ERR_IO);
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), 0);
	assert_sound(b);
}

/* A job of each kind, run on the same beginning. */
static enum err_code
job_add(struct spool_txn *t, void *arg, struct err *e)
{
	struct letter l = {.id = 100, .size = 70000, .to = {"a@x", "b@x"}};

	(void)arg;
	return add_letter(t, &l, e);
}

static enum err_code
job_claim(struct spool_txn *t, void *arg, struct err *e)
{
	struct claim_job j = {.claim = {.owner = 77,
				      .routes = route_star,
				      .routes_n = 1,
				      .no_smtputf8 = true,
				      .peer = "p",
				      .now = NOW + 1000}};

	enum err_code rc = do_claim(t, &j, e);

	(void)arg;
	spool_claimed_clear(&j.got);
	return rc;
}

static enum err_code
job_outcomes(struct spool_txn *t, void *arg, struct err *e)
{
	static const enum spool_outcome_kind kinds[] = {
		OUTCOME_DELIVERED, OUTCOME_DEFERRED, OUTCOME_FAILED};
	enum err_code rc = OK;

	(void)arg;
	for (unsigned i = 0; i < 3 && rc == OK; i++) {
		struct spool_outcome o = {.message = 1,
			.n = i + 1,
			.owner = 5,
			.kind = kinds[i],
			.now = NOW,
			.next_attempt = NOW + 5};

		rc = spool_outcome(t, &o, e);
	}
	return rc;
}

static enum err_code
job_release(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	return spool_release_owner(t, 5, NOW, NULL, e);
}

static enum err_code
job_delete(struct spool_txn *t, void *arg, struct err *e)
{
	struct act_job a = {.action = {.kind = ACTION_DELETE,
				    .now = NOW,
				    .keep_until = NOW + 5}};

	(void)arg;
	return do_act(t, &a, e);
}

static enum err_code
job_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	return spool_sweep(t, NOW + 86400 * 400, 100, e);
}

static enum err_code
job_account(struct spool_txn *t, void *arg, struct err *e)
{
	char domains[] = "a.example\nb.example";
	struct spool_account a = {
		.name = "x", .kind = ACCOUNT_CUSTOMER, .domains = domains};

	(void)arg;
	return spool_account_add(t, &a, e);
}

/* Message 1 is owner 5's, in doubt; 2 waits; 3 is deleted. */
static void
begin_fault_run(struct box *b)
{
	struct owner_job o = {.owner = 5, .id = 1};

	put_letter(b, (struct letter){.id = 1, .to = {"a@x", "b@x", "c@x"}});
	claim_simple(b, 5);
	WRITE(b, do_in_doubt, &o);
	put_letter(b, (struct letter){.id = 2, .size = 70000});
	put_letter(b, (struct letter){.id = 3});
	act(b, (struct spool_action){.kind = ACTION_DELETE,
		       .filter = {.id = 3},
		       .keep_until = NOW + 1});
}

/* All facts that a job can change, as one number. */
struct digest {
	uint64_t value;
};

static void
digest_add(struct digest *d, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		d->value = (d->value ^ c[i]) * UINT64_C(1099511628211);
}

static enum err_code
do_digest(struct spool_txn *t, void *arg, struct err *e)
{
	struct list_job l = {.limit = 1000};
	struct events_job ev = {.limit = 1000};
	struct spool_account a;
	struct digest *d = arg;
	enum err_code rc = do_list(t, &l, e);

	for (size_t i = 0; i < l.n; i++) {
		const struct spool_delivery *r = &l.rows[i].d;

		digest_add(d, &r->message, sizeof(r->message));
		digest_add(d, &r->n, sizeof(r->n));
		digest_add(d, &r->state, sizeof(r->state));
		digest_add(d, &r->owner, sizeof(r->owner));
		digest_add(d, &r->attempts, sizeof(r->attempts));
		digest_add(d, &l.rows[i].reason, sizeof(l.rows[i].reason));
	}
	free(l.rows);
	if (rc == OK)
		rc = do_events(t, &ev, e);
	for (size_t i = 0; i < ev.n; i++)
		digest_add(d, ev.list[i].event, strlen(ev.list[i].event));
	free(ev.list);
	if (rc == OK && spool_account_get(t, "x", &a, e) == OK) {
		digest_add(d, a.domains, strlen(a.domains));
		spool_account_clear(&a);
	}
	return rc;
}

static uint64_t
digest(struct box *b)
{
	struct digest d = {.value = 1};

	READ(b, do_digest, &d);
	return d.value;
}

static void
reset(struct box *b)
{
	static unsigned run;

	spool_close(b->spool);
	run++;
	if (b->folder[0])
		snprintf(b->url, sizeof(b->url), "sqlite:%s/%u/spool.db",
			b->folder, run);
	else
		snprintf(b->url, sizeof(b->url), "memory:fault-%u", run);
	box_open_with(b, true);
	begin_fault_run(b);
}

/* FN fails at each operation in turn, until it gets through. */
static void
fail_everywhere(struct box *b, spool_fn *fn, const char *name)
{
	uint64_t before;
	struct err e;

	reset(b);
	before = digest(b);
	for (unsigned skip = 0; skip < 1000; skip++) {
		enum err_code rc;
		unsigned left;

		/* enough to fail the second try of the job as well */
		spool_inject_fault(b->spool, skip, 1000, ERR_IO);
		rc = spool_write(b->spool, fn, NULL, &e);
		spool_inject_fault(b->spool, 0, 0, OK);
		left = digest(b) == before ? 0 : 1;
		assert_sound(b);
		if (rc == OK) {
			assert_true(left == 1);
			assert_true(skip > 3);
			return;
		}
		if (left)
			fail_msg("%s: half done at step %u", name, skip);
	}
	fail_msg("%s: never got through", name);
}

static void
all_or_nothing_at_every_fault(void **state)
{
	struct box *b = *state;

	fail_everywhere(b, job_add, "add");
	fail_everywhere(b, job_claim, "claim");
	fail_everywhere(b, job_outcomes, "outcomes");
	fail_everywhere(b, job_release, "release");
	fail_everywhere(b, job_delete, "delete");
	fail_everywhere(b, job_sweep, "sweep");
	fail_everywhere(b, job_account, "account");
}

/* One hiccup of the store is made good by running the job again alone. */
static void
a_passing_fault_of_the_commit_is_mended(void **state)
{
	struct box *b = *state;
	unsigned failed = 0;

	for (unsigned skip = 0; skip < 30; skip++) {
		struct letter l = {.id = 10 + skip};
		struct err e;
		enum err_code rc;

		spool_inject_fault(b->spool, skip, 1, ERR_IO);
		rc = spool_write(b->spool, add_letter, &l, &e);
		spool_inject_fault(b->spool, 0, 0, OK);
		failed += rc != OK;
		assert_int_equal(
			count(b, (struct spool_filter){.id = l.id}), rc == OK);
	}
	assert_true(failed > 0);
	assert_sound(b);
}

static void
an_unknown_outcome_is_told(void **state)
{
	struct box *b = *state;
	unsigned told = 0;

	for (unsigned skip = 0; skip < 30; skip++) {
		struct letter l = {.id = 10 + skip};
		struct err e;

		spool_inject_fault(b->spool, skip, 1, ERR_UNCERTAIN);
		told += spool_write(b->spool, add_letter, &l, &e) ==
			ERR_UNCERTAIN;
		spool_inject_fault(b->spool, 0, 0, OK);
	}
	assert_true(told > 0);
	assert_sound(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_failing_job_undoes_only_itself),
		ON_BOTH(close_finishes_what_was_submitted),
		ON_BOTH(readers_see_what_was_committed),
		ON_BOTH(readers_cannot_write),
		ON_BOTH(notifies),
		ON_BOTH(an_overlooked_error_undoes_the_job),
		ON_BOTH(all_or_nothing_at_every_fault),
		ON_BOTH(a_passing_fault_of_the_commit_is_mended),
		ON_BOTH(an_unknown_outcome_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
