#include "daemon/admit.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define KILO UINT64_C(1024)
#define QUOTA (1000 * KILO)

static struct mailbox recipient, sender;

static void
set_addresses(const char *to, const char *from)
{
	memset(&recipient, 0, sizeof(recipient));
	memset(&sender, 0, sizeof(sender));
	assert_true(address_parse(str_of(to), false, &recipient));
	if (from[0])
		assert_true(address_parse(str_of(from), false, &sender));
}

static struct spool_account
customer(void)
{
	return (struct spool_account){
		.name = "login-name", .kind = ACCOUNT_CUSTOMER};
}

static struct admit_message
message(uint64_t size)
{
	return (struct admit_message){
		.recipient = &recipient,
		.sender = &sender,
		.has_size = true,
		.size = size,
		.now = NOW,
	};
}

static int
ask(const struct spool_account *a, const struct spool_customer_facts *f,
	const struct admit_message *m, const char *enhanced, const char *words)
{
	struct reply r;

	admit_rcpt(a, f, m, &r);
	assert_string_equal(r.enhanced, enhanced);
	if (!strstr(r.text, words))
		fail_msg("%s is not in: %s", words, r.text);
	if (strstr(r.text, a->name))
		fail_msg("a stranger learns a login name: %s", r.text);
	return r.code;
}

static int
setup(void **state)
{
	(void)state;
	set_addresses("cap@aurora.example", "eve@far.example");
	return 0;
}

static void
test_needs(void **state)
{
	struct spool_account a = customer();

	(void)state;
	assert_false(admit_needs_facts(&a));
	a.max_size = 1;
	assert_false(admit_needs_facts(&a));
	a.quota = 1;
	assert_true(admit_needs_facts(&a));
	a.suspended = true;
	assert_false(admit_needs_facts(&a));
	a = customer();
	a.recipients = RECIPIENTS_VERIFY;
	assert_true(admit_needs_facts(&a));
}

static void
test_limitless(void **state)
{
	struct spool_account a = customer();
	struct admit_message m = message(UINT64_C(1) << 40);

	(void)state;
	assert_int_equal(ask(&a, NULL, &m, "2.1.5", "Ok"), 250);
	a.suspended = true;
	assert_int_equal(ask(&a, NULL, &m, "4.2.1", "suspended"), 450);
}

static void
test_list(void **state)
{
	struct spool_account a = customer();
	struct spool_customer_facts f = {.known = KNOWN_NOTHING};
	struct admit_message m = message(10);

	(void)state;
	a.recipients = RECIPIENTS_LISTED;
	assert_int_equal(ask(&a, &f, &m, "5.1.1", "<cap@aurora.example>"), 550);
	f.known = KNOWN_ACCEPTED; /* learnt once, but not in the list */
	f.learnt_at = NOW;
	assert_int_equal(ask(&a, &f, &m, "5.1.1", "list"), 550);
	f.known = KNOWN_LISTED;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
	f.known = KNOWN_NOTHING;
	set_addresses("PostMaster@aurora.example", "");
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
}

static void
test_verify(void **state)
{
	struct spool_account a = customer();
	struct spool_customer_facts f = {.known = KNOWN_NOTHING};
	struct admit_message m = message(10);

	(void)state;
	a.recipients = RECIPIENTS_VERIFY;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "its host alone"), 250);
	f = (struct spool_customer_facts){
		.known = KNOWN_REFUSED, .learnt_at = NOW - 7 * DAY + 1};
	assert_int_equal(ask(&a, &f, &m, "5.1.1", "itself said"), 550);
	f.learnt_at = NOW - 7 * DAY;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "its host alone"), 250);
	f = (struct spool_customer_facts){
		.known = KNOWN_ACCEPTED, .learnt_at = NOW - 30 * DAY + 1};
	assert_int_equal(ask(&a, &f, &m, "2.1.5", ""), 250);
	f.learnt_at = NOW - 30 * DAY;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "its host alone"), 250);
	f = (struct spool_customer_facts){
		.known = KNOWN_REFUSED, .learnt_at = NOW};
	set_addresses("postmaster@aurora.example", "");
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
}

static void
test_size(void **state)
{
	struct spool_account a = customer();
	struct admit_message m = message(20 * KILO);
	struct reply r;

	(void)state;
	a.max_size = 20 * KILO;
	assert_int_equal(ask(&a, NULL, &m, "2.1.5", "Ok"), 250);
	m.size++;
	assert_int_equal(ask(&a, NULL, &m, "5.3.4", "20 K"), 552);
	m.has_size = false; /* nothing is known before the end */
	assert_int_equal(ask(&a, NULL, &m, "2.1.5", "Ok"), 250);
	m.has_size = true;
	assert_false(
		admit_whole(&a, &(struct spool_customer_facts){0}, &m, &r));
	assert_int_equal(r.code, 552);
	assert_non_null(strstr(r.text, "<cap@aurora.example>"));
	m.size--;
	assert_true(admit_whole(&a, &(struct spool_customer_facts){0}, &m, &r));
}

static struct spool_customer_facts
waiting(uint64_t bytes)
{
	return (struct spool_customer_facts){.waiting = {.bytes = bytes}};
}

static void
test_quota(void **state)
{
	struct spool_account a = customer();
	struct spool_customer_facts f = waiting(QUOTA - 10 * KILO);
	struct admit_message m = message(10 * KILO);

	(void)state;
	a.quota = QUOTA;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
	m.size++;
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "quota 1000 K"), 452);
	m.size = 1;
	m.pending = 10 * KILO;
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "too much mail"), 452);
	set_addresses("postmaster@aurora.example", "");
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "too much mail"), 452);
	f = waiting(QUOTA);
	m = (struct admit_message){
		.recipient = &recipient, .sender = &sender, .now = NOW};
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "too much mail"), 452);
}

/* A fifth is kept for small messages. */
static void
test_reserve(void **state)
{
	struct spool_account a = customer();
	struct spool_customer_facts f = waiting(800 * KILO - 20 * KILO);
	struct admit_message m = message(20 * KILO);

	(void)state;
	a.quota = QUOTA;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
	f = waiting(800 * KILO);
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "below 20 K"), 452);
	m.size--;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
	m.has_size = false;
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "declare SIZE"), 452);
	f = waiting(800 * KILO - 1);
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
}

static void
test_sender(void **state)
{
	struct spool_account a = customer();
	struct spool_customer_facts f = waiting(600 * KILO);
	struct admit_message m = message(KILO);

	(void)state;
	a.quota = QUOTA;
	f.sender_bytes = 499 * KILO;
	assert_int_equal(ask(&a, &f, &m, "2.1.5", "Ok"), 250);
	m.pending = 1;
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "<eve@far.example>"), 452);
	set_addresses("cap@aurora.example", ""); /* one sender like others */
	assert_int_equal(ask(&a, &f, &m, "4.2.2", "from <>"), 452);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_needs, setup),
		cmocka_unit_test_setup(test_limitless, setup),
		cmocka_unit_test_setup(test_list, setup),
		cmocka_unit_test_setup(test_verify, setup),
		cmocka_unit_test_setup(test_size, setup),
		cmocka_unit_test_setup(test_quota, setup),
		cmocka_unit_test_setup(test_reserve, setup),
		cmocka_unit_test_setup(test_sender, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
