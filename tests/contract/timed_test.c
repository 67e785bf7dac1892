/* What the clock does to deliveries: held until a time, late at one. */
#include "contract.h"

enum { HOUR = 3600, DAY = 86400 };

static enum err_code
do_next(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_timed_next(t, arg, e);
}

static struct spool_timed
next_of(struct box *b)
{
	struct spool_timed next;

	READ(b, do_next, &next);
	return next;
}

struct release_job {
	int64_t wall, steady;
	size_t limit, n;
};

static enum err_code
do_release(struct spool_txn *t, void *arg, struct err *e)
{
	struct release_job *j = arg;

	return spool_timed_release(
		t, j->wall, j->steady, j->limit ? j->limit : 100, &j->n, e);
}

static size_t
release(struct box *b, int64_t wall, int64_t steady)
{
	struct release_job j = {.wall = wall, .steady = steady};

	WRITE(b, do_release, &j);
	return j.n;
}

/* --- FUTURERELEASE --- */

static void
held_until_a_time(void **state)
{
	struct box *b = *state;
	int64_t id =
		put_letter(b, (struct letter){.release_at = NOW + HOUR,
				      .release_wall = true,
				      .to = {"a@b.example", "c@b.example"}});
	struct spool_row row;

	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.reason, REASON_RELEASE_TIME);
	assert_string_equal(row.reason_arg, "2027-01-15T09:00:00Z");
	assert_int_equal(row.d.next_attempt, NOW + HOUR);
	assert_int_equal(next_of(b).release_wall, NOW + HOUR);
	assert_int_equal(next_of(b).release_steady, 0);
	assert_int_equal(claim_simple(b, 1), 0);
	assert_int_equal(release(b, NOW + HOUR - 1, NOW + DAY), 0);
	assert_int_equal(release(b, NOW + HOUR, NOW), 2);
	assert_int_equal(release(b, NOW + HOUR, NOW), 0); /* once */
	assert_true(row_of(b, id, 2, &row));
	assert_int_equal(row.d.state, SPOOL_READY);
	assert_int_equal(row.d.queued_at, NOW + HOUR); /* its life begins */
	assert_int_equal(row.d.next_attempt, 0);
	assert_int_equal(row.d.release_at, 0);
	assert_int_equal(count_events(b, id, "released"), 2);
	assert_int_equal(next_of(b).release_wall, 0);
	assert_int_equal(claim_simple(b, 1), id);
	assert_sound(b);
}

/* HOLDFOR counts by the clock that nobody sets. */
static void
held_for_a_time(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b,
		(struct letter){.steady_at = 1000, .release_at = 1000 + HOUR});
	struct spool_row row;

	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.next_attempt, NOW + HOUR);
	assert_int_equal(next_of(b).release_steady, 1000 + HOUR);
	assert_int_equal(release(b, NOW + 400 * DAY, 999 + HOUR), 0);
	assert_int_equal(release(b, 0, 1000 + HOUR), 1);
	assert_int_equal(state_of(b, id, 1), SPOOL_READY);
}

static void
released_a_few_at_a_time(void **state)
{
	struct box *b = *state;
	struct release_job j = {.wall = NOW + 9, .steady = NOW, .limit = 2};

	for (int i = 0; i < 5; i++)
		put_letter(b, (struct letter){.release_at = NOW + 1 + i,
				      .release_wall = true});
	for (size_t left = 5; left; left -= j.n) {
		WRITE(b, do_release, &j);
		assert_int_equal(j.n, left < 2 ? left : 2);
	}
}

/* A person's release, once for what held it and once for its time. */
static void
held_by_both(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.held = true,
					   .release_at = NOW + HOUR,
					   .release_wall = true});
	struct spool_action a = {.kind = ACTION_RELEASE, .filter = {.id = id}};
	struct spool_row row;

	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.reason, REASON_RULE_HOLD);
	assert_int_equal(release(b, NOW + DAY, NOW + DAY), 0);
	assert_int_equal(act(b, a), 1);
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.reason, REASON_RELEASE_TIME);
	assert_int_equal(act(b, a), 1);
	assert_int_equal(state_of(b, id, 1), SPOOL_READY);
	assert_int_equal(release(b, NOW + DAY, NOW + DAY), 0);
}

