/* The life of messages and deliveries, on every engine. */
#include "tests/contract/contract.h"

/* --- storing and looking --- */

struct body_job {
	int64_t id;
	uint64_t offset;
	size_t size, n;
	char octets[200000];
};

static enum err_code
do_body_read(struct spool_txn *t, void *arg, struct err *e)
{
	struct body_job *j = arg;

	return spool_body_read(
		t, j->id, j->offset, j->octets, j->size, &j->n, e);
}

static void
assert_body(struct box *b, int64_t id, size_t size)
{
	static struct body_job j;
	static const struct {
		uint64_t offset;
		size_t size;
	} reads[] = {{0, 200000}, {0, 1}, {1, 65535}, {65535, 2},
		{65536, 65536}, {100, 150000}, {131072, 65536}};

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		size_t want = reads[i].offset < size
				      ? size - (size_t)reads[i].offset
				      : 0;

		want = want < reads[i].size ? want : reads[i].size;
		j.id = id;
		j.offset = reads[i].offset;
		j.size = reads[i].size;
		READ(b, do_body_read, &j);
		assert_int_equal(j.n, want);
		for (size_t k = 0; k < want; k++)
			assert_int_equal(j.octets[k],
				letter_octet(id, reads[i].offset + k));
	}
}

struct message_job {
	int64_t id;
	struct spool_message m;
	enum err_code code;
};

static enum err_code
do_message_get(struct spool_txn *t, void *arg, struct err *e)
{
	struct message_job *j = arg;

	j->code = spool_message_get(t, j->id, &j->m, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

static void
stores_a_message(void **state)
{
	struct box *b = *state;
	struct message_job j = {.id = 0};
	struct spool_row row;

	j.id = put_letter(b, (struct letter){.to = {"a@x.org", "b@y.org"},
				     .size = 150000,
				     .priority = 4});
	READ(b, do_message_get, &j);
	assert_int_equal(j.code, OK);
	assert_string_equal(j.m.sender, "sender@example.org");
	assert_int_equal(j.m.size, 150000);
	assert_int_equal(j.m.priority, 4);
	assert_body(b, j.id, 150000);
	assert_true(row_of(b, j.id, 2, &row));
	assert_string_equal(row.d.recipient, "b@y.org");
	assert_int_equal(row.d.state, SPOOL_READY);
	assert_int_equal(row.size, 150000);
	assert_string_equal(row.sender, "sender@example.org");
	assert_int_equal(count(b, (struct spool_filter){.id = j.id}), 2);
	assert_sound(b);
}

static enum err_code
add_full_message(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_message_add(t, arg,
		&(struct spool_delivery){.recipient = "a@x.org",
			.params = {.notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
				.orcpt = "rfc822;a+40x.org"},
			.route = "r",
			.reason = REASON_RETRY_WAIT,
			.reason_arg = "x",
			.queued_at = 5,
			.route_generation = 9},
		1, e);
}

static void
keeps_every_field(void **state)
{
	struct box *b = *state;
	struct message_job j = {.id = 77};
	struct spool_message m = {.id = 77,
		.sender = "",
		.received_at = 1,
		.received_from = "mx [192.0.2.1]",
		.account = "jane",
		.has_8bit = true,
		.priority = -9,
		.is_notice = true,
		.deliver_by = 4,
		.params = {.has_size = true,
			.size_bytes = 1 << 20,
			.body = BODY_8BITMIME,
			.smtputf8 = true,
			.requiretls = true,
			.ret = RET_HDRS,
			.envid = "QQ+2B",
			.has_auth = true,
			.auth = "<>",
			.has_priority = true,
			.priority = -3,
			.has_deliver_by = true,
			.deliver_by_s = -20,
			.deliver_by_mode = 'R',
			.deliver_by_trace = true,
			.hold_for_s = 60,
			.hold_until = "2026-01-01T00:00:00Z"}};
	struct spool_row row;

	WRITE(b, add_full_message, &m);
	READ(b, do_message_get, &j);
	assert_memory_equal(&j.m, &m, sizeof(m));
	assert_true(row_of(b, 77, 1, &row));
	assert_int_equal(row.d.params.notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_string_equal(row.d.params.orcpt, "rfc822;a+40x.org");
	assert_int_equal(row.d.reason, REASON_RETRY_WAIT);
	assert_int_equal(row.d.route_generation, 9);
	assert_int_equal(row.d.queued_at, 5);
}

static void
refuses_a_second_of_the_same_id(void **state)
{
	struct box *b = *state;
	struct letter l = {.id = 5, .no_body = true};
	struct letter again = {.id = 5};
	struct err e;

	again.id = put_letter(b, (struct letter){.id = 5});
	assert_int_equal(
		spool_write(b->spool, add_letter, &again, &e), ERR_EXISTS);
	assert_int_equal(spool_write(b->spool, add_letter, &l, &e), ERR_EXISTS);
	l.id = 6; /* announced octets that are not there */
	assert_int_equal(
		spool_write(b->spool, add_letter, &l, &e), ERR_INVALID);
	assert_sound(b);
}

struct piece_job {
	int64_t id;
	size_t at, n;
};

static enum err_code
do_piece(struct spool_txn *t, void *arg, struct err *e)
{
	struct piece_job *j = arg;
	char octets[100000];

	for (size_t i = 0; i < j->n; i++)
		octets[i] = letter_octet(j->id, j->at + i);
	return spool_body_append(t, j->id, (struct str){octets, j->n}, e);
}

static void
takes_bodies_in_odd_pieces(void **state)
{
	static const size_t sizes[] = {
		1, 65535, 3, 65536, 100000, 7, 50000, 65530};
	struct box *b = *state;
	struct piece_job p = {.id = spool_new_id(b->spool)};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p.n = sizes[i];
		WRITE(b, do_piece, &p);
		p.at += p.n;
	}
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), 0);
	put_letter(
		b, (struct letter){.id = p.id, .size = p.at, .no_body = true});
	assert_body(b, p.id, p.at);
	assert_sound(b);
}

