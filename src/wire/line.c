#include "wire/line.h"

void
line_reader_init(struct line_reader *r, size_t limit)
{
	*r = (struct line_reader){0};
	buf_init(&r->text, limit);
}

void
line_reader_free(struct line_reader *r)
{
	if (r)
		buf_free(&r->text);
}

/* The line has grown above the limit: only its end is of interest now. */
static void
give_up(struct line_reader *r)
{
	r->too_long = true;
	buf_clear(&r->text);
}

void
line_reader_set_limit(struct line_reader *r, size_t limit)
{
	if (!r->done && r->text.len > limit)
		give_up(r);
	r->text.limit = limit;
}

static void
begin(struct line_reader *r)
{
	buf_clear(&r->text);
	r->saw_cr = r->too_long = r->bare = r->done = false;
}

static void
keep(struct line_reader *r, const char *p, size_t n)
{
	if (!r->too_long && !buf_add(&r->text, p, n))
		give_up(r);
}

static enum line_result
finish(struct line_reader *r)
{
	r->done = true;
	if (r->too_long)
		return LINE_TOO_LONG;
	return r->bare ? LINE_BARE : LINE_OK;
}

/* How many octets at the front of S are none of CR, LF, NUL. */
static size_t
plain_run(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n' && s.p[n] != '\0')
		n++;
	return n;
}

/* Takes at least one octet of S, which is not empty; not the end of a line. */
static size_t
take_some(struct line_reader *r, struct str s)
{
	size_t n = plain_run(s);

	if (r->saw_cr) { /* RFC 5321 2.3.8: CR only ever as part of CRLF */
		r->saw_cr = false;
		r->bare = true;
		keep(r, "\r", 1);
	}
	if (n > 0) {
		keep(r, s.p, n);
		return n;
	}
	if (s.p[0] == '\r') {
		r->saw_cr = true;
	} else {
		r->bare = true;
		keep(r, s.p, 1);
	}
	return 1;
}

enum line_result
line_read(struct line_reader *r, struct str data, size_t *taken_r)
{
	size_t i = 0;

	if (r->done)
		begin(r);
	while (i < data.n) {
		if (r->saw_cr && data.p[i] == '\n') {
			r->saw_cr = false;
			*taken_r = i + 1;
			return finish(r);
		}
		i += take_some(r, str_skip(data, i));
	}
	*taken_r = i;
	return LINE_MORE;
}

struct str
line_text(const struct line_reader *r)
{
	return buf_view(&r->text);
}

bool
line_pending(const struct line_reader *r)
{
	return !r->done && (r->text.len > 0 || r->saw_cr || r->too_long);
}
