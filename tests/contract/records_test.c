/* Accounts, links, peers, tickets, named values, events, totals. */
#include "tests/contract/contract.h"

#include "base/clock.h"

/* --- accounts --- */

struct account_job {
	struct spool_account a;
	const char *name;
	enum err_code code;
	struct err why;
};

static enum err_code
answer(struct account_job *j, enum err_code code, const struct err *e)
{
	j->code = code;
	j->why = *e;
	return code == ERR_NOTFOUND || code == ERR_BUSY ? OK : code;
}

static enum err_code
do_add(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;

	return answer(j, spool_account_add(t, &j->a, e), e);
}

static enum err_code
do_set(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;

	return answer(j, spool_account_set(t, &j->a, e), e);
}

static enum err_code
do_get(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;

	return answer(j, spool_account_get(t, j->name, &j->a, e), e);
}

static enum err_code
do_delete(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;

	return answer(j, spool_account_delete(t, j->name, e), e);
}

static enum err_code
do_customer_of(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;

	return answer(j, spool_customer_of(t, j->name, j->a.name, e), e);
}

static struct spool_account
customer(const char *name, const char *domains)
{
	struct spool_account a = {.kind = ACCOUNT_CUSTOMER,
		.quota = 1000,
		.max_size = 50,
		.lifetime_s = 7,
		.suspended = true,
		.verifier = {.iterations = 4096,
			.salt = {1, 0, 2},
			.stored_key = {9},
			.server_key = {0, 8}}};

	snprintf(a.name, sizeof(a.name), "%s", name);
	snprintf(a.etrn, sizeof(a.etrn), "mail.example:25");
	a.domains = domains ? str_dupz(domains) : NULL;
	a.networks = str_dupz("192.0.2.0/24\n2001:db8::/32");
	return a;
}

static void
accounts(void **state)
{
	struct box *b = *state;
	struct account_job j = {
		.a = customer("aurora", "A.example\nb.example")};
	struct account_job got = {.name = "aurora"};

	WRITE(b, do_add, &j);
	READ(b, do_get, &got);
	assert_int_equal(got.code, OK);
	assert_string_equal(got.a.domains, "a.example\nb.example");
	assert_string_equal(got.a.networks, j.a.networks);
	assert_string_equal(got.a.etrn, "mail.example:25");
	assert_null(got.a.senders);
	assert_memory_equal(
		&got.a.verifier, &j.a.verifier, sizeof(got.a.verifier));
	assert_int_equal(got.a.quota, 1000);
	assert_true(got.a.suspended);
	spool_account_clear(&got.a);
	free(j.a.domains);
	j.a.domains = str_dupz("c.example\na.example");
	WRITE(b, do_set, &j);
	READ(b, do_get, &got);
	assert_string_equal(got.a.domains, "c.example\na.example");
	spool_account_clear(&got.a);
	got.name = "b.example";
	READ(b, do_customer_of, &got);
	assert_int_equal(got.code, ERR_NOTFOUND);
	got.name = "c.example";
	READ(b, do_customer_of, &got);
	assert_string_equal(got.a.name, "aurora");
	spool_account_clear(&j.a);
}

static void
a_domain_has_one_customer(void **state)
{
	struct box *b = *state;
	struct account_job one = {.a = customer("one", "x.example")};
	struct account_job two = {.a = customer("two", "y.example\nX.example")};
	struct account_job again = {.a = customer("one", NULL)};
	struct account_job get = {.name = "two"};
	struct err e;

	WRITE(b, do_add, &one);
	assert_int_equal(spool_write(b->spool, do_add, &two, &e), ERR_EXISTS);
	assert_non_null(strstr(e.text, "x.example"));
	assert_int_equal(spool_write(b->spool, do_add, &again, &e), ERR_EXISTS);
	READ(b, do_get, &get);
	assert_int_equal(get.code, ERR_NOTFOUND);
	get.name = "y.example"; /* undone with the rest */
	READ(b, do_customer_of, &get);
	assert_int_equal(get.code, ERR_NOTFOUND);
	spool_account_clear(&one.a);
	spool_account_clear(&two.a);
	spool_account_clear(&again.a);
}

struct accounts_job {
	struct spool_account *list;
	size_t n;
};

