/* The manual page holds every key of the schema, in order, and no other. */
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

static const char *
type_text(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_GROUP:
		return "Group";
	case SCHEMA_LIST:
		return "List of groups";
	case SCHEMA_STRING:
		return "Text";
	case SCHEMA_STRINGS:
		return "Texts";
	case SCHEMA_WORD:
		return "One of";
	case SCHEMA_BOOL:
		return "True or false";
	case SCHEMA_INT:
		return "Whole number";
	case SCHEMA_FLOAT:
		return "Number";
	case SCHEMA_SIZE:
		return "Size";
	case SCHEMA_DURATION:
		return "Duration";
	case SCHEMA_DURATIONS:
		return "Durations";
	case SCHEMA_PRIORITY:
		return "Priority";
	}
	return "";
}

/* "Whole number, 78 to 1048576 octets, default 998." */
static void
facts_of(const struct schema_row *row, struct buf *out)
{
	char range[SCHEMA_RANGE_MAX];
	struct str words = str_of(row->words);

	buf_addz(out, type_text(row));
	for (const char *part = " "; words.n; part = ", ") {
		buf_addz(out, part);
		buf_adds(out, str_cut(words, ' ', &words));
	}
	schema_range_text(row, range);
	if (range[0])
		buf_addf(out, ", %s", range);
	if (row->required)
		buf_addz(out, ", required");
	if (row->fallback)
		buf_addf(out, ", default %s", row->fallback);
	buf_addz(out, ".");
}

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

static void
test_keys(void **state)
{
	char line[LINE_MAX_OCTETS];
	FILE *f = fopen(page, "r");
	struct buf facts;
	size_t i;

	(void)state;
	assert_non_null(f);
	for (i = 0; next_item(f, line); i++) {
		assert_non_null(conf_schema_key(i));
		assert_string_equal(line, conf_schema_key(i));
		assert_true(next_line(f, line));
		buf_init(&facts, 0);
		facts_of(schema_row(i), &facts);
		assert_string_equal(line, buf_z(&facts));
		buf_free(&facts);
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
