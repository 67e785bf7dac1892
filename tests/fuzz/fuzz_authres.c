/*
 * Authentication-Results: whole header against cut in pieces, and the value of
 * a field by itself. The first octet chooses how to cut; the rest is the
 * header.
 */
#include "mail/header.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {"front", "mx.x.example"};

#define SENDER STR("far.example")

static bool
scan(struct str header, size_t step, bool *found_r)
{
	struct header_scan h;
	struct authres a;
	bool pass;

	header_scan_init(&h);
	authres_init(&a, names, 2, SENDER);
	h.authres = &a;
	while (header.n) {
		size_t n = step < header.n ? step : header.n;

		header_scan_feed(&h, (struct str){header.p, n});
		header = str_skip(header, n);
		FUZZ_CHECK(a.value.len <= AUTHRES_VALUE_MAX);
	}
	authres_end(&a);
	FUZZ_CHECK(a.value.len == 0);
	pass = a.pass;
	*found_r = a.found;
	authres_free(&a);
	return pass;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool found, again, pass;
	struct str text;

	if (size == 0)
		return 0;
	text = (struct str){(const char *)data + 1, size - 1};
	pass = scan(text, text.n, &found);
	FUZZ_CHECK(pass == scan(text, 1U + data[0] % 16, &again));
	FUZZ_CHECK(found == again);
	FUZZ_CHECK(found || !pass);
	/* Nobody passes under a name that is not there. */
	found = authres_parse(text, names, 2, SENDER, &pass);
	FUZZ_CHECK(found || !pass);
	FUZZ_CHECK(!authres_parse(text, names, 0, SENDER, &pass) && !pass);
	return 0;
}
