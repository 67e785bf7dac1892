#include "wire/peertime.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_told_and_read(void **state)
{
	struct buf line;
	int64_t s;

	(void)state;
	buf_init(&line, 0);
	buf_addz(&line, "mail.shore.example");
	peertime_add(&line, 1796087100);
	assert_string_equal(
		buf_z(&line), "mail.shore.example tidepost 1796087100");
	assert_true(peertime_read(buf_view(&line), &s));
	assert_int_equal(s, 1796087100);
	buf_free(&line);
}

static void
test_what_is_no_time(void **state)
{
	static const char *const lines[] = {"", " ", "host", "host ",
		"host tidepost", "host tidepost ", "tidepost 1796087100",
		"host  tidepost 1796087100", "host tidepost  1796087100",
		"host tidepost 1796087100 ", "host tidepost -5",
		"host tidepost 0", "host tidepost 0x10",
		"host tidepost 253402300800",
		"host tidepost 99999999999999999999999",
		"host Tidepost 1796087100", "host tidepost 1796087100Z",
		"host greets you, tidepost 1796087100"};
	int64_t s = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_false(peertime_read(str_of(lines[i]), &s));
	assert_int_equal(s, 7);
	assert_true(peertime_read(STR("h tidepost 253402300799"), &s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_and_read),
		cmocka_unit_test(test_what_is_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
