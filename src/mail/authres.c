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

/* What a result says of whom it is about; "" where it does not. */
struct about {
	struct word mailfrom, helo, d, i, from;
};

/* Octets up to a blank, comment or ';', quoted ones as they are. */
static bool
cut_run(struct str *s, struct word *w, bool *fits)
{
	while (s->n && !is_space(s->p[0]) && !at(*s, ';') && !at(*s, '(')) {
		struct word quoted = {.n = 0};

		if (at(*s, '"')) {
			struct str whole = *s;

			if (!cut_quoted(s, NULL))
				return false;
			*fits &= cut_quoted(&whole, &quoted);
		} else {
			quoted.text[quoted.n++] = s->p[0];
			*s = str_skip(*s, 1);
		}
		for (size_t i = 0; i < quoted.n; i++)
			*fits &= add(w, quoted.text[i]);
	}
	return skip_cfws(s);
}

/* ptype "." property "=" pvalue, or the reason; blanks are allowed around "=".
 */
static bool
cut_property(struct str *s, struct word *w, bool *fits)
{
	const char *equals;

	w->n = 0;
	w->text[0] = '\0';
	*fits = true;
	for (;;) {
		if (!cut_run(s, w, fits))
			return false;
		if (s->n == 0 || at(*s, ';'))
			return true;
		equals = memchr(w->text, '=', w->n);
		if (equals ? equals + 1 < w->text + w->n : !at(*s, '='))
			return true;
	}
}

/* The first one of a name counts. */
static void
note_property(const struct word *w, struct about *a)
{
	const struct {
		struct str name;
		struct word *to;
	} rows[] = {
		{STR("smtp.mailfrom="), &a->mailfrom},
		{STR("smtp.helo="), &a->helo},
		{STR("header.d="), &a->d},
		{STR("header.i="), &a->i},
		{STR("header.from="), &a->from},
	};
	struct str text = {w->text, w->n};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_starts_nocase(text, rows[i].name)) {
			text = str_skip(text, rows[i].name.n);
			if (rows[i].to->n)
				return;
			memcpy(rows[i].to->text, text.p, text.n);
			rows[i].to->n = text.n;
			return;
		}
}

static bool
cut_properties(struct str *s, struct about *a)
{
	struct word w;
	bool fits;

	while (s->n && !at(*s, ';')) {
		if (!cut_property(s, &w, &fits))
			return false;
		if (fits)
			note_property(&w, a);
	}
	return true;
}

/* --- does it speak of the sender? --- */

/* "example.org", "@example.org", "<a@example.org>" */
static struct str
domain_of(const struct word *w)
{
	struct str s = {w->text, w->n};
	const char *from = memrchr(s.p, '@', s.n);

	if (from)
		s = str_skip(s, (size_t)(from + 1 - s.p));
	if (s.n && s.p[s.n - 1] == '>')
		s.n--;
	return s;
}

/* A domain speaks for itself and for those below it, not for its parent. */
static bool
speaks_for(const struct word *w, struct str sender)
{
	struct str domain = domain_of(w), tail;

	if (domain.n == 0 || sender.n <= domain.n)
		return domain.n && str_eq_nocase(domain, sender);
	tail = str_skip(sender, sender.n - domain.n);
	return memchr(domain.p, '.', domain.n) && tail.p[-1] == '.' &&
	       str_eq_nocase(tail, domain);
}

/*
 * Who signed a message or wrote its From need not be who a notice goes to: only
 * what passed for the domain of the envelope's sender counts. SPF is of that
 * sender, unless it says that it is of HELO.
 */
static bool
is_about(const struct word *method, const struct about *a, struct str sender)
{
	if (is(method, "spf"))
		return a->mailfrom.n
			       ? str_eq_nocase(domain_of(&a->mailfrom), sender)
			       : a->helo.n == 0;
	if (is(method, "dkim"))
		return speaks_for(a->d.n ? &a->d : &a->i, sender);
	return is(method, "dmarc") && speaks_for(&a->from, sender);
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
cut_result(struct str *s, struct str sender, bool *pass)
{
	struct about about = {.d.n = 0};
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
	if (!cut_properties(s, &about))
		return false;
	if (known && is(&result, "pass") && is_about(&method, &about, sender))
		*pass = true;
	return true;
}

/* *PASS may be set although the rest of the field is wrong. */
static bool
read_results(struct str s, struct str sender, bool *pass)
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
		if (s.n && !cut_result(&s, sender, pass))
			return false;
	}
	return true;
}

bool
authres_parse(struct str value, const char *const *names, size_t names_n,
	struct str sender_domain, bool *pass_r)
{
	struct word id;
	bool pass = false;

	*pass_r = false;
	if (!cut_word(&value, &id) || !is_one_of(&id, names, names_n))
		return false;
	*pass_r = read_results(value, sender_domain, &pass) && pass;
	return true;
}

/* --- as it streams by --- */

void
authres_init(struct authres *a, const char *const *names, size_t names_n,
	struct str sender_domain)
{
	*a = (struct authres){.names = names,
		.names_n = names_n,
		.sender_domain = sender_domain};
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
		a->found = authres_parse(buf_view(&a->value), a->names,
			a->names_n, a->sender_domain, &a->pass);
		a->pass &= !a->too_long;
	}
	a->too_long = false;
	buf_free(&a->value);
}