static void
gives_ids_once(void **state)
{
	struct box *b = *state;
	int64_t first = spool_new_id(b->spool), id;

	assert_int_equal(spool_new_id(b->spool), first + 1);
	id = put_letter(b, (struct letter){.id = 0});
	assert_int_equal(id, first + 2);
	outcome(b, (struct spool_outcome){.message = claim_simple(b, 1)});
	spool_close(b->spool);
	box_open_with(b, true);
	assert_int_equal(spool_new_id(b->spool), id + 1);
}

/* --- claiming --- */

static void
claims_urgent_then_small_then_old(void **state)
{
	static const struct letter letters[] = {
		{.id = 1, .size = 500},
		{.id = 2, .size = 200},
		{.id = 3, .size = 200},
		{.id = 4, .size = 9000, .priority = 4},
		{.id = 5, .size = 10, .priority = -5},
		{.id = 6, .size = 5, .route = "other"},
		{.id = 7, .size = 5, .held = true},
	};
	static const int64_t order[] = {4, 2, 3, 1, 5, 0, 0};
	struct box *b = *state;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(claim_simple(b, i + 1), order[i]);
	assert_int_equal(state_of(b, 4, 1), SPOOL_ACTIVE);
	assert_sound(b);
}

/* Rank (priority with age), size class, turn, size, age of the id. */
static void
claims_in_the_order_it_was_given(void **state)
{
	static const struct letter letters[] = {
		{.id = 1, .priority = 5, .size = 900, .order = {9999, 6, 9}},
		{.id = 2, .priority = 4, .size = 100, .order = {0, 0, 0}},
		{.id = 3, .priority = 0, .size = 100, .order = {10, 0, 7}},
		/* three steps of priority less, and three steps older */
		{.id = 4, .priority = -3, .size = 90, .order = {7, 1, 0}},
		{.id = 5, .priority = 0, .size = 80, .order = {10, 1, 3}},
		{.id = 6, .priority = 0, .size = 70, .order = {10, 1, 3}},
		{.id = 7, .priority = 0, .size = 70, .order = {10, 1, 3}},
		{.id = 8, .priority = 3, .size = 10, .order = {14, 0, 0}},
	};
	static const int64_t order[] = {1, 2, 3, 4, 6, 7, 5, 8, 0};
	struct box *b = *state;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(claim_simple(b, i + 1), order[i]);
}

/* Above urgent nothing ages, below it age counts again. */
static void
another_priority_is_another_place(void **state)
{
	static const struct {
		int priority;
		int64_t first;
	} rows[] = {{9, 2}, {4, 2}, {3, 1}, {1, 1}, {0, 1}, {4, 2}};
	struct box *b = *state;

	put_letter(b, (struct letter){.id = 1, .order = {.age = 5}});
	put_letter(b, (struct letter){.id = 2, .order = {.age = 9}});
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct owner_job o = {.owner = 7};

		act(b, (struct spool_action){.kind = ACTION_PRIORITY,
			       .filter = {.id = 2},
			       .priority = rows[i].priority,
			       .now = NOW});
		assert_int_equal(claim_simple(b, 7), rows[i].first);
		WRITE(b, do_release_owner, &o);
	}
}

/* Borders at 1000, 2000, ... */
static int
test_size_class(uint64_t size)
{
	return (int)(size / 1000);
}

/* In a size class the turn goes before the size; the limit lies in one. */
static void
leaves_what_is_too_large_in_any_class(void **state)
{
	static const struct letter letters[] = {
		{.id = 1, .size = 1500, .order = {0, 1, 0}},
		{.id = 2, .size = 1200, .order = {0, 1, 0}},
		{.id = 3, .size = 1100, .order = {0, 1, 4}},
		{.id = 4, .size = 1000, .order = {0, 1, 5}},
		{.id = 5, .size = 900, .order = {0, 0, 9}},
		{.id = 6, .size = 2500, .order = {0, 2, 0}},
		{.id = 7, .size = 1050, .order = {1, 1, 2}},
		{.id = 8, .size = 9000, .order = {2, 3, 0}},
		{.id = 9, .size = 1000, .order = {3, 1, 0}, .has_8bit = true},
	};
	static const int64_t order[] = {5, 3, 4, 7, 9, 0};
	struct box *b = *state;
	struct claim_job j = {
		.claim = {.max_size = 1100, .size_class = test_size_class}};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(claim(b, &j), order[i]);
	j.claim = (struct spool_claim){.owner = 1, .max_size = 0};
	assert_int_equal(claim(b, &j), 2);
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(claim(b, &j), 6);
	assert_int_equal(claim(b, &j), 8);
	spool_claimed_clear(&j.got);
}

struct turns_job {
	const char *route, *sender;
	int64_t rank;
	int size_class;
	int64_t last, lowest;
};

static enum err_code
do_turns(struct spool_txn *t, void *arg, struct err *e)
{
	struct turns_job *j = arg;

	return spool_turns_get(t, j->route, j->sender, j->rank, j->size_class,
		&j->last, &j->lowest, e);
}

