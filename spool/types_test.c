#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "spool/types.h"

static void
sentences(void **state)
{
	static const struct {
		enum spool_reason reason;
		const char *arg;
		int64_t next;
		const char *text;
	} rows[] = {
		{REASON_NONE, "", 0, "may go now"},
		{REASON_LINK_DOWN, "iridium", 0, "waits for link iridium"},
		{REASON_LINK_DOWN, NULL, 0, "waits for a link"},
		{REASON_CUSTOMER_CALL, "aurora", 0,
			"waits until customer aurora calls"},
		{REASON_PEER_4XX, "451 4.3.0 later", 1772344800,
			"the peer said: 451 4.3.0 later; next try "
			"2026-03-01T06:00:00Z"},
		{REASON_RETRY_WAIT, "451 4.3.0 later", 1772344800,
			"the peer said: 451 4.3.0 later; next try "
			"2026-03-01T06:00:00Z"},
		{REASON_RETRY_WAIT, "", 1772344800,
			"waits; next try "
			"2026-03-01T06:00:00Z"},
		{REASON_RETRY_WAIT, "connection lost", 0, "connection lost"},
		{REASON_OPERATOR_HOLD, "jane", 5, "held by jane"},
		{REASON_OPERATOR_HOLD, "", 0, "held by the operator"},
		{REASON_NO_8BITMIME, "shore", 0,
			"8-bit mail, which is not taken by shore"},
		{REASON_NO_8BITMIME, REASON_BINARY_WORDS ", unlike shore", 0,
			"needs a peer that takes binary mail, unlike shore"},
		{(enum spool_reason)99, "x", 0, "may go now"},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		spool_reason_text(rows[i].reason, rows[i].arg, rows[i].next,
			text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	spool_reason_text(REASON_LINK_DOWN, "iridium", 0, text, 10);
	assert_string_equal(text, "waits for");
}

static void
names(void **state)
{
	enum spool_state s;
	enum spool_reason r;

	(void)state;
	for (unsigned i = 0; i < SPOOL_STATES_N; i++) {
		assert_true(spool_state_parse(
			str_of(spool_state_name((enum spool_state)i)), &s));
		assert_int_equal(s, i);
	}
	for (unsigned i = 0; i <= REASON_CLOCK; i++) {
		assert_true(spool_reason_parse(
			str_of(spool_reason_name((enum spool_reason)i)), &r));
		assert_int_equal(r, i);
	}
	assert_false(spool_state_parse(STR("sleeping"), &s));
	assert_false(spool_reason_parse(STR("boredom"), &r));
	assert_string_equal(spool_reason_name(REASON_PEER_4XX), "peer-4xx");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
