#include "mail/lines.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void
check_row(const char *in, const char *out, bool quote)
{
	size_t n = strlen(in);

	/* however it is cut */
	for (size_t cut = 0; cut <= n; cut++) {
		struct lines l;
		struct buf b;

		buf_init(&b, 0);
		lines_init(&l, quote);
		lines_add(&l, (struct str){in, cut}, &b);
		lines_add(&l, (struct str){in + cut, n - cut}, &b);
		lines_end(&l, &b);
		assert_string_equal(buf_z(&b), out);
		buf_free(&b);
	}
}

static void
test_quoting(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"a\r\n\r\nb\r\n", "a\n\nb\n"},
		{"From me\r\n", ">From me\n"},
		{">From me\r\n>>From \r\n", ">>From me\n>>>From \n"},
		{"> From\r\nfrom me\r\n From me\r\n",
			"> From\nfrom me\n From me\n"},
		{"a From me\r\nFrom: x\r\n", "a From me\nFrom: x\n"},
		{"Fro\r\n>\r\n>Fr", "Fro\n>\n>Fr\n"},
		{"no end", "no end\n"},
		{"bare\rFrom \rx\nFrom x", "bare\rFrom \rx\n>From x\n"},
		{"\r\r\n\r", "\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(rows[i].in, rows[i].out, true);
}

static void
test_plain(void **state)
{
	(void)state;
	check_row("From me\r\n>From \r\nFro", "From me\n>From \nFro\n", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