static void
tells_the_turns_that_wait(void **state)
{
	static const struct letter letters[] = {
		{.sender = "ann@x", .order = {5, 0, 3}},
		{.sender = "ann@x", .order = {5, 1, 8}, .has_8bit = true},
		{.sender = "ben@x", .order = {5, 0, 2}, .smtputf8 = true},
		{.sender = "cat@x", .order = {5, 0, 1}, .held = true},
		{.sender = "cat@x", .order = {6, 0, 1}},
		{.sender = "cat@x", .order = {5, 0, 0}, .route = "other"},
	};
	static const struct turns_job jobs[] = {
		{"*", "ann@x", 14, 0, 8, 0},
		{"*", "ben@x", 14, 0, 2, 0},
		{"*", "cat@x", 14, 0, -1, 2},
		{"*", "cat@x", 14, 1, -1, 8},
		{"*", "cat@x", 14, 2, -1, 0},
		{"*", "cat@x", 15, 0, 1, 0},
		{"none", "cat@x", 14, 0, -1, 0},
	};
	struct box *b = *state;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		struct turns_job j = jobs[i];

		READ(b, do_turns, &j);
		assert_int_equal(j.last, jobs[i].last);
		assert_int_equal(j.lowest, jobs[i].lowest);
	}
}

/* --- bound to links --- */

static void
leaves_what_the_link_may_not_carry(void **state)
{
	static const struct letter letters[] = {
		{.id = 1, .links = "harbour"},
		{.id = 2, .links = "harbour\nvsat", .to = {"a@x", "b@x"}},
		{.id = 3},
		{.id = 4, .links = "zero", .priority = 9},
	};
	static const struct {
		const char *link;
		bool free;
		int64_t order[5];
	} rows[] = {
		{"harbour", false, {1, 2, 3, 0}},
		{"vsat", false, {2, 3, 0}},
		{"harb", false, {3, 0}},
		{"", false, {3, 0}},
		{NULL, false, {3, 0}},
		{"zero", false, {4, 3, 0}},
		{NULL, true, {4, 1, 2, 3, 0}},
	};
	struct box *b = *state;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct owner_job o = {.owner = 1};
		struct claim_job j = {.claim = {.bound = !rows[i].free,
					      .link = rows[i].link}};

		for (size_t k = 0; k < 4 && (!k || rows[i].order[k - 1]); k++)
			assert_int_equal(claim(b, &j), rows[i].order[k]);
		spool_claimed_clear(&j.got);
		WRITE(b, do_release_owner, &o);
	}
}

struct due_job {
	struct spool_carrier by;
	int64_t due;
};

static enum err_code
do_due_by(struct spool_txn *t, void *arg, struct err *e)
{
	struct due_job *j = arg;

	return spool_route_due(t, "*", &j->by, NOW, &j->due, e);
}

static int64_t
due_by(struct box *b, const char *link)
{
	struct due_job j = {.by = {true, link}};

	READ(b, do_due_by, &j);
	return j.due;
}

/* A link is not used for what it may not carry. */
static void
is_due_only_by_its_links(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.owner = 1}};

	put_letter(b, (struct letter){.id = 1, .links = "harbour"});
	assert_int_equal(due_by(b, "iridium"), -1);
	assert_int_equal(due_by(b, NULL), -1);
	assert_int_equal(due_by(b, "harbour"), 0);
	assert_int_equal(claim(b, &j), 1);
	outcome(b, (struct spool_outcome){.message = 1,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 50});
	put_letter(b, (struct letter){.id = 2});
	assert_int_equal(due_by(b, "iridium"), 0);
	assert_int_equal(claim(b, &j), 2);
	outcome(b, (struct spool_outcome){.message = 2,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 90});
	assert_int_equal(due_by(b, "iridium"), NOW + 90);
	assert_int_equal(due_by(b, "harbour"), NOW + 50);
	spool_claimed_clear(&j.got);
}

static enum err_code
do_link_put(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_link_put(t, arg, e);
}

static void
says_which_link_it_waits_for(void **state)
{
	struct box *b = *state;
	struct spool_link vsat = {.name = "vsat", .up = true};
	struct spool_row row;
	char text[SPOOL_TEXT_MAX];

	put_letter(b, (struct letter){.id = 1, .links = "harbour\nvsat"});
	put_letter(b, (struct letter){.id = 2});
	assert_true(row_of(b, 1, 1, &row));
	spool_reason_text(row.reason, row.reason_arg, 0, text, sizeof(text));
	assert_string_equal(text, "waits for link harbour or vsat");
	assert_int_equal(count(b, (struct spool_filter){.has_reason = true,
					  .reason = REASON_LINK_DOWN}),
		1);
	WRITE(b, do_link_put, &vsat);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.reason, REASON_NONE);
	vsat.disabled = true;
	WRITE(b, do_link_put, &vsat);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.reason, REASON_LINK_DOWN);
}

