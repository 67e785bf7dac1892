/* Mail that ends here: its domains, where it goes, who has a mailbox. */
#include "conf/check.h"

#include "conf/writable.h"
#include "wire/grammar.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void
check_domains(const struct check *k)
{
	const struct conf_strings *s = &k->conf->local.domains;
	const struct node *g = check_group(k, "local");

	for (size_t i = 0; i < s->n; i++) {
		const struct place *at = check_at_string(g, "domains", i);

		if (!grammar_is_domain(str_of(s->v[i]), false))
			complain_error(k->out, at,
				"local.domains: %s is no domain name; write it "
				"as example.org",
				s->v[i]);
		for (size_t j = 0; j < i; j++)
			if (str_eq_nocase(str_of(s->v[i]), str_of(s->v[j])))
				complain_warning(k->out, at,
					"local.domains: %s stands here twice: "
					"take one away",
					s->v[i]);
	}
	if (s->n && !node_member(g, "deliver"))
		complain_error(k->out, check_at(g, "domains"),
			"local.domains is set, but local.deliver is not: where "
			"should their mail go? Set it, for example to "
			"maildir:/var/mail/{domain}/{user}");
}

/* What may stand in braces is known; what may not is named. */
static void
check_braces(const struct check *k, const struct place *at, const char *known)
{
	const char *p = k->conf->local.deliver_to;

	while ((p = strchr(p, '{'))) {
		size_t n = strcspn(p, "}");
		char word[32];

		if (n >= sizeof(word) - 1 || p[n] != '}' ||
			!str_copy(word, sizeof(word), (struct str){p, n + 1}) ||
			!strstr(known, word)) {
			complain_error(k->out, at,
				"local.deliver: only %s may stand in braces",
				known);
			return;
		}
		p += n;
	}
}

static bool
uses(const char *text, const char *word)
{
	return text && strstr(text, word);
}

/*
 * The folder that mailboxes are in, or are themselves, is the root? The walls
 * leave the daemon nothing there, since no rule is for all there is.
 */
static bool
is_in_root(const char *path, bool file)
{
	char *folder = str_dup((struct str){path, strcspn(path, "{")}), *real;
	char *slash = strrchr(folder, '/');
	bool root;

	if (file || strchr(path, '{'))
		slash[slash == folder] = '\0';
	real = realpath(folder, NULL);
	root = real && strcmp(real, "/") == 0;
	free(real);
	free(folder);
	return root;
}

static void
check_file(const struct check *k, const struct place *at)
{
	const struct conf *c = k->conf;
	const char *path = c->local.deliver_to;

	if (path[0] != '/' && !starts_with(path, "{home}/"))
		complain_error(k->out, at,
			"local.deliver: the path should begin with /");
	else if (uses(path, "{home}") && !c->local.deliver_as)
		complain_error(k->out, at,
			"local.deliver: {home} is the home of the user who "
			"puts mail there: set local.deliver_as");
	else
		check_braces(k, at, "{user} {domain} {extension} {home}");
	if (path[0] == '/' && c->sandbox && !c->local.deliver_as &&
		is_in_root(path, c->local.deliver == DELIVER_MBOX))
		complain_warning(k->out, at,
			"local.deliver: the root directory is out of the "
			"daemon's reach, so mail will wait: name a folder in "
			"it, or set sandbox = false");
}

/* Run as others than the daemon, it would give away their rights. */
static void
check_who_writes(
	const struct check *k, const struct place *at, const char *path)
{
	const struct conf *c = k->conf;
	const struct passwd *pw = getpwnam(c->user);
	char *found = c->local.deliver_as && pw && pw->pw_uid != 0
			      ? writable_by(path, pw)
			      : NULL;

	if (found)
		complain_warning(k->out, at,
			"local.deliver: %s could be changed by %s, who the "
			"daemon is, so the program is not run as anybody else: "
			"chown or chmod it",
			found, c->user);
	free(found);
}

static void
check_program(const struct check *k, const struct place *at)
{
	const char *command = k->conf->local.deliver_to;
	char *path = str_dup((struct str){command, strcspn(command, " ")});

	if (path[0] != '/')
		complain_error(k->out, at,
			"local.deliver: the path of the program should begin "
			"with /");
	else if (strchr(path, '{'))
		complain_error(k->out, at,
			"local.deliver: the path of the program is fixed; "
			"only its arguments may hold {user} and the like");
	else if (strpbrk(command, "\"'|;&<>$`*"))
		complain_error(k->out, at,
			"local.deliver: no shell reads this, so quotes and "
			"| ; & < > $ * mean nothing: arguments are parted by "
			"blanks; put the rest into a script");
	else if (access(path, X_OK) != 0)
		complain_warning(k->out, at,
			"local.deliver: %s cannot be run now: mail will wait",
			path);
	else
		check_who_writes(k, at, path);
	check_braces(k, at, "{user} {domain} {extension} {recipient} {sender}");
	free(path);
}

