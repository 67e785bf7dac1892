/*
 * tidepost-console(1) has every request with its keys, and no more; and no key
 * means two things in one view.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tui/request.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_OCTETS = 512 };

/* ".It queue Ta 2 Ta what waits" gives "queue" and "2". */
static bool
read_item(char *line, struct str *name_r, struct str *keys_r)
{
	static const char item[] = ".It ", gap[] = " Ta ";
	char *first = strstr(line, gap), *second;

	if (strncmp(line, item, sizeof(item) - 1) != 0 || !first)
		return false;
	second = strstr(first + 1, gap);
	if (!second)
		return false;
	*first = *second = '\0';
	*name_r = str_of(line + sizeof(item) - 1);
	*keys_r = str_of(first + sizeof(gap) - 1);
	return !str_eq(*name_r, STR("Sy request"));
}

static void
test_page_and_table_agree(void **state)
{
	const char *root = getenv("TIDEPOST_ROOT");
	char *path =
		str_printf("%s/docs/man/tidepost-console.1", root ? root : ".");
	FILE *page = fopen(path, "r");
	unsigned found[REQUESTS_N] = {0}, faults = 0;
	char line[LINE_MAX_OCTETS];

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		struct str name, keys;
		enum tui_request r;

		if (!read_item(line, &name, &keys))
			continue;
		r = request_of_name(name);
		found[r]++;
		if (r && str_eq(keys, str_of(request_rows[r].keys)))
			continue;
		print_error("in the page: %.*s, %.*s\n", STR_FMT(name),
			STR_FMT(keys));
		faults++;
	}
	fclose(page);
	free(path);
	for (enum tui_request r = REQUEST_NONE + 1; r < REQUESTS_N; r++)
		if (found[r] != 1) {
			print_error("%u times in the page: %s\n", found[r],
				request_rows[r].name);
			faults++;
		}
	assert_int_equal(faults, 0);
}

/* Every key that is named is one, and finds its request. */
static void
test_keys(void **state)
{
	(void)state;
	for (enum tui_request r = REQUEST_NONE + 1; r < REQUESTS_N; r++) {
		struct str rest = str_of(request_rows[r].keys);

		while (rest.n) {
			int key = key_of_name(str_cut(rest, ' ', &rest));

			assert_int_not_equal(key, KEYS_NONE);
			for (unsigned in = 1; in < IN_ALL; in <<= 1)
				if (request_rows[r].where & in)
					assert_int_equal(
						request_of_key(key, in), r);
		}
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(key_of_name(STR("^F")), 6);
	assert_int_equal(key_of_name(STR("PgDn")), KEYS_PAGE_DOWN);
	assert_int_equal(key_of_name(STR("\xc3\xa5")), 0xe5);
	assert_int_equal(key_of_name(STR("")), KEYS_NONE);
	assert_int_equal(key_of_name(STR("Return")), KEYS_NONE);
	assert_int_equal(key_of_name(STR("\xff")), KEYS_NONE);
	assert_int_equal(request_of_name(STR("hold")), REQUEST_HOLD);
	assert_int_equal(request_of_name(STR("holds")), REQUEST_NONE);
	assert_int_equal(request_of_key('H', IN_LOG), REQUEST_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_and_table_agree),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
