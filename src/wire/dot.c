#include "wire/dot.h"

#include <string.h>

/* dot_read adds at most two octets for one; the rest is for comfort. */
enum { DOT_ROOM_MIN = 4 };

/* Where in a line the octets taken so far end. */
enum {
	AT_START, /* of a line; the message begins here too (4.1.1.4) */
	AT_MIDDLE,
	AT_CR,
	AT_DOT,	   /* reader: behind a dot that began the line, held back */
	AT_DOT_CR, /* reader: behind that dot and a CR, both held back */
};

/* Takes one octet that may matter; returns true at the end of data. */
static bool
read_octet(struct dot_reader *r, char c, struct buf *out)
{
	if (r->state == AT_START && c == '.') {
		r->state = AT_DOT;
		return false;
	}
	if (r->state == AT_DOT && c == '\r') {
		r->state = AT_DOT_CR;
		return false;
	}
	if (r->state == AT_DOT_CR) {
		if (c == '\n') {
			r->state = AT_START;
			return true;
		}
		buf_add(out, "\r", 1);
		r->state = AT_CR;
	}
	/* RFC 5321 4.5.2: a held dot is dropped, as the line goes on. */
	buf_add(out, &c, 1);
	if (c == '\r')
		r->state = AT_CR;
	else if (c == '\n' && r->state == AT_CR)
		r->state = AT_START;
	else
		r->state = AT_MIDDLE;
	return false;
}

/* The octets of S before its first CR, as many as OUT holds, in one piece. */
static size_t
copy_run(struct str s, struct buf *out)
{
	size_t n = s.n < buf_room(out) ? s.n : buf_room(out);
	const char *cr = n ? memchr(s.p, '\r', n) : NULL;

	if (cr)
		n = (size_t)(cr - s.p);
	buf_add(out, s.p, n);
	return n;
}

bool
dot_read(struct dot_reader *r, struct str in, struct buf *out, size_t *taken_r)
{
	size_t i = 0;

	while (i < in.n && buf_room(out) >= DOT_ROOM_MIN) {
		if (r->state == AT_MIDDLE && in.p[i] != '\r') {
			i += copy_run(str_skip(in, i), out);
			continue;
		}
		if (read_octet(r, in.p[i++], out)) {
			*taken_r = i;
			return true;
		}
	}
	*taken_r = i;
	return false;
}

size_t
dot_write(struct dot_writer *w, struct str in, struct buf *out)
{
	size_t i = 0;

	while (i < in.n) {
		char c = in.p[i];

		if (w->state == AT_MIDDLE && c != '\r') {
			size_t n = copy_run(str_skip(in, i), out);

			if (n == 0)
				break;
			i += n;
			continue;
		}
		/* RFC 5321 4.5.2: a leading dot is doubled. */
		if (w->state == AT_START && c == '.') {
			if (!buf_add(out, "..", 2))
				break;
		} else if (!buf_add(out, &c, 1)) {
			break;
		}
		i++;
		if (c == '\r')
			w->state = AT_CR;
		else if (c == '\n' && w->state == AT_CR)
			w->state = AT_START;
		else
			w->state = AT_MIDDLE;
	}
	return i;
}

bool
dot_write_end(struct dot_writer *w, struct buf *out)
{
	if (!buf_addz(out, w->state == AT_START ? ".\r\n" : "\r\n.\r\n"))
		return false;
	w->state = AT_START;
	return true;
}