/* The order holds across routes and what messages need. */
static void
merges_routes_in_order(void **state)
{
	static const char *const routes[] = {"one", "two"};
	static const struct letter letters[] = {
		{.id = 1, .size = 300, .route = "one"},
		{.id = 2, .size = 200, .route = "two"},
		{.id = 3, .size = 250, .route = "one", .has_8bit = true},
		{.id = 4, .size = 200, .route = "one", .smtputf8 = true},
		{.id = 5, .size = 999, .route = "two", .priority = 1},
	};
	static const int64_t order[] = {5, 2, 4, 3, 1, 0};
	struct box *b = *state;
	struct claim_job j = {.claim = {.routes = routes, .routes_n = 2}};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put_letter(b, letters[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(claim(b, &j), order[i]);
}

static void
claims_all_recipients_of_its_routes(void **state)
{
	static const char *const routes[] = {"one", "two"};
	struct box *b = *state;
	struct claim_job j = {.claim = {.owner = 9,
				      .routes = routes,
				      .routes_n = 2,
				      .max_recipients = 2,
				      .link = "vsat"}};
	int64_t id;

	id = put_letter(b,
		(struct letter){.route = "one", .to = {"a@x", "b@x", "c@x"}});
	put_letter(b, (struct letter){.route = "two", .size = 2000});
	assert_int_equal(claim(b, &j), id);
	assert_int_equal(j.got.n, 2);
	assert_int_equal(j.got.deliveries[1].n, 2);
	assert_int_equal(j.got.deliveries[0].owner, 9);
	assert_string_equal(j.got.deliveries[0].link, "vsat");
	assert_int_equal(claim(b, &j), id);
	assert_int_equal(j.got.n, 1);
	assert_int_equal(j.got.deliveries[0].n, 3);
	assert_int_equal(claim(b, &j), id + 1);
	assert_int_equal(claim(b, &j), 0);
}

/* RFC 3461 5.2.7.1: a transaction of its own, without what was asked. */
static void
claims_what_a_list_sends_on_alone(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.owner = 9}};
	struct spool_row row;
	int64_t id = put_letter(
		b, (struct letter){.to = {"a@x", "b@x", "c@x", "j\xc3\xbc@x"},
			   .owner_of_second = "owner-list@x"});

	assert_int_equal(claim(b, &j), id);
	assert_int_equal(j.got.n, 2);
	assert_string_equal(j.got.deliveries[1].recipient, "c@x");
	assert_string_equal(j.got.message.sender, "sender@example.org");
	assert_string_equal(j.got.message.params.envid, "E1");
	assert_false(j.got.message.params.smtputf8);
	assert_int_equal(claim(b, &j), id);
	assert_int_equal(j.got.n, 1);
	assert_string_equal(j.got.deliveries[0].recipient, "b@x");
	assert_string_equal(j.got.deliveries[0].alias, "list@x");
	assert_string_equal(j.got.message.sender, "owner-list@x");
	assert_string_equal(j.got.message.params.envid, "");
	assert_int_equal(j.got.message.params.ret, RET_NONE);
	assert_true(j.got.message.vouched);
	assert_int_equal(claim(b, &j), id);
	assert_int_equal(j.got.n, 1);
	assert_true(j.got.message.params.smtputf8);
	assert_int_equal(claim(b, &j), 0);
	assert_true(row_of(b, id, 2, &row));
	assert_string_equal(row.sender, "owner-list@x");
}

static void
leaves_what_the_session_cannot_take(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.max_size = 1000,
				      .no_8bit = true,
				      .no_smtputf8 = true,
				      .no_binary = true,
				      .peer = "shore"}};
	struct spool_row row;
	char text[SPOOL_TEXT_MAX];

	put_letter(b, (struct letter){.id = 1, .size = 5000, .priority = 9});
	put_letter(b, (struct letter){.id = 2, .has_8bit = true});
	put_letter(b, (struct letter){.id = 3, .smtputf8 = true});
	put_letter(b, (struct letter){.id = 4, .size = 1000, .priority = -4});
	put_letter(
		b, (struct letter){.id = 5, .binary = true, .has_8bit = true});
	assert_int_equal(claim(b, &j), 4);
	assert_int_equal(claim(b, &j), 0);
	assert_true(row_of(b, 5, 1, &row));
	assert_int_equal(row.reason, REASON_NO_8BITMIME);
	spool_reason_text(row.reason, row.reason_arg, 0, text, sizeof(text));
	assert_string_equal(
		text, "needs a peer that takes binary mail, unlike shore");
	assert_true(row_of(b, 2, 1, &row));
	assert_int_equal(row.reason, REASON_NO_8BITMIME);
	assert_string_equal(row.reason_arg, "shore");
	assert_true(row_of(b, 3, 1, &row));
	assert_int_equal(row.reason, REASON_NO_SMTPUTF8);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.reason, REASON_NONE);
	j.claim.no_8bit = false;
	assert_int_equal(claim(b, &j), 2);
	/* who takes binary mail need not say 8BITMIME as well */
	j.claim.no_8bit = true;
	j.claim.no_binary = false;
	assert_int_equal(claim(b, &j), 5);
	j.claim = (struct spool_claim){.owner = 1};
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(claim(b, &j), 3);
	assert_true(row_of(b, 3, 1, &row));
	assert_int_equal(row.reason, REASON_NONE);
	spool_claimed_clear(&j.got);
}

/* Route by route: what the caller can make something of, or returns. */
static void
takes_what_the_session_changes(void **state)
{
	static const char *const routes[] = {"one", "two"};
	static const struct spool_takes takes[] = {
		{.eight_bit = true, .binary = true}, {.smtputf8 = true}};
	struct box *b = *state;
	struct claim_job j = {.claim = {.routes = routes,
				      .routes_n = 2,
				      .no_8bit = true,
				      .no_smtputf8 = true,
				      .no_binary = true,
				      .takes = takes,
				      .peer = "shore"}};
	struct spool_row row;

	for (int64_t i = 0; i < 2; i++) {
		const char *route = routes[i];

		put_letter(b, (struct letter){.id = 10 * i + 1,
				      .route = route,
				      .has_8bit = true});
		put_letter(b, (struct letter){.id = 10 * i + 2,
				      .route = route,
				      .smtputf8 = true});
		put_letter(b, (struct letter){.id = 10 * i + 3,
				      .route = route,
				      .binary = true,
				      .has_8bit = true});
	}
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(claim(b, &j), 3);
	assert_int_equal(claim(b, &j), 12);
	assert_int_equal(claim(b, &j), 0);
	assert_true(row_of(b, 2, 1, &row));
	assert_int_equal(row.reason, REASON_NO_SMTPUTF8);
	assert_true(row_of(b, 11, 1, &row));
	assert_int_equal(row.reason, REASON_NO_8BITMIME);
	spool_claimed_clear(&j.got);
}

