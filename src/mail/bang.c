#include "mail/bang.h"

#include <stdio.h>
#include <string.h>

/* Behind the last C of S; false: there is none. */
static bool
cut_last(struct str s, char c, struct str *before_r, struct str *behind_r)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c) {
			*before_r = (struct str){s.p, i - 1};
			*behind_r = str_skip(s, i);
			return true;
		}
	return false;
}

/* S is a name of a host in a path. */
static bool
is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			    c == '_'))
			return false;
	}
	return s.n > 0 && s.n <= WIRE_DOMAIN_MAX && s.p[0] != '.' &&
	       s.p[0] != '-';
}

/* A bare name: no octet that means something in an envelope or ends a line. */
static bool
is_name(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127 ||
			strchr("<>\"\\,;:()[]", *s))
			return false;
	return true;
}

/* "user" or "user@domain", as the envelope has it. */
static bool
put(struct str user, struct str domain, bool uucp, char *out,
	const char **why_r)
{
	struct mailbox unused;
	int n;

	*why_r = "not an address";
	if (user.n == 0 || domain.n > WIRE_DOMAIN_MAX ||
		user.n > WIRE_MAILBOX_MAX)
		return false;
	n = snprintf(out, WIRE_MAILBOX_MAX + 1, "%.*s%s%.*s%s", STR_FMT(user),
		domain.n ? "@" : "", STR_FMT(domain), uucp ? ".uucp" : "");
	if (n < 0 || n > WIRE_MAILBOX_MAX)
		return false;
	if (domain.n)
		return address_parse(str_of(out), true, &unused);
	return is_name(out);
}

bool
bang_to_address(struct str path, bool sender,
	char address_r[WIRE_MAILBOX_MAX + 1], const char **why_r)
{
	struct str hosts, user, before, host, domain;

	path = str_trim(path);
	*why_r = "a NUL in an address";
	if (path.n && memchr(path.p, '\0', path.n))
		return false;
	if (path.n > 1 && path.p[0] == '(' && path.p[path.n - 1] == ')')
		path = (struct str){path.p + 1, path.n - 2}; /* as uux quotes */
	if (path.n > 1 && path.p[0] == '<' && path.p[path.n - 1] == '>')
		path = (struct str){path.p + 1, path.n - 2};
	/* in quotes "!" is a letter like others */
	if ((path.n && path.p[0] == '"') ||
		!cut_last(path, '!', &hosts, &user)) {
		if (!cut_last(path, '@', &user, &domain))
			return put(path, STR(""), false, address_r, why_r);
		*why_r = "nothing behind the @";
		return domain.n && put(user, domain, false, address_r, why_r);
	}
	if (cut_last(user, '@', &before, &domain)) {
		*why_r = "a path with ! and @ could mean two hosts; give one";
		return sender && domain.n &&
		       put(before, domain, false, address_r, why_r);
	}
	if (!cut_last(hosts, '!', &before, &host))
		host = hosts;
	*why_r = "not a host in a path";
	return is_host(host) &&
	       put(user, host, !memchr(host.p, '.', host.n), address_r, why_r);
}

bool
bang_from_address(const char *address, struct buf *out)
{
	struct str user, domain, host, rest;
	struct str whole = str_of(address);

	if (!cut_last(whole, '@', &user, &domain))
		return buf_addz(out, address);
	if (!is_host(domain) || memchr(user.p, '!', user.n) ||
		memchr(user.p, '"', user.n))
		return false;
	/* what has no dot is read as a host of .uucp, and nothing else is */
	if (!memchr(domain.p, '.', domain.n))
		return false;
	host = str_cut(domain, '.', &rest);
	if (!str_eq(rest, STR("uucp")))
		host = domain;
	return buf_addf(out, "%.*s!%.*s", STR_FMT(host), STR_FMT(user));
}

/* --- From lines (RFC 976 2.4) --------------------------------------------- */

/* "remote from HOST" at the end of S; empty: it is not there. */
static struct str
remote_of(struct str s)
{
	static const char words[] = " remote from ";
	size_t n = sizeof(words) - 1;

	for (size_t i = s.n; i >= n; i--)
		if (memcmp(s.p + i - n, words, n) == 0)
			return str_trim(str_skip(s, i));
	return STR("");
}

static bool
append(struct bang_lines *l, struct str s, const char *behind)
{
	size_t n = strlen(l->path);

	return snprintf(l->path + n, sizeof(l->path) - n, "%.*s%s", STR_FMT(s),
		       behind) < (int)(sizeof(l->path) - n);
}

/* The path without its last part, the user of an earlier line. */
static void
drop_user(struct bang_lines *l)
{
	char *bang = strrchr(l->path, '!');

	if (bang)
		bang[1] = '\0';
	else
		l->path[0] = '\0';
}

bool
bang_take_line(struct bang_lines *l, struct str line, bool *cut_r)
{
	struct str path, rest, remote;

	if (l->n && line.n && line.p[0] == '>')
		line = str_skip(line, 1);
	if (line.n < 6 || memcmp(line.p, "From ", 5) != 0)
		return false;
	if (l->n++ >= BANG_LINES_MAX) {
		*cut_r = true;
		return true;
	}
	line = str_trim(str_skip(line, 5));
	path = str_cut(line, ' ', &rest);
	remote = remote_of(line);
	/* The next line tells who stands behind the host of this one. */
	drop_user(l);
	if (remote.n && is_host(remote) && !append(l, remote, "!"))
		*cut_r = true;
	if (!append(l, path, ""))
		*cut_r = true;
	return true;
}

void
bang_from_line(
	const char *sender, const char *date, const char *host, struct buf *out)
{
	buf_addz(out, "From ");
	if (!sender[0])
		buf_addz(out, "MAILER-DAEMON");
	else if (!bang_from_address(sender, out))
		buf_addz(out, sender);
	buf_addf(out, " %s remote from %s\r\n", date, host);
}
