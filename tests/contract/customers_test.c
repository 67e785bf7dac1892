/* What is kept for each customer: recipients, counters, tallies, statements. */
#include "tests/contract/contract.h"

enum { DAY = 86400 };

/* --- a customer --- */

static enum err_code
do_add_customer(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_account a = {
		.kind = ACCOUNT_CUSTOMER, .recipients = RECIPIENTS_VERIFY};

	snprintf(a.name, sizeof(a.name), "%s", (const char *)arg);
	return spool_account_add(t, &a, e);
}

static void
add_customer(struct box *b, const char *name)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%s", name);
	WRITE(b, do_add_customer, copy);
}

static enum err_code
do_delete_customer(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_account_delete(t, arg, e);
}

static void
delete_customer(struct box *b, const char *name)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%s", name);
	WRITE(b, do_delete_customer, copy);
}

static enum err_code
do_check_recipients(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_account a;
	enum err_code rc = spool_account_get(t, "aurora", &a, e);

	assert_int_equal(rc, OK);
	assert_int_equal(a.recipients, *(enum spool_recipients *)arg);
	a.recipients = RECIPIENTS_LISTED;
	rc = spool_account_set(t, &a, e);
	spool_account_clear(&a);
	return rc;
}

static void
an_account_says_which_recipients(void **state)
{
	struct box *b = *state;
	enum spool_recipients want = RECIPIENTS_VERIFY;

	add_customer(b, "aurora");
	WRITE(b, do_check_recipients, &want);
	want = RECIPIENTS_LISTED;
	WRITE(b, do_check_recipients, &want);
}

/* --- facts --- */

struct facts_job {
	const char *name, *recipient, *sender;
	struct spool_customer_facts f;
};

static enum err_code
do_facts(struct spool_txn *t, void *arg, struct err *e)
{
	struct facts_job *j = arg;

	return spool_customer_facts(
		t, j->name, j->recipient, j->sender, &j->f, e);
}

static struct spool_customer_facts
facts(struct box *b, const char *recipient, const char *sender)
{
	struct facts_job j = {
		.name = "aurora", .recipient = recipient, .sender = sender};

	READ(b, do_facts, &j);
	return j.f;
}

static void
assert_from(struct box *b, const char *sender, uint64_t bytes)
{
	assert_int_equal(facts(b, "x@a.example", sender).sender_bytes, bytes);
}

static void
what_waits_by_sender(void **state)
{
	struct box *b = *state;
	struct claim_job j = {.claim = {.owner = 1}};
	static const char *const route[] = {"customer:aurora"};
	const char *const ann = "Ann@Far.example";

	add_customer(b, "aurora");
	put_letter(b, (struct letter){.id = 1,
			      .sender = ann,
			      .route = "customer:aurora",
			      .size = 300,
			      .to = {"x@a.example", "y@a.example"}});
	put_letter(b, (struct letter){.id = 2,
			      .sender = "ben@far.example",
			      .route = "customer:aurora",
			      .size = 40});
	put_letter(b, (struct letter){.id = 3,
			      .sender = ann,
			      .route = "customer:other",
			      .size = 7});
	put_letter(b, (struct letter){.id = 4, .sender = ann, .size = 9});
	assert_int_equal(facts(b, "x@a.example", "").waiting.deliveries, 3);
	assert_int_equal(facts(b, "x@a.example", "").waiting.bytes, 640);
	assert_from(b, "", 0);
	assert_from(b, "nobody@far.example", 0);
	assert_from(b, "ann@far.example", 600); /* whatever the case */
	assert_from(b, "ben@far.example", 40);
	/* in a session, held, put back: it waits all the time */
	j.claim.routes = route;
	j.claim.routes_n = 1;
	assert_int_equal(claim(b, &j), 2);
	spool_claimed_clear(&j.got);
	assert_from(b, "ben@far.example", 40);
	outcome(b, (struct spool_outcome){.message = 2, .kind = OUTCOME_HELD});
	assert_from(b, "ben@far.example", 40);
	/* deleted and back */
	act(b, (struct spool_action){.kind = ACTION_DELETE,
		       .filter = {.id = 1, .n = 2},
		       .keep_until = NOW + 5});
	assert_from(b, ann, 300);
	act(b, (struct spool_action){
		       .kind = ACTION_UNDELETE, .filter = {.id = 1}});
	assert_from(b, ann, 600);
	assert_int_equal(claim(b, &j), 1);
	spool_claimed_clear(&j.got);
	outcome(b, (struct spool_outcome){
			   .message = 1, .kind = OUTCOME_DELIVERED});
	assert_from(b, ann, 300);
	outcome(b, (struct spool_outcome){
			   .message = 1, .n = 2, .kind = OUTCOME_FAILED});
	assert_from(b, ann, 0);
	assert_sound(b);
}

