#include "cli/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/grammar.h"
#include "wire/verifier.h"

enum {
	ANSWER_MAX_OCTETS = 255,
	ANSWER_NAME_OCTETS = 63, /* as conf takes them */
};

static bool
is_role(struct str s)
{
	return str_eq(s, STR("site")) || str_eq(s, STR("provider"));
}

static bool
is_host(struct str s)
{
	return memchr(s.p, '.', s.n) && grammar_is_domain(s, false);
}

static bool
is_host_or_none(struct str s)
{
	return str_eq(s, STR(ANSWER_NONE)) || is_host(s);
}

/* What needs no escape inside the quotes of a configuration. */
static bool
is_quotable(struct str s)
{
	if (!grammar_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127 ||
			s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return true;
}

static bool
is_word(struct str s)
{
	return is_quotable(s) && !memchr(s.p, ' ', s.n);
}

/* As conf takes the name of a link. */
static bool
is_name(struct str s)
{
	static const char others[] = "._-";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z');

		if (!alnum && !strchr(others, c))
			return false;
	}
	return s.p[0] != '-' && s.n <= ANSWER_NAME_OCTETS;
}

static bool
is_password(struct str s)
{
	return s.n <= SASL_SECRET_MAX && !memchr(s.p, '\n', s.n);
}

static const struct {
	const char *name;
	bool (*is)(struct str s); /* S is not empty */
	const char *what;
} kinds[ANSWERS_N] = {
	[ANSWER_ROLE] = {"role", is_role, "site or provider"},
	[ANSWER_HOSTNAME] = {"hostname", is_host,
		"a host name with its domain, as aurora.example.org"},
	[ANSWER_PROVIDER] = {"provider", is_host_or_none,
		"a host name with its domain, as mail.shore.example"},
	[ANSWER_USER] = {"user", is_word, "a name without blanks or quotes"},
	[ANSWER_LINK] = {"link", is_name,
		"a short name of letters, digits, dots and dashes, as vsat, or "
		"none"},
	[ANSWER_CERTIFICATE] = {"certificate", is_quotable,
		"a path without quotes"},
	[ANSWER_KEY] = {"key", is_quotable, "a path without quotes"},
	[ANSWER_NETWORK] = {"network", is_word, "a network, as 192.168.7.0/24"},
	[ANSWER_PASSWORD] = {"password", is_password, "one line, not too long"},
};

const char *
answer_name(enum answer which)
{
	return kinds[which].name;
}

/* Given to the caller. */
static char *
absolute(struct str path)
{
	char *here, *whole;

	if (path.p[0] == '/')
		return str_dup(path);
	here = getcwd(NULL, 0);
	whole = str_printf("%s/%.*s", here ? here : "", STR_FMT(path));
	free(here);
	return whole;
}

enum err_code
answers_set(
	struct answers *a, enum answer which, struct str value, struct err *e)
{
	bool path = which == ANSWER_CERTIFICATE || which == ANSWER_KEY;

	if (value.n == 0 || value.n > ANSWER_MAX_OCTETS ||
		!kinds[which].is(value))
		return err_set(e, ERR_INVALID, "%s: this should be %s",
			kinds[which].name, kinds[which].what);
	free(a->v[which]);
	a->v[which] = path ? absolute(value) : str_dup(value);
	return OK;
}

static bool
find_kind(struct str name, enum answer *which_r)
{
	for (int i = 0; i < ANSWERS_N; i++)
		if (str_eq(name, str_of(kinds[i].name))) {
			*which_r = (enum answer)i;
			return true;
		}
	return false;
}

static enum err_code
read_line(
	struct answers *a, bool seen[ANSWERS_N], struct str line, struct err *e)
{
	struct str value;
	struct str name = str_trim(str_cut(line, '=', &value));
	enum answer which;

