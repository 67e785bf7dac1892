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

/* The example of RFC 7677 3. */
static const unsigned char rfc_salt[SASL_SALT_BYTES] = {0x5b, 0x6d, 0x99, 0x68,
	0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
static const unsigned char rfc_stored_key[SASL_KEY_BYTES] = {0x58, 0x6e, 0x5d,
	0xf2, 0x83, 0xe6, 0xdc, 0xeb, 0x5c, 0x3e, 0x79, 0x1d, 0x8b, 0x85, 0x28,
	0xec, 0x19, 0x1e, 0x66, 0x40, 0x45, 0xce, 0x97, 0x17, 0x92, 0xe2, 0xe6,
	0xb5, 0xbb, 0x13, 0xe2, 0xa6};

/* The example of RFC 7677 3: user "user", password "pencil". */
static void
keys_are_those_of_the_rfc(void **state)
{
	struct verifier v = {.iterations = 4096};

	(void)state;
	memcpy(v.salt, rfc_salt, sizeof(rfc_salt));
	memcpy(v.stored_key, rfc_stored_key, sizeof(rfc_stored_key));
	assert_true(verifier_check(&v, "pencil"));
	assert_false(verifier_check(&v, "pencils"));
}

/* The exchange of RFC 7677 3, with the verifier of its password beside another.
 */
static void
proof_tells_which_it_is(void **state)
{
	static const unsigned char right[SASL_KEY_BYTES] = {0x74, 0x7c, 0xdb,
		0x65, 0xaa, 0x56, 0x22, 0x4e, 0x23, 0x52, 0x13, 0x7e, 0x52,
		0xd7, 0xbd, 0xca, 0xd6, 0xa0, 0xf7, 0x38, 0xdf, 0x30, 0x78,
		0x2c, 0xaa, 0x69, 0xa2, 0xcf, 0xb0, 0x27, 0x75, 0x54};
	static const char said[] =
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	struct str message = str_of(said);
	struct verifier_pair pair = {.present = {.iterations = 4096}}, swapped;
	unsigned char wrong[SASL_KEY_BYTES];

	(void)state;
	memcpy(pair.present.salt, rfc_salt, sizeof(rfc_salt));
	assert_int_equal(verifier_change(&pair.present, &pair.next, "pencil",
				 false, false, NULL),
		OK);
	assert_memory_equal(
		pair.next.stored_key, rfc_stored_key, SASL_KEY_BYTES);
	assert_int_equal(
		verifier_pair_prove(&pair, message, right), VERIFIER_NEXT);
	swapped = (struct verifier_pair){pair.next, pair.present};
	assert_int_equal(verifier_pair_prove(&swapped, message, right),
		VERIFIER_PRESENT);
	for (size_t i = 0; i < sizeof(right); i++) {
		memcpy(wrong, right, sizeof(wrong));
		wrong[i] ^= 1;
		assert_int_equal(verifier_pair_prove(&pair, message, wrong),
			VERIFIER_NEITHER);
	}
	message.n--;
	assert_int_equal(
		verifier_pair_prove(&pair, message, right), VERIFIER_NEITHER);
	message.n++;
	pair.next.iterations = 0;
	assert_int_equal(
		verifier_pair_prove(&pair, message, right), VERIFIER_NEITHER);
}

static void
change_keeps_the_old_one(void **state)
{
	struct verifier_pair p = {.present = {.iterations = 0}}, before;

	(void)state;
	/* nothing was set: straight into its place */
	assert_int_equal(
		verifier_change(&p.present, &p.next, "one", true, false, NULL),
		OK);
	assert_int_equal(p.next.iterations, 0);
	assert_int_equal(verifier_pair_check(&p, "one"), VERIFIER_PRESENT);
	before = p;
	assert_int_equal(
		verifier_change(&p.present, &p.next, "two", false, false, NULL),
		OK);
	assert_memory_equal(&p.present, &before.present, sizeof(p.present));
	assert_memory_equal(p.next.salt, p.present.salt, SASL_SALT_BYTES);
	assert_string_equal(p.next.secret, "two");
	assert_int_equal(verifier_pair_check(&p, "one"), VERIFIER_PRESENT);
	assert_int_equal(verifier_pair_check(&p, "two"), VERIFIER_NEXT);
	/* a second change before the first use */
	assert_int_equal(verifier_change(&p.present, &p.next, "three", false,
				 false, NULL),
		OK);
	assert_int_equal(verifier_pair_check(&p, "one"), VERIFIER_PRESENT);
	assert_int_equal(verifier_pair_check(&p, "two"), VERIFIER_NEITHER);
	assert_int_equal(verifier_pair_check(&p, "three"), VERIFIER_NEXT);
	before = p;
	assert_int_equal(
		verifier_change(&p.present, &p.next, "\x07", false, true, NULL),
		ERR_INVALID);
	assert_memory_equal(&p, &before, sizeof(p));
	/* at once */
	assert_int_equal(
		verifier_change(&p.present, &p.next, "four", false, true, NULL),
		OK);
	assert_int_equal(p.next.iterations, 0);
	assert_memory_not_equal(
		p.present.salt, before.present.salt, SASL_SALT_BYTES);
	assert_int_equal(verifier_pair_check(&p, "four"), VERIFIER_PRESENT);
	assert_int_equal(verifier_pair_check(&p, "one"), VERIFIER_NEITHER);
	assert_int_equal(verifier_pair_check(&p, "three"), VERIFIER_NEITHER);
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

static const char *const no_texts[] = {
	"",
	"SCRAM-SHA-256$",
	"SCRAM-SHA-1$4096:AAAAAAAAAAAAAAAAAAAAAA==$A:A",
	"SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAA:AAAA",
	/* too few rounds, and more than anyone can wait for */
	"SCRAM-SHA-256$1:AAAAAAAAAAAAAAAAAAAAAA=="
	"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"SCRAM-SHA-256$99999999:AAAAAAAAAAAAAAAAAAAAAA=="
	"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
};

static void
test_text_and_back(void **state)
{
	struct verifier v, again;
	char text[VERIFIER_TEXT_MAX], second[VERIFIER_TEXT_MAX];
	struct err e;

	(void)state;
	assert_int_equal(verifier_make("seven-gulls", true, &v, &e), OK);
	verifier_format(&v, text);
	assert_true(verifier_parse(str_of(text), &again));
	assert_true(verifier_check(&again, "seven-gulls"));
	assert_false(verifier_check(&again, "six-gulls"));
	assert_string_equal(again.secret, "");
	verifier_format(&again, second);
	assert_string_equal(second, text);
	for (size_t i = 0; i < sizeof(no_texts) / sizeof(*no_texts); i++)
		assert_false(verifier_parse(str_of(no_texts[i]), &again));
	text[strlen(text) - 1] = 'x';
	assert_false(verifier_parse(str_of(text), &again));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_matches_itself_alone),
		cmocka_unit_test(salts_are_fresh),
		cmocka_unit_test(keys_are_those_of_the_rfc),
		cmocka_unit_test(proof_tells_which_it_is),
		cmocka_unit_test(change_keeps_the_old_one),
		cmocka_unit_test(unfit_password_matches_nothing),
		cmocka_unit_test(no_password_matches_nothing),
		cmocka_unit_test(passwords_are_prepared),
		cmocka_unit_test(unfit_passwords_are_refused),
		cmocka_unit_test(test_text_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
