#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "daemon/hook_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL: it is not set. */
static const char *
value(char **env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static void
test_all_are_set(void **state)
{
	static const char *const names[] = {"LINK", "STATE", "REASON", "TEXT",
		"MESSAGE", "SENDER", "RECIPIENT", "BYTES_SENT",
		"BYTES_RECEIVED", "MESSAGES_SENT", "MESSAGES_RECEIVED",
		"SECONDS", "COST"};
	const struct hook_facts none = {.link = NULL};
	char **env = hook_env_facts(&none);
	char name[40];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "TIDEPOST_%s", names[i]);
		assert_string_equal(value(env, name), "");
	}
	hook_env_free(env);
}

static void
test_numbers(void **state)
{
	const struct hook_use use = {.bytes_sent = UINT64_MAX,
		.messages_received = 7,
		.seconds = 61,
		.has_cost = true,
		.cost = 1.239};
	const struct hook_facts facts = {
		.link = "hf", .reason = "why", .message = 4711, .use = &use};
	char **env = hook_env_facts(&facts);

	(void)state;
	assert_string_equal(
		value(env, "TIDEPOST_BYTES_SENT"), "18446744073709551615");
	assert_string_equal(value(env, "TIDEPOST_BYTES_RECEIVED"), "0");
	assert_string_equal(value(env, "TIDEPOST_MESSAGES_RECEIVED"), "7");
	assert_string_equal(value(env, "TIDEPOST_SECONDS"), "61");
	assert_string_equal(value(env, "TIDEPOST_COST"), "1.24");
	assert_string_equal(value(env, "TIDEPOST_MESSAGE"), "4711");
	assert_string_equal(value(env, "TIDEPOST_TEXT"), "why");
	hook_env_free(env);
}

/* Strangers choose addresses and replies. */
static void
test_hostile(void **state)
{
	char longest[3 * HOOK_VALUE_MAX];
	const struct hook_facts facts = {
		.reason =
			"a\nLD_PRELOAD=/x\r\t\x1b[2J\x7f|\xc2\x9b|\xc3\xa9|\xc2",
		.sender = longest,
		.recipient = "$(reboot)@x"};
	char **env;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	env = hook_env_facts(&facts);
	assert_string_equal(value(env, "TIDEPOST_REASON"),
		"a?LD_PRELOAD=/x???[2J?|\?\?|\xc3\xa9|\xc2");
	assert_null(value(env, "LD_PRELOAD"));
	assert_int_equal(strlen(value(env, "TIDEPOST_SENDER")), HOOK_VALUE_MAX);
	/* it is a value, which no shell reads unless a script says so */
	assert_string_equal(value(env, "TIDEPOST_RECIPIENT"), "$(reboot)@x");
	hook_env_free(env);
}

/* What a helper takes for one. */
static void
test_is_fact(void **state)
{
	const struct hook_facts facts = {.link = "hf", .text = "a\nb"};
	char **env = hook_env_facts(&facts);
	static const char *const bad[] = {"", "TIDEPOST_LINK", "LINK=x",
		"LD_PRELOAD=/x", "TIDEPOST_CONF=/tmp/x", "TIDEPOST_EVENT=x",
		"TIDEPOST_HOST=x", "TIDEPOST_=x", "tidepost_link=x",
		"TIDEPOST_LINK2=x", "TIDEPOST_LINK=a\nb", "TIDEPOST_LINK=\x7f"};
	char *longest;

	(void)state;
	for (size_t i = 0; env[i]; i++)
		assert_true(hook_env_is_fact(env[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hook_env_is_fact(bad[i]));
	longest = str_printf("TIDEPOST_TEXT=%0*d", HOOK_VALUE_MAX, 0);
	assert_true(hook_env_is_fact(longest));
	free(longest);
	longest = str_printf("TIDEPOST_TEXT=%0*d", HOOK_VALUE_MAX + 1, 0);
	assert_false(hook_env_is_fact(longest));
	free(longest);
	hook_env_free(env);
	hook_env_free(NULL);
}

static void
test_events(void **state)
{
	(void)state;
	for (enum hook_event i = 0; i < HOOK_EVENTS_N; i++)
		assert_ptr_equal(hook_event_find(hook_event_name(i)),
			hook_event_name(i));
	assert_null(hook_event_find("link-up.d/../x"));
	assert_null(hook_event_find(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_set),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_is_fact),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