static enum err_code
do_account_list(struct spool_txn *t, void *arg, struct err *e)
{
	struct accounts_job *j = arg;

	return spool_account_list(t, &j->list, &j->n, e);
}

static void
lists_accounts_by_name(void **state)
{
	static const char *const names[] = {"m", "z", "a"};
	struct box *b = *state;
	struct accounts_job all = {.n = 0};

	for (size_t i = 0; i < 3; i++) {
		char domain[16];
		struct account_job j;

		snprintf(domain, sizeof(domain), "%s.example", names[i]);
		j.a = customer(names[i], domain);
		WRITE(b, do_add, &j);
		spool_account_clear(&j.a);
	}
	READ(b, do_account_list, &all);
	assert_int_equal(all.n, 3);
	assert_string_equal(all.list[0].name, "a");
	assert_string_equal(all.list[2].domains, "z.example");
	for (size_t i = 0; i < all.n; i++)
		spool_account_clear(&all.list[i]);
	free(all.list);
}

static enum err_code
do_login(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = spool_account_login(t, arg, NOW, true, e);

	return rc == OK ? spool_customer_called(t, arg, NOW + 1, "fine", e)
			: rc;
}

static void
remembers_logins(void **state)
{
	struct box *b = *state;
	struct account_job j = {.a = customer("aurora", "a.example")};
	struct account_job got = {.name = "aurora"};
	char name[] = "aurora";

	j.a.next = j.a.verifier;
	j.a.next.salt[0] = 77;
	WRITE(b, do_add, &j);
	WRITE(b, do_login, name);
	READ(b, do_get, &got);
	assert_int_equal(got.a.last_login, NOW);
	assert_int_equal(got.a.verifier.salt[0], 77);
	assert_int_equal(got.a.next.iterations, 0);
	assert_int_equal(got.a.last_call, NOW + 1);
	assert_string_equal(got.a.last_result, "fine");
	spool_account_clear(&got.a);
	spool_account_clear(&j.a);
}

struct waiting_job {
	struct spool_waiting w;
};

static enum err_code
do_waiting(struct spool_txn *t, void *arg, struct err *e)
{
	struct waiting_job *j = arg;

	return spool_customer_waiting(t, "aurora", &j->w, e);
}

static void
a_customer_with_mail_stays(void **state)
{
	struct box *b = *state;
	struct account_job j = {
		.a = customer("aurora", "a.example"), .name = "aurora"};
	struct waiting_job w;

	WRITE(b, do_add, &j);
	put_letter(b, (struct letter){.id = 1,
			      .size = 300,
			      .route = "customer:aurora",
			      .to = {"x@a.example", "y@a.example"}});
	READ(b, do_waiting, &w);
	assert_int_equal(w.w.deliveries, 2);
	assert_int_equal(w.w.bytes, 600);
	WRITE(b, do_delete, &j);
	assert_int_equal(j.code, ERR_BUSY);
	act(b, (struct spool_action){
		       .kind = ACTION_DELETE, .filter = {.id = 1}});
	READ(b, do_waiting, &w);
	assert_int_equal(w.w.deliveries, 0);
	WRITE(b, do_delete, &j);
	assert_int_equal(j.code, OK);
	WRITE(b, do_delete, &j);
	assert_int_equal(j.code, ERR_NOTFOUND);
	spool_account_clear(&j.a);
}

/* --- links, sessions, peers --- */

static enum err_code
do_links(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_link l = {.name = "iridium", .up = true, .since = 5}, got;
	struct spool_peer p = {.name = "shore",
				  .has_fingerprint = true,
				  .fingerprint = {1, 2, 3}},
			  peer;
	enum err_code rc = spool_link_get(t, "iridium", &got, e);

	(void)arg;
	assert_int_equal(rc, ERR_NOTFOUND);
	assert_int_equal(spool_link_put(t, &l, e), OK);
	l.up = false;
	l.dialed = l.stuck = true;
	l.called_at = 4;
	snprintf(l.reason, sizeof(l.reason), "hung up");
	assert_int_equal(spool_link_put(t, &l, e), OK);
	assert_int_equal(spool_link_get(t, "iridium", &got, e), OK);
	assert_memory_equal(&got, &l, sizeof(l));
	assert_int_equal(spool_peer_get(t, "shore", &peer, e), ERR_NOTFOUND);
	assert_int_equal(spool_peer_put(t, &p, e), OK);
	snprintf(p.keywords, sizeof(p.keywords), "PIPELINING\nSIZE 1000");
	assert_int_equal(spool_peer_put(t, &p, e), OK);
	assert_int_equal(spool_peer_get(t, "shore", &peer, e), OK);
	assert_memory_equal(&peer, &p, sizeof(p));
	return OK;
}

