/* What a peer says: whole, and octet by octet; and said again by us. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/grammar.h"
#include "wire/limits.h"
#include "wire/reply.h"

enum { SHORT_LINE = 400 }; /* no line as short is folded */

static void
check_text(const struct reply *r)
{
	struct str s = str_of(r->text);

	FUZZ_CHECK(s.n <= REPLY_TEXT_MAX && grammar_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		FUZZ_CHECK(((unsigned char)s.p[i] >= 32 && s.p[i] != 127) ||
			   s.p[i] == '\n');
}

static bool
has_short_lines(struct str text)
{
	while (text.n > 0)
		if (str_cut(text, '\n', &text).n > SHORT_LINE)
			return false;
	return true;
}

/* What we would pass on reads as what we read. */
static void
check_written(const struct reply *r)
{
	struct reply_parser p;
	struct buf wire;
	char line[64];
	size_t n;

	reply_one_line(r, line, sizeof(line));
	FUZZ_CHECK(strlen(line) >= 3 && !strchr(line, '\n'));
	FUZZ_CHECK(grammar_is_utf8(str_of(line)));
	buf_init(&wire, 0);
	reply_write(r, &wire);
	reply_parser_init(&p);
	FUZZ_CHECK(reply_parse(&p, buf_view(&wire), &n) == REPLY_DONE);
	FUZZ_CHECK(n == wire.len && p.reply.code == r->code);
	if (has_short_lines(str_of(r->text))) {
		FUZZ_CHECK(strcmp(p.reply.enhanced, r->enhanced) == 0);
		FUZZ_CHECK(strcmp(p.reply.text, r->text) == 0);
	}
	reply_parser_free(&p);
	buf_free(&wire);
}

/* Feeds S to P in steps; *taken_r: octets until DONE or BAD. */
static enum reply_result
feed(struct reply_parser *p, struct str s, size_t step, size_t *taken_r)
{
	enum reply_result result = REPLY_MORE;

	*taken_r = 0;
	while (result == REPLY_MORE && *taken_r < s.n) {
		size_t n, left = s.n - *taken_r;

		result = reply_parse(p,
			(struct str){s.p + *taken_r, left < step ? left : step},
			&n);
		FUZZ_CHECK(n <= step && (n > 0 || result == REPLY_BAD));
		*taken_r += n;
		FUZZ_CHECK(p->line.text.len <= WIRE_REPLY_LINE_MAX);
	}
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	enum reply_result result = REPLY_DONE;
	struct reply_parser whole, parts;

	reply_parser_init(&whole);
	reply_parser_init(&parts);
	while (result == REPLY_DONE && s.n > 0) {
		size_t n, n_parts;

		result = feed(&whole, s, s.n, &n);
		FUZZ_CHECK(feed(&parts, s, 1, &n_parts) == result);
		if (result == REPLY_DONE) {
			FUZZ_CHECK(n == n_parts);
			FUZZ_CHECK(whole.reply.code >= 200 &&
				   whole.reply.code <= 599);
			FUZZ_CHECK(whole.reply.code == parts.reply.code);
			FUZZ_CHECK(strcmp(whole.reply.text, parts.reply.text) ==
				   0);
			FUZZ_CHECK(strcmp(whole.reply.enhanced,
					   parts.reply.enhanced) == 0);
			check_text(&whole.reply);
			check_written(&whole.reply);
		}
		s = str_skip(s, n);
	}
	reply_parser_free(&whole);
	reply_parser_free(&parts);
	return 0;
}
