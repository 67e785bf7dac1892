/* What a link may carry, and what it has used. */
#include "tests/contract/contract.h"

/* --- limits of a claim --- */

static const struct spool_limits small_and_normal = {
	.has_min_priority = true,
	.min_priority = 0,
	.max_size = 500,
};

static const struct spool_limits little_room = {
	.has_room = true,
	.room = 200,
	.urgent_from = 4,
	.urgent_room = 1000,
};

static void
refusals(void **state)
{
	(void)state;
	assert_int_equal(
		spool_limits_refuse(&small_and_normal, 0, 500), REASON_NONE);
	assert_int_equal(
		spool_limits_refuse(&small_and_normal, 9, 501), REASON_SIZE);
	assert_int_equal(
		spool_limits_refuse(&small_and_normal, -1, 1), REASON_PRIORITY);
	assert_int_equal(
		spool_limits_refuse(&little_room, 3, 201), REASON_BUDGET);
	assert_int_equal(
		spool_limits_refuse(&little_room, 4, 1000), REASON_NONE);
}

static int64_t
claim_within(struct box *b, const struct spool_limits *l)
{
	struct claim_job j = {
		.claim = {.limits = *l, .link = "iridium", .owner = 7}};
	int64_t id = claim(b, &j);

	spool_claimed_clear(&j.got);
	return id;
}

static void
claims_what_may_go(void **state)
{
	struct box *b = *state;

	put_letter(b, (struct letter){.id = 1, .size = 501});
	put_letter(b, (struct letter){.id = 2, .priority = -1});
	put_letter(b, (struct letter){.id = 3, .size = 500});
	put_letter(b, (struct letter){.id = 4, .priority = 4, .size = 900});
	assert_int_equal(claim_within(b, &small_and_normal), 3);
	assert_int_equal(claim_within(b, &small_and_normal), 0);
	/* urgent mail may use what is kept back */
	assert_int_equal(claim_within(b, &little_room), 4);
	assert_int_equal(claim_within(b, &little_room), 2);
	assert_int_equal(claim_within(b, &little_room), 0);
	assert_int_equal(claim_within(b, &(struct spool_limits){0}), 1);
}

struct left_job {
	struct spool_claim claim;
	struct spool_peek peek;
	struct spool_cursor after;
	bool end;
};

static enum err_code
do_peek(struct spool_txn *t, void *arg, struct err *e)
{
	struct left_job *j = arg;

	return spool_claim_peek(t, &j->claim, &j->peek, e);
}

static enum err_code
do_left_mark(struct spool_txn *t, void *arg, struct err *e)
{
	struct left_job *j = arg;

	return spool_left_mark(t, &j->claim, 100, e);
}

static enum err_code
do_left_clear(struct spool_txn *t, void *arg, struct err *e)
{
	struct left_job *j = arg;

	return spool_left_clear(t, "*", &j->after, 2, &j->end, e);
}

static struct left_job
left_job(const struct spool_limits *l)
{
	return (struct left_job){.claim = {.routes = route_star,
					 .routes_n = 1,
					 .now = NOW,
					 .link = "iridium",
					 .limits = *l}};
}

static void
peeks(void **state)
{
	struct box *b = *state;
	struct left_job j = left_job(&small_and_normal);

	READ(b, do_peek, &j);
	assert_false(j.peek.ready || j.peek.size || j.peek.priority);
	put_letter(b, (struct letter){.id = 1, .size = 501});
	put_letter(b, (struct letter){.id = 2, .priority = -2, .has_8bit = 1});
	READ(b, do_peek, &j);
	assert_false(j.peek.ready || j.peek.budget);
	assert_true(j.peek.size && j.peek.priority);
	put_letter(b, (struct letter){.id = 3});
	READ(b, do_peek, &j);
	assert_true(j.peek.ready);
	j = left_job(&(struct spool_limits){.has_room = true});
	READ(b, do_peek, &j);
	assert_true(!j.peek.ready && j.peek.budget);
}