static void
links_and_peers(void **state)
{
	struct box *b = *state;

	WRITE(b, do_links, NULL);
}

static enum err_code
do_sessions(struct spool_txn *t, void *arg, struct err *e)
{
	static const char *const links[] = {"vsat", "iridium", "vsat"};
	struct spool_session *list;
	size_t n;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		struct spool_session s = {.started = 100 * i, .cost = 1.25};

		snprintf(s.link, sizeof(s.link), "%s", links[i]);
		assert_int_equal(spool_session_add(t, &s, e), OK);
		assert_int_equal(s.id, i + 1);
	}
	assert_int_equal(spool_session_list(t, NULL, 0, 10, &list, &n, e), OK);
	assert_int_equal(n, 3);
	assert_int_equal(list[0].id, 3);
	assert_true(list[0].cost > 1.24 && list[0].cost < 1.26);
	free(list);
	assert_int_equal(
		spool_session_list(t, "vsat", 0, 10, &list, &n, e), OK);
	assert_int_equal(n, 2);
	free(list);
	assert_int_equal(
		spool_session_list(t, "vsat", 150, 10, &list, &n, e), OK);
	assert_int_equal(n, 1);
	free(list);
	assert_int_equal(spool_session_list(t, NULL, 0, 1, &list, &n, e), OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].id, 3);
	free(list);
	return OK;
}

static void
sessions_newest_first(void **state)
{
	struct box *b = *state;

	WRITE(b, do_sessions, NULL);
}

static void
assert_history(struct spool_txn *t, const struct spool_history_filter *f,
	size_t limit, const char *want)
{
	struct spool_session *list;
	char ids[64] = "";
	struct err e;
	size_t n;

	assert_int_equal(spool_history_list(t, f, limit, &list, &n, &e), OK);
	for (size_t i = 0; i < n; i++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%d ",
			(int)list[i].id);
	assert_string_equal(ids, want);
	free(list);
}

static enum err_code
do_history(struct spool_txn *t, void *arg, struct err *e)
{
	static const char *const links[] = {
		"vsat", "", "iridium", "vsat", "", "vsat"};

	(void)arg;
	for (int i = 0; i < 6; i++) {
		struct spool_session s = {.started = 100 * (i + 1)};

		snprintf(s.link, sizeof(s.link), "%s", links[i]);
		assert_int_equal(spool_session_add(t, &s, e), OK);
	}
#define F(...) (&(struct spool_history_filter){__VA_ARGS__})
	assert_history(t, F(.to = 9999), 10, "1 3 4 6 ");
	assert_history(t, F(.to = 9999), 2, "1 3 ");
	assert_history(t, F(.to = 9999, .after_id = 3), 2, "4 6 ");
	assert_history(t, F(.from = 300, .to = 600), 10, "3 4 ");
	assert_history(t, F(.link = "vsat", .to = 9999), 10, "1 4 6 ");
	assert_history(t, F("vsat", .to = 9999, .after_id = 1), 1, "4 ");
	assert_history(t, F("vsat", .from = 101, .to = 401), 10, "4 ");
	assert_history(t, F("nosuch", .to = 9999), 10, "");
#undef F
	return OK;
}

static void
history_newest_last(void **state)
{
	struct box *b = *state;

	WRITE(b, do_history, NULL);
}

static void
assert_shares(struct spool_txn *t, int64_t session, const char *want)
{
	struct spool_share *list;
	char text[200] = "";
	struct err e;
	size_t n;

	assert_int_equal(spool_share_list(t, session, 10, &list, &n, &e), OK);
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"%s %u %d ", list[i].who, list[i].messages,
			(int)list[i].bytes);
	assert_string_equal(text, want);
	free(list);
}

