#include "faces/show.h"

#include <string.h>

#include "faces/charset.h"
#include "faces/html.h"
#include "faces/text.h"
#include "mail/header.h"
#include "mail/mime.h"

enum { TAB = 8 };

struct show {
	show_line *each;
	void *arg;
	unsigned alternative; /* the last of which one was shown */
};

/* --- lines --- */

/* One line, its tabs widened; a CR that ends it goes. */
static void
give_line(const struct show *s, enum show_kind kind, struct str line)
{
	struct buf wide;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	buf_init(&wide, 0);
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '\t')
			buf_addf(&wide, "%*s", (int)(TAB - wide.len % TAB), "");
		else
			buf_add(&wide, line.p + i, 1);
	s->each(s->arg, kind, buf_view(&wide));
	buf_free(&wide);
}

static void
give_lines(const struct show *s, struct str text)
{
	while (text.n) {
		struct str line = str_cut(text, '\n', &text);

		give_line(s,
			line.n && line.p[0] == '>' ? SHOW_LINE_QUOTE
						   : SHOW_LINE_TEXT,
			line);
	}
}

/* --- fields --- */

static void
add_piece(void *arg, const char *charset, struct str octets)
{
	charset_to_utf8(charset, octets, arg);
}

static void
give_field(const struct show *s, struct str name, struct str body)
{
	struct buf line;

	buf_init(&line, 0);
	buf_addf(&line, "%.*s: ", STR_FMT(name));
	decode_words(str_trim(body), add_piece, &line);
	give_line(s, SHOW_LINE_FIELD, buf_view(&line));
	buf_free(&line);
}

static bool
matters(struct str name)
{
	static const char *const names[] = {
		"From", "To", "Cc", "Bcc", "Reply-To", "Date", "Subject"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

static void
give_header(const struct show *s, struct str header, bool all)
{
	struct str field, body;

	while (header_field_next(&header, &field)) {
		struct str name = header_field_name(field, &body);

		if (all || matters(name))
			give_field(s, name, body);
	}
}

/* --- parts --- */

static void
give_text(const struct show *s, const struct mime_part *p, bool html)
{
	struct buf octets, utf8, text;

	buf_init(&octets, 0);
	buf_init(&utf8, 0);
	buf_init(&text, 0);
	decode_transfer(&octets, p->body, p->how);
	charset_to_utf8(p->charset, buf_view(&octets), &utf8);
	if (html)
		html_text(buf_view(&utf8), &text);
	give_lines(s, html ? buf_view(&text) : buf_view(&utf8));
	buf_free(&octets);
	buf_free(&utf8);
	buf_free(&text);
}

static void
give_note(const struct show *s, const struct mime_part *p)
{
	char size[TEXT_SHORT_MAX];
	struct buf line, name;

	text_size(p->body.n, size);
	buf_init(&line, 0);
	buf_init(&name, 0);
	decode_words(str_of(p->name), add_piece, &name);
	buf_addf(&line, "[%s%s%.*s, %s]", p->type, p->name[0] ? ", " : "",
		STR_FMT(buf_view(&name)), size);
	give_line(s, SHOW_LINE_NOTE, buf_view(&line));
	buf_free(&name);
	buf_free(&line);
}

static void
give_part(void *arg, const struct mime_part *p)
{
	struct show *s = arg;
	bool html = strcmp(p->type, "text/html") == 0;
	bool text = strncmp(p->type, "text/", 5) == 0 ||
		    strcmp(p->type, "message/delivery-status") == 0;

	if (p->alternative && p->alternative == s->alternative)
		return;
	if (p->nested) {
		give_line(s, SHOW_LINE_NOTE, STR("[a message]"));
		give_header(s, p->header, false);
		give_line(s, SHOW_LINE_TEXT, STR(""));
	} else if (text && !(p->name[0] && !html)) {
		s->alternative = p->alternative;
		give_text(s, p, html);
	} else {
		give_note(s, p);
	}
}

void
show_message(struct str octets, enum show_mode mode, show_line *each, void *arg)
{
	struct show s = {.each = each, .arg = arg};
	struct str body;

	if (mode == SHOW_RAW) {
		give_lines(&s, octets);
		return;
	}
	give_header(&s, mime_header(octets, &body), mode == SHOW_HEADER);
	give_line(&s, SHOW_LINE_TEXT, STR(""));
	mime_walk(octets, give_part, &s);
}
