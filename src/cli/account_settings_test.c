/* The faces are no library, so their tests take the files themselves in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/account_settings.c"
#include "cli/args.c"
#include "cli/recipients.c"

#include <stdio.h>

#define VALUE(name_)                                                           \
	{                                                                      \
		.name = name_, .value = "V", .help = "", .many = true          \
	}

static const struct option options[] = {
	VALUE("--sender"),
	VALUE("--domain"),
	VALUE("--network"),
	VALUE("--quota"),
	VALUE("--max-size"),
	VALUE("--lifetime"),
	VALUE("--max-priority"),
	VALUE("--etrn"),
	VALUE("--recipients"),
	{.name = NULL},
};

static const struct command command = {
	.name = "customer set", .words = "", .options = options};

static enum err_code
parse(const char *const *words, struct spool_settings *s_r)
{
	struct args a;
	struct err e;
	enum err_code code;
	int n = 0;

	while (words[n])
		n++;
	assert_int_equal(args_parse(&command, n, words, &a, &e), OK);
	code = account_settings_parse(&a, s_r, &e);
	args_free(&a);
	return code;
}

static const struct {
	const char *option, *value;
	bool good;
} values[] = {
	{"--domain", "aurora.example.org", true},
	{"--domain", "Aurora.Example.ORG", true},
	{"--domain", "", true},
	{"--domain", "two words", false},
	{"--domain", "a@b.example", false},
	{"--domain", ".example.org", false},
	{"--network", "192.0.2.0/24", true},
	{"--network", "192.0.2.7", true},
	{"--network", "2001:db8::/32", true},
	{"--network", "192.0.2.0/33", false},
	{"--network", "192.0.2/24", false},
	{"--network", "2001:db8::/129", false},
	{"--network", "192.0.2.0/", false},
	{"--network", "ship", false},
	{"--network", "192.0.2.0/024", true},
	{"--network", "192.0.2.0/0", false},
	{"--network", "::/0", false},
	{"--network", "192.0.2.0/24/24", false},
	{"--quota", "50M", true},
	{"--quota", "fifty", false},
	{"--max-size", "20K", true},
	{"--max-size", "-1", false},
	{"--max-size", "0", true},
	{"--max-size", "", true},
	{"--quota", "99999999999999999999", false},
	{"--lifetime", "5d", true},
	{"--lifetime", "soon", false},
	{"--lifetime", "10ms", false},
	{"--lifetime", "", true},
	{"--recipients", "any", true},
	{"--recipients", "verify", true},
	{"--recipients", "", true},
	{"--max-priority", "-9", true},
	{"--max-priority", "urgent", true},
	{"--max-priority", "10", false},
	{"--etrn", "mail.aurora.example", true},
	{"--etrn", "mail.aurora.example:2525", true},
	{"--etrn", "192.0.2.1:25", true},
	{"--etrn", "[2001:db8::1]:25", true},
	{"--etrn", "[2001:db8::1]", true},
	{"--etrn", "2001:db8::1", false},
	{"--etrn", "[2001:db8::1]25", false},
	{"--etrn", "[192.0.2.1]:25", false},
	{"--etrn", "mail.aurora.example:", false},
	{"--etrn", "mail.aurora.example:2525x", false},
	{"--etrn", "mail aurora", false},
	{"--etrn", "", true},
	{"--etrn", "mail.aurora.example:0", false},
	{"--etrn", "mail.aurora.example:65536", false},
	{"--etrn", ":25", false},
	{"--etrn", "[]:25", false},
	{"--sender", "captain@aurora.example.org", true},
	{"--sender", "*@aurora.example.org", true},
	{"--sender", "*", true},
	{"--sender", "", true},
	{"--sender", "two words", false},
	{"--sender", "aurora.example.org", false},
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const char *words[] = {values[i].option, values[i].value, NULL};
		struct spool_settings s;
		enum err_code code = parse(words, &s);

		if ((code == OK) != values[i].good)
			fail_msg("%s %s", values[i].option, values[i].value);
		spool_settings_free(&s);
	}
}

static void
test_what_is_given_replaces(void **state)
{
	const char *words[] = {"--domain", "A.example", "--domain", "b.example",
		"--network", "", "--quota", "1K", NULL};
	struct spool_settings s;
	struct spool_account a = {.networks = str_dupz("192.0.2.0/24"),
		.domains = str_dupz("old.example"),
		.senders = str_dupz("kept@old.example"),
		.quota = 5,
		.max_size = 7};

	(void)state;
	assert_int_equal(parse(words, &s), OK);
	spool_settings_apply(&s, &a);
	assert_string_equal(a.domains, "a.example\nb.example");
	assert_null(a.networks);
	assert_string_equal(a.senders, "kept@old.example");
	assert_int_equal(a.quota, 1024);
	assert_int_equal(a.max_size, 7);
	spool_settings_free(&s);
	free(a.domains);
	free(a.senders);
}

static void
test_request_says_the_same(void **state)
{
	const char *words[] = {"--domain", "a.example", "--domain", "b.example",
		"--network", "", "--quota", "1K", "--lifetime", "2d",
		"--max-priority", "urgent", "--recipients", "verify", NULL};
	struct spool_settings s;
	struct request r;

	(void)state;
	request_init(&r, "customer", "set");
	assert_int_equal(parse(words, &s), OK);
	account_settings_request(&s, &r);
	assert_int_equal(r.n, 1);
	assert_string_equal(buf_z(&r.v[0].line),
		"verb=customer action=set domain=a.example domain=b.example "
		"network= quota=1024 lifetime=172800 max_priority=4 "
		"recipients=verify");
	request_free(&r);
	spool_settings_free(&s);
}

/* A list goes on in as many records as it needs, none of them too long. */
static void
test_request_in_parts(void **state)
{
	struct spool_settings s = {0};
	struct request r;
	char address[64];
	struct err e;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 9000; i++) {
		snprintf(address, sizeof(address), "u%d@a.example", i);
		assert_int_equal(spool_settings_take(&s, SETTING_RECIPIENT,
					 str_of(address), &e),
			OK);
	}
	request_init(&r, "customer", "set");
	account_settings_request(&s, &r);
	assert_true(r.n > 1);
	for (size_t i = 0; i < r.n; i++) {
		const struct record *part = &r.v[i];
		const char *key, *value;

		assert_false(part->too_long);
		assert_true(part->line.len <= PROTOCOL_RECORD_MAX);
		assert_int_equal(
			record_get(part, KEY_MORE) != NULL, i + 1 < r.n);
		for (size_t k = 0; record_at(part, k, &key, &value); k++)
			n += strcmp(key, KEY_RECIPIENT) == 0;
	}
	assert_int_equal(n, 9000);
	request_free(&r);
	spool_settings_free(&s);
}

