/* Line ends and From_ quoting: what goes in can be had back. */
#include "tests/fuzz/fuzz.h"

#include "mail/lines.h"

#include <stdlib.h>
#include <string.h>

/* As lines does it, but all at once. */
static void
plain_lf(struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != '\r' || i + 1 == in.n || in.p[i + 1] != '\n')
			buf_add(out, in.p + i, 1);
	if (out->len && out->data[out->start + out->len - 1] != '\n')
		buf_addz(out, "\n");
}

static bool
is_from(struct str line)
{
	while (line.n && line.p[0] == '>')
		line = str_skip(line, 1);
	return line.n >= 5 && memcmp(line.p, "From ", 5) == 0;
}

static void
unquote(struct str in, struct buf *out)
{
	while (in.n) {
		size_t before = in.n;
		struct str line = str_cut(in, '\n', &in);

		if (is_from(line)) {
			if (line.p[0] != '>')
				abort(); /* a From_ line got through */
			line = str_skip(line, 1);
		}
		buf_adds(out, line);
		if (line.n < before)
			buf_addz(out, "\n");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data + 1, size ? size - 1 : 0};
	size_t cut = size ? data[0] % (in.n + 1) : 0;
	struct buf quoted, back, expect;
	struct lines l;

	if (!size)
		return 0;
	buf_init(&quoted, 0);
	buf_init(&back, 0);
	buf_init(&expect, 0);
	lines_init(&l, true);
	lines_add(&l, (struct str){in.p, cut}, &quoted);
	lines_add(&l, str_skip(in, cut), &quoted);
	lines_end(&l, &quoted);
	unquote(buf_view(&quoted), &back);
	plain_lf(in, &expect);
	if (!str_eq(buf_view(&back), buf_view(&expect)))
		abort();
	buf_free(&quoted);
	buf_free(&back);
	buf_free(&expect);
	return 0;
}
