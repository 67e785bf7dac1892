/*
 * A message of anybody, shown: nothing may be read beyond it, the walk ends,
 * and what is cleaned afterwards holds no character that controls a terminal.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "faces/show.h"
#include "faces/text.h"
#include "base/utf8.h"

static void
see_line(void *arg, enum show_kind kind, struct str line)
{
	struct buf clean;
	struct str rest;

	(void)arg;
	(void)kind;
	buf_init(&clean, 0);
	text_clean(&clean, line);
	for (rest = buf_view(&clean); rest.n;) {
		uint32_t c;
		size_t n = utf8_next(rest, &c);

		FUZZ_CHECK(n && !utf8_is_control(c));
		rest = str_skip(rest, n);
	}
	buf_free(&clean);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = xmalloc(size ? size : 1);
	struct str octets = {copy, size};

	for (size_t i = 0; i < size; i++)
		copy[i] = (char)data[i];
	for (enum show_mode mode = SHOW_TEXT; mode < SHOW_MODES_N; mode++)
		show_message(octets, mode, see_line, NULL);
	free(copy);
	return 0;
}