/* --- recipients --- */

struct recipients_job {
	const char *name;
	const char *const *addresses;
	size_t n;
	char *lines;
	enum err_code code;
};

static enum err_code
do_put(struct spool_txn *t, void *arg, struct err *e)
{
	struct recipients_job *j = arg;

	j->code = spool_recipients_put(t, j->name, j->addresses, j->n, e);
	return j->code == ERR_NOTFOUND || j->code == ERR_LIMIT ? OK : j->code;
}

static enum err_code
do_get(struct spool_txn *t, void *arg, struct err *e)
{
	struct recipients_job *j = arg;

	return spool_recipients_get(t, j->name, &j->lines, e);
}

static enum err_code
put_list(struct box *b, const char *name, const char *const *list, size_t n)
{
	struct recipients_job j = {.name = name, .addresses = list, .n = n};

	WRITE(b, do_put, &j);
	return j.code;
}

static void
assert_list(struct box *b, const char *name, const char *lines)
{
	struct recipients_job j = {.name = name};

	READ(b, do_get, &j);
	if (lines)
		assert_string_equal(j.lines, lines);
	else
		assert_null(j.lines);
	free(j.lines);
}

struct learn_job {
	const char *name, *recipient;
	bool exists;
	int64_t now;
	enum err_code code;
};

