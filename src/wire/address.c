#include "wire/address.h"

#include <string.h>

#include "wire/grammar.h"

static bool
skip_char(struct str *in, char c)
{
	if (in->n == 0 || in->p[0] != c)
		return false;
	*in = str_skip(*in, 1);
	return true;
}

/* "@a,@b:" at the front of *IN, where there is one. False: malformed. */
static bool
skip_source_route(struct str *in, bool utf8)
{
	struct str domain;

	if (in->n == 0 || in->p[0] != '@')
		return true;
	do {
		if (!skip_char(in, '@') || !grammar_domain(in, utf8, &domain))
			return false;
	} while (skip_char(in, ','));
	return skip_char(in, ':');
}

static void
fill(struct mailbox *m, struct str local, struct str domain)
{
	size_t n = local.n;

	/* The grammar bounds both parts, so they fit. */
	memcpy(m->text, local.p, local.n);
	if (domain.n > 0) {
		m->text[n++] = '@';
		memcpy(m->text + n, domain.p, domain.n);
		n += domain.n;
	}
	m->text[n] = '\0';
	m->local_n = (uint16_t)local.n;
}

/*
 * Local-part "@" (Domain / address-literal) at the front of *IN; the local part
 * alone where there is a HOME for it.
 */
static bool
take_mailbox(struct str *in, bool utf8, struct str home,
	struct mailbox *mailbox_r, const char **why_r)
{
	struct str local, domain;

	if (!grammar_local_part(in, utf8, &local)) {
		*why_r = "local part malformed or above 64 octets";
		return false;
	}
	if (home.n > 0 && (in->n == 0 || in->p[0] != '@')) {
		fill(mailbox_r, local, home);
		return true;
	}
	if (!skip_char(in, '@')) {
		*why_r = "\"@\" expected behind the local part";
		return false;
	}
	if (!grammar_address_literal(in, &domain) &&
		!grammar_domain(in, utf8, &domain)) {
		*why_r = "domain malformed or above 255 octets";
		return false;
	}
	fill(mailbox_r, local, domain);
	return true;
}

/* What stands between "<" and ">". */
static bool
take_inner(struct str *in, enum path_kind kind, bool utf8, struct str home,
	struct mailbox *mailbox_r, const char **why_r)
{
	const struct str postmaster = STR("postmaster>");

	if (in->n > 0 && in->p[0] == '>') {
		*mailbox_r = (struct mailbox){0};
		*why_r = "a recipient may not be empty";
		return kind == PATH_REVERSE;
	}
	/* RFC 5321 4.1.1.3: the one recipient without a domain */
	if (kind == PATH_FORWARD && str_starts_nocase(*in, postmaster)) {
		struct str local = {in->p, postmaster.n - 1};

		fill(mailbox_r, local, (struct str){0});
		*in = str_skip(*in, local.n);
		return true;
	}
	if (!skip_source_route(in, utf8)) {
		*why_r = "source route malformed";
		return false;
	}
	return take_mailbox(in, utf8, home, mailbox_r, why_r);
}

bool
address_path(struct str *in, enum path_kind kind, bool utf8,
	struct mailbox *mailbox_r, const char **why_r)
{
	return address_path_complete(in, kind, utf8, STR(""), mailbox_r, why_r);
}

bool
address_path_complete(struct str *in, enum path_kind kind, bool utf8,
	struct str domain, struct mailbox *mailbox_r, const char **why_r)
{
	struct str s = *in;
	struct mailbox mailbox;

	if (!skip_char(&s, '<')) {
		*why_r = "an address in \"<\" and \">\" expected";
		return false;
	}
	if (!take_inner(&s, kind, utf8, domain, &mailbox, why_r))
		return false;
	if (!skip_char(&s, '>')) {
		*why_r = "\">\" expected behind the address";
		return false;
	}
	*mailbox_r = mailbox;
	*in = s;
	return true;
}

bool
address_parse(struct str s, bool utf8, struct mailbox *mailbox_r)
{
	struct mailbox mailbox;
	const char *why;

	if (!take_mailbox(&s, utf8, STR(""), &mailbox, &why) || s.n > 0)
		return false;
	*mailbox_r = mailbox;
	return true;
}

struct str
mailbox_local(const struct mailbox *m)
{
	return (struct str){m->text, m->local_n};
}

struct str
mailbox_domain(const struct mailbox *m)
{
	const char *end = m->text + m->local_n;

	return str_of(*end == '@' ? end + 1 : end);
}

bool
mailbox_is_null(const struct mailbox *m)
{
	return m->text[0] == '\0';
}

bool
mailbox_is_postmaster(const struct mailbox *m)
{
	return str_eq_nocase(mailbox_local(m), STR("postmaster"));
}

bool
mailbox_local_plain(const struct mailbox *m, char *out, size_t size)
{
	struct str s = mailbox_local(m);
	size_t n = 0;

	if (s.n >= 2 && s.p[0] == '"')
		s = (struct str){s.p + 1, s.n - 2};
	else
		return str_copy(out, size, s);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (n + 1 >= size)
			return false;
		out[n++] = s.p[i];
	}
	out[n] = '\0';
	return true;
}

/* Local parts, quoting undone. */
static bool
local_eq(const struct mailbox *a, const struct mailbox *b, bool nocase)
{
	char plain_a[WIRE_LOCAL_PART_MAX + 1], plain_b[WIRE_LOCAL_PART_MAX + 1];
	struct str x, y;

	if (!mailbox_local_plain(a, plain_a, sizeof(plain_a)) ||
		!mailbox_local_plain(b, plain_b, sizeof(plain_b)))
		return false;
	x = str_of(plain_a);
	y = str_of(plain_b);
	return nocase ? str_eq_nocase(x, y) : str_eq(x, y);
}

bool
mailbox_eq(const struct mailbox *a, const struct mailbox *b)
{
	struct str domain_a = mailbox_domain(a), domain_b = mailbox_domain(b);
	/* Without a domain it is postmaster, in any case (RFC 5321 4.5.1). */
	bool nocase = domain_a.n == 0;

	return mailbox_is_null(a) == mailbox_is_null(b) &&
	       str_eq_nocase(domain_a, domain_b) && local_eq(a, b, nocase);
}

static bool
ends_nocase(struct str s, struct str tail)
{
	return s.n > tail.n && str_eq_nocase(str_skip(s, s.n - tail.n), tail);
}

bool
address_match(struct str pattern, const struct mailbox *address)
{
	struct str domain = mailbox_domain(address);
	struct mailbox wanted;

	if (str_eq(pattern, STR("*")))
		return true;
	if (pattern.n == 0 || domain.n == 0)
		return false;
	if (address_parse(pattern, true, &wanted))
		return str_eq_nocase(domain, mailbox_domain(&wanted)) &&
		       local_eq(address, &wanted, true);
	if (pattern.p[0] == '.')
		return ends_nocase(domain, pattern);
	return str_eq_nocase(domain, pattern);
}
