/* Months and fields of a statement. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/account.h"
#include "cli/args.c"
#include "cli/json.c"
#include "cli/statement.c"
#include "cli/table.c"
#include "cli/text.c"
#include "cli/utf8.c"

/* The verb itself is tried by scenarios. */
int
cli_fail(const struct err *e)
{
	return err_exit_status(e->code);
}

int
cli_read(struct cli *c, spool_fn *fn, void *arg)
{
	(void)c;
	(void)fn;
	(void)arg;
	return 0;
}

static void
test_months(void **state)
{
	static const char *const no_months[] = {"", "2026", "2026-13",
		"2026-00", "2026-1", "1969-12", "2026-03-01", "2026/03",
		"-026-03", "2026-+3"};
	int64_t from, to;

	(void)state;
	assert_true(statement_month(STR("2024-02"), &from, &to));
	assert_int_equal(from, 1706745600); /* a leap year: 29 days */
	assert_int_equal(to - from, 29 * 86400);
	assert_true(statement_month(STR("2025-12"), &from, &to));
	assert_int_equal(to, 1767225600); /* 2026-01-01 */
	statement_month_of(1767225600, &from, &to);
	assert_int_equal(from, 1767225600);
	assert_int_equal(to - from, 31 * 86400);
	statement_month_of(1767225599, &from, &to);
	assert_int_equal(to, 1767225600);
	for (size_t i = 0; i < sizeof(no_months) / sizeof(*no_months); i++)
		assert_false(statement_month(str_of(no_months[i]), &from, &to));
}

static void
test_fields(void **state)
{
	static const struct {
		const char *text, *field;
	} rows[] = {
		{"aurora", "aurora"},
		{"a,b", "\"a,b\""},
		{"a\"b", "\"a\"\"b\""},
		{"a\nb", "\"a\nb\""},
		{"", ""},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_clear(&out);
		statement_field(&out, rows[i].text);
		assert_string_equal(buf_z(&out), rows[i].field);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
