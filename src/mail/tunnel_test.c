#include "mail/tunnel.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
assert_becomes(const char *before, bool told, int priority, const char *after)
{
	char buf[512];
	size_t n = strlen(before);

	memcpy(buf, before, n);
	n = tunnel_priority(buf, n, told, priority);
	assert_int_equal(n, strlen(after));
	assert_memory_equal(buf, after, n);
}

static void
test_added(void **state)
{
	(void)state;
	assert_becomes("Subject: x\r\n\r\nbody\r\n", true, 4,
		"MT-Priority: 4\r\nSubject: x\r\n\r\nbody\r\n");
	assert_becomes("Subject: x\r\n\r\n", true, -9,
		"MT-Priority: -9\r\nSubject: x\r\n\r\n");
	assert_becomes("", true, 0, "MT-Priority: 0\r\n");
}

static void
test_nobody_asked(void **state)
{
	(void)state;
	assert_becomes("Subject: x\r\n\r\nMT-Priority: 3\r\n", false, 0,
		"Subject: x\r\n\r\nMT-Priority: 3\r\n");
}

/* "any and all existing", valid or not, folded or not */
static void
test_replaced(void **state)
{
	(void)state;
	assert_becomes("mt-priority : 9\r\nSubject: x\r\nMT-Priority:\r\n"
		       " 3 (high)\r\nMT-Priority-Not: 1\r\n\r\nb",
		false, 2,
		"MT-Priority: 2\r\nSubject: x\r\nMT-Priority-Not: 1\r\n\r\nb");
	assert_becomes("MT-Priority: 1\r\nMT-Priority: 2\r\n\r\n", false, 0,
		"MT-Priority: 0\r\n\r\n");
}

static void
test_body_untouched(void **state)
{
	(void)state;
	assert_becomes(
		"\r\nMT-Priority: 1\r\n", false, 1, "\r\nMT-Priority: 1\r\n");
	assert_becomes("A: 1\r\n\r\nMT-Priority: 1\r\n", true, 1,
		"MT-Priority: 1\r\nA: 1\r\n\r\nMT-Priority: 1\r\n");
}

/* Cut where the first piece of the message ends. */
static void
test_field_not_whole(void **state)
{
	(void)state;
	assert_becomes("A: 1\r\nMT-Priority: 7\r\n", false, 1,
		"A: 1\r\nMT-Priority: 7\r\n");
	assert_becomes("A: 1\r\nMT-Prio", false, 1, "A: 1\r\nMT-Prio");
	assert_becomes("A: 1\r\nMT-Priority: 7\r\n 8", true, 1,
		"MT-Priority: 1\r\nA: 1\r\nMT-Priority: 7\r\n 8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_nobody_asked),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_body_untouched),
		cmocka_unit_test(test_field_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