struct held_job {
	const char *account;
	size_t most, n;
};

static enum err_code
do_held(struct spool_txn *t, void *arg, struct err *e)
{
	struct held_job *j = arg;

	return spool_timed_held(t, j->account, j->most, &j->n, e);
}

static void
counted_by_account(void **state)
{
	struct box *b = *state;
	struct held_job j = {.account = "ann", .most = 1000};

	for (int i = 0; i < 6; i++)
		put_letter(b, (struct letter){.release_at = NOW + HOUR,
				      .release_wall = i % 2,
				      .account = i < 4 ? "ann" : "ben",
				      .to = {"a@b.example", "c@b.example"}});
	READ(b, do_held, &j);
	assert_int_equal(j.n, 4);
	j.account = "eve";
	READ(b, do_held, &j);
	assert_int_equal(j.n, 0);
}

/* --- DELIVERBY --- */

static struct spool_filter
to_return(int64_t by)
{
	return (struct spool_filter){.return_by = by};
}

static void
returned_at_a_time(void **state)
{
	struct box *b = *state;
	int64_t late = put_letter(b, (struct letter){.return_at = NOW + 10});
	int64_t first = put_letter(b, (struct letter){.return_at = NOW + 5});

	put_letter(b, (struct letter){0});
	assert_int_equal(next_of(b).return_at, NOW + 5);
	assert_int_equal(count(b, to_return(NOW + 4)), 0);
	assert_int_equal(count(b, to_return(NOW + 5)), 1);
	assert_int_equal(count(b, to_return(NOW + 10)), 2);
	assert_int_equal(claim_simple(b, 1), late); /* in a session: later */
	assert_int_equal(count(b, to_return(NOW + 10)), 1);
	act(b, (struct spool_action){
		       .kind = ACTION_DELETE, .filter = {.id = first}});
	assert_int_equal(next_of(b).return_at, 0);
	act(b, (struct spool_action){
		       .kind = ACTION_UNDELETE, .filter = {.id = first}});
	assert_int_equal(count(b, to_return(NOW + DAY)), 0);
	assert_sound(b);
}

struct give_up {
	struct spool_row *rows;
	size_t n;
};

static enum err_code
do_give_up(struct spool_txn *t, void *arg, struct err *e)
{
	struct give_up *g = arg;
	struct spool_filter all = {.id = 0};

	return spool_claim_rows(t, 1, &all, 10, &g->rows, &g->n, e);
}

/* Out of quarantine it waits for its time again. */
static void
held_until_its_time_after_quarantine(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.release_at = NOW + HOUR,
					   .release_wall = true});
	struct spool_outcome o = {.message = id,
		.n = 1,
		.owner = 1,
		.kind = OUTCOME_QUARANTINED,
		.reason = REASON_RULE_HOLD,
		.keep_until = NOW + DAY,
		.now = NOW};
	struct give_up g = {.n = 0};
	struct spool_row row;

	WRITE(b, do_give_up, &g);
	assert_int_equal(g.n, 1);
	free(g.rows);
	assert_int_equal(outcome(b, o), OK);
	assert_int_equal(next_of(b).release_wall, 0);
	act(b, (struct spool_action){
		       .kind = ACTION_UNDELETE, .filter = {.id = id}});
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.reason, REASON_RELEASE_TIME);
	assert_int_equal(row.d.next_attempt, NOW + HOUR);
	assert_int_equal(next_of(b).release_wall, NOW + HOUR);
	assert_sound(b);
}

/* What could not be returned waits for a person, and no time comes again. */
static void
not_returned(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.return_at = NOW + 5});
	struct spool_outcome held = {.message = claim_simple(b, 1),
		.n = 1,
		.owner = 1,
		.kind = OUTCOME_HELD,
		.reason = REASON_RULE_HOLD,
		.now = NOW};

	assert_int_equal(outcome(b, held), OK);
	assert_int_equal(next_of(b).return_at, NOW + 5);
	act(b, (struct spool_action){
		       .kind = ACTION_RELEASE, .filter = {.id = id}});
	assert_int_equal(claim_simple(b, 1), id);
	held.not_returned = true;
	assert_int_equal(outcome(b, held), OK);
	assert_int_equal(next_of(b).return_at, 0);
	assert_int_equal(count(b, to_return(NOW + DAY)), 0);
	act(b, (struct spool_action){
		       .kind = ACTION_RELEASE, .filter = {.id = id}});
	assert_int_equal(next_of(b).return_at, 0);
	assert_sound(b);
}

