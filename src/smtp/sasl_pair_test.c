/* Two passwords of one account: the present one and the next. */
#include "smtp/sasl_private.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct verifier_pair pair;

static const struct tls_facts tls = {.version = "TLSv1.3",
	.cb_exporter = "an exporter of 32 octets, or so",
	.has_exporter = true};

static const char *const mechs[] = {
	"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"};
enum { MECHS = sizeof(mechs) / sizeof(mechs[0]) };

static bool
lookup(void *arg, const char *name, struct verifier_pair *pair_r)
{
	(void)arg;
	*pair_r = pair;
	return strcmp(name, "aurora") == 0;
}

static int
setup(void **state)
{
	(void)state;
	memset(&pair, 0, sizeof(pair));
	assert_int_equal(verifier_make("old", true, &pair.present, NULL), OK);
	assert_int_equal(verifier_change(&pair.present, &pair.next, "new",
				 false, false, NULL),
		OK);
	return 0;
}

/* --- an exchange ---------------------------------------------------------- */

/* One line of the client to the server, if there is one, and what it says. */
static enum sasl_step
turn(struct sasl_server *s, struct sasl_client *c, struct str *challenge,
	struct buf *from_server, struct buf *from_client)
{
	bool initial;
	enum sasl_step step;

	buf_clear(from_client);
	step = sasl_client_step(c, *challenge, from_client, &initial);
	if (step == SASL_FAILED || step == SASL_SYNTAX)
		return SASL_FAILED;
	buf_clear(from_server);
	step = sasl_server_step(s,
		challenge->p || initial ? buf_view(from_client)
					: (struct str){NULL, 0},
		from_server);
	*challenge = (struct str){buf_z(from_server), from_server->len};
	return step;
}

/* *next_r: is it the next password that came? */
static enum sasl_step
log_in(const char *mech, const char *name, const char *password, bool *next_r)
{
	struct sasl_client_conf conf = {.user = name,
		.password = password,
		.secure = true,
		.tls = &tls};
	struct sasl_client *c = sasl_client_new(str_of(mech), &conf);
	struct sasl_server *s =
		sasl_server_new(mech, "h.example", &tls, lookup, NULL);
	struct str challenge = {NULL, 0};
	struct buf from_server, from_client;
	enum sasl_step step;

	assert_non_null(c);
	assert_non_null(s);
	buf_init(&from_server, 0);
	buf_init(&from_client, 0);
	do
		step = turn(s, c, &challenge, &from_server, &from_client);
	while (step == SASL_MORE);
	/* For SCRAM: the server proved the right one of the two, too. */
	assert_int_equal(sasl_client_is_done(c),
		step == SASL_OK ||
			!sasl_is_scram(sasl_mech_find(str_of(mech))));
	*next_r = sasl_server_next(s) != NULL;
	if (*next_r)
		assert_memory_equal(sasl_server_next(s)->stored_key,
			pair.next.stored_key, SASL_KEY_BYTES);
	buf_free(&from_server);
	buf_free(&from_client);
	sasl_client_free(c);
	sasl_server_free(s);
	return step;
}

/* --- tests ---------------------------------------------------------------- */

static void
both_are_accepted(void **state)
{
	bool next;

	(void)state;
	for (size_t i = 0; i < MECHS; i++) {
		assert_int_equal(
			log_in(mechs[i], "aurora", "old", &next), SASL_OK);
		assert_false(next);
		assert_int_equal(
			log_in(mechs[i], "aurora", "new", &next), SASL_OK);
		assert_true(next);
	}
}

static void
no_third_is_accepted(void **state)
{
	static const char *const wrong[] = {"ol", "newer", "oldnew", "x"};
	bool next;

	(void)state;
	for (size_t i = 0; i < MECHS; i++) {
		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			assert_int_equal(
				log_in(mechs[i], "aurora", wrong[j], &next),
				SASL_FAILED);
			assert_false(next);
		}
		assert_int_equal(
			log_in(mechs[i], "nobody", "new", &next), SASL_FAILED);
	}
}

static void
without_a_next_one_it_is_as_ever(void **state)
{
	bool next;

	(void)state;
	memset(&pair.next, 0, sizeof(pair.next));
	for (size_t i = 0; i < MECHS; i++) {
		assert_int_equal(
			log_in(mechs[i], "aurora", "old", &next), SASL_OK);
		assert_false(next);
		assert_int_equal(
			log_in(mechs[i], "aurora", "new", &next), SASL_FAILED);
	}
}

/* Then its first use ends the change, too. */
static void
the_same_again_counts_as_the_next(void **state)
{
	bool next;

	(void)state;
	assert_int_equal(verifier_change(&pair.present, &pair.next, "old",
				 false, false, NULL),
		OK);
	for (size_t i = 0; i < MECHS; i++) {
		assert_int_equal(
			log_in(mechs[i], "aurora", "old", &next), SASL_OK);
		assert_true(next);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_are_accepted, setup),
		cmocka_unit_test_setup(no_third_is_accepted, setup),
		cmocka_unit_test_setup(without_a_next_one_it_is_as_ever, setup),
		cmocka_unit_test_setup(
			the_same_again_counts_as_the_next, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