static void
claims_by_domain(void **state)
{
	static const char *const routes[] = {"customer:aurora"};
	static const char *const domains[] = {"B.example", "c.example"};
	struct box *b = *state;
	struct claim_job j = {.claim = {.routes = routes,
				      .routes_n = 1,
				      .domains = domains,
				      .domains_n = 2}};

	put_letter(b, (struct letter){.id = 1,
			      .route = routes[0],
			      .to = {"x@a.example", "x@b.EXAMPLE"}});
	put_letter(
		b, (struct letter){
			   .id = 2, .route = routes[0], .to = {"x@c.example"}});
	put_letter(
		b, (struct letter){
			   .id = 3, .route = routes[0], .to = {"x@a.example"}});
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(j.got.n, 1);
	assert_int_equal(j.got.deliveries[0].n, 2);
	assert_int_equal(claim(b, &j), 2);
	assert_int_equal(claim(b, &j), 0);
	j.claim.domains = NULL;
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(j.got.deliveries[0].n, 1);
	spool_claimed_clear(&j.got);
}

static void
claims_deferred_when_their_time_comes(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.now = NOW + 99}};
	int64_t id = put_letter(b, (struct letter){.id = 0});

	assert_int_equal(claim_simple(b, 1), id);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 100});
	assert_int_equal(claim(b, &j), 0);
	j.claim.now = NOW + 100;
	assert_int_equal(claim(b, &j), id);
	spool_claimed_clear(&j.got);
	assert_sound(b);
}

/* --- outcomes --- */

static void
delivered_is_gone(void **state)
{
	struct box *b = *state;
	struct message_job m = {.id = 0};
	static struct body_job body;

	m.id = put_letter(b, (struct letter){.to = {"a@x", "b@x"}});
	claim_simple(b, 1);
	assert_int_equal(
		outcome(b, (struct spool_outcome){.message = m.id}), OK);
	READ(b, do_message_get, &m);
	assert_int_equal(m.code, OK);
	assert_int_equal(outcome(b, (struct spool_outcome){.message = m.id,
					    .n = 2,
					    .kind = OUTCOME_FAILED,
					    .text = "550 no"}),
		OK);
	READ(b, do_message_get, &m);
	assert_int_equal(m.code, ERR_NOTFOUND);
	body.id = m.id;
	body.size = 10;
	READ(b, do_body_read, &body);
	assert_int_equal(body.n, 0);
	assert_int_equal(count_events(b, m.id, "delivered"), 1);
	assert_int_equal(count_events(b, m.id, "failed"), 1);
	assert_sound(b);
}

static void
only_the_owner_decides(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.id = 0});

	assert_int_equal(outcome(b, (struct spool_outcome){.message = id}),
		ERR_NOTFOUND);
	claim_simple(b, 7);
	assert_int_equal(
		outcome(b, (struct spool_outcome){.message = id, .owner = 8}),
		ERR_NOTFOUND);
	assert_int_equal(state_of(b, id, 1), SPOOL_ACTIVE);
	assert_int_equal(
		outcome(b, (struct spool_outcome){.message = id, .owner = 7}),
		OK);
	assert_int_equal(
		outcome(b, (struct spool_outcome){.message = id, .owner = 7}),
		ERR_NOTFOUND);
}

static void
deferred_counts_attempts_and_days(void **state)
{
	static const struct {
		int64_t now;
		unsigned days;
	} tries[] = {{86400 * 20, 1}, {86400 * 20 + 3600, 1},
		{86400 * 21 - 1, 1}, {86400 * 21, 2}, {86400 * 40, 3}};
	struct box *b = *state;
	struct spool_row row;
	int64_t id = put_letter(b, (struct letter){.id = 0});
	struct claim_job j = {.claim = {.owner = 1}};

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		j.claim.now = tries[i].now;
		assert_int_equal(claim(b, &j), id);
		outcome(b, (struct spool_outcome){.message = id,
				   .kind = OUTCOME_DEFERRED,
				   .now = tries[i].now,
				   .next_attempt = tries[i].now + 1,
				   .reason = REASON_PEER_4XX,
				   .text = "451 later"});
		assert_true(row_of(b, id, 1, &row));
		assert_int_equal(row.d.attempts, i + 1);
		assert_int_equal(row.d.days_attempted, tries[i].days);
		assert_int_equal(row.d.last_attempt, tries[i].now);
		assert_int_equal(row.d.state, SPOOL_DEFERRED);
		assert_int_equal(row.reason, REASON_PEER_4XX);
		assert_string_equal(row.reason_arg, "451 later");
	}
	spool_claimed_clear(&j.got);
}

static void
released_is_as_before(void **state)
{
	struct box *b = *state;
	struct spool_row row;
	int64_t id = put_letter(b, (struct letter){.id = 0});
	struct claim_job j = {.claim = {.now = NOW + 10}};

	claim_simple(b, 1);
	outcome(b, (struct spool_outcome){
			   .message = id, .kind = OUTCOME_RELEASED});
	assert_int_equal(state_of(b, id, 1), SPOOL_READY);
	claim_simple(b, 1);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 10,
			   .reason = REASON_RETRY_WAIT,
			   .text = "451 x"});
	assert_int_equal(claim(b, &j), id);
	spool_claimed_clear(&j.got);
	outcome(b, (struct spool_outcome){
			   .message = id, .kind = OUTCOME_RELEASED});
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_DEFERRED);
	assert_int_equal(row.d.attempts, 1);
	assert_string_equal(row.reason_arg, "451 x");
	assert_int_equal(row.d.owner, 0);
	assert_int_equal(claim(b, &j), id);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_HELD,
			   .reason = REASON_RULE_HOLD,
			   .text = "a notice that cannot be delivered"});
	assert_true(row_of(b, id, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.d.next_attempt, 0); /* not that of before */
	spool_claimed_clear(&j.got);
	assert_sound(b);
}

