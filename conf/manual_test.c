/*
 * The manual page holds every key of the schema, in order, and no other, with
 * what the program prints of it ("make manual" brings it up to date).
 */
#include "conf/schema.h"
#include "conf/conf.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char page[] = "docs/man/tidepost.conf.5";
static const char item[] = ".It Ic ";

enum { LINE_MAX_OCTETS = 512 };

/* The next line of F without its end. */
static bool
next_line(FILE *f, char line[LINE_MAX_OCTETS])
{
	if (!fgets(line, LINE_MAX_OCTETS, f))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* The next item's key; false: none any more. */
static bool
next_item(FILE *f, char line[LINE_MAX_OCTETS])
{
	while (next_line(f, line)) {
		if (strncmp(line, item, strlen(item)) != 0)
			continue;
		memmove(line, line + strlen(item),
			strlen(line + strlen(item)) + 1);
		return true;
	}
	return false;
}

/* LINE is the second line of item I. */
static void
assert_facts(size_t i, const char *line)
{
	struct str facts;
	struct buf out;

	buf_init(&out, 0);
	assert_true(conf_manual_item(i, &out));
	str_cut(buf_view(&out), '\n', &facts);
	assert_true(str_eq(str_cut(facts, '\n', &facts), str_of(line)));
	buf_free(&out);
}

static void
test_keys(void **state)
{
	char line[LINE_MAX_OCTETS];
	FILE *f = fopen(page, "r");
	size_t i;

	(void)state;
	assert_non_null(f);
	for (i = 0; next_item(f, line); i++) {
		assert_non_null(conf_schema_key(i));
		assert_string_equal(line, conf_schema_key(i));
		assert_true(next_line(f, line));
		assert_facts(i, line);
	}
	assert_null(conf_schema_key(i));
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