static void
check_lmtp(const struct check *k, const struct place *at)
{
	const struct conf *c = k->conf;
	const char *path = c->local.lmtp_socket;

	if (path && (path[0] != '/' || strlen(path) > CHECK_SOCKET_PATH_MAX))
		complain_error(k->out, at,
			"local.deliver: behind lmtp:unix: there should be the "
			"path of a socket, of %d octets at most",
			CHECK_SOCKET_PATH_MAX);
	else if (!path && (!c->local.lmtp_port || !c->local.lmtp_host[0]))
		complain_error(k->out, at,
			"local.deliver: behind lmtp: there should be unix: and "
			"a path, such as lmtp:unix:/run/dovecot/lmtp, or host "
			"and port, such as lmtp:localhost:24");
	if (c->local.deliver_as)
		complain_error(k->out, at,
			"local.deliver: the LMTP server puts mail into "
			"mailboxes; take local.deliver_as away");
}

static void
check_deliver(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = check_group(k, "local");
	const struct place *at = check_at(g, "deliver");

	if (!check_given(g, "deliver"))
		return;
	switch (c->local.deliver) {
	case DELIVER_NONE:
		complain_error(k->out, at,
			"local.deliver: this should be maildir: and an absolute "
			"path, such as maildir:/var/mail/{domain}/{user}, or "
			"mbox:, pipe: or lmtp:");
		break;
	case DELIVER_LMTP:
		check_lmtp(k, at);
		break;
	case DELIVER_PIPE:
		check_program(k, at);
		break;
	case DELIVER_MAILDIR:
	case DELIVER_MBOX:
		check_file(k, at);
		break;
	}
}

/* "{user}", or the name of a user of this host who is not root. */
static void
check_deliver_as(const struct check *k)
{
	const struct node *g = check_group(k, "local");
	const char *as = k->conf->local.deliver_as;
	const struct passwd *pw;

	if (!check_given(g, "deliver_as") || strcmp(as, "{user}") == 0)
		return;
	pw = strchr(as, '{') ? NULL : getpwnam(as);
	if (!pw)
		complain_error(k->out, check_at(g, "deliver_as"),
			"local.deliver_as: %s is no user of this host; write a "
			"name, or {user}",
			as);
	else if (pw->pw_uid == 0)
		complain_error(k->out, check_at(g, "deliver_as"),
			"local.deliver_as: mail is never put anywhere as root: "
			"name another user, or {user}");
}

static void
check_users(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = check_group(k, "local");
	const struct node *n = node_member(g, "users");

	if (!n || !n->good || strcmp(n->text, "any") == 0)
		return;
	if (c->local.users == USERS_DOVECOT)
		check_dovecot(k, &n->at, "local.users", c->local.users_from);
	else if (c->local.users == USERS_SPOOL)
		return;
	else if (c->local.users != USERS_FILE)
		complain_error(k->out, &n->at,
			"local.users: this should be any, spool, or file: or "
			"dovecot: and a path");
	else if (c->local.users_from[0] != '/')
		complain_error(k->out, &n->at,
			"local.users: the path should begin with /");
}

/* Domains of which nobody else could be asked are no part of it. */
static void
check_unknown_domains(const struct check *k)
{
	const struct conf_strings *s = &k->conf->local.unknown_domains;
	const struct node *g = check_group(k, "local");

	for (size_t i = 0; i < s->n; i++)
		if (!conf_is_local(k->conf, str_of(s->v[i])))
			complain_error(k->out,
				check_at_string(g, "unknown_domains", i),
				"local.unknown_domains: %s is not in "
				"local.domains",
				s->v[i]);
	if (s->n && !k->conf->local.unknown_peer)
		complain_warning(k->out, check_at(g, "unknown_domains"),
			"local.unknown_domains has no effect without "
			"local.unknown");
}

static void
check_unknown(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = check_group(k, "local");
	const char *peer = c->local.unknown_peer;
	const struct node *n = node_member(g, "unknown");

	check_unknown_domains(k);
	if (!n || !n->good || strcmp(n->text, "refuse") == 0)
		return;
	if (!peer)
		complain_error(k->out, &n->at,
			"local.unknown: this should be refuse, or peer: and "
			"the name of a peer");
	else if (strcmp(peer, CONF_MX) == 0)
		complain_error(k->out, &n->at,
			"local.unknown: mx leads back to this node; name the "
			"peer that has the other users");
	else if (!conf_peer(c, peer))
		complain_error(k->out, &n->at,
			"local.unknown: there is no peer %s", peer);
	else if (c->local.users == USERS_ANY)
		complain_error(k->out, &n->at,
			"local.unknown: nobody is unknown while local.users is "
			"any; say there who is here");
}

static void
check_separator(const struct check *k)
{
	const struct node *g = check_group(k, "local");
	const char *p = k->conf->local.separators;

	for (; check_given(g, "separator") && *p; p++)
		if (!strchr("+-=_.#", *p)) {
			complain_error(k->out, check_at(g, "separator"),
				"local.separator: this should be none, or some "
				"of + - = _ . and #");
			return;
		}
}

void
check_local(const struct check *k)
{
	check_domains(k);
	check_deliver(k);
	check_deliver_as(k);
	check_users(k);
	check_unknown(k);
	check_separator(k);
}
