#include "mail/addrlist.h"

#include <string.h>

/* A part of an address as it is put together; what does not fit is BAD. */
struct part {
	char text[WIRE_MAILBOX_MAX + 1];
	size_t n;
};

static bool
part_add(struct part *p, char c)
{
	if (p->n + 1 >= sizeof(p->text))
		return false;
	p->text[p->n++] = c;
	p->text[p->n] = '\0';
	return true;
}

void
addrlist_init(struct addrlist *l, struct str body)
{
	*l = (struct addrlist){.rest = body};
}

/* --- tokens --------------------------------------------------------------- */

static char
peek(const struct str *in)
{
	return in->n > 0 ? in->p[0] : '\0';
}

static bool
take(struct str *in, char c)
{
	if (in->n == 0 || in->p[0] != c)
		return false;
	*in = str_skip(*in, 1);
	return true;
}

/* RFC 5322 3.2.3, RFC 6532 3.2: any octet above 127 too. */
static bool
is_atext(char c)
{
	unsigned char u = (unsigned char)c;

	return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') ||
	       (u >= '0' && u <= '9') || u >= 128 ||
	       (u != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* A line end in a field's body is always one of folding. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "(" is at the front; comments nest. False: it has no end. */
static bool
skip_comment(struct str *in)
{
	size_t depth = 0;

	do {
		char c = peek(in);

		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		if (in->n < (c == '\\' ? 2U : 1U))
			return false;
		*in = str_skip(*in, c == '\\' ? 2 : 1);
	} while (depth > 0);
	return true;
}

/* Blanks, folding and comments (CFWS). */
static bool
skip_blanks(struct str *in)
{
	for (;;) {
		if (is_blank(peek(in)))
			*in = str_skip(*in, 1);
		else if (peek(in) != '(')
			return true;
		else if (!skip_comment(in))
			return false;
	}
}

/* A quoted string at the front, its content to OUT where that is not NULL. */
static bool
take_quoted(struct str *in, struct part *out)
{
	if (!take(in, '"'))
		return false;
	while (in->n > 0 && peek(in) != '"') {
		char c = peek(in);

		*in = str_skip(*in, 1);
		if (c == '\r' || c == '\n')
			continue; /* folding goes, its blank stays (3.2.2) */
		if (c == '\\') {
			if (in->n == 0)
				return false;
			c = peek(in);
			*in = str_skip(*in, 1);
		}
		if (out && !part_add(out, c))
			return false;
	}
	return take(in, '"');
}

static bool
take_atom(struct str *in, struct part *out)
{
	if (!is_atext(peek(in)))
		return false;
	for (; is_atext(peek(in)); *in = str_skip(*in, 1))
		if (out && !part_add(out, peek(in)))
			return false;
	return true;
}

static bool
take_word(struct str *in, struct part *out)
{
	return peek(in) == '"' ? take_quoted(in, out) : take_atom(in, out);
}

/* --- an address ----------------------------------------------------------- */

/*
 * One or more of WORD with dots between; blanks may stand anywhere (4.4).
 * *end_r: behind the last of them.
 */
static bool
take_dotted(struct str *in, struct part *out,
	bool (*word)(struct str *in, struct part *out), const char **end_r)
{
	do {
		if (!skip_blanks(in) || !word(in, out))
			return false;
		*end_r = in->p;
		if (!skip_blanks(in))
			return false;
	} while (take(in, '.') && part_add(out, '.'));
	return true;
}

static bool
take_literal(struct str *in, struct part *out)
{
	if (!take(in, '[') || !part_add(out, '['))
		return false;
	for (; in->n > 0 && peek(in) != ']'; *in = str_skip(*in, 1))
		if (!is_blank(peek(in)) && !part_add(out, peek(in)))
			return false;
	return take(in, ']') && part_add(out, ']') && skip_blanks(in);
}

static bool
take_domain(struct str *in, struct part *out)
{
	const char *end;

	if (!skip_blanks(in))
		return false;
	if (peek(in) == '[')
		return take_literal(in, out);
	return take_dotted(in, out, take_atom, &end);
}

static bool
is_dot_atom(const struct part *p)
{
	bool after_dot = true;

	for (size_t i = 0; i < p->n; i++) {
		bool dot = p->text[i] == '.';

		if (dot ? after_dot : !is_atext(p->text[i]))
			return false;
		after_dot = dot;
	}
	return !after_dot;
}

/* The local part, quoted only where it must be. */
static bool
add_local(struct part *address, const struct part *local)
{
	bool plain = is_dot_atom(local), fits = true;

	if (!plain)
		fits = part_add(address, '"');
	for (size_t i = 0; i < local->n && fits; i++) {
		char c = local->text[i];

		if (c == '"' || c == '\\')
			fits = part_add(address, '\\');
		fits = fits && part_add(address, c);
	}
	return fits && (plain || part_add(address, '"'));
}

/* addr-spec, or a name where L says which domain it is in */
static bool
take_address(struct addrlist *l, struct mailbox *mailbox_r)
{
	struct part local = {0}, domain = {0}, whole = {0};
	struct str *in = &l->rest, at = l->home;
	const char *end;

	l->bare = NULL;
	if (!take_dotted(in, &local, take_word, &end))
		return false;
	if (take(in, '@')) {
		if (!take_domain(in, &domain))
			return false;
		at = (struct str){domain.text, domain.n};
	} else {
		l->bare = end;
	}
	if (at.n == 0 || !add_local(&whole, &local) || !part_add(&whole, '@'))
		return false;
	for (size_t i = 0; i < at.n; i++)
		if (!part_add(&whole, at.p[i]))
			return false;
	return address_parse(
		(struct str){whole.text, whole.n}, true, mailbox_r);
}

/* "@a,@b:" in front of an address, where there is one (4.4 obs-route). */
static bool
skip_route(struct str *in)
{
	struct part domain;

	if (!skip_blanks(in))
		return false;
	if (peek(in) != '@' && peek(in) != ',')
		return true;
	while (peek(in) == '@' || peek(in) == ',') {
		domain.n = 0;
		if (take(in, '@') ? !take_domain(in, &domain)
				  : !take(in, ',') || !skip_blanks(in))
			return false;
	}
	return take(in, ':');
}

static bool
take_angle(struct addrlist *l, struct mailbox *mailbox_r)
{
	struct str *in = &l->rest;

	return take(in, '<') && skip_route(in) && take_address(l, mailbox_r) &&
	       take(in, '>') && skip_blanks(in);
}

/* --- the list ------------------------------------------------------------- */

/*
 * Words as in a name, with the dots that people write (4.1 obs-phrase).
 * *empty_r: there was none.
 */
static bool
skip_phrase(struct str *in, bool *empty_r)
{
	bool empty = true;

	for (;; empty = false) {
		if (!skip_blanks(in))
			return false;
		if (is_atext(peek(in)) || peek(in) == '"') {
			if (!take_word(in, NULL))
				return false;
		} else if (empty || !take(in, '.')) {
			*empty_r = empty;
			return true;
		}
	}
}

/* An address, or the beginning of a group: then *mailbox_r has no text. */
static bool
take_item(struct addrlist *l, struct mailbox *mailbox_r)
{
	struct str behind = l->rest;
	bool nameless;

	if (!skip_phrase(&behind, &nameless))
		return false;
	if (peek(&behind) == '<') {
		l->rest = behind;
		return take_angle(l, mailbox_r);
	}
	if (peek(&behind) == '@' ||
		(l->home.n && !nameless && peek(&behind) != ':'))
		return take_address(l, mailbox_r);
	if (nameless || l->in_group || !take(&behind, ':'))
		return false;
	mailbox_r->text[0] = '\0';
	l->rest = behind;
	return true;
}

/* The end of a group, which counts as an item of the list. */
static bool
end_group(struct addrlist *l)
{
	bool right = l->in_group;

	l->in_group = false;
	l->needs_comma = true;
	return right && take(&l->rest, ';');
}

enum addrlist_result
addrlist_next(struct addrlist *l, struct mailbox *mailbox_r)
{
	for (;;) {
		if (!skip_blanks(&l->rest))
			return ADDRLIST_BAD;
		if (l->rest.n == 0)
			return l->in_group ? ADDRLIST_BAD : ADDRLIST_END;
		if (take(&l->rest, ',')) {
			l->needs_comma = false; /* obs-addr-list: may be many */
			continue;
		}
		if (peek(&l->rest) == ';') {
			if (!end_group(l))
				return ADDRLIST_BAD;
			continue;
		}
		if (l->needs_comma || !take_item(l, mailbox_r))
			return ADDRLIST_BAD;
		if (mailbox_r->text[0] == '\0') {
			l->in_group = true;
			continue;
		}
		l->needs_comma = true;
		return ADDRLIST_ONE;
	}
}
