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
	assert_true(iface_has_address("lo", "127.0.0.1"));
	assert_false(iface_has_address("lo", "127.0.0.9"));
	assert_false(iface_has_address("lo", ""));
	assert_false(iface_has_address("tp-nowhere0", "127.0.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_and_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
