#include "wire/verifier.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void
password_matches_itself_alone(void **state)
{
	static const char *const wrong[] = {
		"", "hemlig", "Hemligt", "hemligt ", "-"};
	struct verifier v;
	struct err e;

	(void)state;
	assert_int_equal(verifier_make("hemligt", false, &v, &e), OK);
	assert_int_equal(v.iterations, SASL_ITERATIONS);
	assert_string_equal(v.secret, "");
	assert_true(verifier_check(&v, "hemligt"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(verifier_check(&v, wrong[i]));
}

static void
salts_are_fresh(void **state)
{
	struct verifier a, b;

	(void)state;
	assert_int_equal(verifier_make("hemligt", true, &a, NULL), OK);
	assert_int_equal(verifier_make("hemligt", true, &b, NULL), OK);
	assert_memory_not_equal(a.salt, b.salt, sizeof(a.salt));
	assert_memory_not_equal(a.stored_key, b.stored_key, SASL_KEY_BYTES);
	assert_string_equal(a.secret, "hemligt");
}

/* The example of RFC 7677 3: user "user", password "pencil". */
static void
keys_are_those_of_the_rfc(void **state)
{
	static const unsigned char salt[SASL_SALT_BYTES] = {0x5b, 0x6d, 0x99,
		0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12,
		0x36, 0xfa, 0x81};
	static const unsigned char stored_key[SASL_KEY_BYTES] = {0x58, 0x6e,
		0x5d, 0xf2, 0x83, 0xe6, 0xdc, 0xeb, 0x5c, 0x3e, 0x79, 0x1d,
		0x8b, 0x85, 0x28, 0xec, 0x19, 0x1e, 0x66, 0x40, 0x45, 0xce,
		0x97, 0x17, 0x92, 0xe2, 0xe6, 0xb5, 0xbb, 0x13, 0xe2, 0xa6};
	struct verifier v = {.iterations = 4096};

	(void)state;
	memcpy(v.salt, salt, sizeof(salt));
	memcpy(v.stored_key, stored_key, sizeof(stored_key));
	assert_true(verifier_check(&v, "pencil"));
	assert_false(verifier_check(&v, "pencils"));
}

/* What SASLprep refuses must not pass as what stands in for it. */
static void
unfit_password_matches_nothing(void **state)
{
	struct verifier v;

	(void)state;
	assert_int_equal(verifier_make("-", false, &v, NULL), OK);
	assert_true(verifier_check(&v, "-"));
	assert_false(verifier_check(&v, "\x07"));
	assert_false(verifier_check(&v, ""));
}

static void
no_password_matches_nothing(void **state)
{
	struct verifier v = {0};

	(void)state;
	assert_false(verifier_check(&v, ""));
	assert_false(verifier_check(&v, "-"));
	assert_false(verifier_check(&v, "x"));
}

/* RFC 4013 3: SOFT HYPHEN goes, ROMAN NUMERAL NINE becomes IX. */
static void
passwords_are_prepared(void **state)
{
	struct verifier v;

	(void)state;
	assert_int_equal(verifier_make("I\xc2\xadX", false, &v, NULL), OK);
	assert_true(verifier_check(&v, "IX"));
	assert_true(verifier_check(&v, "\xe2\x85\xa8"));
	assert_false(verifier_check(&v, "ix"));
}

static void
unfit_passwords_are_refused(void **state)
{
	char longest[SASL_SECRET_MAX + 2];
	const char *const unfit[] = {"", "\x07", "a\xffz", "\xc2\xad",
		"\xd8\xa7\x31", "\xc8\xa1", longest};
	struct verifier v = {.iterations = 7};

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		struct err e = {0};

		assert_int_equal(
			verifier_make(unfit[i], true, &v, &e), ERR_INVALID);
		assert_int_equal(e.code, ERR_INVALID);
		assert_int_equal(strncmp(e.text, "password: ", 10), 0);
		assert_int_equal(v.iterations, 7);
	}
	longest[SASL_SECRET_MAX] = '\0';
	assert_int_equal(verifier_make(longest, true, &v, NULL), OK);
	assert_true(verifier_check(&v, longest));
	assert_string_equal(v.secret, longest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_matches_itself_alone),
		cmocka_unit_test(salts_are_fresh),
		cmocka_unit_test(keys_are_those_of_the_rfc),
		cmocka_unit_test(unfit_password_matches_nothing),
		cmocka_unit_test(no_password_matches_nothing),
		cmocka_unit_test(passwords_are_prepared),
		cmocka_unit_test(unfit_passwords_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