static void
a_session_ends(void **state)
{
	struct box *b = *state;
	struct owner_job o = {.owner = 3};

	put_letter(b, (struct letter){.id = 1, .to = {"a@x", "b@x"}});
	put_letter(b, (struct letter){.id = 2});
	claim_simple(b, 3);
	claim_simple(b, 4);
	o.id = 2;
	WRITE(b, do_in_doubt, &o);
	assert_int_equal(o.code, ERR_NOTFOUND); /* another's */
	o.id = 1;
	WRITE(b, do_in_doubt, &o);
	assert_int_equal(o.code, OK);
	WRITE(b, do_release_owner, &o);
	assert_int_equal(o.n, 2);
	assert_int_equal(state_of(b, 1, 1), SPOOL_READY);
	assert_int_equal(state_of(b, 2, 1), SPOOL_ACTIVE);
	assert_int_equal(count_events(b, 1, "may-be-delivered-twice"), 2);
	WRITE(b, do_release_owner, &o);
	assert_int_equal(o.n, 0);
	assert_sound(b);
}

static void
who_ends_a_claim_knows_the_doubt(void **state)
{
	struct box *b = *state;
	struct owner_job o = {.owner = 1, .id = 1};

	put_letter(b, (struct letter){.id = 1});
	claim_simple(b, 1);
	WRITE(b, do_in_doubt, &o);
	outcome(b,
		(struct spool_outcome){.message = 1, .kind = OUTCOME_RELEASED});
	assert_int_equal(count_events(b, 1, "may-be-delivered-twice"), 0);
	claim_simple(b, 1);
	outcome(b, (struct spool_outcome){.message = 1,
			   .kind = OUTCOME_RELEASED,
			   .in_doubt = true});
	assert_int_equal(count_events(b, 1, "may-be-delivered-twice"), 1);
	assert_int_equal(state_of(b, 1, 1), SPOOL_READY);
}

struct wake_job {
	struct spool_wake wake;
	bool more, before_all;
};

static enum err_code
do_wake(struct spool_txn *t, void *arg, struct err *e)
{
	struct wake_job *j = arg;

	j->wake.route = "*";
	j->wake.now = NOW + 100;
	j->wake.refused_before = j->before_all ? NOW - 50 : NOW + 50;
	return spool_route_wake(t, &j->wake, &j->more, e);
}

static void
a_new_session_wakes_its_route(void **state)
{
	static const struct {
		int64_t now;
		enum spool_reason reason;
	} tries[] = {{NOW, REASON_PEER_4XX}, {NOW + 60, REASON_PEER_4XX},
		{NOW + 60, REASON_RETRY_WAIT},
		/* noted by a clock that was ahead */
		{NOW + 900000, REASON_PEER_4XX}};
	struct box *b = *state;
	struct claim_job j = {.claim = {.now = NOW + 100}};
	struct wake_job w = {.more = true};

	for (int64_t id = 1; id <= 4; id++)
		put_letter(b, (struct letter){.id = id});
	for (int64_t id = 1; id <= 4; id++) {
		assert_int_equal(claim_simple(b, 1), id);
		outcome(b, (struct spool_outcome){.message = id,
				   .kind = OUTCOME_DEFERRED,
				   .now = tries[id - 1].now,
				   .reason = tries[id - 1].reason,
				   .next_attempt = NOW + 9000});
	}
	assert_int_equal(claim(b, &j), 0);
	WRITE(b, do_wake, &w);
	assert_false(w.more);
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(claim(b, &j), 3);
	assert_int_equal(claim(b, &j), 4);
	assert_int_equal(claim(b, &j), 0); /* 2 was refused just now */
	spool_claimed_clear(&j.got);
	assert_sound(b);
}

/* Of a long queue some at a time, those due soonest first. */
static void
a_long_queue_wakes_by_and_by(void **state)
{
	enum { MANY = 450, PAGE = 200 };
	struct box *b = *state;
	struct wake_job w = {.wake = {.most = PAGE}};
	struct claim_job j = {.claim = {.now = NOW + 100}};
	int woken = 0;

	for (int64_t id = 1; id <= MANY; id++) {
		put_letter(b, (struct letter){.id = id});
		assert_int_equal(claim_simple(b, 1), id);
		outcome(b, (struct spool_outcome){.message = id,
				   .kind = OUTCOME_DEFERRED,
				   .now = NOW,
				   .reason = REASON_PEER_4XX,
				   .next_attempt = NOW + 9000 - id});
	}
	w.before_all = true;
	WRITE(b, do_wake, &w);
	assert_false(w.more); /* all were refused just now */
	w.before_all = false;
	WRITE(b, do_wake, &w);
	assert_true(w.more);
	for (int64_t id; (id = claim(b, &j)) != 0; woken++)
		assert_true(id > MANY - PAGE);
	assert_int_equal(woken, PAGE);
	WRITE(b, do_wake, &w);
	assert_true(w.more);
	WRITE(b, do_wake, &w);
	assert_false(w.more);
	while (claim(b, &j))
		woken++;
	assert_int_equal(woken, MANY);
	spool_claimed_clear(&j.got);
	assert_sound(b);
}

struct behind {
	size_t limit, n;
};

static enum err_code
do_wake_behind(struct spool_txn *t, void *arg, struct err *e)
{
	struct behind *j = arg;

	return spool_wake_behind(t, NOW + 5000, NOW, j->limit, &j->n, e);
}

