#include "mail/lines.h"

#include <string.h>

static const char from[] = "From ";

void
lines_init(struct lines *l, bool quote)
{
	*l = (struct lines){.quote = quote};
}

/* The beginning of a line is known now: it goes out, with QUOTE behind ">". */
static void
let_go(struct lines *l, bool quote, struct buf *out)
{
	for (size_t i = 0; i < l->arrows + (quote ? 1 : 0); i++)
		buf_addz(out, ">");
	buf_add(out, from, l->matched);
	l->arrows = l->matched = 0;
	l->inside = true;
}

/* One octet of a line whose beginning is not decided. */
static bool
hold(struct lines *l, char c, struct buf *out)
{
	if (c == '>' && l->matched == 0) {
		l->arrows++;
		return true;
	}
	if (c != from[l->matched])
		return false;
	l->matched++;
	if (l->matched == sizeof(from) - 1)
		let_go(l, true, out);
	return true;
}

static void
add_octet(struct lines *l, char c, struct buf *out)
{
	if (!l->inside && l->quote && hold(l, c, out))
		return;
	if (!l->inside)
		let_go(l, false, out);
	buf_add(out, &c, 1);
	l->inside = c != '\n';
}

/* A run of octets in the middle of a line. */
static size_t
add_run(const struct lines *l, struct str in, struct buf *out)
{
	size_t n = 0;

	if (!l->inside || l->cr)
		return 0;
	while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
		n++;
	buf_add(out, in.p, n);
	return n;
}

void
lines_add(struct lines *l, struct str in, struct buf *out)
{
	while (in.n) {
		in = str_skip(in, add_run(l, in, out));
		if (!in.n)
			return;
		if (l->cr && in.p[0] != '\n')
			add_octet(l, '\r', out);
		l->cr = in.p[0] == '\r';
		if (!l->cr)
			add_octet(l, in.p[0], out);
		in = str_skip(in, 1);
	}
}

void
lines_end(struct lines *l, struct buf *out)
{
	bool open;

	if (l->cr)
		add_octet(l, '\r', out);
	l->cr = false;
	open = l->inside || l->arrows || l->matched;
	if (!l->inside)
		let_go(l, false, out);
	if (open)
		buf_addz(out, "\n");
	l->inside = false;
}