	if (name.n == 0 && value.n == 0)
		return OK;
	if (memchr(line.p, '\0', line.n))
		return err_set(e, ERR_INVALID, "a line of text holds no NUL");
	if (!memchr(line.p, '=', line.n))
		return err_set(e, ERR_INVALID,
			"this should be NAME = VALUE, as hostname = "
			"aurora.example.org");
	if (!find_kind(name, &which))
		return err_set(e, ERR_INVALID,
			"no answer is called \"%.*s\"; role, hostname, "
			"provider, user, link, certificate, key, network and "
			"password are",
			name.n > 40 ? 40 : (int)name.n, name.p);
	if (seen[which])
		return err_set(e, ERR_INVALID, "%s stands here twice",
			kinds[which].name);
	seen[which] = true;
	if (a->v[which])
		return OK; /* an option was given: it wins */
	return answers_set(a, which, str_trim(value), e);
}

enum err_code
answers_read(
	struct answers *a, const char *file, struct str text, struct err *e)
{
	bool seen[ANSWERS_N] = {false};
	enum err_code code = OK;

	for (unsigned line = 1; code == OK && text.n; line++) {
		struct str one = str_cut(text, '\n', &text);

		if (one.n && one.p[one.n - 1] == '\r')
			one.n--;
		one = str_trim(one);
		if (one.n == 0 || one.p[0] == '#')
			continue;
		code = read_line(a, seen, one, e);
		if (code != OK)
			err_wrap(e, code, "%s:%u", file, line);
	}
	return code;
}

static bool
is_site(const struct answers *a)
{
	return a->v[ANSWER_ROLE] && strcmp(a->v[ANSWER_ROLE], "site") == 0;
}

static bool
has_provider(const struct answers *a)
{
	return a->v[ANSWER_PROVIDER] &&
	       strcmp(a->v[ANSWER_PROVIDER], ANSWER_NONE) != 0;
}

bool
answers_need(const struct answers *a, enum answer which)
{
	switch (which) {
	case ANSWER_LINK:
		return is_site(a);
	case ANSWER_CERTIFICATE:
	case ANSWER_KEY:
		return !is_site(a) || a->v[ANSWER_CERTIFICATE] ||
		       a->v[ANSWER_KEY];
	case ANSWER_USER:
	case ANSWER_PASSWORD:
		return has_provider(a);
	case ANSWER_NETWORK:
		return false;
	default:
		return true;
	}
}

/* One by a public authority where there is one, else "cert make" makes it. */
static char *
usual_certificate(const struct answers *a)
{
	char *public = str_printf("/etc/letsencrypt/live/%s/fullchain.pem",
		a->v[ANSWER_HOSTNAME]);

	if (access(public, F_OK) == 0)
		return public;
	free(public);
	return str_dupz(ANSWERS_CERTIFICATE);
}

/* In the folder of the certificate; given. */
static char *
usual_key(const struct answers *a)
{
	const char *certificate = a->v[ANSWER_CERTIFICATE];
	const char *slash = certificate ? strrchr(certificate, '/') : NULL;
	const char *name = "privkey.pem";

	if (!slash)
		return NULL;
	if (strcmp(certificate, ANSWERS_CERTIFICATE) == 0)
		name = strrchr(ANSWERS_KEY, '/') + 1;
	return str_printf(
		"%.*s/%s", (int)(slash - certificate), certificate, name);
}

char *
answers_default(const struct answers *a, enum answer which)
{
	char host[ANSWER_MAX_OCTETS + 1] = "";
	struct str rest;

	switch (which) {
	case ANSWER_ROLE:
		return str_dupz("site");
	case ANSWER_HOSTNAME:
		if (gethostname(host, sizeof(host) - 1) < 0 ||
			!is_host(str_of(host)))
			return NULL;
		return str_dupz(host);
	case ANSWER_PROVIDER:
		return is_site(a) ? NULL : str_dupz(ANSWER_NONE);
	case ANSWER_USER:
		return str_dup(
			str_cut(str_of(a->v[ANSWER_HOSTNAME]), '.', &rest));
	case ANSWER_LINK:
		return str_dupz("vsat");
	case ANSWER_CERTIFICATE:
		return usual_certificate(a);
	case ANSWER_KEY:
		return usual_key(a);
	default:
		return NULL;
	}
}

void
answers_free(struct answers *a)
{
	if (a->v[ANSWER_PASSWORD])
		explicit_bzero(
			a->v[ANSWER_PASSWORD], strlen(a->v[ANSWER_PASSWORD]));
	for (int i = 0; i < ANSWERS_N; i++)
		free(a->v[i]);
	*a = (struct answers){0};
}