static enum err_code
do_learn(struct spool_txn *t, void *arg, struct err *e)
{
	struct learn_job *j = arg;

	j->code = spool_recipient_learn(
		t, j->name, j->recipient, j->exists, j->now, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

static void
learn(struct box *b, const char *recipient, bool exists, int64_t now)
{
	struct learn_job j = {.name = "aurora",
		.recipient = recipient,
		.exists = exists,
		.now = now};

	WRITE(b, do_learn, &j);
	assert_int_equal(j.code, OK);
}

static enum spool_known
known(struct box *b, const char *recipient)
{
	return facts(b, recipient, "").known;
}

static void
lists_of_recipients(void **state)
{
	static const char *const one[] = {
		"Zoe@A.example", "ann@a.example", "zoe@a.example"};
	static const char *const two[] = {"ben@a.example", "zoe@a.example"};
	static const char *const user[] = {"x@y"};
	struct box *b = *state;
	char large[WIRE_MAILBOX_MAX + 9];
	const char *const too_long[] = {large};
	struct recipients_job j = {
		.name = "aurora", .addresses = too_long, .n = 1};
	struct err e;

	assert_int_equal(put_list(b, "aurora", one, 3), ERR_NOTFOUND);
	add_customer(b, "aurora");
	add_customer(b, "borea");
	assert_list(b, "aurora", NULL);
	assert_int_equal(put_list(b, "aurora", one, 3), OK);
	assert_int_equal(put_list(b, "borea", user, 1), OK);
	assert_list(b, "aurora", "ann@a.example\nzoe@a.example");
	assert_int_equal(known(b, "ANN@a.example"), KNOWN_LISTED);
	assert_int_equal(known(b, "ben@a.example"), KNOWN_NOTHING);
	assert_int_equal(put_list(b, "aurora", two, 2), OK);
	assert_list(b, "aurora", "ben@a.example\nzoe@a.example");
	assert_int_equal(known(b, "ann@a.example"), KNOWN_NOTHING);
	assert_int_equal(put_list(b, "aurora", two, SPOOL_RECIPIENTS_MAX + 1),
		ERR_LIMIT);
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(spool_write(b->spool, do_put, &j, &e), ERR_INVALID);
	assert_list(b, "aurora", "ben@a.example\nzoe@a.example");
	assert_int_equal(known(b, large), KNOWN_NOTHING);
	assert_int_equal(put_list(b, "aurora", NULL, 0), OK);
	assert_list(b, "aurora", NULL);
	assert_list(b, "borea", "x@y");
}

/* Longer than a page, and every other one replaced. */
static void
long_lists(void **state)
{
	enum { N = 1000 };
	struct box *b = *state;
	char(*text)[32] = calloc(N, sizeof(*text));
	const char *list[N];
	struct recipients_job j = {.name = "aurora"};
	size_t lines = 1;

	add_customer(b, "aurora");
	for (size_t i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "u%zu@a.example", i);
		list[i] = text[i];
	}
	assert_int_equal(put_list(b, "aurora", list, N), OK);
	for (size_t i = 0; i < N; i += 2)
		text[i][0] = (char)(i % 4 ? 'A' : 'Z');
	assert_int_equal(put_list(b, "aurora", list, N), OK);
	READ(b, do_get, &j);
	for (const char *p = j.lines; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(known(b, list[i]), KNOWN_LISTED);
	assert_int_equal(known(b, "u2@a.example"), KNOWN_NOTHING);
	free(j.lines);
	free(text);
}

static enum err_code
do_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_sweep(t, *(int64_t *)arg, 100, e);
}

static void
what_a_host_taught(void **state)
{
	static const char *const list[] = {"zoe@a.example"};
	struct box *b = *state;
	struct learn_job nobody = {.name = "borea", .recipient = "x@y"};
	int64_t now = NOW + 31 * DAY;

	WRITE(b, do_learn, &nobody);
	assert_int_equal(nobody.code, ERR_NOTFOUND);
	add_customer(b, "aurora");
	learn(b, "Zoe@A.example", false, NOW);
	learn(b, "ann@a.example", true, NOW + 5);
	assert_int_equal(known(b, "zoe@a.example"), KNOWN_REFUSED);
	assert_int_equal(known(b, "ANN@a.example"), KNOWN_ACCEPTED);
	assert_int_equal(facts(b, "ann@a.example", "").learnt_at, NOW + 5);
	/* the list wins, and what was learnt stays */
	assert_int_equal(put_list(b, "aurora", list, 1), OK);
	assert_int_equal(known(b, "zoe@a.example"), KNOWN_LISTED);
	assert_list(b, "aurora", "zoe@a.example");
	assert_int_equal(put_list(b, "aurora", NULL, 0), OK);
	assert_int_equal(known(b, "zoe@a.example"), KNOWN_REFUSED);
	/* the last answer holds */
	learn(b, "zoe@a.example", true, NOW + 9);
	assert_int_equal(known(b, "zoe@a.example"), KNOWN_ACCEPTED);
	WRITE(b, do_sweep, &now);
	assert_int_equal(known(b, "ann@a.example"), KNOWN_ACCEPTED);
	now += 6;
	WRITE(b, do_sweep, &now);
	assert_int_equal(known(b, "ann@a.example"), KNOWN_NOTHING);
	assert_int_equal(known(b, "zoe@a.example"), KNOWN_ACCEPTED);
}

static enum err_code
do_learn_many(struct spool_txn *t, void *arg, struct err *e)
{
	char address[40];
	enum err_code rc = OK;

	(void)arg;
	for (int i = 0; i < 20010 && rc == OK; i++) {
		snprintf(address, sizeof(address), "u%d@a.example", i);
		rc = spool_recipient_learn(t, "aurora", address, i % 2, NOW, e);
	}
	return rc;
}

static void
what_is_learnt_has_bounds(void **state)
{
	struct box *b = *state;

	add_customer(b, "aurora");
	WRITE(b, do_learn_many, NULL);
	assert_int_equal(known(b, "u0@a.example"), KNOWN_NOTHING);
	assert_int_equal(known(b, "u9@a.example"), KNOWN_NOTHING);
	assert_int_equal(known(b, "u10@a.example"), KNOWN_REFUSED);
	assert_int_equal(known(b, "u20009@a.example"), KNOWN_ACCEPTED);
}

/* --- statements --- */

struct statement_job {
	const char *name;
	int64_t from, to;
	struct spool_statement s;
	enum err_code code;
};

static enum err_code
do_statement(struct spool_txn *t, void *arg, struct err *e)
{
	struct statement_job *j = arg;

	j->code = spool_statement(t, j->name, j->from, j->to, &j->s, e);
	return j->code == ERR_NOTFOUND ? OK : j->code;
}

/* January 2027 (NOW lies in it) and the months beside it. */
enum { DEC = 1796083200, JAN = 1798761600, FEB = 1801440000 };

static struct spool_statement
statement(struct box *b, int64_t from, int64_t to)
{
	struct statement_job j = {.name = "aurora", .from = from, .to = to};

	READ(b, do_statement, &j);
	assert_int_equal(j.code, OK);
	return j.s;
}

static enum err_code
do_sessions(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code rc = OK;

	(void)arg;
	for (int i = 0; i < 500 && rc == OK; i++) {
		struct spool_session s = {.started = JAN - 10,
			.ended = JAN + i / 100,
			.bytes_sent = 5,
			.bytes_received = 3,
			.messages_sent = 2};

		snprintf(s.peer, sizeof(s.peer), "%s",
			i == 77 ? "borea" : "aurora");
		snprintf(s.link, sizeof(s.link), "%s", i == 78 ? "vsat" : "");
		if (i == 79)
			s.ended = JAN - 1;
		if (i == 499)
			s.ended = FEB;
		rc = spool_session_add(t, &s, e);
	}
	return rc;
}

static void
statements_count_sessions(void **state)
{
	struct box *b = *state;
	struct statement_job j = {.name = "aurora", .from = JAN, .to = FEB};
	struct spool_statement s;

	READ(b, do_statement, &j);
	assert_int_equal(j.code, ERR_NOTFOUND);
	add_customer(b, "aurora");
	WRITE(b, do_sessions, NULL);
	s = statement(b, JAN, FEB);
	assert_string_equal(s.name, "aurora");
	assert_int_equal(s.sessions, 496);
	/* 97, 100, 100, 100, 99 of them, of 10 to 14 seconds */
	assert_int_equal(
		s.seconds, 97 * 10 + 100 * 11 + 100 * 12 + 100 * 13 + 99 * 14);
	assert_int_equal(s.bytes_sent, 496 * 5);
	assert_int_equal(s.bytes_received, 496 * 3);
	assert_int_equal(s.messages_sent, 496 * 2);
	assert_int_equal(statement(b, DEC, JAN).sessions, 1);
	assert_int_equal(statement(b, FEB, FEB + DAY).sessions, 1);
}

static void
sessions_have_bounds(void **state)
{
	struct box *b = *state;
	int64_t now = JAN + INT64_C(400) * DAY;

	add_customer(b, "aurora");
	WRITE(b, do_sessions, NULL);
	for (int i = 0; i < 9; i++) /* a hundred at once */
		WRITE(b, do_sweep, &now);
	assert_int_equal(statement(b, JAN, FEB).sessions, 496);
	now++;
	for (int i = 0; i < 9; i++)
		WRITE(b, do_sweep, &now);
	assert_int_equal(statement(b, JAN, FEB).sessions, 399);
	now = FEB + INT64_C(400) * DAY + 1;
	for (int i = 0; i < 9; i++)
		WRITE(b, do_sweep, &now);
	assert_int_equal(statement(b, 0, FEB + DAY).sessions, 0);
}

/* Takes message ID of route "customer:aurora" into a session. */
static void
claim_of_aurora(struct box *b, int64_t id)
{
	static const char *const routes[] = {"customer:aurora"};
	struct claim_job j = {
		.claim = {.owner = 1, .routes = routes, .routes_n = 1}};

	assert_int_equal(claim(b, &j), id);
	spool_claimed_clear(&j.got);
}

static void
end(struct box *b, int64_t id, enum spool_outcome_kind kind, bool expired,
	int64_t now)
{
	assert_int_equal(outcome(b, (struct spool_outcome){.message = id,
					    .kind = kind,
					    .expired = expired,
					    .now = now,
					    .keep_until = now + DAY}),
		OK);
}

static void
assert_tally(struct box *b, enum spool_tally kind, int64_t from, int64_t to,
	uint64_t deliveries, uint64_t bytes)
{
	struct spool_statement s = statement(b, from, to);

	assert_int_equal(s.tally[kind].deliveries, deliveries);
	assert_int_equal(s.tally[kind].bytes, bytes);
}

static void
tallies(void **state)
{
	struct box *b = *state;
	static const char *const other[] = {"*"};
	struct claim_job j = {
		.claim = {.owner = 1, .routes = other, .routes_n = 1}};

	add_customer(b, "aurora");
	for (int i = 1; i <= 7; i++)
		put_letter(b, (struct letter){.id = i,
				      .route = "customer:aurora",
				      .notice = i == 7,
				      .size = (size_t)(i * 10)});
	put_letter(b, (struct letter){.id = 8});
	assert_tally(b, TALLY_RECEIVED, JAN, FEB, 6, 210);
	for (int i = 1; i <= 7; i++)
		claim_of_aurora(b, i);
	end(b, 1, OUTCOME_DELIVERED, false, FEB - 1);
	end(b, 2, OUTCOME_DELIVERED, false, FEB);
	end(b, 3, OUTCOME_FAILED, false, NOW);
	end(b, 4, OUTCOME_FAILED, true, NOW);
	end(b, 5, OUTCOME_QUARANTINED, false, NOW);
	end(b, 6, OUTCOME_QUARANTINED, true, NOW);
	end(b, 7, OUTCOME_DELIVERED, false, NOW); /* a notice of ours */
	assert_int_equal(claim(b, &j), 8);
	spool_claimed_clear(&j.got);
	end(b, 8, OUTCOME_DELIVERED, false, NOW); /* nobody's */
	assert_tally(b, TALLY_RECEIVED, JAN, FEB, 6, 210);
	assert_tally(b, TALLY_DELIVERED, JAN, FEB, 1, 10);
	assert_tally(b, TALLY_DELIVERED, FEB, FEB + DAY, 1, 20);
	assert_tally(b, TALLY_DELIVERED, DEC, FEB + DAY, 2, 30);
	assert_tally(b, TALLY_RETURNED, JAN, FEB, 1, 30);
	assert_tally(b, TALLY_EXPIRED, JAN, FEB, 2, 100);
	assert_tally(b, TALLY_QUARANTINED, JAN, FEB, 1, 50);
	assert_tally(b, TALLY_RECEIVED, DEC, JAN, 0, 0);
	assert_int_equal(statement(b, JAN, FEB).waiting.deliveries, 0);
}

/* What is not an end is in no tally. */
static void
tallies_count_ends_only(void **state)
{
	static const enum spool_outcome_kind kinds[] = {
		OUTCOME_RELEASED, OUTCOME_DEFERRED};
	struct box *b = *state;

	add_customer(b, "aurora");
	put_letter(b, (struct letter){.id = 1, .route = "customer:aurora"});
	for (size_t i = 0; i < 2; i++) {
		claim_of_aurora(b, 1);
		end(b, 1, kinds[i], false, NOW);
	}
	for (int kind = 0; kind < TALLIES_N; kind++)
		assert_tally(b, (enum spool_tally)kind, JAN, FEB,
			kind == TALLY_RECEIVED, kind ? 0 : 100);
	assert_int_equal(statement(b, JAN, FEB).waiting.deliveries, 1);
	assert_int_equal(statement(b, JAN, FEB).waiting.bytes, 100);
}

/* --- quarantine --- */

static void
quarantine(struct box *b, int64_t id)
{
	claim_of_aurora(b, id);
	assert_int_equal(outcome(b, (struct spool_outcome){.message = id,
					    .kind = OUTCOME_QUARANTINED,
					    .keep_until = NOW + 7 * DAY,
					    .reason = REASON_RULE_HOLD,
					    .text = "550 5.1.1 nobody here"}),
		OK);
}

static void
quarantined_mail_can_come_back(void **state)
{
	struct box *b = *state;
	struct spool_row row;

	add_customer(b, "aurora");
	put_letter(b, (struct letter){.id = 1, .route = "customer:aurora"});
	quarantine(b, 1);
	assert_int_equal(count(b, (struct spool_filter){.id = 1}), 0);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.d.state, SPOOL_DELETED);
	assert_int_equal(row.d.deleted_until, NOW + 7 * DAY);
	assert_string_equal(row.d.reason_arg, "550 5.1.1 nobody here");
	assert_int_equal(count_events(b, 1, "quarantined"), 1);
	assert_int_equal(facts(b, "x@y", "").waiting.deliveries, 0);
	assert_int_equal(act(b, (struct spool_action){.kind = ACTION_UNDELETE,
					.filter = {.id = 1}}),
		1);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.d.state, SPOOL_READY);
	assert_int_equal(row.d.reason, REASON_NONE);
	assert_int_equal(row.reason, REASON_CUSTOMER_CALL);
	claim_of_aurora(b, 1);
	end(b, 1, OUTCOME_DELIVERED, false, NOW);
	assert_sound(b);
}

