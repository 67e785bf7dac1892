/* The faces are no library, so their tests take the files themselves in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/colour.c"
#include "cli/table.c"

#include <locale.h>
#include <string.h>

static const struct table_column columns[] = {
	{.title = "ID"},
	{.title = "SIZE", .right = true},
	{.title = "FROM", .cut = true},
	{.title = "WHY", .cut = true},
};

struct paper {
	FILE *file;
	char text[65536];
};

static void
open_paper(struct paper *p)
{
	p->file = tmpfile();
	assert_non_null(p->file);
}

static const char *
read_paper(struct paper *p)
{
	size_t n;

	rewind(p->file);
	n = fread(p->text, 1, sizeof(p->text) - 1, p->file);
	p->text[n] = '\0';
	fclose(p->file);
	return p->text;
}

static void
print_two_rows(struct paper *p)
{
	struct table *t;

	open_paper(p);
	t = table_new(p->file, columns, 4);
	table_cell(t, "1.1");
	table_cell(t, "12.3K");
	table_cell(t, "a@b.example");
	table_cell(t, "waits for link iridium");
	table_cell(t, "12.10");
	table_cellf(t, "%d", 7);
	table_cell(t, "a-long-one@aurora.example.org");
	table_cell(t, "");
	assert_int_equal(table_rows(t), 2);
	table_end(t);
}

static void
test_without_terminal_nothing_is_cut(void **state)
{
	struct paper p;

	(void)state;
	text_assume(0, true);
	print_two_rows(&p);
	assert_string_equal(read_paper(&p),
		"ID      SIZE  FROM                           WHY\n"
		"1.1    12.3K  a@b.example                    "
		"waits for link iridium\n"
		"12.10      7  a-long-one@aurora.example.org  -\n");
}

static void
test_terminal_cuts_the_widest(void **state)
{
	struct paper p;

	(void)state;
	text_assume(40, true);
	print_two_rows(&p);
	assert_string_equal(read_paper(&p),
		"ID      SIZE  FROM          WHY\n"
		"1.1    12.3K  a@b.example   waits for l~\n"
		"12.10      7  a-long-one@~  -\n");
	text_assume(0, true);
}

static void
test_narrow_terminal(void **state)
{
	struct paper p;

	(void)state;
	text_assume(12, true);
	print_two_rows(&p);
	assert_string_equal(read_paper(&p), "ID      SIZE\n"
					    "1.1    12.3K\n"
					    "12.10      7\n");
	text_assume(0, true);
}

static void
test_spare_columns_go_first(void **state)
{
	static const struct table_column columns3[] = {
		{.title = "KEPT"},
		{.title = "SPARED", .spare = true},
		{.title = "CUT", .cut = true},
	};
	static const unsigned widths[] = {21, 20};
	static const char *const expect[] = {
		"KEPT  SPARED  CUT\na     b       0123456\n",
		"KEPT  CUT\na     0123456\n",
	};
	struct paper p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct table *t;

		text_assume(widths[i], true);
		open_paper(&p);
		t = table_new(p.file, columns3, 3);
		table_cell(t, "a");
		table_cell(t, "b");
		table_cell(t, "0123456");
		table_end(t);
		assert_string_equal(read_paper(&p), expect[i]);
	}
	text_assume(0, true);
}

static void
test_no_rows_no_titles(void **state)
{
	struct paper p;

	(void)state;
	open_paper(&p);
	table_end(table_new(p.file, columns, 4));
	assert_string_equal(read_paper(&p), "");
}

/* Many rows: the first page is out before the last row comes. */
static void
test_pages(void **state)
{
	struct table *t;
	struct paper p;

	(void)state;
	text_assume(0, true);
	open_paper(&p);
	t = table_new(p.file, columns, 1);
	for (size_t i = 0; i < TABLE_PAGE; i++)
		table_cell(t, "x");
	assert_int_equal(ftell(p.file), 3 + 2 * TABLE_PAGE);
	table_cell(t, "wider than the page before");
	table_end(t);
	assert_non_null(strstr(read_paper(&p), "\nwider than the page b"));
}

static const struct {
	const char *in, *out;
	bool utf8_terminal;
} hostile[] = {
	{"plain", "plain", true},
	{"\x1b]0;title\x07", "\\x1b]0;title\\x07", true},
	{"two\nlines\r", "two\\x0alines\\x0d", true},
	{"\x7f", "\\x7f", true},
	{"\xc2\x9b"
	 "31m",
		"\\u{9b}31m", true},
	{"\x9b"
	 "31m",
		"\\x9b31m", true},
	{"\xe2\x80\xae", "\\u{202e}", true},
	{"\xff\xfe", "\\xff\\xfe", true},
	{"b\xc3\xbc", "b\xc3\xbc", true},
	{"b\xc3\xbc", "b\\xc3\\xbc", false},
	{"\x1b", "\\x1b", false},
};

static void
test_hostile_text(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		text_assume(80, hostile[i].utf8_terminal);
		buf_clear(&out);
		text_clean(&out, str_of(hostile[i].in));
		assert_string_equal(buf_z(&out), hostile[i].out);
	}
	text_assume(0, true);
	buf_free(&out);
}

static void
test_wide_characters(void **state)
{
	struct str ship = STR("\xe8\x88\xb9\xe8\x88\xb9"); /* 2 columns each */

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	text_assume(80, true);
	assert_int_equal(text_columns(ship), 4);
	assert_int_equal(text_front(ship, 3).n, 3);
	assert_int_equal(text_front(ship, 4).n, 6);
	text_assume(0, true);
}

static const struct {
	uint64_t octets;
	const char *expect;
} sizes[] = {
	{0, "0"},
	{999, "999"},
	{1000, "1.0K"},
	{20480, "20.0K"},
	{1048576, "1.0M"},
	{UINT64_C(5) << 30, "5.0G"},
	{UINT64_MAX, "16777216.0T"},
};

static const struct {
	int64_t seconds;
	const char *expect;
} durations[] = {
	{-5, "0s"},
	{59, "59s"},
	{60, "1m00s"},
	{3599, "59m59s"},
	{11520, "3h12m"},
	{446400, "5d4h"},
};

static void
test_sizes_and_durations(void **state)
{
	char text[TEXT_SHORT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		text_size(sizes[i].octets, text);
		assert_string_equal(text, sizes[i].expect);
	}
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		text_duration(durations[i].seconds, text);
		assert_string_equal(text, durations[i].expect);
	}
	text_time(0, text);
	assert_string_equal(text, "-");
	text_time(86400, text);
	assert_string_equal(text, "1970-01-02 00:00:00Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_terminal_nothing_is_cut),
		cmocka_unit_test(test_terminal_cuts_the_widest),
		cmocka_unit_test(test_narrow_terminal),
		cmocka_unit_test(test_spare_columns_go_first),
		cmocka_unit_test(test_no_rows_no_titles),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_wide_characters),
		cmocka_unit_test(test_sizes_and_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
