#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <time.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_buf_is_a_queue_with_a_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_true(buf_addz(&b, "12345"));
	assert_false(buf_addz(&b, "6789")); /* whole or nothing */
	assert_true(buf_addz(&b, "678"));
	assert_int_equal(buf_room(&b), 0);
	buf_consume(&b, 6);
	assert_true(buf_addf(&b, "%d", 123456));
	assert_string_equal(buf_z(&b), "78123456");
	buf_free(&b);
}

/* Octets in equal octets out, whatever the sizes. */
static void
test_buf_against_a_counter(void **state)
{
	struct buf b;
	unsigned char in = 0, out = 0;

	(void)state;
	srand(3);
	buf_init(&b, 1000);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % 100;

		while (n-- && buf_add(&b, &in, 1))
			in++;
		for (n = (size_t)rand() % 100; n && b.len; n--) {
			assert_int_equal(
				(unsigned char)buf_view(&b).p[0], out++);
			buf_consume(&b, 1);
		}
	}
	buf_free(&b);
}

static void
test_str_helpers(void **state)
{
	struct str rest, first = str_cut(STR("a b c"), ' ', &rest);
	char small[3];
	uint64_t v;

	(void)state;
	assert_int_equal(str_hex_digit('0'), 0);
	assert_int_equal(str_hex_digit('9'), 9);
	assert_int_equal(str_hex_digit('a'), 10);
	assert_int_equal(str_hex_digit('F'), 15);
	assert_int_equal(str_hex_digit('g'), -1);
	assert_int_equal(str_hex_digit('\0'), -1);
	assert_true(str_eq(first, STR("a")) && str_eq(rest, STR("b c")));
	assert_true(str_eq(str_trim(STR(" \tx y \t")), STR("x y")));
	assert_true(str_eq(str_behind_mark(STR("\xEF\xBB\xBFx")), STR("x")));
	assert_true(
		str_eq(str_behind_mark(STR("\xEF\xBBx")), STR("\xEF\xBBx")));
	assert_int_equal(str_behind_mark(STR("\xEF\xBB\xBF")).n, 0);
	assert_false(str_copyz(small, sizeof(small), "abc"));
	assert_string_equal(small, "ab");
	assert_true(str_u64(STR("18446744073709551615"), &v));
	assert_false(str_u64(STR("18446744073709551616"), &v));
	assert_false(str_u64(STR(""), &v) || str_u64(STR("-1"), &v) ||
		     str_u64(STR("1 "), &v));
	assert_int_equal(str_distance("hostname", "hostnmae"), 2);
	assert_int_equal(str_distance("", "abc"), 3);
}

static void
test_glob(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{"*", "", true},
		{"*@Example.org", "a@example.ORG", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*a*b*c*", "xxaxxbxxcxx", true},
		{"*a*b*c*", "xxaxxcxxbxx", false},
		{"", "x", false},
		{"a**b", "ab", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			str_glob(str_of(rows[i].pattern), str_of(rows[i].text)),
			rows[i].match);
}

static char last_line[4096];

static void
keep_line(const struct log_fact *fact, const char *line, void *arg)
{
	(void)fact;
	(void)arg;
	str_copyz(last_line, sizeof(last_line), line);
}

/* No input makes a second line or a field of its own. */
static void
test_log_quotes(void **state)
{
	(void)state;
	log_set_sink(keep_line, NULL);
	log_info("refused", LOG_STR("peer", "a.example"),
		LOG_STR("text", "x\nevent=forged \"y\" \\ \x1b[2J"),
		LOG_INT("n", -5), LOG_STR("none", ""));
	assert_string_equal(last_line,
		"event=refused peer=a.example "
		"text=\"x\\x0aevent=forged \\\"y\\\" \\\\ \\x1b[2J\" "
		"n=-5 none=\"\"");
	last_line[0] = '\0';
	log_debug("quiet", LOG_INT("n", 1));
	assert_string_equal(last_line, "");
	log_set_sink(NULL, NULL);
}

static void
test_err_grows_outward(void **state)
{
	char long_text[2 * ERR_TEXT_MAX];
	struct err e = {0};

	(void)state;
	err_set(&e, ERR_FULL, "disk is full");
	assert_int_equal(err_wrap(&e, ERR_FULL, "claim"), ERR_FULL);
	err_wrap(&e, ERR_FULL, "deliver %d", 4711);
	assert_string_equal(e.text, "deliver 4711: claim: disk is full");
	assert_int_equal(err_exit_status(ERR_CONFIG), 78);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	err_wrap(&e, ERR_FULL, "%s", long_text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_set(NULL, ERR_IO, "nobody asks"), ERR_IO);
}

static void
test_clock_floor_and_formats(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	clock_rfc3339(1772431200, text);
	assert_string_equal(text, "2026-03-02T06:00:00Z");
	setenv("TZ", "UTC+3:30", 1);
	tzset();
	clock_rfc5322(1772431200, text);
	assert_string_equal(text, "Mon, 2 Mar 2026 02:30:00 -0330");
	clock_floor_raise(clock_wall_s() + 1000);
	assert_false(clock_trusted());
	assert_true(clock_sane_s() >= clock_wall_s() + 999);
	clock_floor_raise(5); /* never lowered */
	assert_false(clock_trusted());
	for (int i = 0; i < 200 && clock_sane_s() == clock_floor_s(); i++)
		usleep(20000);
	assert_true(clock_sane_s() > clock_floor_s()); /* it goes on */
}

struct item {
	struct list_node node;
	int n;
};

static void
test_list(void **state)
{
	struct list_node head;
	struct item items[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
	int sum = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	LIST_EACH(node, tmp, &head)
	{
		struct item *item = LIST_ITEM(node, struct item, node);

		sum = sum * 10 + item->n;
		list_remove(node);
		list_remove(node); /* twice is fine */
	}
	assert_int_equal(sum, 12);
	assert_true(list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_is_a_queue_with_a_limit),
		cmocka_unit_test(test_buf_against_a_counter),
		cmocka_unit_test(test_str_helpers),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_log_quotes),
		cmocka_unit_test(test_err_grows_outward),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_clock_floor_and_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