static void
a_clock_set_back_wakes_what_is_far_off(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.now = NOW}};
	struct behind behind = {.limit = 2};

	for (int64_t id = 1; id <= 4; id++)
		put_letter(b, (struct letter){.id = id});
	for (int64_t id = 1; id <= 4; id++) {
		assert_int_equal(claim_simple(b, 1), id);
		outcome(b, (struct spool_outcome){.message = id,
				   .kind = OUTCOME_DEFERRED,
				   .now = NOW + 90000,
				   .reason = REASON_PEER_4XX,
				   .next_attempt =
					   id == 2 ? NOW + 5000 : NOW + 95000});
	}
	WRITE(b, do_wake_behind, &behind);
	assert_int_equal(behind.n, 2); /* as many as it may */
	WRITE(b, do_wake_behind, &behind);
	assert_int_equal(behind.n, 1);
	assert_int_equal(claim(b, &j), 1);
	assert_int_equal(claim(b, &j), 3);
	assert_int_equal(claim(b, &j), 4);
	assert_int_equal(claim(b, &j), 0); /* 2 waits its time */
	spool_claimed_clear(&j.got);
	assert_sound(b);
}

static void
a_start_ends_all_claims(void **state)
{
	struct box *b = *state;
	struct owner_job o = {.owner = 3, .id = 1};
	struct piece_job p = {.id = 50, .n = 70000};
	static struct body_job body = {.id = 50, .size = 10};
	struct spool_row row;

	put_letter(b, (struct letter){.id = 1, .to = {"a@x", "b@x"}});
	put_letter(b, (struct letter){.id = 2});
	claim_simple(b, 3);
	claim_simple(b, 4);
	WRITE(b, do_in_doubt, &o);
	WRITE(b, do_piece, &p);
	spool_close(b->spool);
	box_open_with(b, true);
	assert_int_equal(count_events(b, 1, "may-be-delivered-twice"), 2);
	assert_int_equal(count_events(b, 2, "may-be-delivered-twice"), 0);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.d.state, SPOOL_READY);
	assert_false(row.d.in_doubt);
	assert_int_equal(state_of(b, 2, 1), SPOOL_READY);
	READ(b, do_body_read, &body);
	assert_int_equal(body.n, 0); /* abandoned, swept */
	assert_int_equal(claim_simple(b, 1), 1);
	assert_true(spool_new_id(b->spool) > 50);
	assert_sound(b);
}

/* --- people --- */

static void
people_act(void **state)
{
	struct box *b = *state;
	struct spool_filter all = {.id = 0}, one = {.id = 1};
	struct spool_row row;

	put_letter(b, (struct letter){.id = 1, .to = {"a@x", "b@x"}});
	put_letter(b, (struct letter){.id = 2});
	put_letter(b, (struct letter){.id = 3, .size = 9999});
	assert_int_equal(claim_simple(b, 1), 1); /* its two are left alone */
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_HOLD,
					.filter = all,
					.who = "jane"}),
		2);
	assert_true(row_of(b, 2, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.reason, REASON_OPERATOR_HOLD);
	assert_string_equal(row.reason_arg, "jane");
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_DELETE,
					.filter = one}),
		0);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_RELEASE,
					.filter = all}),
		2);
	assert_int_equal(state_of(b, 3, 1), SPOOL_READY);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_PRIORITY,
					.filter = {.id = 3},
					.priority = 8}),
		1);
	assert_int_equal(claim_simple(b, 2), 3);
	assert_int_equal(count_events(b, 2, "held"), 1);
	assert_int_equal(count_events(b, 2, "released"), 1);
	assert_int_equal(count_events(b, 3, "priority"), 1);
	assert_sound(b);
}

static enum err_code
do_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_sweep(t, *(int64_t *)arg, 100, e);
}

static void
deletes_and_undeletes(void **state)
{
	struct box *b = *state;
	struct spool_filter all = {.id = 0};
	int64_t later = NOW + 99;

	put_letter(b, (struct letter){.id = 1});
	put_letter(b, (struct letter){.id = 2, .held = true});
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_DELETE,
					.filter = all,
					.keep_until = NOW + 100}),
		2);
	assert_int_equal(count(b, all), 0);
	assert_int_equal(count(b, (struct spool_filter){.has_state = true,
					  .state = SPOOL_DELETED}),
		2);
	assert_int_equal(claim_simple(b, 1), 0);
	WRITE(b, do_sweep, &later);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_UNDELETE,
					.filter = all}),
		2);
	assert_int_equal(state_of(b, 1, 1), SPOOL_READY);
	assert_int_equal(state_of(b, 2, 1), SPOOL_HELD);
	act(b, (struct spool_action){.kind = ACTION_DELETE,
		       .filter = {.id = 1},
		       .keep_until = NOW + 100});
	later++;
	WRITE(b, do_sweep, &later);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_UNDELETE,
					.filter = all}),
		0);
	assert_int_equal(count(b, all), 1);
	assert_sound(b);
}

static void
retries_at_once(void **state)
{
	struct box *b = *state;
	int64_t id = put_letter(b, (struct letter){.id = 0});

	claim_simple(b, 1);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .next_attempt = NOW + 5000});
	assert_int_equal(claim_simple(b, 1), 0);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_RETRY,
					.filter = {.route = "*"}}),
		1);
	assert_int_equal(claim_simple(b, 1), id);
}

/* --- lists --- */

struct reason_job {
	const char *route;
	enum spool_reason reason;
	const char *arg;
};

static enum err_code
put_route_reason(struct spool_txn *t, void *arg, struct err *e)
{
	const struct reason_job *j = arg;

	return spool_route_reason_put(t, j->route, j->reason, j->arg, e);
}

