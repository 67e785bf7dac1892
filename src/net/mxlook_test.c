#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/mxlook.h"

#include <string.h>

#define REC(literal) ((struct str){(literal), sizeof(literal) - 1})

static void
reads_a_record(void **state)
{
	char name[WIRE_DOMAIN_MAX + 1];
	unsigned preference;

	(void)state;
	assert_true(mxlook_read_mx(REC("\x01\x02\x04MX-1\x07"
				       "Example\0"),
		&preference, name));
	assert_int_equal(preference, 258);
	assert_string_equal(name, "mx-1.example");
	assert_true(mxlook_read_mx(REC("\0\0\0"), &preference, name));
	assert_string_equal(name, "");
}

/* Every piece of a good one, and what no host can be called. */
static void
refuses_what_is_damaged(void **state)
{
	static const char good[] = "\0\x0a\x02mx\x07"
				   "example";
	static const struct str bad[] = {REC("\0\x0a\x04mx\0"),
		REC("\0\x0a\x02mx\0x"), REC("\0\x0a\x02m\x1b\0"),
		REC("\0\x0a\x02m.\0"), REC("\0\x0a\xc0\x0c"),
		REC("\0\x0a\x02m \0"), REC("\0\x0a\x02m/\0")};
	char name[WIRE_DOMAIN_MAX + 1], endless[600];
	unsigned preference;

	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1; n++)
		assert_false(mxlook_read_mx(
			(struct str){good, n}, &preference, name));
	assert_true(mxlook_read_mx(
		(struct str){good, sizeof(good)}, &preference, name));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mxlook_read_mx(bad[i], &preference, name));
	memset(endless, 1, sizeof(endless));
	for (size_t i = 3; i < sizeof(endless); i += 2)
		endless[i] = 'a';
	assert_false(mxlook_read_mx(
		(struct str){endless, sizeof(endless)}, &preference, name));
}

static void
keeps_what_mail_can_use(void **state)
{
	struct tls_dane d = {.n = 0};
	char record[3 + 64] = {3, 1, 1};

	(void)state;
	mxlook_read_tlsa((struct str){record, 3 + 32}, &d);
	record[2] = 2;
	mxlook_read_tlsa((struct str){record, 3 + 64}, &d);
	record[0] = 2;
	mxlook_read_tlsa((struct str){record, 3 + 64}, &d);
	assert_int_equal(d.n, 3);
	assert_int_equal(d.v[0].octets, 32);
	assert_int_equal(d.v[2].usage, 2);
}

/* RFC 7672 2.2: a record that cannot be used still promises TLS. */
static void
promises_tls_by_what_it_cannot_use(void **state)
{
	static const struct str useless[] = {REC(""), REC("\x03"),
		REC("\x01\x01\x01"
		    "12345678901234567890123456789012"),
		REC("\x03\x02\x01"
		    "12345678901234567890123456789012"),
		REC("\x03\x01\x01short"), REC("\x03\x01\x00whole key")};

	(void)state;
	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
		struct tls_dane d = {.n = 0};

		mxlook_read_tlsa(useless[i], &d);
		assert_true(d.required);
		assert_int_equal(d.n, 0);
	}
}

static void
keeps_no_more_than_there_is_room_for(void **state)
{
	struct tls_dane d = {.n = 0};
	char record[3 + 32] = {3, 1, 1};

	(void)state;
	for (size_t i = 0; i < 3 * TLS_TLSA_MAX; i++)
		mxlook_read_tlsa((struct str){record, sizeof(record)}, &d);
	assert_int_equal(d.n, TLS_TLSA_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_record),
		cmocka_unit_test(refuses_what_is_damaged),
		cmocka_unit_test(keeps_what_mail_can_use),
		cmocka_unit_test(promises_tls_by_what_it_cannot_use),
		cmocka_unit_test(keeps_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
