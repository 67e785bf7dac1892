#include "mail/tidy.h"

enum { UTF8_MOST = 4 }; /* octets of a character */

static void
end_line(struct tidy *t, struct buf *out)
{
	t->ended = t->held_dot;
	if (!t->ended)
		buf_addz(out, "\r\n");
	t->held_dot = false;
	t->line_n = 0;
}

static bool
begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void
add(struct tidy *t, char c, struct buf *out)
{
	bool near = t->limit && t->line_n + UTF8_MOST > t->limit;

	if ((near && begins_character(c)) ||
		(t->limit && t->line_n >= t->limit)) {
		buf_addz(out, "\r\n ");
		t->line_n = 1;
	}
	buf_add(out, &c, 1);
	t->line_n++;
}

static void
octet(struct tidy *t, char c, struct buf *out)
{
	bool after_cr = t->saw_cr;

	t->saw_cr = c == '\r';
	if (c == '\n' && after_cr)
		return; /* its CR ended the line */
	if (c == '\r' || c == '\n') {
		end_line(t, out);
		return;
	}
	if (c == '\0' && t->limit)
		return;
	if (t->held_dot) {
		t->held_dot = false;
		add(t, '.', out);
	}
	if (t->dot_ends && t->line_n == 0 && c == '.')
		t->held_dot = true;
	else
		add(t, c, out);
}

void
tidy_feed(struct tidy *t, struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.n && !t->ended; i++)
		octet(t, in.p[i], out);
}

void
tidy_end(struct tidy *t, struct buf *out)
{
	if (!t->ended && (t->line_n > 0 || t->held_dot))
		end_line(t, out);
}