static enum err_code
do_defer(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_outcome o = {.message = *(int64_t *)arg,
		.n = 1,
		.owner = 7,
		.kind = OUTCOME_DEFERRED,
		.now = NOW,
		.next_attempt = NOW + 60,
		.reason = REASON_PEER_4XX,
		.text = "not now"};

	return spool_outcome(t, &o, e);
}

static void
peeks_at_what_was_put_off(void **state)
{
	struct box *b = *state;
	struct left_job j = left_job(&small_and_normal);
	int64_t id = put_letter(b, (struct letter){.id = 1});

	assert_int_equal(claim_within(b, &small_and_normal), 1);
	WRITE(b, do_defer, &id);
	READ(b, do_peek, &j);
	assert_false(j.peek.ready);
	assert_int_equal(j.peek.next, NOW + 60);
	j.claim.now = NOW + 60;
	READ(b, do_peek, &j);
	assert_true(j.peek.ready);
}

static enum err_code
do_row(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_row *row = arg, *rows;
	struct spool_filter f = {.id = row->d.message};
	struct spool_cursor after = {0, 0};
	size_t n;
	enum err_code rc = spool_list(t, &f, &after, 1, &rows, &n, e);

	if (rc == OK && n)
		*row = rows[0];
	free(rows);
	return rc;
}

static enum spool_reason
reason_of(struct box *b, int64_t id)
{
	struct spool_row row = {.d = {.message = id}};

	READ(b, do_row, &row);
	if (row.reason != REASON_NONE)
		assert_string_equal(row.reason_arg, "iridium");
	return row.reason;
}

static void
what_is_left_says_why(void **state)
{
	struct box *b = *state;
	struct left_job j = left_job(&small_and_normal);

	put_letter(b, (struct letter){.id = 1, .size = 501});
	put_letter(b, (struct letter){.id = 2, .priority = -2});
	put_letter(b, (struct letter){.id = 3});
	put_letter(b, (struct letter){.id = 4, .size = 300});
	WRITE(b, do_left_mark, &j);
	assert_int_equal(reason_of(b, 1), REASON_SIZE);
	assert_int_equal(reason_of(b, 2), REASON_PRIORITY);
	assert_int_equal(reason_of(b, 3), REASON_NONE);
	j = left_job(&little_room);
	WRITE(b, do_left_mark, &j);
	assert_int_equal(reason_of(b, 4), REASON_BUDGET);
	assert_int_equal(reason_of(b, 1), REASON_SIZE); /* the first stays */
	/* another way takes it all the same */
	assert_int_equal(claim_within(b, &(struct spool_limits){0}), 3);
	assert_int_equal(claim_within(b, &(struct spool_limits){0}), 4);
	assert_int_equal(reason_of(b, 4), REASON_NONE);
	while (!j.end)
		WRITE(b, do_left_clear, &j);
	assert_int_equal(reason_of(b, 1), REASON_NONE);
	assert_int_equal(reason_of(b, 2), REASON_NONE);
}

/* --- budgets --- */

struct budget_job {
	struct spool_budget b, *list;
	size_t n;
};

static enum err_code
do_budget_put(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_budget_put(t, &((struct budget_job *)arg)->b, e);
}

static enum err_code
do_budget_remove(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_budget_remove(t, &((struct budget_job *)arg)->b, e);
}

static enum err_code
do_budget_list(struct spool_txn *t, void *arg, struct err *e)
{
	struct budget_job *j = arg;

	free(j->list);
	return spool_budget_list(t, "iridium", 100, &j->list, &j->n, e);
}

