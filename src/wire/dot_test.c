#include "wire/dot.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct outcome {
	struct buf message;
	size_t taken;
	bool ended;
};

/* Feeds S through a small buffer of ROOM octets, emptied as it fills. */
static void
feed(struct dot_reader *r, struct str s, size_t room, struct outcome *o)
{
	struct buf small;

	buf_init(&small, room);
	while (s.n > 0 && !o->ended) {
		size_t n;

		o->ended = dot_read(r, s, &small, &n);
		assert_true(n > 0);
		s = str_skip(s, n);
		o->taken += n;
		buf_adds(&o->message, buf_view(&small));
		buf_clear(&small);
	}
	buf_free(&small);
}

static void
expect(struct str in, size_t a, size_t b, size_t room, struct str message,
	size_t taken, bool ended)
{
	struct dot_reader r = {0};
	struct outcome o = {.taken = 0};

	buf_init(&o.message, 0);
	feed(&r, (struct str){in.p, a}, room, &o);
	feed(&r, (struct str){in.p + a, b - a}, room, &o);
	feed(&r, str_skip(in, b), room, &o);
	assert_int_equal(o.ended, ended);
	assert_int_equal(o.taken, taken);
	assert_true(str_eq(buf_view(&o.message), message));
	buf_free(&o.message);
}

/* Every split in three, through buffers of 4, 5, 7 octets and a large one. */
static void
expect_all_splits(struct str in, struct str message, size_t taken, bool ended)
{
	static const size_t rooms[] = {4, 5, 7, 4096};

	for (size_t k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++)
		for (size_t a = 0; a <= in.n; a++)
			for (size_t b = a; b <= in.n; b++)
				expect(in, a, b, rooms[k], message, taken,
					ended);
}

