/* The faces are no library, so their tests take the file itself in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/args.c"

#include <stdio.h>

static const struct option options[] = {
	{.name = "--json", .help = ""},
	{.name = "--from", .value = "PATTERN", .help = ""},
	{.name = "--domain", .value = "DOMAIN", .help = "", .many = true},
	{.name = "--watch", .later = true},
	{.name = NULL},
};

static const struct command command = {
	.name = "queue list",
	.words = "ID...",
	.least = 1,
	.most = 2,
	.options = options,
};

static const struct {
	const char *words[8];
	enum err_code code;
	const char *text; /* part of the error; or of what was taken */
} lines[] = {
	{{"4711"}, OK, "words 4711"},
	{{"4711", "--json"}, OK, "--json words 4711"},
	{{"--from", "a@*", "4711"}, OK, "--from=a@* words 4711"},
	{{"--from=a=b", "4711"}, OK, "--from=a=b words 4711"},
	{{"--from=", "4711"}, OK, "--from= words 4711"},
	{{"--from", "--json", "4711"}, OK, "--from=--json words 4711"},
	{{"--domain", "a", "--domain=b", "1"}, OK,
		"--domain=a --domain=b words 1"},
	{{"-5", "4711"}, OK, "words -5 4711"},
	{{"--", "--json"}, OK, "words --json"},
	{{"-", "4711"}, OK, "words - 4711"},
	{{"-c", "FILE", "4711"}, OK, "conf FILE words 4711"},
	{{"--help"}, OK, "help"},
	{{NULL}, ERR_USAGE, "queue list needs ID..."},
	{{"1", "2", "3"}, ERR_USAGE,
		"\"3\" is one word too many; see: tidepost help"},
	{{"1", "--form", "x"}, ERR_USAGE, "did you mean --from?"},
	{{"1", "--jsno"}, ERR_USAGE, "did you mean --json?"},
	{{"1", "--colour"}, ERR_USAGE, "no option \"--colour\"; see: "},
	{{"1", "-x"}, ERR_USAGE, "no option \"-x\""},
	{{"1", "--from"}, ERR_USAGE, "--from needs a value"},
	{{"1", "-c"}, ERR_USAGE, "-c needs a value"},
	{{"1", "--json=yes"}, ERR_USAGE, "--json takes no value"},
	{{"1", "--json", "--json"}, ERR_USAGE, "--json was given twice"},
	{{"1", "--watch"}, ERR_UNSUPPORTED, "--watch is not yet supported"},
};

static void
describe(const struct args *a, char *out, size_t size)
{
	int n = 0;

	out[0] = '\0';
	if (a->help)
		n += snprintf(out, size, "help ");
	if (a->conf)
		n += snprintf(out + n, size - (size_t)n, "conf %s ", a->conf);
	for (size_t i = 0; i < a->given_n; i++)
		n += snprintf(out + n, size - (size_t)n, "%s%s%s ",
			a->given[i].name, a->given[i].value ? "=" : "",
			a->given[i].value ? a->given[i].value : "");
	if (a->words_n)
		n += snprintf(out + n, size - (size_t)n, "words ");
	for (size_t i = 0; i < a->words_n; i++)
		n += snprintf(out + n, size - (size_t)n, "%s ", a->words[i]);
	if (n)
		out[n - 1] = '\0';
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char taken[200];
		struct args a;
		struct err e = {0};
		int n = 0;
		enum err_code code;

		while (lines[i].words[n])
			n++;
		code = args_parse(&command, n, lines[i].words, &a, &e);
		describe(&a, taken, sizeof(taken));
		if (code != lines[i].code)
			fail_msg("row %zu: code %d, %s", i, (int)code, e.text);
		if (code == OK)
			assert_string_equal(taken, lines[i].text);
		else if (!strstr(e.text, lines[i].text))
			fail_msg("row %zu: %s", i, e.text);
		args_free(&a);
	}
}

static void
test_values(void **state)
{
	const char *words[] = {"--domain", "a", "1", "--domain", "b", NULL};
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(args_parse(&command, 5, words, &a, &e), OK);
	assert_string_equal(args_nth(&a, "--domain", 1), "b");
	assert_null(args_nth(&a, "--domain", 2));
	assert_null(args_value(&a, "--from"));
	assert_true(args_has(&a, "--domain"));
	assert_false(args_has(&a, "--json"));
	args_free(&a);
}

static void
test_verb_without_options(void **state)
{
	static const struct command plain = {.name = "version", .words = ""};
	const char *words[] = {"--json", NULL};
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(args_parse(&plain, 1, words, &a, &e), ERR_USAGE);
	args_free(&a);
	assert_int_equal(args_parse(&plain, 0, words + 1, &a, &e), OK);
	args_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_verb_without_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
