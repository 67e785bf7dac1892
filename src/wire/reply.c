#include "wire/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/grammar.h"
#include "wire/limits.h"

enum { REPLY_OUT_LINE_MAX = 512 }; /* with CRLF; RFC 5321 4.5.3.1.5 */

/*
 * Replaces in place what a log or a screen must not see: controls (C1 too, so
 * U+0080 to U+009F) and what is not UTF-8. Line ends between lines stay.
 */
static void
clean_text(char *z)
{
	struct str s = str_of(z);

	while (s.n > 0) {
		size_t n = grammar_utf8_octets(s);
		unsigned char c = (unsigned char)*z;

		if (n == 2 && c == 0xc2 && (unsigned char)z[1] < 0xa0)
			memset(z, '?', n);
		else if (c == '\t')
			*z = ' ';
		else if (n == 0 || c == 127 || (c < 32 && c != '\n'))
			*z = '?';
		n = n ? n : 1;
		z += n;
		s = str_skip(s, n);
	}
}

/* Takes a character off the end of Z that a size limit has cut in two. */
static void
drop_cut_character(char *z)
{
	size_t n = strlen(z), back = 0;

	while (back < 3 && back < n &&
		((unsigned char)z[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && (unsigned char)z[n - 1 - back] >= 0xc0 &&
		grammar_utf8_octets(str_of(z + n - 1 - back)) == 0)
		z[n - 1 - back] = '\0';
}

void
reply_set(struct reply *r, int code, const char *enhanced, const char *fmt, ...)
{
	va_list ap;
	int n;

	r->code = code;
	str_copyz(r->enhanced, sizeof(r->enhanced), enhanced);
	va_start(ap, fmt);
	n = vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		r->text[0] = '\0';
	if (n > REPLY_TEXT_MAX)
		drop_cut_character(r->text);
	clean_text(r->text);
}

/* RFC 2034 4: 3xx replies carry no enhanced code. */
static bool
has_enhanced(const struct reply *r)
{
	return r->enhanced[0] != '\0' && reply_class(r) != 3;
}

/*
 * How many octets of S go on one line of at most ROOM: up to a blank if there
 * is one, never within a UTF-8 character.
 */
static size_t
piece_octets(struct str s, size_t room)
{
	size_t n = room;

	if (s.n <= room)
		return s.n;
	while (n > 0 && s.p[n - 1] != ' ')
		n--;
	if (n > 0)
		return n;
	for (n = room; n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

static void
write_line(const struct reply *r, struct str text, bool last, struct buf *out)
{
	bool enhanced = has_enhanced(r);

	buf_addf(out, "%03d%c", r->code, last ? ' ' : '-');
	if (enhanced)
		buf_addf(out, "%s%s", r->enhanced, text.n ? " " : "");
	buf_adds(out, text);
	buf_addz(out, "\r\n");
}

static void
write_lines(const struct reply *r, bool ends, struct buf *out)
{
	struct str text = str_of(r->text);
	size_t used = sizeof("250 ") - 1 + sizeof("\r\n") - 1 +
		      (has_enhanced(r) ? strlen(r->enhanced) + 1 : 0);
	/* A SASL challenge (334) is one line of any length (RFC 4954 4). */
	size_t room = reply_class(r) == 3 ? REPLY_TEXT_MAX
					  : REPLY_OUT_LINE_MAX - used;
	struct buf whole;
	bool more = true;

	buf_init(&whole, 0);
	while (more) {
		struct str rest, line = str_cut(text, '\n', &rest);

		more = line.n < text.n;
		while (line.n > room) {
			size_t n = piece_octets(line, room);

			write_line(r, (struct str){line.p, n}, false, &whole);
			line = str_skip(line, n);
		}
		write_line(r, line, ends && !more, &whole);
		text = rest;
	}
	buf_adds(out, buf_view(&whole));
	buf_free(&whole);
}

void
reply_write(const struct reply *r, struct buf *out)
{
	write_lines(r, true, out);
}

void
reply_write_more(const struct reply *r, struct buf *out)
{
	write_lines(r, false, out);
}

void
reply_one_line(const struct reply *r, char *out, size_t size)
{
	int n = snprintf(out, size, "%03d%s%s%s%s", r->code,
		r->enhanced[0] ? " " : "", r->enhanced, r->text[0] ? " " : "",
		r->text);

	if (n < 0 && size > 0)
		out[0] = '\0';
	if (n >= 0 && (size_t)n >= size && size > 0)
		drop_cut_character(out);
	for (; size > 0 && *out; out++)
		if (*out == '\n')
			*out = ' ';
}

void
reply_parser_init(struct reply_parser *p)
{
	*p = (struct reply_parser){0};
	line_reader_init(&p->line, WIRE_REPLY_LINE_MAX);
}

void
reply_parser_free(struct reply_parser *p)
{
	if (p)
		line_reader_free(&p->line);
}

static enum reply_result
bad(struct reply_parser *p, const char *why)
{
	reply_set(&p->reply, 0, "", "%s", why);
	return REPLY_BAD;
}

/*
 * Octets of "CLASS.subject.detail" at the front of S with what follows it
 * (RFC 2034 4: it must agree with the class of the reply); 0: none.
 */
static size_t
enhanced_octets(struct str s, char code_class)
{
	size_t n = 1;

	if (s.n == 0 || s.p[0] != code_class || code_class == '3')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		if (n >= s.n || s.p[n++] != '.')
			return 0;
		for (; n < s.n && s.p[n] >= '0' && s.p[n] <= '9'; n++)
			digits++;
		if (digits < 1 || digits > 3)
			return 0;
	}
	return n == s.n || s.p[n] == ' ' || s.p[n] == '\t' ? n : 0;
}

/* TEXT without the enhanced code, which the first line settles. */
static struct str
strip_enhanced(struct reply *r, struct str text, bool first)
{
	size_t n = enhanced_octets(text, (char)('0' + reply_class(r)));
	struct str found = {text.p, n};

	if (n == 0)
		return text;
	if (first)
		str_copy(r->enhanced, sizeof(r->enhanced), found);
	else if (!str_eq(found, str_of(r->enhanced)))
		return text;
	text = str_skip(text, n);
	return text.n ? str_skip(text, 1) : text;
}

/*
 * Appends a line to the text. The first is cut where it is too long; a later
 * one that does not fit is left out whole, for half a keyword is a wrong one.
 */
static void
add_text(struct reply *r, struct str line, bool first)
{
	size_t n = strlen(r->text);
	char *at = r->text + n;

	if (!first && line.n + 1 > REPLY_TEXT_MAX - n)
		return;
	if (!first)
		*at++ = '\n';
	if (line.n > REPLY_TEXT_MAX)
		line.n = REPLY_TEXT_MAX;
	for (size_t i = 0; i < line.n; i++)
		at[i] = line.p[i] && line.p[i] != '\n' ? line.p[i] : '?';
	at[line.n] = '\0';
	if (line.n == REPLY_TEXT_MAX)
		drop_cut_character(r->text);
	clean_text(at);
}

/* RFC 5321 4.2: Reply-code; any second digit, as servers have 57x. */
static bool
has_code(struct str s)
{
	if (s.n > 0 && (s.p[0] < '2' || s.p[0] > '5'))
		return false;
	for (size_t i = 1; i < s.n && i < 3; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static enum reply_result
take_line(struct reply_parser *p, struct str line)
{
	struct reply *r = &p->reply;
	bool first = !p->started;
	bool more = line.n > 3 && line.p[3] == '-';
	int code;

	if (line.n < 3 || !has_code(line) ||
		(line.n > 3 && line.p[3] != '-' && line.p[3] != ' '))
		return bad(p, "a line without a reply code");
	code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	       (line.p[2] - '0');
	if (!first && code != r->code)
		return bad(p, "lines of one reply with different codes");
	r->code = code;
	line = str_skip(line, line.n > 3 ? 4 : 3);
	add_text(r, strip_enhanced(r, line, first), first);
	p->started = more;
	return more ? REPLY_MORE : REPLY_DONE;
}

/* What can be said of a line before its end has come. */
static enum reply_result
check_part(struct reply_parser *p)
{
	struct str part = line_text(&p->line);

	if (p->line.too_long)
		return bad(p, "a reply line above the limit");
	if (!has_code(part))
		return bad(p, "a line without a reply code");
	/*
	 * Taking LF for a line end would let one reply be read as two, so it
	 * ends here rather than in a timeout.
	 */
	if (p->line.bare && memchr(part.p, '\n', part.n))
		return bad(p, "a reply line with a bare LF");
	return REPLY_MORE;
}

enum reply_result
reply_parse(struct reply_parser *p, struct str data, size_t *taken_r)
{
	enum reply_result result = REPLY_MORE;

	*taken_r = 0;
	if (!p->started && !line_pending(&p->line)) {
		p->reply = (struct reply){0};
		p->total = 0;
	}
	while (result == REPLY_MORE && *taken_r < data.n) {
		size_t n;
		enum line_result line =
			line_read(&p->line, str_skip(data, *taken_r), &n);

		*taken_r += n;
		p->total += n;
		result = check_part(p);
		if (result == REPLY_MORE && p->total > WIRE_REPLY_MAX)
			result = bad(p, "a reply above the limit");
		if (result == REPLY_MORE && line != LINE_MORE)
			result = take_line(p, line_text(&p->line));
	}
	return result;
}