/* Shares are of their session alone, and go with it. */
static enum err_code
do_shares(struct spool_txn *t, void *arg, struct err *e)
{
	int64_t now = INT64_C(1000) * 86400;

	(void)arg;
	for (int i = 1; i <= 2; i++) {
		struct spool_session s = {
			.link = "vsat", .ended = i == 1 ? 5 : now};
		struct spool_share ann = {
			.who = "ann", .messages = (unsigned)i, .bytes = 100};
		struct spool_share bea = {
			.who = "bea", .messages = 7, .bytes = 9};

		assert_int_equal(spool_session_add(t, &s, e), OK);
		ann.session = bea.session = s.id;
		assert_int_equal(spool_share_add(t, &bea, e), OK);
		assert_int_equal(spool_share_add(t, &ann, e), OK);
		assert_int_equal(spool_share_add(t, &ann, e), ERR_EXISTS);
	}
	assert_shares(t, 1, "ann 1 100 bea 7 9 ");
	assert_shares(t, 2, "ann 2 100 bea 7 9 ");
	assert_shares(t, 3, "");
	assert_int_equal(spool_sweep(t, now, 10, e), OK);
	assert_shares(t, 1, "");
	assert_shares(t, 2, "ann 2 100 bea 7 9 ");
	return OK;
}

static void
shares_of_sessions(void **state)
{
	struct box *b = *state;

	WRITE(b, do_shares, NULL);
}

/* The first ended by a clock that went wrong; the second waits behind it. */
static enum err_code
do_session_ahead(struct spool_txn *t, void *arg, struct err *e)
{
	int64_t now = INT64_C(1000) * 86400, year = INT64_C(401) * 86400;
	struct spool_session *list;
	size_t n;

	(void)arg;
	for (int i = 1; i <= 2; i++) {
		struct spool_session s = {.link = "vsat",
			.ended = i == 1 ? now + 20 * year : now};

		assert_int_equal(spool_session_add(t, &s, e), OK);
	}
	assert_int_equal(spool_sweep(t, now, 10, e), OK);
	assert_int_equal(spool_session_list(t, NULL, 0, 10, &list, &n, e), OK);
	assert_int_equal(n, 2);
	free(list);
	assert_int_equal(spool_sweep(t, now + year, 10, e), OK);
	assert_int_equal(spool_session_list(t, NULL, 0, 10, &list, &n, e), OK);
	assert_int_equal(n, 0);
	free(list);
	return OK;
}

static void
sessions_ahead_do_not_stay(void **state)
{
	struct box *b = *state;

	WRITE(b, do_session_ahead, NULL);
}

/* --- tickets and named values --- */

static void
assert_ticket(struct spool_txn *t, const char *policy, const char *want)
{
	struct buf out;
	struct err e;
	enum err_code rc;

	buf_init(&out, 0);
	rc = spool_ticket_take(t, "shore", policy, &out, &e);
	assert_int_equal(rc, want ? OK : ERR_NOTFOUND);
	if (want)
		assert_true(str_eq(buf_view(&out), str_of(want)));
	buf_free(&out);
}

static enum err_code
do_tickets(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	assert_ticket(t, "p", NULL);
	spool_ticket_put(t, "shore", "p", STR("one"), e);
	spool_ticket_put(t, "shore", "p", STR("two"), e);
	spool_ticket_put(t, "shore", "p", STR("three"), e);
	spool_ticket_put(t, "other", "p", STR("else"), e);
	assert_ticket(t, "p", "three");
	assert_ticket(t, "p", "two"); /* "one" had to go */
	assert_ticket(t, "p", NULL);
	spool_ticket_put(t, "shore", "p", STR("four"), e);
	assert_ticket(t, "q", NULL); /* the policy changed: dropped */
	assert_ticket(t, "p", NULL);
	return OK;
}

static void
tickets_are_used_once(void **state)
{
	struct box *b = *state;

	WRITE(b, do_tickets, NULL);
}

static enum err_code
do_meta(struct spool_txn *t, void *arg, struct err *e)
{
	struct buf out;

	(void)arg;
	buf_init(&out, 0);
	assert_int_equal(spool_meta_get(t, "k", &out, e), ERR_NOTFOUND);
	assert_int_equal(spool_meta_put(t, "k", STR("a\0b"), e), OK);
	assert_int_equal(spool_meta_get(t, "k", &out, e), OK);
	assert_true(str_eq(buf_view(&out), STR("a\0b")));
	buf_clear(&out);
	assert_int_equal(spool_meta_put(t, "k", STR(""), e), OK);
	assert_int_equal(spool_meta_get(t, "k", &out, e), OK);
	assert_int_equal(out.len, 0);
	buf_free(&out);
	return OK;
}