static void
filters(void **state)
{
	struct box *b = *state;
	static const struct {
		struct spool_filter f;
		size_t n;
	} rows[] = {
		{{.id = 0}, 7},
		{{.id = 1}, 3},
		{{.id = 1, .n = 2}, 1},
		{{.id = 9}, 0},
		{{.from = "*@HOME.example"}, 4},
		{{.from = "<>"}, 1},
		{{.to = "b@*"}, 1},
		{{.to = "?@x"}, 3},
		{{.has_state = true, .state = SPOOL_HELD}, 1},
		{{.has_state = true, .state = SPOOL_READY}, 6},
		{{.has_state = true, .state = SPOOL_DELETED}, 0},
		{{.route = "one"}, 4},
		{{.route = "one", .has_state = true, .state = SPOOL_HELD}, 1},
		{{.route = "nowhere"}, 0},
		{{.queued_before = 2000}, 3},
		{{.larger = 500}, 2},
		{{.larger = 500, .route = "two"}, 1},
		{{.has_reason = true, .reason = REASON_LINK_DOWN}, 3},
		{{.has_reason = true, .reason = REASON_RULE_HOLD}, 1},
		{{.has_reason = true, .reason = REASON_NONE}, 3},
		{{.id = 1, .route = "one"}, 3},
		{{.id = 1, .route = "two"}, 0},
	};

	put_letter(b, (struct letter){.id = 1,
			      .route = "one",
			      .sender = "a@home.example",
			      .to = {"a@x", "b@x", "c@x"},
			      .queued_at = 1000});
	put_letter(b, (struct letter){.id = 2,
			      .route = "one",
			      .held = true,
			      .sender = "b@home.example",
			      .size = 600,
			      .queued_at = 2000});
	put_letter(b, (struct letter){.id = 3,
			      .route = "two",
			      .sender = "x@away.example",
			      .size = 501,
			      .queued_at = 3000});
	put_letter(b, (struct letter){.id = 4,
			      .route = "two",
			      .sender = "y@away.example",
			      .size = 500,
			      .queued_at = 4000});
	WRITE(b, put_route_reason,
		(&(struct reason_job){"one", REASON_LINK_DOWN, "iridium"}));
	put_letter(b, (struct letter){.id = 5, .sender = ""});
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (count(b, rows[i].f) != rows[i].n)
			fail_msg("filter %zu: %zu rows for %zu", i,
				count(b, rows[i].f), rows[i].n);
}

/* Pages of every size show each row once, in order. */
static void
cursors(void **state)
{
	struct box *b = *state;
	static const struct spool_filter filters_tried[] = {
		{.id = 0},
		{.route = "even"},
		{.has_state = true, .state = SPOOL_HELD},
		{.route = "even", .has_state = true, .state = SPOOL_HELD},
		{.has_reason = true, .reason = REASON_RULE_HOLD},
		{.id = 6},
	};
	static const size_t expected[] = {40, 20, 14, 8, 14, 2};

	for (int64_t id = 1; id <= 20; id++)
		put_letter(b, (struct letter){.id = id,
				      .to = {"a@x", "b@x"},
				      .held = id % 3 == 0 || id == 20,
				      .route = id % 2 ? "odd" : "even"});
	for (size_t f = 0; f < sizeof(expected) / sizeof(expected[0]); f++) {
		for (size_t limit = 1; limit < 45; limit += 3) {
			struct list_job j = {
				.filter = filters_tried[f], .limit = limit};
			size_t seen = 0;
			int64_t last = 0;

			do {
				READ(b, do_list, &j);
				for (size_t i = 0; i < j.n; i++) {
					int64_t at = j.rows[i].d.message * 10 +
						     j.rows[i].d.n;

					assert_true(at > last);
					last = at;
				}
				seen += j.n;
				free(j.rows);
			} while (j.n == limit);
			assert_int_equal(seen, expected[f]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(stores_a_message),
		ON_BOTH(keeps_every_field),
		ON_BOTH(refuses_a_second_of_the_same_id),
		ON_BOTH(takes_bodies_in_odd_pieces),
		ON_BOTH(gives_ids_once),
		ON_BOTH(claims_urgent_then_small_then_old),
		ON_BOTH(claims_in_the_order_it_was_given),
		ON_BOTH(another_priority_is_another_place),
		ON_BOTH(leaves_what_is_too_large_in_any_class),
		ON_BOTH(tells_the_turns_that_wait),
		ON_BOTH(leaves_what_the_link_may_not_carry),
		ON_BOTH(is_due_only_by_its_links),
		ON_BOTH(says_which_link_it_waits_for),
		ON_BOTH(merges_routes_in_order),
		ON_BOTH(claims_all_recipients_of_its_routes),
		ON_BOTH(claims_what_a_list_sends_on_alone),
		ON_BOTH(leaves_what_the_session_cannot_take),
		ON_BOTH(takes_what_the_session_changes),
		ON_BOTH(claims_by_domain),
		ON_BOTH(claims_deferred_when_their_time_comes),
		ON_BOTH(delivered_is_gone),
		ON_BOTH(only_the_owner_decides),
		ON_BOTH(deferred_counts_attempts_and_days),
		ON_BOTH(released_is_as_before),
		ON_BOTH(a_session_ends),
		ON_BOTH(who_ends_a_claim_knows_the_doubt),
		ON_BOTH(a_new_session_wakes_its_route),
		ON_BOTH(a_long_queue_wakes_by_and_by),
		ON_BOTH(a_clock_set_back_wakes_what_is_far_off),
		ON_BOTH(a_start_ends_all_claims),
		ON_BOTH(people_act),
		ON_BOTH(deletes_and_undeletes),
		ON_BOTH(retries_at_once),
		ON_BOTH(filters),
		ON_BOTH(cursors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
