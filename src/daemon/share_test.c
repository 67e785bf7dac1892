#include "daemon/share.h"

#include <stdio.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_sums(void **state)
{
	struct shares s = {.v = NULL};

	(void)state;
	shares_add(&s, "ann", 100);
	shares_add(&s, "bob@x.example", 7);
	shares_add(&s, "ann", 11);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.v[0].who, "ann");
	assert_int_equal(s.v[0].messages, 2);
	assert_int_equal(s.v[0].bytes, 111);
	assert_int_equal(s.v[1].bytes, 7);
	shares_free(&s);
	assert_int_equal(s.n, 0);
}

static void
test_bounded(void **state)
{
	struct shares s = {.v = NULL};
	uint64_t bytes = 0;

	(void)state;
	for (int i = 0; i < 3 * SHARES_MAX; i++) {
		char who[24];

		snprintf(who, sizeof(who), "user%d", i);
		shares_add(&s, who, 10);
	}
	assert_int_equal(s.n, SHARES_MAX);
	assert_string_equal(s.v[s.n - 1].who, "(others)");
	for (size_t i = 0; i < s.n; i++)
		bytes += s.v[i].bytes;
	assert_int_equal(bytes, 3 * SHARES_MAX * 10); /* nothing is lost */
	shares_free(&s);
}

static void
test_payer(void **state)
{
	struct spool_message m = {.id = 1};

	(void)state;
	assert_string_equal(share_payer(&m), "(notices)");
	strcpy(m.sender, "ann@x.example");
	assert_string_equal(share_payer(&m), "ann@x.example");
	strcpy(m.account, "ann");
	assert_string_equal(share_payer(&m), "ann");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_payer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
