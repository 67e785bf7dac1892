#include "conf/syntax.h"
#include "conf/literal.h"

#include <stdlib.h>
#include <string.h>

/* What is being read; NEXT is the token in hand, not yet taken. */
struct reading {
	struct syntax *x;
	struct scan scan;
	struct token next;
	struct complaints *out;
	unsigned depth;
	bool stop; /* nothing sensible can be said any more */
};

/* A setting's name within its group, to find it twice. */
struct name {
	struct str text;
	unsigned line;
};

struct names {
	struct name *v;
	size_t n;
};

static bool read_value(struct reading *r, size_t setting, bool in_list);

static void
write_token(struct syntax *x, const struct token *t)
{
	buf_adds(&x->text, t->text);
	buf_addz(&x->text, "\n");
	if ((x->lines & (x->lines - 1)) == 0)
		x->line = xrealloc(x->line,
			(x->lines ? x->lines * 2 : 1) * sizeof(*x->line));
	x->line[x->lines++] = t->at;
}

static void
advance(struct reading *r)
{
	write_token(r->x, &r->next);
	r->next = scan_next(&r->scan);
}

/* Forgets the token in hand, after a complaint about it. */
static void
drop(struct reading *r)
{
	r->next = scan_next(&r->scan);
}

static bool
fail(struct reading *r)
{
	r->stop = true;
	return false;
}

static size_t
add_setting(struct reading *r)
{
	struct syntax *x = r->x;

	if ((x->settings & (x->settings - 1)) == 0)
		x->setting = xrealloc(
			x->setting, (x->settings ? x->settings * 2 : 1) *
					    sizeof(*x->setting));
	x->setting[x->settings] =
		(struct setting_place){r->next.at, r->next.at};
	return x->settings++;
}

static bool
is_closer(const struct token *t)
{
	return token_is(t, '}') || token_is(t, ')') || token_is(t, ']');
}

static bool
is_assignment(const struct token *t)
{
	return token_is(t, '=') || token_is(t, ':');
}

static char
closer_of(char open)
{
	return open == '{' ? '}' : open == '(' ? ')' : ']';
}

/* A setting where a list wants a value. */
static bool
complain_named(struct reading *r)
{
	complain_error(r->out, &r->next.at,
		"a list holds values without names: a group of settings "
		"stands in { }");
	return fail(r);
}

/* The token in hand ends what OPEN began, or says why it does not. */
static bool
complain_open(struct reading *r, const struct token *open)
{
	char o = open->text.p[0];

	if (r->next.kind == TOKEN_END)
		complain_error(r->out, &open->at,
			"the %c opened in line %u is never closed with %c", o,
			open->at.line, closer_of(o));
	else
		complain_error(r->out, &r->next.at,
			"the %c opened in line %u is still open: %c is missing "
			"before this %.*s",
			o, open->at.line, closer_of(o), STR_FMT(r->next.text));
	return fail(r);
}

/* 20K: complains, and takes it as the string that was meant. */
static bool
read_bare(struct reading *r, bool in_list)
{
	struct token t = r->next;

	scan_extend(&r->scan, &t);
	drop(r);
	if (in_list && is_assignment(&r->next))
		return complain_named(r);
	complain_error(r->out, &t.at,
		"the value %.*s must stand in quotes: \"%.*s\"",
		STR_FMT(t.text), STR_FMT(t.text));
	return true;
}

static bool
read_word(struct reading *r, bool in_list)
{
	struct token *t = &r->next;

	switch (literal_kind(t->text)) {
	case LITERAL_NONE:
		return read_bare(r, in_list);
	case LITERAL_CUT:
		complain_error(r->out, &t->at,
			"the number %.*s is outside -2147483648 to "
			"2147483647: write %.*sL",
			STR_FMT(t->text), STR_FMT(t->text));
		break;
	case LITERAL_LARGE:
		complain_error(r->out, &t->at, "the number %.*s is too large",
			STR_FMT(t->text));
		break;
	case LITERAL_BOOL:
	case LITERAL_INT:
	case LITERAL_FLOAT:
		break;
	}
	advance(r);
	return true;
}

/* "\x00" would end the string before its end. */
static void
check_escapes(struct reading *r)
{
	struct str s = r->next.text;

	for (size_t i = 0; i + 3 < s.n; i++) {
		if (s.p[i] != '\\')
			continue;
		if (s.p[i + 1] == 'x' && s.p[i + 2] == '0' && s.p[i + 3] == '0')
			complain_error(r->out, &r->next.at,
				"a string cannot hold the octet \\x00");
		i++;
	}
	if (memchr(s.p, '\0', s.n))
		complain_error(r->out, &r->next.at,
			"there is a NUL octet in this string");
}

static bool
read_string(struct reading *r, bool in_list)
{
	check_escapes(r);
	advance(r);
	while (r->next.kind == TOKEN_STRING) {
		if (in_list)
			complain_error(r->out, &r->next.at,
				"a comma is missing before this string");
		check_escapes(r);
		advance(r);
	}
	return true;
}

/* One item of a list or array; false: the reading stops. */
static bool
read_item(struct reading *r, const struct token *open)
{
	if (token_is(open, '[') &&
		(token_is(&r->next, '{') || token_is(&r->next, '(') ||
			token_is(&r->next, '['))) {
		complain_error(r->out, &r->next.at,
			"[ ] hold plain values only: write ( ) around groups");
		return fail(r);
	}
	return read_value(r, add_setting(r), true);
}