static void
quarantine_ends(void **state)
{
	struct box *b = *state;
	int64_t now = NOW + 7 * DAY - 1;
	struct spool_row row;

	add_customer(b, "aurora");
	put_letter(b, (struct letter){.id = 1, .route = "customer:aurora"});
	quarantine(b, 1);
	WRITE(b, do_sweep, &now);
	assert_true(row_of(b, 1, 1, &row));
	now++;
	WRITE(b, do_sweep, &now);
	assert_false(row_of(b, 1, 1, &row));
	assert_sound(b);
}

/* --- the rest --- */

static void
all_of_a_customer_goes(void **state)
{
	static const char *const list[] = {"zoe@a.example"};
	struct box *b = *state;

	add_customer(b, "aurora");
	add_customer(b, "borea");
	put_list(b, "aurora", list, 1);
	put_list(b, "borea", list, 1);
	learn(b, "ann@a.example", true, NOW);
	put_letter(b, (struct letter){.id = 1, .route = "customer:aurora"});
	claim_of_aurora(b, 1);
	end(b, 1, OUTCOME_DELIVERED, false, NOW);
	WRITE(b, do_sessions, NULL);
	assert_int_equal(statement(b, JAN, FEB).sessions, 496);
	delete_customer(b, "aurora");
	add_customer(b, "aurora");
	assert_int_equal(statement(b, DEC, FEB + DAY).sessions, 0);
	assert_list(b, "aurora", NULL);
	assert_list(b, "borea", "zoe@a.example");
	assert_int_equal(known(b, "ann@a.example"), KNOWN_NOTHING);
	assert_tally(b, TALLY_RECEIVED, 0, FEB, 0, 0);
	assert_tally(b, TALLY_DELIVERED, 0, FEB, 0, 0);
}

