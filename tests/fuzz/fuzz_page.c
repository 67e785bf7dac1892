/*
 * Requests for the page of figures: a request that was answered stays so
 * whatever comes behind it, and none that is too long waits for more.
 */
#include "net/page.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = {(const char *)data, size};
	bool head, again;
	unsigned status = page_request_status(all, &head), first = 0;

	FUZZ_CHECK(status == 0 || (status >= 200 && status < 600));
	FUZZ_CHECK(status || size < PAGE_REQUEST_MAX);
	for (size_t n = 0; n <= size && n < PAGE_REQUEST_MAX && !first; n++)
		first = page_request_status((struct str){all.p, n}, &again);
	FUZZ_CHECK(!first || first == status);
	FUZZ_CHECK(first || !status || status == 431);
	return 0;
}