static void
ends_at_crlf_dot_crlf(void **state)
{
	static const struct {
		struct str in, message;
		size_t left; /* octets behind the end */
	} cases[] = {
		{STR(".\r\n"), STR(""), 0},
		{STR(".\r\nQUIT\r\n"), STR(""), 6},
		{STR("\r\n.\r\n"), STR("\r\n"), 0},
		{STR("a\r\n.\r\n"), STR("a\r\n"), 0},
		{STR("a\r\n.\r\n.\r\n"), STR("a\r\n"), 3},
		{STR("..\r\n.\r\n"), STR(".\r\n"), 0},
		{STR("...\r\n.\r\n"), STR("..\r\n"), 0},
		{STR(".a\r\n.\r\n"), STR("a\r\n"), 0},
		{STR("a.\r\n.\r\n"), STR("a.\r\n"), 0},
		{STR("a\r\n..b\r\n..\r\n.\r\nX"), STR("a\r\n.b\r\n.\r\n"), 1},
		{STR("a\r\n.\r.\r\n.\r\n"), STR("a\r\n\r.\r\n"), 0},
		{STR("a\r\r\n.\r\n"), STR("a\r\r\n"), 0},
		{STR(".\r\r\n.\r\n"), STR("\r\r\n"), 0},
		{STR("\r\n\r\n.\r\n"), STR("\r\n\r\n"), 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_all_splits(cases[i].in, cases[i].message,
			cases[i].in.n - cases[i].left, true);
}

/* What laxer servers take for the end of data, and what becomes of it. */
static void
look_alikes_are_data(void **state)
{
	static const struct {
		struct str in, message;
	} cases[] = {
		{STR("a\n.\nb\r\n"), STR("a\n.\nb\r\n")},
		{STR("a\n.\r\nb\r\n"), STR("a\n.\r\nb\r\n")},
		{STR("a\r.\rb\r\n"), STR("a\r.\rb\r\n")},
		{STR("a\r.\r\nb\r\n"), STR("a\r.\r\nb\r\n")},
		{STR("a\r\n.\nb\r\n"), STR("a\r\n\nb\r\n")},
		{STR("a\r\n.\rb\r\n"), STR("a\r\n\rb\r\n")},
		{STR("a\r\n.\r\r\nb\r\n"), STR("a\r\n\r\r\nb\r\n")},
		{STR("a\r\n.\n\r\nb\r\n"), STR("a\r\n\n\r\nb\r\n")},
		{STR("a\r\r.\r\nb\r\n"), STR("a\r\r.\r\nb\r\n")},
		{STR("a\n\r.\r\nb\r\n"), STR("a\n\r.\r\nb\r\n")},
		{STR("a\r\n\0.\r\nb\r\n"), STR("a\r\n\0.\r\nb\r\n")},
		{STR("a\r\n.\0\r\nb\r\n"), STR("a\r\n\0\r\nb\r\n")},
		{STR("a\r\n.\r\0\nb\r\n"), STR("a\r\n\r\0\nb\r\n")},
		{STR("a\r\0\n.\r\nb\r\n"), STR("a\r\0\n.\r\nb\r\n")},
		{STR("a\0\n.\0\nb\r\n"), STR("a\0\n.\0\nb\r\n")},
		{STR("a\r\n .\r\nb\r\n"), STR("a\r\n .\r\nb\r\n")},
		{STR("a\r\n. \r\nb\r\n"), STR("a\r\n \r\nb\r\n")},
		{STR("a\r\n..\r\nb\r\n"), STR("a\r\n.\r\nb\r\n")},
		{STR("\n.\n"), STR("\n.\n")},
		{STR(".\n"), STR("\n")},
		{STR("a\x85.\x85"), STR("a\x85.\x85")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_all_splits(
			cases[i].in, cases[i].message, cases[i].in.n, false);
}

static void
prefixes_do_not_end(void **state)
{
	struct str in = STR("a\r\n..\r\n.b\r\n\r\n.\r\n");

	(void)state;
	for (size_t n = 0; n < in.n; n++) {
		struct dot_reader r = {0};
		struct outcome o = {.taken = 0};

		buf_init(&o.message, 0);
		feed(&r, (struct str){in.p, n}, 4096, &o);
		assert_false(o.ended);
		assert_int_equal(o.taken, n);
		buf_free(&o.message);
	}
}

static void
full_buffer_takes_nothing(void **state)
{
	struct dot_reader r = {0};
	struct buf out;
	size_t n = 1;

	(void)state;
	buf_init(&out, 3);
	assert_false(dot_read(&r, STR(".\r\n"), &out, &n));
	assert_int_equal(n, 0);
	buf_free(&out);
}

static void
reader_is_ready_for_the_next(void **state)
{
	struct dot_reader r = {0};
	struct buf out;
	size_t n;

	(void)state;
	buf_init(&out, 0);
	assert_true(dot_read(&r, STR("a\r\n.\r\n"), &out, &n));
	assert_true(dot_read(&r, STR(".\r\n"), &out, &n));
	assert_true(str_eq(buf_view(&out), STR("a\r\n")));
	buf_free(&out);
}

/* Writes S through a buffer of ROOM octets into OUT, in steps of STEP. */
static void
write_through(struct str s, size_t step, size_t room, struct buf *out)
{
	struct dot_writer w = {0};
	struct buf small;

	buf_init(&small, room);
	while (s.n > 0) {
		size_t n = dot_write(
			&w, (struct str){s.p, s.n < step ? s.n : step}, &small);

		s = str_skip(s, n);
		buf_adds(out, buf_view(&small));
		buf_clear(&small);
		assert_true(n > 0);
	}
	buf_free(&small);
	assert_true(dot_write_end(&w, out));
	assert_int_equal(w.state, 0);
}

static void
writes_dots_doubled(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{STR(""), STR(".\r\n")},
		{STR("a\r\n"), STR("a\r\n.\r\n")},
		{STR("a"), STR("a\r\n.\r\n")},
		{STR("a\r"), STR("a\r\r\n.\r\n")},
		{STR("."), STR("..\r\n.\r\n")},
		{STR(".\r\n"), STR("..\r\n.\r\n")},
		{STR("a\r\n..\r\n"), STR("a\r\n...\r\n.\r\n")},
		{STR("a.b\r\n.c"), STR("a.b\r\n..c\r\n.\r\n")},
		{STR("\r\n\r\n.\r\n"), STR("\r\n\r\n..\r\n.\r\n")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= cases[i].in.n + 1; step++) {
			struct buf out;

			buf_init(&out, 0);
			write_through(cases[i].in, step, 2, &out);
			assert_true(str_eq(buf_view(&out), cases[i].out));
			buf_free(&out);
		}
	}
}

static void
end_needs_room(void **state)
{
	struct dot_writer w = {0};
	struct buf out;

	(void)state;
	buf_init(&out, 5);
	assert_int_equal(dot_write(&w, STR("a"), &out), 1);
	assert_false(dot_write_end(&w, &out));
	buf_clear(&out);
	assert_true(dot_write_end(&w, &out));
	assert_true(str_eq(buf_view(&out), STR("\r\n.\r\n")));
	buf_free(&out);
}

static void
what_is_written_is_read(void **state)
{
	static const char octets[] = {'.', '\r', '\n', 'a', '\0', '.', '\r'};

	(void)state;
	srand(4711);
	for (int round = 0; round < 20000; round++) {
		char raw[48];
		size_t n = (size_t)rand() % (sizeof(raw) - 2);
		struct outcome o = {.taken = 0};
		struct dot_reader r = {0};
		struct buf wire;

		for (size_t i = 0; i < n; i++)
			raw[i] = octets[(size_t)rand() % sizeof(octets)];
		buf_init(&wire, 0);
		buf_init(&o.message, 0);
		write_through((struct str){raw, n}, 1 + (size_t)rand() % 50,
			2 + (size_t)rand() % 20, &wire);
		feed(&r, buf_view(&wire), 4 + (size_t)rand() % 20, &o);
		assert_true(o.ended);
		assert_int_equal(o.taken, wire.len);
		if (n > 0 && (n < 2 || memcmp(raw + n - 2, "\r\n", 2) != 0)) {
			memcpy(raw + n, "\r\n", 2);
			n += 2;
		}
		assert_true(str_eq(buf_view(&o.message), (struct str){raw, n}));
		buf_free(&wire);
		buf_free(&o.message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_at_crlf_dot_crlf),
		cmocka_unit_test(look_alikes_are_data),
		cmocka_unit_test(prefixes_do_not_end),
		cmocka_unit_test(full_buffer_takes_nothing),
		cmocka_unit_test(reader_is_ready_for_the_next),
		cmocka_unit_test(writes_dots_doubled),
		cmocka_unit_test(end_needs_room),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
