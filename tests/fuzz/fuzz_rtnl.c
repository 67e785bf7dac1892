/* Datagrams of the kernel, or of whoever can write to the socket. */
#include <string.h>

#include "net/rtnl.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct rtnl_change c;
	size_t before = rest.n;

	while (rtnl_next(&rest, &c) == RTNL_CHANGE) {
		FUZZ_CHECK(rest.n < before);
		FUZZ_CHECK(memchr(c.name, '\0', sizeof(c.name)));
		before = rest.n;
	}
	FUZZ_CHECK(rest.n == 0);
	FUZZ_CHECK(rtnl_next(&rest, &c) == RTNL_END);
	return 0;
}