/* --- thousands --- */

enum { MANY = 10000 }; /* the limit of a suite is far above what it takes */

struct many_job {
	bool set;
	struct spool_account *list;
	size_t n;
};

static enum err_code
do_import(struct spool_txn *t, void *arg, struct err *e)
{
	const struct many_job *j = arg;
	enum err_code rc = OK;

	for (int i = 0; i < MANY && rc == OK; i++) {
		struct spool_account a = {
			.kind = ACCOUNT_CUSTOMER, .quota = j->set ? 5 : 0};

		snprintf(a.name, sizeof(a.name), "c%05d", i);
		a.domains = str_printf(
			"d%d.example\n%c%d.example", i, j->set ? 'f' : 'e', i);
		rc = j->set ? spool_account_set(t, &a, e)
			    : spool_account_add(t, &a, e);
		spool_account_clear(&a);
	}
	return rc;
}

static enum err_code
do_list_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct many_job *j = arg;

	return spool_account_list(t, &j->list, &j->n, e);
}

static void
thousands_of_customers(void **state)
{
	struct box *b = *state;
	struct many_job j = {.set = false};

	WRITE(b, do_import, &j);
	j.set = true;
	WRITE(b, do_import, &j);
	READ(b, do_list_all, &j);
	assert_int_equal(j.n, MANY);
	assert_string_equal(j.list[77].domains, "d77.example\nf77.example");
	assert_int_equal(j.list[77].quota, 5);
	for (size_t i = 0; i < j.n; i++)
		spool_account_clear(&j.list[i]);
	free(j.list);
}

