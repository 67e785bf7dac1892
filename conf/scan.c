#include "conf/scan.h"

#include <stdlib.h>
#include <string.h>

void
scan_init(struct scan *s, struct sources *sources, const struct source *first,
	struct complaints *out)
{
	*s = (struct scan){.sources = sources, .out = out, .depth = 1};
	s->level[0] = (struct scan_level){.source = first, .line = 1};
}

bool
token_is(const struct token *t, char punct)
{
	return t->kind == TOKEN_PUNCT && t->text.p[0] == punct;
}

static struct scan_level *
top(struct scan *s)
{
	return &s->level[s->depth - 1];
}

static struct str
rest(const struct scan_level *l)
{
	return (struct str){l->source->text + l->at, l->source->n - l->at};
}

static struct place
here(const struct scan_level *l)
{
	return (struct place){
		l->source, l->line, (unsigned)(l->at - l->line_start) + 1};
}

static bool
starts(struct str s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

static bool
is_punct(char c)
{
	return c && strchr("=:;,{}()[]", c);
}

static void
newline(struct scan_level *l)
{
	l->at++;
	l->line++;
	l->line_start = l->at;
}

static void
skip_line(struct scan_level *l)
{
	struct str s = rest(l);
	const char *end = memchr(s.p, '\n', s.n);

	l->at += end ? (size_t)(end - s.p) : s.n;
}

static void
skip_block(struct scan *s, struct scan_level *l)
{
	struct place open = here(l);

	for (l->at += 2; l->at < l->source->n; l->at++) {
		if (starts(rest(l), "*/")) {
			l->at += 2;
			return;
		}
		if (l->source->text[l->at] == '\n') {
			l->line++;
			l->line_start = l->at + 1;
		}
	}
	complain_error(s->out, &open,
		"the comment opened here with /* is never closed with */");
}

/* Blanks, line ends and comments. */
static void
skip(struct scan *s, struct scan_level *l)
{
	while (l->at < l->source->n) {
		struct str r = rest(l);

		if (r.p[0] == '\n')
			newline(l);
		else if (is_blank(r.p[0]))
			l->at++;
		else if (r.p[0] == '#' || starts(r, "//"))
			skip_line(l);
		else if (starts(r, "/*"))
			skip_block(s, l);
		else
			return;
	}
}

static struct token
take(struct scan_level *l, enum token_kind kind, size_t n)
{
	struct token t = {kind, {rest(l).p, n}, here(l)};

	l->at += n;
	return t;
}

/*
 * A string that runs over the end of its line is a forgotten quote: no
 * setting of ours holds a line end. It ends at its line, so the rest of the
 * file is still read as it was meant.
 */
static struct token
take_string(struct scan *s, struct scan_level *l)
{
	struct str r = rest(l);
	struct token t;
	size_t i = 1;

	while (i < r.n && r.p[i] != '"' && r.p[i] != '\n')
		i += r.p[i] == '\\' && i + 1 < r.n && r.p[i + 1] != '\n' ? 2
									 : 1;
	if (i < r.n && r.p[i] == '"')
		return take(l, TOKEN_STRING, i + 1);
	t = take(l, TOKEN_STRING, i);
	complain_error(s->out, &t.at,
		"a quote opened in line %u is never closed", t.at.line);
	return t;
}

static size_t
word_length(struct str r)
{
	size_t i = 0;

	while (i < r.n && r.p[i] != '\n' && r.p[i] != '"' && r.p[i] != '#' &&
		!is_blank(r.p[i]) && !is_punct(r.p[i]) &&
		!starts(str_skip(r, i), "//") && !starts(str_skip(r, i), "/*"))
		i++;
	return i;
}

void
scan_extend(struct scan *s, struct token *t)
{
	struct scan_level *l;

	if (s->depth == 0)
		return;
	l = top(s);
	while (l->at < l->source->n &&
		l->source->text + l->at == t->text.p + t->text.n &&
		!is_blank(l->source->text[l->at]) &&
		!strchr("\n=;,{}()[]\"", l->source->text[l->at])) {
		l->at++;
		t->text.n++;
	}
}

static bool
is_open_already(const struct scan *s, const char *file)
{
	for (unsigned i = 0; i < s->depth; i++)
		if (strcmp(s->level[i].source->file, file) == 0)
			return true;
	return false;
}

/* A relative name is looked for beside the file that names it. */
static char *
beside(const struct source *by, struct str name)
{
	const char *slash = strrchr(by->file, '/');

	if (name.p[0] == '/' || !slash)
		return str_dup(name);
	return str_printf("%.*s%.*s", (int)(slash - by->file) + 1, by->file,
		STR_FMT(name));
}

static void
push(struct scan *s, const struct place *at, const char *file)
{
	const struct source *src;
	struct err e;

	if (is_open_already(s, file)) {
		complain_error(s->out, at,
			"%s includes itself: take the @include away", file);
	} else if (s->depth >= SCAN_INCLUDE_DEPTH_MAX) {
		complain_error(s->out, at,
			"includes are nested more than %d deep",
			SCAN_INCLUDE_DEPTH_MAX);
	} else if (s->sources->n >= SOURCE_FILES_MAX) {
		complain_error(s->out, at, "more than %d files are included",
			SOURCE_FILES_MAX);
	} else if (source_read(s->sources, file, &src, &e) != OK) {
		complain_error(
			s->out, at, "the included file %s: %s", file, e.text);
	} else {
		s->level[s->depth++] =
			(struct scan_level){.source = src, .line = 1};
	}
}

static void
include(struct scan *s, struct scan_level *l)
{
	struct place at = here(l);
	struct token t;
	char *file;

	l->at += strlen("@include");
	while (l->at < l->source->n && is_blank(l->source->text[l->at]))
		l->at++;
	if (l->at >= l->source->n || l->source->text[l->at] != '"') {
		complain_error(s->out, &at,
			"@include wants a file name in quotes behind it");
		skip_line(l);
		return;
	}
	t = take_string(s, l);
	if (t.text.n < 3 || t.text.p[t.text.n - 1] != '"' ||
		memchr(t.text.p, '\\', t.text.n)) {
		complain_error(
			s->out, &t.at, "this is no name of a file to include");
		return;
	}
	file = beside(l->source, (struct str){t.text.p + 1, t.text.n - 2});
	push(s, &at, file);
	free(file);
}

struct token
scan_next(struct scan *s)
{
	while (s->depth) {
		struct scan_level *l = top(s);
		struct str r;

		skip(s, l);
		r = rest(l);
		if (r.n == 0) {
			if (s->depth == 1)
				return take(l, TOKEN_END, 0);
			s->depth--;
		} else if (starts(r, "@include")) {
			include(s, l);
		} else if (r.p[0] == '"') {
			return take_string(s, l);
		} else if (is_punct(r.p[0])) {
			return take(l, TOKEN_PUNCT, 1);
		} else {
			/* A lone slash begins a word too: never empty. */
			return take(l, TOKEN_WORD, word_length(r));
		}
	}
	return (struct token){.kind = TOKEN_END};
}