static enum err_code
do_told(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_set_told_late(t, *(int64_t *)arg, 1, e);
}

static void
told_once(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.tell_at = NOW + 5});

	assert_int_equal(next_of(b).tell_at, NOW + 5);
	assert_int_equal(
		count(b, (struct spool_filter){.tell_by = NOW + 5}), 1);
	WRITE(b, do_told, &id);
	assert_int_equal(next_of(b).tell_at, 0);
}

static void
old_by_the_even_clock(void **state)
{
	struct box *b = *state;

	put_letter(b, (struct letter){.steady_at = 1000});
	put_letter(b, (struct letter){.steady_at = 2000});
	assert_int_equal(
		count(b, (struct spool_filter){.arrived_before = 2000}), 1);
}

/* --- what a message needs of its peer --- */

static int64_t
claim_without(struct box *b, bool no_requiretls, bool no_deliver_by)
{
	struct claim_job j = {.claim = {.no_requiretls = no_requiretls,
				      .no_deliver_by = no_deliver_by}};
	int64_t id = claim(b, &j);

	spool_claimed_clear(&j.got);
	return id;
}

static enum err_code
do_needs(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_route_needs(t, "*", arg, e);
}

static void
left_for_a_better_peer(void **state)
{
	struct box *b = *state;
	int64_t tls = put_letter(b, (struct letter){.requiretls = true});
	int64_t by = put_letter(b, (struct letter){.returns = true});
	int64_t bound = put_letter(
		b, (struct letter){.has_8bit = true, .links = "iridium"});
	struct spool_row row;
	unsigned needs;

	READ(b, do_needs, &needs);
	assert_int_equal(needs, NEED_TLS | NEED_BY | NEED_8BIT);
	assert_int_equal(
		count(b, (struct spool_filter){.needs = NEED_TLS | NEED_BY}),
		2);
	assert_int_equal(claim_without(b, false, false), tls);
	WRITE(b, do_release_owner, &(struct owner_job){.owner = 1});
	assert_int_equal(claim_without(b, true, false), by);
	assert_true(row_of(b, tls, 1, &row));
	assert_int_equal(row.reason, REASON_TLS);
	WRITE(b, do_release_owner, &(struct owner_job){.owner = 1});
	assert_int_equal(claim_without(b, true, true), bound);
	WRITE(b, do_release_owner, &(struct owner_job){.owner = 1});
	assert_int_equal(claim_without(b, false, true), tls);
}

/* --- days of trying by a clock that may be wrong --- */

static void
a_doubtful_day_counts_not(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){0});
	struct spool_row row;

	for (int day = 0; day < 4; day++) {
		struct claim_job j = {
			.claim = {.owner = 1, .now = NOW + day * DAY}};

		assert_int_equal(claim(b, &j), id);
		spool_claimed_clear(&j.got);
		outcome(b, (struct spool_outcome){.message = id,
				   .kind = OUTCOME_DEFERRED,
				   .now = NOW + day * DAY,
				   .next_attempt = NOW + day * DAY,
				   .no_day = day != 2});
	}
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.attempts, 4);
	assert_int_equal(row.d.days_attempted, 2); /* the first, the third */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(held_until_a_time),
		ON_BOTH(held_for_a_time),
		ON_BOTH(released_a_few_at_a_time),
		ON_BOTH(held_by_both),
		ON_BOTH(counted_by_account),
		ON_BOTH(returned_at_a_time),
		ON_BOTH(not_returned),
		ON_BOTH(held_until_its_time_after_quarantine),
		ON_BOTH(told_once),
		ON_BOTH(old_by_the_even_clock),
		ON_BOTH(left_for_a_better_peer),
		ON_BOTH(a_doubtful_day_counts_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