static enum err_code
do_warned(struct spool_txn *t, void *arg, struct err *e)
{
	return spool_set_warned(t, *(int64_t *)arg, 1, NOW, e);
}

static void
the_unwarned(void **state)
{
	struct box *b = *state;
	int64_t id = 2;

	for (int i = 1; i <= 3; i++)
		put_letter(b, (struct letter){.id = i});
	WRITE(b, do_warned, &id);
	assert_int_equal(count(b, (struct spool_filter){.unwarned = true}), 2);
	assert_int_equal(
		count(b, (struct spool_filter){.id = 2, .unwarned = true}), 0);
	assert_int_equal(count(b, (struct spool_filter){.id = 0}), 3);
}

/* --- what is kept back, and told once --- */

struct kept_job {
	uint64_t max_size;
	size_t limit, n;
	int64_t ids[8];
	enum spool_reason reason;
};

static enum err_code
do_kept(struct spool_txn *t, void *arg, struct err *e)
{
	struct kept_job *j = arg;
	struct spool_row *rows;
	enum err_code rc =
		spool_kept_list(t, "customer:aurora", 8, &rows, &j->n, e);

	for (size_t i = 0; rc == OK && i < j->n; i++) {
		j->ids[i] = rows[i].d.message;
		j->reason = rows[i].reason;
	}
	free(rows);
	return rc;
}

