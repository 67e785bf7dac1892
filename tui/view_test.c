/* Rows, columns, lines that are wrapped, and what can be taken back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tui/page.c"
#include "tui/undo.c"
#include "tui/view.c"

static void
row_is(const struct page *p, size_t i, const char *expected)
{
	struct row row;

	row_init(&row);
	page_row(p, i, &row);
	assert_string_equal(buf_z(&row.cells[0]), expected);
	row_free(&row);
}

static void
test_page(void **state)
{
	struct page p = {.lines = NULL};
	const char *name;
	int64_t id;

	(void)state;
	page_addf(&p, TONE_PLAIN, 2, "%s", "one two three");
	page_about(&p, ABOUT_LINK, "iridium", 0);
	page_add(&p, TONE_PLAIN, 0, STR("longwithoutblanks\x1b"));
	page_add(&p, TONE_PLAIN, 0, STR(""));
	page_wrap(&p, 8);
	row_is(&p, 0, "one two");
	row_is(&p, 1, "  three");
	row_is(&p, 2, "longwith");
	row_is(&p, 3, "outblank");
	row_is(&p, 4, "s\\x1b");
	row_is(&p, 5, "");
	assert_int_equal(p.pieces_n, 6);
	assert_int_equal(page_what(&p, 1, &name, &id), ABOUT_LINK);
	assert_string_equal(name, "iridium");
	assert_int_equal(page_what(&p, 2, &name, &id), ABOUT_NOTHING);
	assert_int_equal(page_what(&p, 99, &name, &id), ABOUT_NOTHING);
	for (unsigned width = 0; width < 30; width++)
		page_wrap(&p, width); /* ends, whatever the width */
	page_free(&p);
}

static void
test_undo(void **state)
{
	struct undo_stack stack = {.n = 0};
	struct undo undo = {.n = 0};

	(void)state;
	assert_false(undo_pop(&stack, &undo));
	for (unsigned i = 0; i < UNDO_MAX + 3; i++) {
		struct target *t = xcalloc(1, sizeof(*t));

		t->n = i;
		undo_push(&stack, "hold", t, 1, "text");
	}
	for (unsigned i = UNDO_MAX + 3; i-- > 3;) {
		assert_true(undo_pop(&stack, &undo));
		assert_int_equal(undo.targets->n, i);
		free(undo.targets);
	}
	assert_false(undo_pop(&stack, &undo));
	undo_push(&stack, "hold", xcalloc(1, 1), 1, "text");
	undo_clear(&stack);
}

static void
test_columns(void **state)
{
	static const struct view_column columns[] = {
		{.title = "A", .width = 5},
		{.title = "B", .width = 10, .flex = 1, .drop = 1},
		{.title = "C", .width = 10, .flex = 3, .drop = 2},
	};
	static const struct view_ops ops = {.columns = columns, .columns_n = 3};
	unsigned w[VIEW_COLUMNS_MAX];

	(void)state;
	view_widths(&ops, 27, w);
	assert_true(w[0] == 5 && w[1] == 10 && w[2] == 10);
	view_widths(&ops, 31, w);
	assert_true(w[0] == 5 && w[1] == 11 && w[2] == 13);
	view_widths(&ops, 26, w);
	assert_true(w[0] == 5 && w[1] == 20 && w[2] == 0);
	view_widths(&ops, 10, w);
	assert_true(w[0] == 5 && w[1] == 0 && w[2] == 0);
	view_widths(&ops, 1, w);
	assert_true(w[0] == 5);
}

static void
test_words(void **state)
{
	struct row row;

	(void)state;
	row_init(&row);
	row_cell(&row, "Ready");
	row_cell(&row, "ann@aurora.example");
	assert_true(row_has(&row, ""));
	assert_true(row_has(&row, "READY  aur"));
	assert_false(row_has(&row, "ready borealis"));
	assert_false(text_has(STR("ab"), STR("abc")));
	row_empty(&row);
	assert_int_equal(row.cells[0].len, 0);
	row_free(&row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
