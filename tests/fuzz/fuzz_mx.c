/* Records of strangers: MX, then TLSA. */
#include "net/mxlook.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str record = {(const char *)data, size};
	char name[WIRE_DOMAIN_MAX + 1];
	struct tls_dane d = {.n = 0};
	unsigned preference;

	if (mxlook_read_mx(record, &preference, name)) {
		FUZZ_CHECK(preference <= 65535);
		FUZZ_CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789"
					"-_.") == strlen(name));
		FUZZ_CHECK(strlen(name) + 4 <= size || !name[0]);
	}
	for (size_t i = 0; i < TLS_TLSA_MAX + 1; i++)
		mxlook_read_tlsa(record, &d);
	FUZZ_CHECK(d.required && d.n <= TLS_TLSA_MAX);
	for (size_t i = 0; i < d.n; i++)
		FUZZ_CHECK(d.v[i].octets == 32 || d.v[i].octets == 64);
	return 0;
}