static void
test_file_of_recipients(void **state)
{
	static const char good[] = "# the crew\r\n"
				   "captain@A.example\r\n"
				   "\n"
				   " c#3@a.example # not a comment before\n"
				   "\"j d\"@b.example";
	static const char bad[] = "captain\n"
				  "a@a.example b@a.example\n"
				  "x@other.example\n"
				  "ok@a.example\n"
				  "@a.example\n";
	const char *domains = "a.example\nb.example";
	struct spool_settings s = {0};

	(void)state;
	assert_int_equal(recipients_take("f", str_of(good), domains, &s), 0);
	assert_int_equal(s.list_n, 3);
	assert_string_equal(s.list[0], "captain@a.example");
	assert_string_equal(s.list[1], "c#3@a.example");
	assert_string_equal(s.list[2], "\"j d\"@b.example");
	spool_settings_free(&s);
	assert_int_equal(recipients_take("f", str_of(bad), domains, &s), 4);
	spool_settings_free(&s);
	assert_int_equal(recipients_take("f", str_of(bad), NULL, &s), 3);
	spool_settings_free(&s);
}

static const struct {
	const char *name;
	bool good;
} names[] = {
	{"captain", true},
	{"captain@aurora.example.org", true},
	{"m\xc3\xbcller", true},
	{"", false},
	{"two words", false},
	{"a\tb", false},
	{"a\x80", false},
	{"a\xc2\x9b", false},
};

static void
test_names(void **state)
{
	char name[SASL_NAME_MAX + 2];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(account_name_check(names[i].name, &e) == OK,
			names[i].good);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(account_name_check(name, &e), ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_what_is_given_replaces),
		cmocka_unit_test(test_request_says_the_same),
		cmocka_unit_test(test_request_in_parts),
		cmocka_unit_test(test_file_of_recipients),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
