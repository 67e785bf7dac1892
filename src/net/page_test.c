/* Requests for the page, and what becomes of those who do not ask well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "net/page.h"

#include <stdlib.h>
#include <string.h>

static void
test_requests(void **state)
{
	static const struct {
		const char *octets;
		unsigned status;
		bool head;
	} rows[] = {
		{"", 0, false},
		{"GET /metrics HTTP/1.1\r\nHost: a\r\n", 0, false},
		{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
		{"GET /metrics HTTP/1.1\nHost: a\n\n", 200, false},
		{"GET /metrics HTTP/1.0\r\n\r\n", 200, false},
		{"GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200, false},
		{"GET http://a:1/metrics HTTP/1.0\r\n\r\n", 200, false},
		{"HEAD /metrics HTTP/1.0\r\n\r\n", 200, true},
		{"GET / HTTP/1.0\r\n\r\n", 404, false},
		{"GET /metrics/ HTTP/1.0\r\n\r\n", 404, false},
		{"GET /metric HTTP/1.0\r\n\r\n", 404, false},
		{"GET http://a HTTP/1.0\r\n\r\n", 404, false},
		{"POST /metrics HTTP/1.0\r\n\r\nx", 405, false},
		{"get /metrics HTTP/1.0\r\n\r\n", 405, false},
		{"GET /metrics HTTP/1.1\r\n\r\n", 400, false},
		{"GET /metrics HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400,
			false},
		{"GET /metrics\r\n\r\n", 400, false},
		{"\r\n\r\n", 400, false},
		{"GET  /metrics HTTP/1.0\r\n\r\n", 400, false},
		{"GET /metrics SMTP/1.0\r\n\r\n", 400, false},
		{"GET /metrics HTTP/2.0\r\n\r\n", 505, false},
		{"GET /metrics HTTP/1.10\r\n\r\n", 505, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool head;

		assert_int_equal(
			page_request_status(str_of(rows[i].octets), &head),
			rows[i].status);
		assert_int_equal(head, rows[i].head);
	}
}

static void
test_too_long(void **state)
{
	char *octets = malloc(PAGE_REQUEST_MAX);
	bool head;

	(void)state;
	memset(octets, 'x', PAGE_REQUEST_MAX);
	assert_int_equal(
		page_request_status(
			(struct str){octets, PAGE_REQUEST_MAX - 1}, &head),
		0);
	assert_int_equal(page_request_status(
				 (struct str){octets, PAGE_REQUEST_MAX}, &head),
		431);
	free(octets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
