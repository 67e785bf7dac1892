/* The checker of message content, declared in dot.h. */
#include "wire/dot.h"

void
content_check_init(struct content_check *c, size_t line_limit)
{
	*c = (struct content_check){.line_limit = line_limit, .line_number = 1};
}

static void
note_fault(struct content_check *c, enum content_fault fault)
{
	if (c->fault != CONTENT_OK)
		return;
	c->fault = fault;
	c->fault_line = c->line_number;
}

static void
count_octets(struct content_check *c, size_t n)
{
	c->line_len += n;
	if (c->line_limit && c->line_len > c->line_limit)
		note_fault(c, CONTENT_LONG_LINE);
}

static void
end_line(struct content_check *c)
{
	if (c->line_len == 0) /* RFC 5322 2.1: the header ends here */
		c->in_body = true;
	c->line_len = 0;
	c->line_number++;
	c->saw_cr = false;
}

/* A run without CR, LF and NUL at the front of S; may be empty. */
static size_t
feed_run(struct content_check *c, struct str s)
{
	unsigned char all = 0;
	size_t n = 0;

	while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n' && s.p[n] != '\0')
		all |= (unsigned char)s.p[n++];
	if (all & 0x80) {
		c->has_8bit = true;
		if (!c->in_body)
			c->has_8bit_header = true;
	}
	count_octets(c, n);
	return n;
}

static void
feed_special(struct content_check *c, char o)
{
	if (o == '\r') {
		c->saw_cr = true;
		return;
	}
	note_fault(c, o == '\n' ? CONTENT_BARE_LF : CONTENT_NUL);
	count_octets(c, 1);
}

static void
end_bare_cr(struct content_check *c)
{
	c->saw_cr = false;
	note_fault(c, CONTENT_BARE_CR);
	count_octets(c, 1);
}

void
content_check_feed(struct content_check *c, struct str s)
{
	c->size_bytes += s.n;
	for (size_t i = 0; i < s.n;) {
		if (c->saw_cr && s.p[i] == '\n') {
			end_line(c);
			i++;
			continue;
		}
		if (c->saw_cr)
			end_bare_cr(c);
		i += feed_run(c, str_skip(s, i));
		if (i < s.n)
			feed_special(c, s.p[i++]);
	}
}

void
content_check_end(struct content_check *c)
{
	if (c->saw_cr)
		end_bare_cr(c);
}

const char *
content_fault_text(enum content_fault fault)
{
	switch (fault) {
	case CONTENT_OK:
		return "nothing wrong";
	case CONTENT_BARE_CR:
		return "bare CR";
	case CONTENT_BARE_LF:
		return "bare LF";
	case CONTENT_NUL:
		return "NUL octet";
	case CONTENT_LONG_LINE:
		return "a line longer than the limit";
	}
	return "unknown fault";
}
