/* Deliveries that are claimed by domain: customers' and those that go by MX. */
#include "tests/contract/contract.h"

static const char *const by_mx[] = {"mx"};

static enum err_code
do_put_routes(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_domain_routes_put(t, by_mx, *(size_t *)arg, e);
}

static void
put_routes(struct box *b, size_t n)
{
	WRITE(b, do_put_routes, &n);
}

struct next_job {
	const char *after;
	int64_t now;
	char domain[WIRE_DOMAIN_MAX + 1];
};

static enum err_code
do_next(struct spool_txn *t, void *arg, struct err *e)
{
	struct next_job *j = arg;
	enum err_code rc =
		spool_domain_next(t, by_mx[0], j->now, j->after, j->domain, e);

	if (rc == ERR_NOTFOUND)
		j->domain[0] = '\0';
	return rc == ERR_NOTFOUND ? OK : rc;
}

static const char *
next_domain(struct box *b, const char *after, int64_t now)
{
	static struct next_job j;

	j = (struct next_job){.after = after, .now = now};
	WRITE(b, do_next, &j);
	return j.domain;
}

static int64_t
put_to(struct box *b, const char *to, const char *links)
{
	return put_letter(
		b, (struct letter){.route = "mx", .to = {to}, .links = links});
}

static int64_t
claim_for(struct box *b, const char *domain, const char *link)
{
	struct claim_job j = {.claim = {.routes = by_mx,
				      .routes_n = 1,
				      .domains = &domain,
				      .domains_n = 1,
				      .bound = true,
				      .link = link}};
	int64_t id = claim(b, &j);

	spool_claimed_clear(&j.got);
	return id;
}

static void
each_domain_once(void **state)
{
	struct box *b = *state;

	put_routes(b, 1);
	assert_string_equal(next_domain(b, "", NOW), "");
	put_to(b, "x@b.example", NULL);
	put_to(b, "y@B.Example", NULL);
	put_to(b, "z@c.example", NULL);
	put_to(b, "\"a@b\"@a.example", NULL);
	assert_string_equal(next_domain(b, "", NOW), "a.example");
	assert_string_equal(next_domain(b, "a.example", NOW), "b.example");
	assert_string_equal(next_domain(b, "b.example", NOW), "c.example");
	assert_string_equal(next_domain(b, "c.example", NOW), "");
	assert_true(claim_for(b, "a.example", NULL) > 0);
	assert_string_equal(next_domain(b, "", NOW), "b.example");
	assert_sound(b);
}

/* Not to be confused with the customers', who are claimed so without a word. */
static void
only_routes_that_were_named(void **state)
{
	struct box *b = *state;

	put_to(b, "x@b.example", NULL);
	assert_string_equal(next_domain(b, "", NOW), "");
	assert_int_equal(claim_for(b, "b.example", NULL), 0);
	put_routes(b, 1);
	put_to(b, "x@c.example", NULL);
	put_routes(b, 0);
	put_to(b, "x@d.example", NULL);
	assert_string_equal(next_domain(b, "", NOW), "c.example");
	assert_string_equal(next_domain(b, "c.example", NOW), "");
}

static void
waits_until_it_is_due(void **state)
{
	struct box *b = *state;
	int64_t id;

	put_routes(b, 1);
	id = put_to(b, "x@b.example", NULL);
	assert_int_equal(claim_for(b, "b.example", NULL), id);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .reason = REASON_RETRY_WAIT,
			   .next_attempt = NOW + 60});
	assert_string_equal(next_domain(b, "", NOW + 59), "");
	assert_string_equal(next_domain(b, "", NOW + 60), "b.example");
}

static enum err_code
do_wake_b(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	return spool_route_wake(t,
		&(struct spool_wake){.route = by_mx[0],
			.domain = "b.example",
			.now = NOW + 60,
			.refused_before = NOW + 30},
		NULL, e);
}

