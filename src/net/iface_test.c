#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/iface.h"

static void
test_known_and_unknown(void **state)
{
	(void)state;
	assert_true(iface_is_up("lo"));
	assert_false(iface_is_up("l"));
	assert_false(iface_is_up("tp-nowhere0"));
	assert_false(iface_is_up(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_and_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