static void
budgets(void **state)
{
	struct box *b = *state;
	struct budget_job j = {.b = {.link = "iridium",
				       .period = "day",
				       .starts_at = NOW,
				       .seconds = 10,
				       .bytes = 2000,
				       .cost = 1.25,
				       .extra_bytes = 7}};

	WRITE(b, do_budget_put, &j);
	j.b.seconds = 20;
	WRITE(b, do_budget_put, &j);
	strcpy(j.b.period, "month");
	WRITE(b, do_budget_put, &j);
	strcpy(j.b.link, "vsat");
	WRITE(b, do_budget_put, &j);
	READ(b, do_budget_list, &j);
	assert_int_equal(j.n, 2);
	assert_string_equal(j.list[0].period, "day");
	assert_int_equal(j.list[0].seconds, 20);
	assert_true(j.list[0].cost > 1.24 && j.list[0].cost < 1.26);
	assert_int_equal(j.list[1].extra_bytes, 7);
	j.b = j.list[0];
	WRITE(b, do_budget_remove, &j);
	WRITE(b, do_budget_remove, &j);
	READ(b, do_budget_list, &j);
	assert_int_equal(j.n, 1);
	free(j.list);
}

/* --- what asks for a call --- */

struct wish_job {
	int64_t since, now, aside;
	struct spool_limits limits;
	struct spool_wish wish;
};

static enum err_code
do_wish(struct spool_txn *t, void *arg, struct err *e)
{
	struct wish_job *j = arg;

	const struct spool_carrier by = {true, "iridium"};

	return spool_route_wish(t, "*", &by, &j->limits, j->since, j->now,
		j->aside, &j->wish, e);
}

static struct spool_wish
wish_without(struct box *b, int64_t since, const struct spool_limits *l,
	int64_t aside)
{
	struct wish_job j = {.since = since, .now = NOW + 1000, .aside = aside};

	if (l)
		j.limits = *l;
	READ(b, do_wish, &j);
	return j.wish;
}

static struct spool_wish
wish(struct box *b, int64_t since, const struct spool_limits *l)
{
	return wish_without(b, since, l, 0);
}

static void
wishes(void **state)
{
	struct box *b = *state;
	struct spool_wish w = wish(b, 0, NULL);

	assert_false(w.waiting || w.fresh);
	put_letter(b, (struct letter){.id = 9, .links = "harbour"});
	assert_false(wish(b, 0, NULL).waiting);
	put_letter(b, (struct letter){.id = 1, .queued_at = NOW + 10});
	/* one may be left out of account */
	w = wish_without(b, 0, NULL, 1);
	assert_false(w.waiting || w.fresh);
	assert_true(wish_without(b, 0, NULL, 9).waiting);
	put_letter(b,
		(struct letter){.id = 2, .priority = 4, .queued_at = NOW + 20});
	put_letter(b,
		(struct letter){.id = 3, .queued_at = NOW + 5, .held = true});
	put_letter(
		b, (struct letter){.id = 4, .queued_at = NOW + 1, .size = 501});
	w = wish(b, 0, NULL);
	assert_true(w.waiting && w.fresh);
	assert_int_equal(w.oldest, NOW + 1);
	assert_int_equal(w.most_urgent, 4);
	/* what may not use the link asks for no call */
	w = wish(b, 0, &small_and_normal);
	assert_int_equal(w.oldest, NOW + 10);
	/* what had its chance waits on, but is not new */
	w = wish(b, NOW + 15, NULL);
	assert_true(w.fresh);
	assert_int_equal(w.most_urgent, 4);
	w = wish(b, NOW + 20, NULL);
	assert_true(w.waiting);
	assert_false(w.fresh);
	/* until it is due again */
	assert_int_equal(claim_simple(b, 7), 2);
	assert_int_equal(outcome(b, (struct spool_outcome){.message = 2,
					    .owner = 7,
					    .kind = OUTCOME_DEFERRED,
					    .next_attempt = NOW + 900}),
		OK);
	w = wish(b, NOW + 20, NULL);
	assert_true(w.fresh);
	assert_int_equal(w.most_urgent, 4);
	assert_false(wish(b, NOW + 900, NULL).fresh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(refusals),
		ON_BOTH(claims_what_may_go),
		ON_BOTH(peeks),
		ON_BOTH(peeks_at_what_was_put_off),
		ON_BOTH(what_is_left_says_why),
		ON_BOTH(budgets),
		ON_BOTH(wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
