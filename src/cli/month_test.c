/* Months and their borders. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/month.c"

static void
test_months(void **state)
{
	static const char *const no_months[] = {"", "2026", "2026-13",
		"2026-00", "2026-1", "1969-12", "2026-03-01", "2026/03",
		"-026-03", "2026-+3"};
	char text[MONTH_TEXT_MAX];
	int64_t from, to;

	(void)state;
	assert_true(month_parse(STR("2024-02"), &from, &to));
	assert_int_equal(from, 1706745600); /* a leap year: 29 days */
	assert_int_equal(to - from, 29 * 86400);
	assert_true(month_parse(STR("2025-12"), &from, &to));
	assert_int_equal(to, 1767225600); /* 2026-01-01 */
	month_of(1767225600, &from, &to);
	assert_int_equal(from, 1767225600);
	assert_int_equal(to - from, 31 * 86400);
	month_of(1767225599, &from, &to);
	assert_int_equal(to, 1767225600);
	month_text(1767225599, text);
	assert_string_equal(text, "2025-12");
	for (size_t i = 0; i < sizeof(no_months) / sizeof(*no_months); i++)
		assert_false(month_parse(str_of(no_months[i]), &from, &to));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_months),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