static void
named_values(void **state)
{
	struct box *b = *state;

	WRITE(b, do_meta, NULL);
}

/* --- events --- */

static enum err_code
do_add_events(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	for (int i = 1; i <= 10; i++) {
		struct spool_event ev = {.time = NOW + i,
			.message = i % 2 ? 7 : 0,
			.n = i == 1 ? 2 : 0,
			.session = i > 8 ? 99 : 0,
			.level = LOG_INFO};

		snprintf(ev.event, sizeof(ev.event), "number-%d", i);
		assert_int_equal(spool_event_add(t, &ev, e), OK);
	}
	return OK;
}

static void
assert_events(struct box *b, struct spool_event_filter f, size_t limit,
	size_t n, int64_t first)
{
	struct events_job j = {.filter = f, .limit = limit};

	READ(b, do_events, &j);
	assert_int_equal(j.n, n);
	for (size_t i = 1; i < j.n; i++)
		assert_true(j.list[i].id > j.list[i - 1].id);
	if (n)
		assert_int_equal(j.list[0].id, first);
	free(j.list);
}

static void
events(void **state)
{
	struct box *b = *state;

	WRITE(b, do_add_events, NULL);
	assert_events(b, (struct spool_event_filter){.n = 0}, 100, 10, 1);
	assert_events(b, (struct spool_event_filter){.after_id = 7}, 100, 3, 8);
	assert_events(b, (struct spool_event_filter){.newest = true}, 3, 3, 8);
	assert_events(b, (struct spool_event_filter){.message = 7}, 100, 5, 1);
	assert_events(b, (struct spool_event_filter){.message = 7, .n = 2}, 100,
		1, 1);
	assert_events(b,
		(struct spool_event_filter){.message = 7, .newest = true}, 2, 2,
		7);
	assert_events(b, (struct spool_event_filter){.session = 99}, 100, 2, 9);
}

/* The last time in the spool is a time that has been. */
static void
a_start_raises_the_clock(void **state)
{
	struct box *b = *state;

	WRITE(b, do_add_events, NULL);
	spool_close(b->spool);
	box_open_with(b, true);
	assert_true(clock_floor_s() >= NOW + 10);
}

static enum err_code
do_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_sweep(t, *(int64_t *)arg, 4, e);
}

static void
events_have_bounds(void **state)
{
	struct box *b = *state;
	struct spool_options o = {
		.url = b->url, .events_max = 5, .events_keep_s = 1000};
	int64_t now = NOW + 10;
	struct err e;

	WRITE(b, do_add_events, NULL);
	spool_close(b->spool);
	assert_int_equal(spool_open(&o, &b->spool, &e), OK);
	WRITE(b, do_sweep, &now);
	assert_events(b, (struct spool_event_filter){.n = 0}, 100, 6, 5);
	WRITE(b, do_sweep, &now);
	assert_events(b, (struct spool_event_filter){.n = 0}, 100, 5, 6);
	now = NOW + 8 + 1000; /* older than NOW + 8 goes */
	WRITE(b, do_sweep, &now);
	assert_events(b, (struct spool_event_filter){.n = 0}, 100, 3, 8);
}

/* --- totals and routes --- */

struct stats_job {
	struct spool_stat *stats;
	size_t n;
};

static enum err_code
do_stats(struct spool_txn *t, void *arg, struct err *e)
{
	struct stats_job *j = arg;

	return spool_stats(t, &j->stats, &j->n, e);
}

static void
totals(void **state)
{
	struct box *b = *state;
	struct stats_job j;

	put_letter(b, (struct letter){.id = 1,
			      .route = "a",
			      .size = 10,
			      .queued_at = 50,
			      .to = {"a@x", "b@x"}});
	put_letter(b, (struct letter){
			      .id = 2, .route = "a", .size = 7, .held = true});
	put_letter(b, (struct letter){.id = 3, .route = "b", .size = 5});
	READ(b, do_stats, &j);
	assert_int_equal(j.n, 3);
	assert_string_equal(j.stats[0].route, "a");
	assert_int_equal(j.stats[0].state, SPOOL_READY);
	assert_int_equal(j.stats[0].deliveries, 2);
	assert_int_equal(j.stats[0].bytes, 20);
	assert_int_equal(j.stats[0].oldest, 50);
	assert_int_equal(j.stats[1].state, SPOOL_HELD);
	assert_int_equal(j.stats[2].bytes, 5);
	free(j.stats);
}

