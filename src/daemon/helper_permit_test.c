#include "conf/testing.h"
#include "daemon/helper_permit.h"

static const char configuration[] =
	"hostname = \"a.example\";\n"
	"hooks = \"/etc/tidepost/hooks\";\n"
	"peers = ( { name = \"far\"; command = \"/usr/bin/call far\"; tls = \"none\"; },\n"
	"  { name = \"host\"; host = \"h.example\"; } );\n"
	"routes = ( { match = \"u.example\"; name = \"uucp\";\n"
	"    command = \"uux - -r 'u!rmail' ({})\"; format = \"rmail\"; },\n"
	"  { match = \"b.example\"; command = \"nncp {}\"; } );\n"
	"links = ( { name = \"hf\"; dial = { up = \"pon hf\"; down = \"%s\"; }; },\n"
	"  { name = \"lan\"; interface = \"eth0\"; } );\n";

static struct conf *
load(const char *down)
{
	char *text = str_printf(configuration, down);
	struct complaints out;
	struct conf *c;

	testing_load(text, &c, &out);
	for (size_t i = 0; i < out.n && !c; i++)
		print_message("%s\n", out.v[i].text);
	assert_non_null(c);
	complaints_free(&out);
	free(text);
	return c;
}

/* What would run; "" nothing. */
static const char *
look(const struct permits *p, struct helper_request q)
{
	static char ran[2000];
	struct permit permit;
	struct err e = {0};

	while (q.words && q.words[q.words_n])
		q.words_n++;
	ran[0] = '\0';
	if (permits_look(p, &q, &permit, &e) == OK) {
		str_copyz(ran, sizeof(ran), permit.command);
		assert_int_equal(permit.connects, q.kind == HELPER_PEER);
	} else {
		assert_int_equal(e.code, ERR_PERM);
		assert_true(e.text[0]);
		assert_null(permit.command);
	}
	free(permit.command);
	return ran;
}

#define RUN(p, ...) look(p, (struct helper_request){__VA_ARGS__})

static void
test_what_is_named(void **state)
{
	struct conf *c = load("poff hf");
	struct permits p = {.conf = NULL};

	(void)state;
	permits_set(&p, c);
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_UP, .name = "hf",
				    .command = "pon hf"),
		"pon hf");
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "hf",
				    .command = "poff hf"),
		"poff hf");
	assert_string_equal(
		RUN(&p, .kind = HELPER_PEER, .name = "far",
			.command = "/usr/bin/call far", .has_io = true),
		"/usr/bin/call far");
	assert_string_equal(RUN(&p, .kind = HELPER_ROUTE, .name = "b.example",
				    .command = "nncp {}", .has_io = true),
		"nncp {}");
	assert_string_equal(RUN(&p, .kind = HELPER_HOOK, .name = "link-up",
				    .command = "50-mine"),
		"/etc/tidepost/hooks/link-up.d/50-mine");
	permits_clear(&p);
	conf_free(c);
}

/* Of another kind, another name, changed, or with more to it. */
static void
test_what_is_not(void **state)
{
	static const char *const word[] = {"x", NULL};
	struct conf *c = load("poff hf");
	struct permits p = {.conf = NULL};
	const struct helper_request bad[] = {
		{.kind = HELPER_DIAL_UP, .name = "hf", .command = "pon hf; id"},
		{.kind = HELPER_DIAL_UP, .name = "hf", .command = "poff hf"},
		{.kind = HELPER_DIAL_UP, .name = "lan", .command = "pon hf"},
		{.kind = HELPER_DIAL_UP, .name = "lan", .command = ""},
		{.kind = HELPER_DIAL_UP, .name = "", .command = "pon hf"},
		{.kind = HELPER_DIAL_UP,
			.name = "hf",
			.command = "pon hf",
			.has_io = true},
		{.kind = HELPER_DIAL_UP,
			.name = "hf",
			.command = "pon hf",
			.words = word},
		{.kind = HELPER_DIAL_DOWN, .name = "hf", .command = "pon hf"},
		{.kind = HELPER_PROBE, .name = "hf", .command = "pon hf"},
		{.kind = HELPER_PEER,
			.name = "far",
			.command = "/usr/bin/call far"}, /* no connection */
		{.kind = HELPER_PEER,
			.name = "host",
			.command = "",
			.has_io = true},
		{.kind = HELPER_PEER,
			.name = "far",
			.command = "/bin/sh",
			.has_io = true},
		{.kind = HELPER_ROUTE,
			.name = "b.example",
			.command = "uux - -r 'u!rmail' ({})",
			.has_io = true},
		{.kind = HELPER_ROUTE,
			.name = "b.example",
			.command = "nncp {}",
			.words = word,
			.has_io = true},
		{.kind = HELPER_ROUTE,
			.name = "b.example",
			.command = "nncp {}"},
		{.kind = HELPER_RELOAD, .name = "", .command = ""},
	};

	(void)state;
	permits_set(&p, c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (look(&p, bad[i])[0])
			print_message("permitted: %zu\n", i);
		assert_string_equal(look(&p, bad[i]), "");
	}
	permits_clear(&p);
	conf_free(c);
}

