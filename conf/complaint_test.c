/* What `tidepost check` prints, octet for octet. */
#include "conf/testing.h"

static void
assert_printed(const struct complaint *c, const char *want)
{
	struct buf out;

	buf_init(&out, 0);
	complaint_format(c, &out);
	assert_string_equal(buf_z(&out), want);
	buf_free(&out);
}

static void
test_format(void **state)
{
	char file[] = "/x.conf", text[] = "limits.line: too small";
	char plain[] = "limits = { line = 5; };", tab[] = "\tab = 5;";
	char wide[] = "a = \"\303\251\"; b = 5;", bad[] = "a\033[2Jb";
	struct complaint c = {COMPLAINT_ERROR, file, 4, 19, plain, text};
	char empty[] = "";

	(void)state;
	assert_printed(&c, "/x.conf:4: error: limits.line: too small\n"
			   "    limits = { line = 5; };\n"
			   "                      ^\n");
	c.kind = COMPLAINT_WARNING;
	c.source = tab;
	c.column = 7;
	assert_printed(&c, "/x.conf:4: warning: limits.line: too small\n"
			   "    \tab = 5;\n"
			   "    \t     ^\n");
	c.source = wide;
	c.column = 11;
	assert_printed(&c, "/x.conf:4: warning: limits.line: too small\n"
			   "    a = \"\303\251\"; b = 5;\n"
			   "             ^\n");
	c.source = bad;
	c.column = 0;
	assert_printed(&c, "/x.conf:4: warning: limits.line: too small\n"
			   "    a?[2Jb\n");
	c.source = NULL;
	c.line = 0;
	assert_printed(&c, "/x.conf: warning: limits.line: too small\n");
	c.file = empty;
	assert_printed(&c, "warning: limits.line: too small\n");
}

/* Of a very long line the part around the caret is shown. */
static void
test_long_line(void **state)
{
	char file[] = "/x", text[] = "t", line[1001];
	struct complaint c = {COMPLAINT_ERROR, file, 1, 501, line, text};
	struct buf out;
	struct str rest, shown;

	(void)state;
	memset(line, '.', 1000);
	line[500] = 'X';
	line[1000] = '\0';
	buf_init(&out, 0);
	complaint_format(&c, &out);
	str_cut(buf_view(&out), '\n', &rest);
	shown = str_cut(rest, '\n', &rest);
	assert_true(shown.n < 200);
	assert_int_equal(shown.p[rest.n - 2], 'X');
	assert_int_equal(rest.p[rest.n - 2], '^');
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