struct due_job {
	const char *route;
	int64_t due;
};

static enum err_code
do_due(struct spool_txn *t, void *arg, struct err *e)
{
	struct due_job *j = arg;

	return spool_route_due(t, j->route, NULL, NOW, &j->due, e);
}

static int64_t
due(struct box *b, const char *route)
{
	struct due_job j = {.route = route};

	READ(b, do_due, &j);
	return j.due;
}

static void
when_a_route_is_due(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.owner = 2}};

	assert_int_equal(due(b, "*"), -1);
	put_letter(b, (struct letter){.id = 1});
	assert_int_equal(due(b, "*"), 0);
	assert_int_equal(claim(b, &j), 1);
	spool_claimed_clear(&j.got);
	assert_int_equal(due(b, "*"), -1);
	outcome(b, (struct spool_outcome){.message = 1,
			   .owner = 2,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 60});
	assert_int_equal(due(b, "*"), NOW + 60);
	put_letter(b, (struct letter){.id = 2, .held = true});
	assert_int_equal(due(b, "*"), NOW + 60);
	act(b, (struct spool_action){
		       .kind = ACTION_RETRY, .filter = {.id = 1}});
	assert_int_equal(due(b, "*"), 0);
}

/* --- re-routing --- */

struct reroute_job {
	int64_t generation;
	const char *to; /* NULL: no route */
	size_t n, busy;
};

static bool
fixed_route(
	void *arg, const struct mailbox *m, char route_r[SPOOL_NAME_MAX + 1])
{
	struct reroute_job *j = arg;

	assert_int_equal(m->local_n, 4); /* rcpt@example.org */
	if (j->to)
		snprintf(route_r, SPOOL_NAME_MAX + 1, "%s", j->to);
	return j->to != NULL;
}

static enum err_code
do_reroute(struct spool_txn *t, void *arg, struct err *e)
{
	struct reroute_job *j = arg;

	return spool_reroute(
		t, j->generation, 1, 2, fixed_route, j, &j->n, &j->busy, e);
}

static void
stale_routes_are_renewed(void **state)
{
	struct box *b = *state;
	struct reroute_job j = {.generation = 5, .to = "new"};
	struct spool_row row;

	for (int64_t id = 1; id <= 3; id++)
		put_letter(b, (struct letter){.id = id, .generation = 4});
	put_letter(b, (struct letter){.id = 4, .generation = 5});
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 2);
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 1);
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 0);
	assert_int_equal(count(b, (struct spool_filter){.route = "new"}), 3);
	j = (struct reroute_job){.generation = 6};
	WRITE(b, do_reroute, &j);
	assert_true(row_of(b, 4, 1, &row) || row_of(b, 1, 1, &row));
	assert_int_equal(count(b, (struct spool_filter){.has_state = true,
					  .state = SPOOL_HELD}),
		2);
	j = (struct reroute_job){.generation = 7, .to = "back"};
	WRITE(b, do_reroute, &j);
	WRITE(b, do_reroute, &j);
	assert_int_equal(count(b, (struct spool_filter){.has_state = true,
					  .state = SPOOL_HELD}),
		0);
	assert_sound(b);
}

/* Under way or kept when the route went: held as soon as it waits again. */
static void
no_route_meanwhile(void **state)
{
	struct box *b = *state;
	struct reroute_job j = {.generation = 5};

	put_letter(b, (struct letter){.id = 1, .generation = 4});
	put_letter(b, (struct letter){.id = 2, .generation = 4});
	act(b, (struct spool_action){.kind = ACTION_HOLD, .filter = {.id = 2}});
	assert_int_equal(claim_simple(b, 1), 1);
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 1);
	assert_int_equal(j.busy, 1);
	assert_int_equal(state_of(b, 1, 1), SPOOL_ACTIVE);
	outcome(b,
		(struct spool_outcome){.message = 1, .kind = OUTCOME_RELEASED});
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 1);
	assert_int_equal(j.busy, 0);
	assert_int_equal(state_of(b, 1, 1), SPOOL_HELD);
	act(b, (struct spool_action){
		       .kind = ACTION_RELEASE, .filter = {.id = 2}});
	assert_int_equal(state_of(b, 2, 1), SPOOL_READY);
	WRITE(b, do_reroute, &j);
	assert_int_equal(j.n, 1);
	assert_int_equal(state_of(b, 2, 1), SPOOL_HELD);
	assert_sound(b);
}

