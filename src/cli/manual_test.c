/*
 * tidepost(1) has every verb and every option of the command tables, and no
 * more: what "tidepost help --list" prints is what the page's items say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 1000, LINE_MAX_OCTETS = 512 };

struct words {
	char *v[WORDS_MAX]; /* owned */
	size_t n;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
words_add(struct words *w, char *given)
{
	assert_true(w->n < WORDS_MAX);
	w->v[w->n++] = given;
}

static void
words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	w->n = 0;
}

static const char *
from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value ? value : otherwise;
}

static void
chomp(char *line)
{
	line[strcspn(line, "\n")] = '\0';
}

/* --- what the program says --- */

static void
read_program(struct words *w)
{
	char *command = str_printf("'%s/tidepost' help --list",
		from_env("TIDEPOST_BUILD", "build"));
	FILE *from = popen(command, "r");
	char line[LINE_MAX_OCTETS];

	assert_non_null(from);
	while (fgets(line, sizeof(line), from)) {
		chomp(line);
		words_add(w, str_dupz(line));
	}
	assert_int_equal(pclose(from), 0);
	free(command);
}

/* --- what the page says --- */

/* "--json" of ".Op Fl -json" and ".Op Fl -from Ar pattern"; else empty. */
static struct str
option_of(const char *line)
{
	static const char macro[] = ".Op Fl ";
	struct str rest;

	if (strncmp(line, macro, sizeof(macro) - 1) != 0)
		return (struct str){"", 0};
	return str_cut(str_of(line + sizeof(macro) - 1), ' ', &rest);
}

/* An item that begins with .It Xo holds a verb (.Ic) and options to .Xc. */
static void
read_page(struct words *w)
{
	char *path = str_printf(
		"%s/docs/man/tidepost.1", from_env("TIDEPOST_ROOT", "."));
	FILE *from = fopen(path, "r");
	char line[LINE_MAX_OCTETS], verb[LINE_MAX_OCTETS] = "";
	bool inside = false;

	assert_non_null(from);
	while (fgets(line, sizeof(line), from)) {
		struct str option;

		chomp(line);
		if (strcmp(line, ".It Xo") == 0)
			inside = true;
		else if (strcmp(line, ".Xc") == 0)
			inside = false;
		if (!inside)
			continue;
		option = option_of(line);
		if (strncmp(line, ".Ic ", 4) == 0) {
			strcpy(verb, line + 4);
			words_add(w, str_dupz(verb));
		} else if (option.n) {
			words_add(w,
				str_printf("%s -%.*s", verb, STR_FMT(option)));
		}
	}
	fclose(from);
	free(path);
}

static void
test_page_and_tables_agree(void **state)
{
	static struct words program, page;
	size_t i = 0, k = 0;
	unsigned faults = 0;

	(void)state;
	read_program(&program);
	read_page(&page);
	assert_true(program.n > 0);
	qsort(program.v, program.n, sizeof(*program.v), compare);
	qsort(page.v, page.n, sizeof(*page.v), compare);
	while (i < program.n || k < page.n) {
		int order = i == program.n ? 1
			    : k == page.n  ? -1
					   : strcmp(program.v[i], page.v[k]);

		if (order < 0)
			print_error("not in tidepost(1): %s\n", program.v[i]);
		if (order > 0)
			print_error("only in tidepost(1): %s\n", page.v[k]);
		faults += order != 0;
		i += order <= 0;
		k += order >= 0;
	}
	words_free(&program);
	words_free(&page);
	assert_int_equal(faults, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_and_tables_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