/* The ids of what is kept and not told, as digits. */
static int64_t
kept(struct box *b)
{
	struct kept_job j = {.n = 0};
	int64_t all = 0;

	READ(b, do_kept, &j);
	for (size_t i = 0; i < j.n; i++)
		all = all * 10 + j.ids[i];
	return all;
}

static enum err_code
do_mark(struct spool_txn *t, void *arg, struct err *e)
{
	static const char *const route[] = {"customer:aurora"};
	struct kept_job *j = arg;
	struct spool_claim c = {.routes = route,
		.routes_n = 1,
		.max_size = j->max_size,
		.peer = "aurora"};

	return spool_kept_mark(t, &c, j->limit ? j->limit : 100, e);
}

static void
put_sizes(struct box *b)
{
	for (int i = 1; i <= 6; i++)
		put_letter(b, (struct letter){.id = i,
				      .route = i == 6 ? "customer:other"
						      : "customer:aurora",
				      .priority = i % 3,
				      .has_8bit = i % 2,
				      .size = (size_t)i * 100});
}

static void
too_large_is_marked(void **state)
{
	struct box *b = *state;
	struct kept_job j = {.max_size = 0};
	static const char *const route[] = {"customer:aurora"};
	struct claim_job c = {.claim = {.owner = 1, .max_size = 300}};
	struct spool_row row;

	put_sizes(b);
	WRITE(b, do_mark, &j);
	assert_int_equal(kept(b), 0); /* it takes any size */
	j.max_size = 300;
	j.limit = 1;
	WRITE(b, do_mark, &j);
	assert_true(kept(b) == 4 || kept(b) == 5);
	j.limit = 0;
	WRITE(b, do_mark, &j);
	assert_int_equal(kept(b), 45);
	row_of(b, 5, 1, &row);
	assert_int_equal(row.d.state, SPOOL_READY);
	assert_int_equal(row.reason, REASON_SIZE);
	assert_string_equal(row.reason_arg, "aurora");
	/* it is still there for a host that takes more */
	c.claim.routes = route;
	c.claim.routes_n = 1;
	c.claim.max_size = 400;
	for (int i = 0; i < 4; i++) {
		assert_true(claim(b, &c) <= 4);
		spool_claimed_clear(&c.got);
	}
	assert_int_equal(claim(b, &c), 0);
	assert_int_equal(kept(b), 5);
	outcome(b,
		(struct spool_outcome){.message = 4, .kind = OUTCOME_RELEASED});
	row_of(b, 4, 1, &row);
	assert_int_equal(row.d.reason, REASON_NONE);
	assert_sound(b);
}

static void
defer(struct box *b, int64_t id, const char *text)
{
	static const char *const route[] = {"customer:aurora"};
	struct claim_job c = {.claim = {.owner = 1}};

	c.claim.routes = route;
	c.claim.routes_n = 1;
	assert_int_equal(claim(b, &c), id);
	spool_claimed_clear(&c.got);
	outcome(b, (struct spool_outcome){.message = id,
			   .kind = OUTCOME_DEFERRED,
			   .reason = REASON_PEER_4XX,
			   .text = text,
			   .next_attempt = NOW});
}

static void
told_once(void **state)
{
	struct box *b = *state;
	struct spool_action hold = {.kind = ACTION_HOLD, .filter = {.id = 2}};
	int64_t id = 2;

	put_letter(b, (struct letter){.id = 2, .route = "customer:aurora"});
	assert_int_equal(kept(b), 0);
	defer(b, 2, "452 4.3.1 full");
	assert_int_equal(kept(b), 2);
	WRITE(b, do_warned, &id);
	assert_int_equal(kept(b), 0);
	defer(b, 2, "452 4.3.1 full, id 99"); /* the same reason */
	assert_int_equal(kept(b), 0);
	defer(b, 2, "451 4.3.0 broken"); /* another */
	assert_int_equal(kept(b), 2);
	WRITE(b, do_warned, &id);
	act(b, hold);
	assert_int_equal(kept(b), 2); /* held now */
	WRITE(b, do_warned, &id);
	hold.kind = ACTION_RELEASE;
	act(b, hold);
	assert_int_equal(kept(b), 0);
	hold.kind = ACTION_HOLD;
	act(b, hold);
	assert_int_equal(kept(b), 2); /* held again */
	hold.kind = ACTION_DELETE;
	hold.keep_until = NOW + 5;
	act(b, hold);
	assert_int_equal(kept(b), 0);
	assert_sound(b);
}

