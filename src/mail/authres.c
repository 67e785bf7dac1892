#include "mail/authres.h"

#include <string.h>

enum { AUTHRES_COMMENT_DEPTH = 32, AUTHRES_WORD_MAX = 255 };

/* --- words --- */

static bool
at(struct str s, char c)
{
	return s.n > 0 && s.p[0] == c;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Comments nest, and '\' takes the next octet as it is (RFC 5322 3.2.2). */
static bool
skip_comment(struct str *s)
{
	unsigned depth = 0;

	while (s->n) {
		char c = s->p[0];

		if (c == '\\' && s->n > 1)
			*s = str_skip(*s, 1);
		else if (c == '(' && ++depth > AUTHRES_COMMENT_DEPTH)
			return false;
		else if (c == ')')
			depth--;
		*s = str_skip(*s, 1);
		if (depth == 0)
			return true;
	}
	return false;
}

/* Blanks, folding and comments. False: a comment has no end. */
static bool
skip_cfws(struct str *s)
{
	while (s->n) {
		if (is_space(s->p[0]))
			*s = str_skip(*s, 1);
		else if (!at(*s, '('))
			break;
		else if (!skip_comment(s))
			return false;
	}
	return true;
}

/* RFC 2045 5.1, and '/', which stands in names of reporting hosts. */
static bool
is_token(char c)
{
	return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c);
}

struct word {
	char text[AUTHRES_WORD_MAX + 1];
	size_t n;
};

static bool
add(struct word *w, char c)
{
	if (w->n == AUTHRES_WORD_MAX)
		return false;
	w->text[w->n++] = c;
	w->text[w->n] = '\0';
	return true;
}

/* W NULL: it is skipped. */
static bool
cut_quoted(struct str *s, struct word *w)
{
	for (*s = str_skip(*s, 1); s->n; *s = str_skip(*s, 1)) {
		if (at(*s, '"')) {
			*s = str_skip(*s, 1);
			return true;
		}
		if (at(*s, '\\') && s->n > 1)
			*s = str_skip(*s, 1);
		if (w && !add(w, s->p[0]))
			return false;
	}
	return false;
}

/* A token or a quoted string; what is around it is skipped. */
static bool
cut_word(struct str *s, struct word *w)
{
	w->n = 0;
	w->text[0] = '\0';
	if (!skip_cfws(s))
		return false;
	if (at(*s, '"')) {
		if (!cut_quoted(s, w))
			return false;
	} else {
		for (; s->n && is_token(s->p[0]); *s = str_skip(*s, 1))
			if (!add(w, s->p[0]))
				return false;
	}
	return w->n > 0 && skip_cfws(s);
}

static bool
is(const struct word *w, const char *text)
{
	return str_eq_nocase((struct str){w->text, w->n}, str_of(text));
}

/* --- the field --- */

static bool
is_one_of(const struct word *w, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(w, names[i]))
			return true;
	return false;
}

/* Reason and properties: nothing there is looked at. */
static bool
skip_properties(struct str *s)
{
	while (s->n && !at(*s, ';')) {
		if (at(*s, '"')) {
			if (!cut_quoted(s, NULL))
				return false;
		} else if (at(*s, '(')) {
			if (!skip_comment(s))
				return false;
		} else {
			*s = str_skip(*s, 1);
		}
	}
	return true;
}

/* RFC 8601 2.2: another version of a method is another method. */
static bool
cut_version(struct str *s, bool *known_r)
{
	struct word version;

	*known_r = true;
	if (!at(*s, '/'))
		return true;
	*s = str_skip(*s, 1);
	if (!cut_word(s, &version))
		return false;
	*known_r = is(&version, "1");
	return true;
}

/* methodspec and what belongs to it, or "none" */
static bool
cut_result(struct str *s, bool *pass)
{
	static const char *const methods[] = {"spf", "dkim", "dmarc"};
	struct word method, result;
	bool known;

	if (!cut_word(s, &method))
		return false;
	if (is(&method, "none") && (s->n == 0 || at(*s, ';')))
		return true;
	if (!cut_version(s, &known) || !at(*s, '='))
		return false;
	*s = str_skip(*s, 1);
	if (!cut_word(s, &result))
		return false;
	if (known && is(&result, "pass") &&
		is_one_of(&method, methods, sizeof(methods) / sizeof(*methods)))
		*pass = true;
	return skip_properties(s);
}

/* *PASS may be set although the rest of the field is wrong. */
static bool
read_results(struct str s, bool *pass)
{
	struct word version;

	if (s.n && !at(s, ';') &&
		(!cut_word(&s, &version) || !is(&version, "1")))
		return false;
	while (s.n) {
		if (!at(s, ';'))
			return false;
		s = str_skip(s, 1);
		if (!skip_cfws(&s))
			return false;
		if (s.n && !cut_result(&s, pass))
			return false;
	}
	return true;
}

bool
authres_parse(struct str value, const char *const *names, size_t names_n,
	bool *pass_r)
{
	struct word id;
	bool pass = false;

	*pass_r = false;
	if (!cut_word(&value, &id) || !is_one_of(&id, names, names_n))
		return false;
	*pass_r = read_results(value, &pass) && pass;
	return true;
}

/* --- as it streams by --- */

void
authres_init(struct authres *a, const char *const *names, size_t names_n)
{
	*a = (struct authres){.names = names, .names_n = names_n};
	buf_init(&a->value, AUTHRES_VALUE_MAX);
}

void
authres_free(struct authres *a)
{
	if (a)
		buf_free(&a->value);
}

void
authres_octet(struct authres *a, char octet)
{
	if (a->value.len == AUTHRES_VALUE_MAX)
		a->too_long = true;
	else if (!a->found)
		buf_add(&a->value, &octet, 1);
}

void
authres_end(struct authres *a)
{
	if (!a->found && a->value.len) {
		a->found = authres_parse(
			buf_view(&a->value), a->names, a->names_n, &a->pass);
		a->pass &= !a->too_long;
	}
	a->too_long = false;
	buf_free(&a->value);
}