/* What stands between two items. False: no item follows. */
static bool
read_comma(struct reading *r, const struct token *open, char close)
{
	struct place comma;

	if (token_is(&r->next, close))
		return false;
	if (r->next.kind == TOKEN_END || is_closer(&r->next))
		return complain_open(r, open);
	if (token_is(&r->next, ';'))
		complain_error(r->out, &r->next.at,
			"items of a list are parted by a comma, not by ;");
	else if (is_assignment(&r->next))
		return complain_named(r);
	else if (!token_is(&r->next, ',')) {
		complain_error(r->out, &r->next.at,
			"a comma is missing before %.*s",
			STR_FMT(r->next.text));
		return true;
	}
	comma = r->next.at;
	advance(r);
	if (token_is(&r->next, close)) {
		complain_error(r->out, &comma,
			"a comma before %c is too many here", close);
		return false;
	}
	return true;
}

static bool
read_items(struct reading *r)
{
	struct token open = r->next;
	char close = closer_of(open.text.p[0]);

	advance(r);
	if (!token_is(&r->next, close))
		do {
			if (!read_item(r, &open))
				return false;
		} while (read_comma(r, &open, close));
	if (r->stop)
		return false;
	advance(r);
	return true;
}

static void
check_twice(struct reading *r, struct names *names)
{
	const struct token *t = &r->next;

	for (size_t i = 0; i < names->n; i++) {
		if (!str_eq(names->v[i].text, t->text))
			continue;
		complain_error(r->out, &t->at,
			"%.*s is set twice here, first in line %u: take one "
			"away",
			STR_FMT(t->text), names->v[i].line);
		return;
	}
	names->v = xrealloc(names->v, (names->n + 1) * sizeof(*names->v));
	names->v[names->n++] = (struct name){t->text, t->at.line};
}

static bool
read_setting(struct reading *r, struct names *names)
{
	struct token name = r->next;
	size_t setting;

	if (name.kind == TOKEN_STRING) {
		complain_error(r->out, &name.at,
			"the name of a setting should stand here; several "
			"values stand in [ ]");
		return fail(r);
	}
	if (name.kind != TOKEN_WORD || !literal_is_name(name.text)) {
		complain_error(r->out, &name.at,
			"the name of a setting should stand here, not %.*s",
			STR_FMT(name.text));
		return fail(r);
	}
	check_twice(r, names);
	setting = add_setting(r);
	advance(r);
	if (!is_assignment(&r->next)) {
		complain_error(r->out, &name.at,
			"after the name %.*s a = is missing",
			STR_FMT(name.text));
		return fail(r);
	}
	advance(r);
	return read_value(r, setting, false);
}

static void
read_semicolon(struct reading *r)
{
	if (token_is(&r->next, ';') || token_is(&r->next, ','))
		advance(r);
	while (token_is(&r->next, ';') || token_is(&r->next, ',')) {
		complain_error(r->out, &r->next.at, "one %.*s is too many here",
			STR_FMT(r->next.text));
		drop(r);
	}
}

/* Up to the end of what OPEN began; OPEN NULL: up to the end of the file. */
static bool
read_settings(struct reading *r, const struct token *open)
{
	struct names names = {0};
	bool ok = true;

	while (ok && r->next.kind != TOKEN_END && !is_closer(&r->next)) {
		ok = read_setting(r, &names);
		if (ok)
			read_semicolon(r);
	}
	free(names.v);
	if (!ok)
		return false;
	if (open && !token_is(&r->next, '}'))
		return complain_open(r, open);
	if (!open && r->next.kind != TOKEN_END) {
		complain_error(r->out, &r->next.at,
			"this %.*s closes nothing: there is no open bracket "
			"before it, take it away",
			STR_FMT(r->next.text));
		return fail(r);
	}
	return true;
}

static bool
read_group(struct reading *r)
{
	struct token open = r->next;

	advance(r);
	if (!read_settings(r, &open))
		return false;
	advance(r);
	return true;
}

static bool
read_nested(struct reading *r)
{
	bool ok;

	if (r->depth >= SYNTAX_DEPTH_MAX) {
		complain_error(r->out, &r->next.at,
			"brackets are nested more than %d deep",
			SYNTAX_DEPTH_MAX);
		return fail(r);
	}
	r->depth++;
	ok = token_is(&r->next, '{') ? read_group(r) : read_items(r);
	r->depth--;
	return ok;
}

static bool
read_value(struct reading *r, size_t setting, bool in_list)
{
	r->x->setting[setting].value = r->next.at;
	if (r->next.kind == TOKEN_STRING)
		return read_string(r, in_list);
	if (r->next.kind == TOKEN_WORD)
		return read_word(r, in_list);
	if (token_is(&r->next, '{') || token_is(&r->next, '(') ||
		token_is(&r->next, '['))
		return read_nested(r);
	if (r->next.kind == TOKEN_END)
		complain_error(r->out, &r->x->setting[setting].name,
			"the file ends where a value is missing");
	else
		complain_error(r->out, &r->next.at,
			"a value is missing before this %.*s",
			STR_FMT(r->next.text));
	return fail(r);
}

void
syntax_read(struct syntax *x, struct sources *sources,
	const struct source *first, struct complaints *out)
{
	struct reading r = {.x = x, .out = out};

	*x = (struct syntax){0};
	buf_init(&x->text, 0);
	scan_init(&r.scan, sources, first, out);
	r.next = scan_next(&r.scan);
	read_settings(&r, NULL);
}

void
syntax_free(struct syntax *x)
{
	buf_free(&x->text);
	free(x->line);
	free(x->setting);
}
