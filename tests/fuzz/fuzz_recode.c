/*
 * 8 bit to 7 bit: whole against cut in pieces, the size that was promised
 * against what is written, and what comes out against the rules of 7 bit (or of
 * lines). To do it again changes nothing. The first octet chooses what is
 * wanted and how to cut; the rest is the message.
 */
#include <string.h>

#include "mail/recode.h"
#include "tests/fuzz/fuzz.h"
#include "wire/grammar.h"

/* The next piece of a cut is between 1 and 64 octets, by a fixed sequence. */
static size_t
piece(unsigned *cut, size_t left)
{
	size_t n;

	*cut = *cut * 1103515245U + 12345U;
	n = 1 + (*cut >> 16) % 64;
	return n < left ? n : left;
}

/* CUT 0: whole. False: it cannot be done, and OUT has why. */
static bool
pass(const struct recode_to *to, struct str s, unsigned cut, struct buf *out)
{
	struct recode *r = recode_new(to);
	struct str rest = s;
	unsigned again = cut;
	bool ok;

	while (rest.n) {
		size_t n = cut ? piece(&cut, rest.n) : rest.n;

		recode_look(r, (struct str){rest.p, n});
		rest = str_skip(rest, n);
	}
	ok = recode_look_end(r);
	if (!ok) {
		FUZZ_CHECK(recode_why(r)[0]);
		buf_addz(out, recode_why(r));
		recode_free(r);
		return false;
	}
	for (rest = s; rest.n;) {
		size_t n = again ? piece(&again, rest.n) : rest.n;

		recode_write(r, (struct str){rest.p, n}, out);
		rest = str_skip(rest, n);
	}
	recode_write_end(r, out);
	FUZZ_CHECK(out->len == recode_size(r));
	recode_free(r);
	return true;
}

/* As mail that is not binary is stored: lines, and no NUL. */
static bool
is_lines(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || (s.p[i] == '\n' && (!i || s.p[i - 1] != '\r')) ||
			(s.p[i] == '\r' &&
				(i + 1 == s.n || s.p[i + 1] != '\n')))
			return false;
	return s.n >= 2 && s.p[s.n - 1] == '\n';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message;
	struct recode_to to;
	struct buf whole, parts, again;
	bool ok;

	if (size == 0)
		return 0;
	message = (struct str){(const char *)data + 1, size - 1};
	to = (struct recode_to){.seven_bit = data[0] & 1,
		.binary = !is_lines(message),
		.signed_too = data[0] & 2};
	buf_init(&whole, 0);
	buf_init(&parts, 0);
	buf_init(&again, 0);
	ok = pass(&to, message, 0, &whole);
	FUZZ_CHECK(ok == pass(&to, message, 1U + data[0], &parts));
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&parts)));
	if (ok) {
		fuzz_check_lines(buf_view(&whole), SIZE_MAX);
		FUZZ_CHECK(!to.seven_bit || grammar_is_ascii(buf_view(&whole)));
		to.binary = false;
		FUZZ_CHECK(pass(&to, buf_view(&whole), 0, &again));
		FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&again)));
	}
	buf_free(&whole);
	buf_free(&parts);
	buf_free(&again);
	return 0;
}