static void
test_hooks(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "a/b",
		"/bin/sh", ".hidden", "50-mine~", "../drained.d/x"};
	static const char *const facts[] = {"TIDEPOST_LINK=hf", NULL};
	static const char *const forged[] = {
		"TIDEPOST_LINK=hf", "LD_PRELOAD=/tmp/x.so", NULL};
	struct conf *c = load("poff hf");
	struct permits p = {.conf = NULL};

	(void)state;
	permits_set(&p, c);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(
			RUN(&p, .kind = HELPER_HOOK, .name = "link-up",
				.command = names[i]),
			"");
	assert_string_equal(RUN(&p, .kind = HELPER_HOOK, .name = "../../tmp",
				    .command = "x"),
		"");
	assert_string_equal(RUN(&p, .kind = HELPER_HOOK, .name = "drained",
				    .command = "x", .words = facts),
		"/etc/tidepost/hooks/drained.d/x");
	assert_string_equal(RUN(&p, .kind = HELPER_HOOK, .name = "drained",
				    .command = "x", .words = forged),
		"");
	free(c->hooks);
	c->hooks = NULL;
	assert_string_equal(
		RUN(&p, .kind = HELPER_HOOK, .name = "drained", .command = "x"),
		"");
	permits_clear(&p);
	conf_free(c);
}

/* Strangers choose recipients; a shell reads the command. */
static void
test_words_of_a_route(void **state)
{
	static const char command[] = "uux - -r 'u!rmail' ({})";
	static const char *const words[] = {
		"b!ann", "$(id)'; rm -r /; '", "`x`\n{}", NULL};
	static const char *const option[] = {"b!ann", "-oQ/tmp", NULL};
	struct conf *c = load("poff hf");
	struct permits p = {.conf = NULL};

	(void)state;
	permits_set(&p, c);
	assert_string_equal(
		RUN(&p, .kind = HELPER_ROUTE, .name = "uucp",
			.command = command, .words = words, .has_io = true),
		"uux - -r 'u!rmail' '(b!ann)' "
		"'($(id)'\\''; rm -r /; '\\'')' '(`x`\n{})'");
	assert_string_equal(
		RUN(&p, .kind = HELPER_ROUTE, .name = "uucp",
			.command = command, .words = option, .has_io = true),
		"");
	permits_clear(&p);
	conf_free(c);
}

/* A call ends by the settings it began with; nothing else stays. */
static void
test_another_configuration(void **state)
{
	struct conf *one = load("poff hf"), *two = load("hang-up");
	struct permits p = {.conf = NULL};

	(void)state;
	permits_set(&p, one);
	permits_set(&p, two);
	conf_free(one);
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "hf",
				    .command = "hang-up"),
		"hang-up");
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "hf",
				    .command = "poff hf"),
		"poff hf");
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_UP, .name = "hf",
				    .command = "poff hf"),
		"");
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "lan",
				    .command = "poff hf"),
		"");
	for (int i = 0; i < 3 * PERMIT_FORMER_MAX; i++) {
		char down[20];

		snprintf(down, sizeof(down), "down %d", i);
		one = load(down);
		permits_set(&p, one);
		conf_free(two);
		two = one;
	}
	assert_int_equal(p.former_n, PERMIT_FORMER_MAX);
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "hf",
				    .command = "poff hf"),
		"");
	assert_string_equal(RUN(&p, .kind = HELPER_DIAL_DOWN, .name = "hf",
				    .command = "down 298"),
		"down 298");
	permits_clear(&p);
	conf_free(two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_named),
		cmocka_unit_test(test_what_is_not),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_words_of_a_route),
		cmocka_unit_test(test_another_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