/* One domain takes mail again; that says nothing of another. */
static void
one_is_woken(void **state)
{
	static const char *const to[] = {
		"x@B.example", "y@c.example", "z@b.example"};
	static const int64_t tried[] = {NOW, NOW, NOW + 40};
	struct box *b = *state;
	int64_t ids[3];

	put_routes(b, 1);
	for (size_t i = 0; i < 3; i++)
		ids[i] = put_to(b, to[i], NULL);
	for (size_t i = 0; i < 3; i++) {
		assert_true(claim_for(b, i == 1 ? "c.example" : "b.example",
				    NULL) > 0);
		outcome(b, (struct spool_outcome){.message = ids[i],
				   .kind = OUTCOME_DEFERRED,
				   .now = tried[i],
				   .reason = REASON_PEER_4XX,
				   .next_attempt = NOW + 9000});
	}
	WRITE(b, do_wake_b, NULL);
	assert_int_equal(claim_for(b, "b.example", NULL), ids[0]);
	assert_int_equal(claim_for(b, "b.example", NULL), 0);
	assert_int_equal(claim_for(b, "c.example", NULL), 0);
	assert_sound(b);
}

static void
keeps_to_the_links_of_a_rule(void **state)
{
	struct box *b = *state;
	int64_t bound, any;

	put_routes(b, 1);
	bound = put_to(b, "x@b.example", "harbour");
	any = put_to(b, "y@b.example", NULL);
	assert_int_equal(claim_for(b, "b.example", NULL), any);
	assert_int_equal(claim_for(b, "b.example", NULL), 0);
	assert_int_equal(claim_for(b, "b.example", "vsat"), 0);
	assert_int_equal(claim_for(b, "b.example", "harbour"), bound);
	assert_sound(b);
}

static bool
to_mx(void *arg, const struct mailbox *m, char route_r[SPOOL_NAME_MAX + 1])
{
	(void)m;
	str_copyz(route_r, SPOOL_NAME_MAX + 1, arg);
	return true;
}

static enum err_code
do_reroute(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_reroute(t, 5, 1, 100, to_mx, arg, NULL, NULL, e);
}

static enum err_code
do_reroute_later(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_reroute(t, 6, 1, 100, to_mx, arg, NULL, NULL, e);
}

static void
a_new_route_brings_them_in_line(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(
		b, (struct letter){.route = "shore", .to = {"x@b.example"}});

	put_routes(b, 1);
	WRITE(b, do_reroute, (void *)(uintptr_t) "mx");
	assert_string_equal(next_domain(b, "", NOW), "b.example");
	WRITE(b, do_reroute_later, (void *)(uintptr_t) "shore");
	assert_string_equal(next_domain(b, "", NOW), "");
	assert_int_equal(claim_for(b, "b.example", NULL), 0);
	assert_int_equal(count(b, (struct spool_filter){.id = id}), 1);
	assert_sound(b);
}

/* Its hosts were not found out: that is no attempt. */
static void
deferred_without_an_attempt(void **state)
{
	struct box *b = *state;
	struct spool_row row;
	int64_t id;

	put_routes(b, 1);
	id = put_to(b, "x@b.example", NULL);
	assert_int_equal(claim_for(b, "b.example", NULL), id);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .not_tried = true,
			   .reason = REASON_RETRY_WAIT,
			   .next_attempt = NOW + 60});
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_DEFERRED);
	assert_int_equal(row.d.attempts, 0);
	assert_int_equal(row.d.days_attempted, 0);
	assert_int_equal(row.d.last_attempt, 0);
	assert_int_equal(row.d.next_attempt, NOW + 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(each_domain_once),
		ON_BOTH(only_routes_that_were_named),
		ON_BOTH(waits_until_it_is_due),
		ON_BOTH(one_is_woken),
		ON_BOTH(keeps_to_the_links_of_a_rule),
		ON_BOTH(a_new_route_brings_them_in_line),
		ON_BOTH(deferred_without_an_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
