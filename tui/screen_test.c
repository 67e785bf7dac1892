/* The picture without a terminal: what is put, and what a budget lets pass. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tui/screen.c"

#include <locale.h>

static struct screen *
new_screen(unsigned rows, unsigned columns)
{
	struct screen_options o = {.rows = rows, .columns = columns};
	struct screen *s;
	struct err e;

	setlocale(LC_ALL, "C.UTF-8");
	text_assume(columns, true);
	assert_int_equal(screen_open(&o, &s, &e), 0);
	return s;
}

static void
shows(const struct screen *s, const char *expected)
{
	struct buf text;

	buf_init(&text, 0);
	screen_dump(s, &text);
	assert_string_equal(buf_z(&text), expected);
	buf_free(&text);
}

static void
test_put(void **state)
{
	struct screen *s = new_screen(3, 10);

	(void)state;
	screen_clear(s);
	screen_put(s, 0, 0, 10, TONE_PLAIN, STR("abc"));
	screen_put(s, 1, 2, 4, TONE_HEAD, STR("abcdef"));
	screen_put(s, 2, 8, 10, TONE_PLAIN, STR("xyz"));
	shows(s, "abc\n  abc~\n        x~\n");
	/* a wide character never stands half outside */
	screen_clear(s);
	screen_put(s, 0, 0, 4, TONE_PLAIN, STR("a\xe5\x8c\xbb\xe7\x94\x9f"));
	screen_put(s, 1, 0, 3, TONE_PLAIN, STR("\xe5\x8c\xbb\xe7\x94\x9f"));
	screen_put(s, 2, 0, 9, TONE_PLAIN, STR("e\xcc\x81x"));
	shows(s, "a\xe5\x8c\xbb~\n\xe5\x8c\xbb~\ne\xcc\x81x\n");
	/* outside, and nothing */
	screen_put(s, 3, 0, 5, TONE_PLAIN, STR("no"));
	screen_put(s, 0, 10, 5, TONE_PLAIN, STR("no"));
	screen_put(s, 0, 0, 0, TONE_PLAIN, STR("no"));
	shows(s, "a\xe5\x8c\xbb~\n\xe5\x8c\xbb~\ne\xcc\x81x\n");
	screen_close(s);
}

/* So many marks that combine cannot make a cell larger. */
static void
test_combining(void **state)
{
	struct screen *s = new_screen(1, 10);
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	buf_addz(&text, "\xcc\x81"
			"a");
	for (int i = 0; i < 1000; i++)
		buf_addz(&text, "\xcc\x81");
	screen_clear(s);
	screen_put(s, 0, 0, 10, TONE_PLAIN, buf_view(&text));
	buf_clear(&text);
	screen_dump(s, &text);
	assert_in_range(text.len, 3, CELL_TEXT_MAX + 1);
	buf_free(&text);
	screen_close(s);
}

static void
test_budget(void **state)
{
	enum { BUDGET = 100, COLUMNS = 60, ROWS = 20 };
	struct screen *s = new_screen(ROWS, COLUMNS);
	unsigned shows_n = 0;

	(void)state;
	screen_clear(s);
	for (unsigned i = 0; i < ROWS; i++)
		screen_put(s, i, 0, COLUMNS, TONE_WARN,
			STR("all of this line is another one now"));
	while (!screen_show(s, BUDGET))
		shows_n++;
	/* a row is more than a budget has room for; all came in the end */
	assert_in_range(shows_n, ROWS / 2, ROWS * 2);
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		assert_true(same(&s->want[i], &s->shown[i]));
	assert_true(screen_show(s, BUDGET));
	screen_put(s, 3, 0, 5, TONE_PLAIN, STR("x"));
	assert_true(screen_show(s, 0));
	screen_close(s);
}

/* Wide characters, changed in parts, under every budget: it always ends. */
static void
test_budget_ends(void **state)
{
	struct screen *s = new_screen(2, 11);

	(void)state;
	for (unsigned budget = SHOW_END + 1; budget < 80; budget++) {
		unsigned n = 0;

		screen_clear(s);
		screen_put(s, 0, budget % 2, 11, TONE_PLAIN,
			STR("\xe5\x8c\xbb\xe7\x94\x9f\xe5\x8c\xbbx"));
		screen_put(s, 1, 0, 11, budget % 3 ? TONE_BAD : TONE_PLAIN,
			STR("a\xe5\x8c\xbb"));
		while (!screen_show(s, budget) && n < 100)
			n++;
		if (budget > SHOW_END + RUN_MOVE + RUN_TONE + 4)
			assert_true(n < 100);
		screen_show(s, 0);
	}
	screen_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_combining),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