static enum err_code
do_claim_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct list_job *j = arg;

	return spool_claim_rows(
		t, 50, &j->filter, j->limit, &j->rows, &j->n, e);
}

static void
claims_by_name(void **state)
{
	struct box *b = *state;
	struct list_job j = {.limit = 2};
	struct owner_job o = {.owner = 50};

	put_letter(b, (struct letter){.id = 1});
	put_letter(b, (struct letter){.id = 2, .held = true});
	put_letter(b, (struct letter){.id = 3});
	assert_int_equal(claim_simple(b, 1), 1);
	WRITE(b, do_claim_rows, &j);
	assert_int_equal(j.n, 2);
	assert_int_equal(j.rows[0].d.message, 2);
	assert_int_equal(j.rows[1].d.owner, 50);
	free(j.rows);
	WRITE(b, do_claim_rows, &j);
	assert_int_equal(j.n, 0);
	free(j.rows);
	WRITE(b, do_release_owner, &o);
	assert_int_equal(o.n, 2);
	assert_int_equal(state_of(b, 2, 1), SPOOL_HELD);
	assert_int_equal(state_of(b, 3, 1), SPOOL_READY);
	assert_sound(b);
}

/* --- batches --- */

struct ledger_job {
	const char *id;
	bool has;
	enum err_code code;
};

static enum err_code
do_ledger_add(struct spool_txn *t, void *arg, struct err *e)
{
	struct ledger_job *j = arg;

	j->code = spool_ledger_add(t, j->id, e);
	return OK;
}

static enum err_code
do_ledger_has(struct spool_txn *t, void *arg, struct err *e)
{
	struct ledger_job *j = arg;

	return spool_ledger_has(t, j->id, &j->has, e);
}

static enum err_code
do_ledger_fill(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = OK;
	char id[20];

	(void)arg;
	for (int i = 0; i < SPOOL_LEDGER_MAX && rc == OK; i++) {
		snprintf(id, sizeof(id), "f.%d", i);
		rc = spool_ledger_add(t, id, e);
	}
	return rc;
}

static void
batches_are_known(void **state)
{
	struct box *b = *state;
	struct ledger_job j = {.id = "n.1.4711.1"};
	char long_id[SPOOL_LEDGER_ID_MAX + 2];

	READ(b, do_ledger_has, &j);
	assert_false(j.has);
	WRITE(b, do_ledger_add, &j);
	assert_int_equal(j.code, OK);
	WRITE(b, do_ledger_add, &j);
	assert_int_equal(j.code, ERR_EXISTS);
	READ(b, do_ledger_has, &j);
	assert_true(j.has);
	/* the oldest makes room */
	WRITE(b, do_ledger_fill, NULL);
	READ(b, do_ledger_has, &j);
	assert_false(j.has);
	j.id = "f.0";
	READ(b, do_ledger_has, &j);
	assert_true(j.has);
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	j.id = long_id;
	WRITE(b, do_ledger_add, &j);
	assert_int_equal(j.code, ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(accounts),
		ON_BOTH(a_domain_has_one_customer),
		ON_BOTH(lists_accounts_by_name),
		ON_BOTH(remembers_logins),
		ON_BOTH(a_customer_with_mail_stays),
		ON_BOTH(links_and_peers),
		ON_BOTH(sessions_newest_first),
		ON_BOTH(history_newest_last),
		ON_BOTH(shares_of_sessions),
		ON_BOTH(sessions_ahead_do_not_stay),
		ON_BOTH(tickets_are_used_once),
		ON_BOTH(named_values),
		ON_BOTH(events),
		ON_BOTH(a_start_raises_the_clock),
		ON_BOTH(events_have_bounds),
		ON_BOTH(totals),
		ON_BOTH(when_a_route_is_due),
		ON_BOTH(stale_routes_are_renewed),
		ON_BOTH(no_route_meanwhile),
		ON_BOTH(claims_by_name),
		ON_BOTH(batches_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