static enum err_code
do_vouched(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_message m;

	(void)arg;
	assert_int_equal(spool_message_get(t, 1, &m, e), OK);
	assert_true(m.vouched);
	assert_int_equal(spool_message_get(t, 2, &m, e), OK);
	assert_false(m.vouched);
	return OK;
}

static void
vouched_stays(void **state)
{
	struct box *b = *state;

	put_letter(b, (struct letter){.id = 1, .vouched = true});
	put_letter(b, (struct letter){.id = 2});
	READ(b, do_vouched, NULL);
}

/* --- whose is it now? --- */

struct owner {
	char name[32], domain[32];
	bool suspended;
};

static enum err_code
do_set_owner(struct spool_txn *t, void *arg, struct err *e)
{
	struct owner *o = arg;
	struct spool_account a;
	enum err_code rc = spool_account_get(t, o->name, &a, e);

	assert_int_equal(rc, OK);
	free(a.domains);
	a.domains = strdup(o->domain);
	a.suspended = o->suspended;
	rc = spool_account_set(t, &a, e);
	spool_account_clear(&a);
	return rc;
}

static void
only_its_own_goes(void **state)
{
	static const char *const route[] = {"customer:aurora"};
	struct box *b = *state;
	struct claim_job c = {.claim = {.owned = true}};
	struct owner o = {"aurora", "mine", true};
	struct spool_row row;

	c.claim.routes = route;
	c.claim.routes_n = 1;
	add_customer(b, "aurora");
	put_letter(b,
		(struct letter){
			.id = 1, .route = "customer:aurora", .to = {"a@lost"}});
	put_letter(b, (struct letter){.id = 2,
			      .route = "customer:aurora",
			      .to = {"a@lost", "b@MINE"}});
	WRITE(b, do_set_owner, &o);
	assert_int_equal(claim(b, &c), 0); /* suspended */
	assert_int_equal(state_of(b, 1, 1), SPOOL_READY);
	o.suspended = false;
	WRITE(b, do_set_owner, &o);
	assert_int_equal(claim(b, &c), 2);
	assert_int_equal(c.got.n, 1);
	assert_int_equal(c.got.deliveries[0].n, 2);
	assert_true(row_of(b, 1, 1, &row));
	assert_int_equal(row.d.state, SPOOL_HELD);
	assert_int_equal(row.reason, REASON_RULE_HOLD);
	assert_int_equal(state_of(b, 2, 1), SPOOL_HELD);
	assert_int_equal(claim(b, &c), 0);
	outcome(b, (struct spool_outcome){
			   .message = 2, .n = 2, .kind = OUTCOME_DELIVERED});
	act(b, (struct spool_action){.kind = ACTION_DELETE,
		       .filter = {.route = route[0]},
		       .keep_until = NOW + DAY});
	delete_customer(b, "aurora");
	put_letter(b,
		(struct letter){
			.id = 3, .route = "customer:aurora", .to = {"b@mine"}});
	assert_int_equal(claim(b, &c), 0); /* there is no such customer */
	spool_claimed_clear(&c.got);
	assert_sound(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(an_account_says_which_recipients),
		ON_BOTH(what_waits_by_sender),
		ON_BOTH(lists_of_recipients),
		ON_BOTH(long_lists),
		ON_BOTH(what_a_host_taught),
		ON_BOTH(what_is_learnt_has_bounds),
		ON_BOTH(statements_count_sessions),
		ON_BOTH(sessions_have_bounds),
		ON_BOTH(tallies),
		ON_BOTH(tallies_count_ends_only),
		ON_BOTH(quarantined_mail_can_come_back),
		ON_BOTH(quarantine_ends),
		ON_BOTH(all_of_a_customer_goes),
		ON_BOTH(thousands_of_customers),
		ON_BOTH(the_unwarned),
		ON_BOTH(vouched_stays),
		ON_BOTH(too_large_is_marked),
		ON_BOTH(told_once),
		ON_BOTH(only_its_own_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
