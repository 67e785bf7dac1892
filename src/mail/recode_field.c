#include "mail/recode_private.h"

#include <string.h>

/* --- words of a structured field (RFC 2045 5.1) --------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A comment, with those inside it; S begins with its "(". */
static struct str
skip_comment(struct str s)
{
	unsigned depth = 0;

	while (s.n) {
		char c = s.p[0];

		if (c == '\\' && s.n > 1)
			s = str_skip(s, 1);
		depth += c == '(';
		depth -= c == ')';
		s = str_skip(s, 1);
		if (depth == 0)
			break;
	}
	return s;
}

static struct str
skip_blanks(struct str s)
{
	while (s.n && (is_blank(s.p[0]) || s.p[0] == '('))
		s = s.p[0] == '(' ? skip_comment(s) : str_skip(s, 1);
	return s;
}

static bool
is_token(char c)
{
	return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c);
}

static struct str
take_token(struct str *s)
{
	struct str all = *s;

	while (s->n && is_token(s->p[0]))
		*s = str_skip(*s, 1);
	all.n -= s->n;
	*s = skip_blanks(*s);
	return all;
}

static bool
take_char(struct str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = skip_blanks(str_skip(*s, 1));
	return true;
}

/* As many leave the quotes out, a token may have what it should not. */
static struct str
take_loose(struct str *s)
{
	struct str all = *s;

	while (s->n && !is_blank(s->p[0]) && !strchr(";(\"", s->p[0]))
		*s = str_skip(*s, 1);
	all.n -= s->n;
	*s = skip_blanks(*s);
	return all;
}

/* A token or a quoted string; false: neither, or longer than SIZE - 1. */
static bool
take_value(struct str *s, char *out, size_t size)
{
	size_t n = 0;

	if (!s->n || s->p[0] != '"') {
		struct str token = take_loose(s);

		return token.n && str_copy(out, size, token);
	}
	for (*s = str_skip(*s, 1); s->n && s->p[0] != '"';
		*s = str_skip(*s, 1)) {
		if (s->p[0] == '\\' && s->n > 1)
			*s = str_skip(*s, 1);
		if (s->p[0] == '\r' || s->p[0] == '\n')
			continue;
		if (n + 1 == size)
			return false;
		out[n++] = s->p[0];
	}
	out[n] = '\0';
	return take_char(s, '"');
}

/* --- Content-Type --------------------------------------------------------- */

static bool
is_word(struct str s, const char *word)
{
	return str_eq_nocase(s, str_of(word));
}

static bool
set_opaque(struct recode_entity *e, const char *why)
{
	e->kind = KIND_OPAQUE;
	e->opaque = why;
	return true;
}

/* RFC 2046 5.1.1: printable, and no blank at its end. */
static bool
is_boundary(const char *z)
{
	size_t n = strlen(z);

	for (size_t i = 0; i < n; i++)
		if (z[i] < ' ' || z[i] > 126)
			return false;
	return n > 0 && z[n - 1] != ' ';
}

static bool
read_boundary(struct str s, struct recode_entity *e, const char **why_r)
{
	char value[RECODE_FIELD_MAX];
	unsigned found = 0;

	while (take_char(&s, ';')) {
		struct str name = take_token(&s);

		if (!name.n && (!s.n || s.p[0] == ';'))
			continue; /* ";" at the end, or twice */
		if (!take_char(&s, '=') ||
			!take_value(&s, value, sizeof(value)))
			break;
		if (!is_word(name, "boundary"))
			continue;
		found += str_copyz(e->boundary, sizeof(e->boundary), value) ? 1
									    : 2;
	}
	if (found == 1 && s.n == 0 && is_boundary(e->boundary))
		return true;
	*why_r = "the boundary of its parts cannot be read";
	return false;
}

static bool
read_multipart(struct str subtype, struct str parameters,
	struct recode_entity *e, const char **why_r)
{
	if (is_word(subtype, "signed"))
		return set_opaque(
			e, "it is signed, and its signature would break");
	if (is_word(subtype, "encrypted"))
		return set_opaque(e, "it is encrypted, and must stay as it is");
	e->kind = KIND_MULTIPART;
	e->is_digest = is_word(subtype, "digest");
	return read_boundary(parameters, e, why_r);
}

/*
 * RFC 2046 5.2: message/rfc822 may not be encoded, but what is inside may;
 * RFC 6532, 6533: the UTF-8 ones may.
 */
static bool
read_message(struct str subtype, struct recode_entity *e)
{
	if (is_word(subtype, "rfc822"))
		e->kind = KIND_MESSAGE;
	else if (!str_starts_nocase(subtype, STR("global")))
		set_opaque(e, "a part of it is of a type that may not be "
			      "encoded (message/...)");
	return true;
}

bool
recode_read_type(struct str field, struct recode_entity *e, const char **why_r)
{
	struct str body, type, subtype;

	str_cut(field, ':', &body);
	body = skip_blanks(body);
	if (e->has_type) {
		*why_r = "it has Content-Type twice in one header";
		return false;
	}
	e->has_type = true;
	e->kind = KIND_LEAF; /* but in a digest, where nothing is said */
	type = take_token(&body);
	if (!take_char(&body, '/'))
		return set_opaque(e, "a type of its parts cannot be read");
	subtype = take_token(&body);
	e->is_text = is_word(type, "text");
	if (is_word(type, "multipart"))
		return read_multipart(subtype, body, e, why_r);
	if (is_word(type, "message"))
		return read_message(subtype, e);
	return true;
}

/* --- Content-Transfer-Encoding -------------------------------------------- */

bool
recode_read_encoding(
	struct str field, struct recode_entity *e, const char **why_r)
{
	struct str body, word;

	str_cut(field, ':', &body);
	if (e->has_encoding) {
		*why_r = "it has Content-Transfer-Encoding twice in one header";
		return false;
	}
	e->has_encoding = true;
	body = skip_blanks(body);
	word = take_token(&body);
	take_char(&body, ';'); /* as some write */
	if (body.n || !word.n)
		e->was = WAS_ENCODED;
	else if (is_word(word, "7bit"))
		e->was = WAS_7BIT;
	else if (is_word(word, "8bit"))
		e->was = WAS_8BIT;
	else if (is_word(word, "binary"))
		e->was = WAS_BINARY;
	else
		e->was = WAS_ENCODED;
	return true;
}
