#include "daemon/rules.h"

#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define TEXT(z) ((char *)(z)) /* nobody frees these */

static char *harbour[] = {TEXT("harbour")};

static struct conf_rule rules[] = {
	{.line = 1, .from = TEXT("captain@aurora.example"), .larger = 1000},
	{.line = 2, .from = TEXT("aurora.example"), .to = TEXT("*@news.*")},
	{.line = 3, .from = TEXT("<>"), .header = TEXT("Auto-Submitted")},
	{.line = 4, .header = TEXT("List-Id"), .links = {harbour, 1}},
	{.line = 5, .header = TEXT(" X-Spam-Flag :  y?s "), .hold = true},
	{.line = 6, .to = TEXT(".lists.example")},
	{.line = 7, .from = TEXT("b*n@*"), .larger = 5000},
};

static const struct conf conf = {
	.rules = rules, .rules_n = sizeof(rules) / sizeof(rules[0])};

static struct mailbox
mailbox(const char *text)
{
	struct mailbox m;

	memset(&m, 0, sizeof(m));
	if (text[0])
		assert_true(address_parse(str_of(text), false, &m));
	return m;
}

static struct rules_look *
look_at(const struct conf *c, const char *header)
{
	struct rules_look *l = rules_look_new(c);
	struct header_scan h;

	header_scan_init(&h);
	h.catch = &l->catch;
	header_scan_feed(&h, str_of(header));
	header_scan_end(&h);
	return l;
}

static void
test_first_match_wins(void **state)
{
	static const struct {
		const char *from, *to, *header;
		uint64_t size;
		unsigned line; /* 0: none */
	} rows[] = {
		{"captain@Aurora.example", "x@news.example", "\r\n", 1001, 1},
		{"captain@aurora.example", "x@news.example", "\r\n", 1000, 2},
		{"captain@aurora.example", "x@new.example", "\r\n", 1000, 0},
		{"ann@sub.aurora.example", "x@news.example", "\r\n", 9000, 0},
		{"", "x@y.example", "Auto-Submitted: auto\r\n\r\n", 9, 3},
		{"", "x@news.example", "\r\n", 9, 0},
		{"a@b.example", "x@y.example", "List-ID: <a>\r\n\r\n", 9, 4},
		{"a@b.example", "x@y.example",
			"X-Spam-Flag: YES\r\nList-ID: <a>\r\n\r\n", 9, 4},
		{"a@b.example", "x@y.example", "X-Spam-Flag: YES\r\n\r\n", 9,
			5},
		{"a@b.example", "x@y.example", "X-Spam-Flag: NO\r\n\r\n", 9, 0},
		{"a@b.example", "x@in.lists.example", "\r\n", 9, 6},
		{"a@b.example", "x@lists.example", "\r\n", 9, 0},
		{"BEN@b.example", "x@y.example", "\r\n", 5001, 7},
		{"ben@b.example", "x@y.example", "\r\n", 5000, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules_look *l = look_at(&conf, rows[i].header);
		struct mailbox from = mailbox(rows[i].from);
		struct mailbox to = mailbox(rows[i].to);
		const struct conf_rule *r =
			rules_match(l, &from, &to, rows[i].size);

		assert_int_equal(r ? r->line : 0, rows[i].line);
		free(l);
	}
}

static void
test_a_rule_without_conditions_matches_all(void **state)
{
	static struct conf_rule all[] = {{.line = 1}, {.line = 2}};
	static const struct conf c = {.rules = all, .rules_n = 2};
	struct rules_look *l = look_at(&c, "\r\n");
	struct mailbox null = mailbox(""), to = mailbox("a@b.example");

	(void)state;
	assert_int_equal(rules_match(l, &null, &to, 0)->line, 1);
	free(l);
}

static void
test_priority_without_rules(void **state)
{
	static const struct conf none;
	static const struct {
		const char *from, *header;
		int priority;
	} rows[] = {
		{"a@b.example", "Subject: x\r\n\r\n", 0},
		{"", "Subject: x\r\n\r\n", RULES_LOW},
		{"a@b.example", "list-id: x\r\n\r\n", RULES_BULK},
		{"a@b.example", "Precedence:  Bulk\r\n\r\n", RULES_BULK},
		{"a@b.example", "Precedence: list\r\n\r\n", RULES_BULK},
		{"a@b.example", "Precedence: first-class\r\n\r\n", 0},
		{"a@b.example", "\r\nList-Id: x\r\n", 0},
		{"", "List-Id: x\r\n\r\n", RULES_BULK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mailbox from = mailbox(rows[i].from);
		struct rules_look *l = look_at(&none, rows[i].header);

		assert_int_equal(rules_priority(l, &from), rows[i].priority);
		assert_null(rules_match(l, &from, &from, 1));
		free(l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_match_wins),
		cmocka_unit_test(test_a_rule_without_conditions_matches_all),
		cmocka_unit_test(test_priority_without_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
