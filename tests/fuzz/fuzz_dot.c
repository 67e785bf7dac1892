/*
 * The streams of a message: whole against cut in pieces, written and read
 * again. The first octet chooses how to cut; the rest is the stream.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/dot.h"
#include "wire/line.h"

enum { LINE_LIMIT = 12 };

/* The next piece of a cut is between 1 and 8 octets, by a fixed sequence. */
static size_t
piece(unsigned *cut, size_t left)
{
	size_t n;

	*cut = *cut * 1103515245U + 12345U;
	n = 1 + (*cut >> 16) % 8;
	return n < left ? n : left;
}

/* Reads S, in pieces unless CUT is 0; returns the octets taken. */
static size_t
read_stream(struct str s, unsigned cut, struct buf *out, bool *ended_r)
{
	struct dot_reader r = {0};
	size_t taken = 0;

	*ended_r = false;
	while (taken < s.n && !*ended_r) {
		size_t n, step = cut ? piece(&cut, s.n - taken) : s.n - taken;
		struct buf small;

		buf_init(&small, cut ? 4 + cut % 5 : 0);
		*ended_r = dot_read(
			&r, (struct str){s.p + taken, step}, &small, &n);
		FUZZ_CHECK(n > 0 && n <= step);
		taken += n;
		buf_adds(out, buf_view(&small));
		buf_free(&small);
	}
	return taken;
}

static void
check_read(struct str s, unsigned cut)
{
	struct buf whole, parts;
	bool ended_whole, ended_parts;
	size_t taken;

	buf_init(&whole, 0);
	buf_init(&parts, 0);
	taken = read_stream(s, 0, &whole, &ended_whole);
	FUZZ_CHECK(taken == read_stream(s, cut, &parts, &ended_parts));
	FUZZ_CHECK(ended_whole == ended_parts);
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&parts)));
	/* Nothing but CRLF.CRLF ends, and where that stands it does. */
	if (ended_whole && taken > 3)
		FUZZ_CHECK(taken >= 5 &&
			   memcmp(s.p + taken - 5, "\r\n.\r\n", 5) == 0);
	else if (ended_whole)
		FUZZ_CHECK(memcmp(s.p, ".\r\n", 3) == 0);
	else
		FUZZ_CHECK(!memmem(s.p, s.n, "\r\n.\r\n", 5));
	buf_free(&whole);
	buf_free(&parts);
}

static void
write_stream(struct str s, unsigned cut, struct buf *out)
{
	struct dot_writer w = {0};

	while (s.n > 0) {
		size_t step = piece(&cut, s.n);
		struct buf small;

		buf_init(&small, 2 + cut % 7);
		step = dot_write(&w, (struct str){s.p, step}, &small);
		FUZZ_CHECK(step > 0);
		s = str_skip(s, step);
		buf_adds(out, buf_view(&small));
		buf_free(&small);
	}
	FUZZ_CHECK(dot_write_end(&w, out));
}

static void
check_round_trip(struct str s, unsigned cut)
{
	bool full =
		s.n == 0 || (s.n >= 2 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0);
	struct buf wire, back;
	bool ended;

	buf_init(&wire, 0);
	buf_init(&back, 0);
	write_stream(s, cut, &wire);
	FUZZ_CHECK(
		read_stream(buf_view(&wire), cut, &back, &ended) == wire.len);
	FUZZ_CHECK(ended);
	FUZZ_CHECK(back.len == s.n + (full ? 0 : 2));
	FUZZ_CHECK(str_eq((struct str){buf_view(&back).p, s.n}, s));
	buf_free(&wire);
	buf_free(&back);
}

static struct content_check
check_content(struct str s, unsigned cut)
{
	struct content_check c;

	content_check_init(&c, LINE_LIMIT);
	while (s.n > 0) {
		size_t step = cut ? piece(&cut, s.n) : s.n;

		content_check_feed(&c, (struct str){s.p, step});
		s = str_skip(s, step);
	}
	content_check_end(&c);
	return c;
}

static void
compare_content(struct str s, unsigned cut)
{
	struct content_check a = check_content(s, 0);
	struct content_check b = check_content(s, cut);

	FUZZ_CHECK(a.fault == b.fault && a.fault_line == b.fault_line);
	FUZZ_CHECK(a.has_8bit == b.has_8bit &&
		   a.has_8bit_header == b.has_8bit_header);
	FUZZ_CHECK(a.size_bytes == s.n && b.size_bytes == s.n);
	FUZZ_CHECK(a.line_number == b.line_number && a.in_body == b.in_body);
}

/* Marks, texts and ends of all lines of S, as one text. */
static void
cut_lines(struct str s, unsigned cut, struct buf *out)
{
	struct line_reader r;

	line_reader_init(&r, LINE_LIMIT);
	while (s.n > 0) {
		size_t n, step = cut ? piece(&cut, s.n) : s.n;
		enum line_result result =
			line_read(&r, (struct str){s.p, step}, &n);

		FUZZ_CHECK(n > 0 && n <= step);
		s = str_skip(s, n);
		if (result == LINE_MORE)
			continue;
		FUZZ_CHECK(line_text(&r).n <= LINE_LIMIT);
		buf_addf(out, "%d:", (int)result);
		buf_adds(out, line_text(&r));
		buf_addz(out, "\r\n");
	}
	buf_addz(out, line_pending(&r) ? "more" : "none");
	line_reader_free(&r);
}

static void
compare_lines(struct str s, unsigned cut)
{
	struct buf whole, parts;

	buf_init(&whole, 0);
	buf_init(&parts, 0);
	cut_lines(s, 0, &whole);
	cut_lines(s, cut, &parts);
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&parts)));
	buf_free(&whole);
	buf_free(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned cut;
	struct str s;

	if (size == 0)
		return 0;
	cut = 1U + data[0];
	s = (struct str){(const char *)data + 1, size - 1};
	check_read(s, cut);
	check_round_trip(s, cut);
	compare_content(s, cut);
	compare_lines(s, cut);
	return 0;
}
