#include "conf/check.h"
#include "wire/grammar.h"

#include <string.h>
#include <sys/stat.h>

static void
check_hosts(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	bool host = node_member(g, "host"), command = node_member(g, "command");

	if (!host && !command)
		complain_error(k->out, &g->at,
			"peers: this peer has no host: set host or command");
	else if (host && command)
		complain_error(k->out, check_at(g, "command"),
			"peers: a peer is a host or a command, not both");
	if (check_given(g, "host") && p->host.n == 0)
		complain_error(k->out, check_at(g, "host"),
			"peers.host: at least one host should stand here");
	for (size_t i = 0; i < p->host.n; i++)
		if (!value_address(str_of(p->host.v[i])) &&
			!grammar_is_domain(str_of(p->host.v[i]), false))
			complain_error(k->out, check_at_string(g, "host", i),
				"peers.host: %s is no host name and no "
				"address; write it as mail.example.org, "
				"192.0.2.1 or 2001:db8::1",
				p->host.v[i]);
}

/* A program: it has no host to take a name from, and no ports. */
static void
check_command(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	static const char *const none[] = {"port", "collect_port"};

	if (!p->command)
		return;
	if (!p->command[0])
		complain_error(k->out, check_at(g, "command"),
			"peers.command: a command should stand here");
	if (p->tls != TLS_NONE && p->verify == VERIFY_NAME && !p->tls_name)
		complain_error(k->out, check_at(g, "command"),
			"peers.command: with TLS a name to verify is needed: "
			"set peers.tls_name");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (node_member(g, none[i]))
			complain_error(k->out, check_at(g, none[i]),
				"peers.%s: a command has no port; what is sent "
				"and collected goes over its one connection",
				none[i]);
}

static void
check_verify(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	const struct node *n = node_member(g, "verify");

	if (n && n->good && p->verify == VERIFY_NAME &&
		strcmp(n->text, "name") != 0)
		complain_error(k->out, &n->at,
			"peers.verify: this should be name, none, or sha256: "
			"and the 32 octets of a digest in hexadecimal or "
			"base64");
	if (p->tls_name && !grammar_is_domain(str_of(p->tls_name), false) &&
		!value_address(str_of(p->tls_name)))
		complain_error(k->out, check_at(g, "tls_name"),
			"peers.tls_name: %s is no host name; write it as "
			"mail.example.org",
			p->tls_name);
}

void
check_secret_file(const struct check *k, const char *key, const char *file,
	const struct place *at)
{
	struct stat st;

	if (file[0] != '/')
		complain_error(
			k->out, at, "%s: the path should begin with /", key);
	else if (stat(file, &st) != 0)
		complain_warning(k->out, at,
			"%s: %s cannot be found; write the password into it",
			key, file);
	else if (!S_ISREG(st.st_mode))
		complain_warning(k->out, at,
			"%s: %s is no regular file: write the password into a "
			"file",
			key, file);
	else if (st.st_mode & S_IROTH)
		complain_warning(k->out, at,
			"%s: everyone on this host can read %s: chmod o-r it",
			key, file);
}

static void
check_identity_file(const struct check *k, const struct node *g,
	const char *member, const char *file)
{
	struct stat st;
	const struct place *at = check_at(g, member);

	if (!file)
		return;
	if (stat(file, &st) != 0)
		complain_warning(k->out, at,
			"peers.%s: there is no file %s: make it, or name "
			"another",
			member, file);
	else if (strcmp(member, "key") == 0 && (st.st_mode & S_IROTH))
		complain_warning(k->out, at,
			"peers.key: everyone on this host can read %s: chmod "
			"o-r it",
			file);
}

static void
check_identity(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	bool certificate = node_member(g, "certificate");
	bool key = node_member(g, "key");

	if (certificate && !key)
		complain_error(k->out, check_at(g, "certificate"),
			"peers.certificate is set, but peers.key is not: set "
			"both");
	if (key && !certificate)
		complain_error(k->out, check_at(g, "key"),
			"peers.key is set, but peers.certificate is not: set "
			"both");
	if (certificate && p->tls == TLS_NONE)
		complain_warning(k->out, check_at(g, "certificate"),
			"peers.certificate: nobody sees it without TLS: set "
			"tls, or take it away");
	if (certificate && key) {
		check_identity_file(k, g, "certificate", p->certificate);
		check_identity_file(k, g, "key", p->key);
	}
}

static void
check_login(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	bool user = node_member(g, "user");

	if (p->password_file)
		check_secret_file(k, "peers.password_file", p->password_file,
			check_at(g, "password_file"));
	if (user && !node_member(g, "password_file"))
		complain_error(k->out, check_at(g, "user"),
			"peers.user is set, but peers.password_file is not: "
			"set both");
	if (!user && node_member(g, "password_file"))
		complain_error(k->out, check_at(g, "password_file"),
			"peers.password_file is set, but peers.user is not: "
			"set both");
	if (user && !p->auth_clear &&
		(p->tls == TLS_NONE || p->verify == VERIFY_NONE))
		complain_warning(k->out,
			check_at(g, p->tls == TLS_NONE ? "tls" : "verify"),
			"peers: no login without verified TLS, as long as "
			"auth_clear is not true");
}

static bool
has_smtp_listener(const struct conf *c)
{
	for (size_t i = 0; i < c->listeners_n; i++)
		if (c->listeners[i].service == SERVICE_SMTP)
			return true;
	return false;
}

static void
check_collect(
	const struct check *k, const struct conf_peer *p, const struct node *g)
{
	if (p->collect == COLLECT_ETRN && !has_smtp_listener(k->conf))
		complain_warning(k->out, check_at(g, "collect"),
			"peers.collect: mail asked for by ETRN comes to an "
			"smtp listener, and there is none: add one to "
			"listeners");
	if (p->collect == COLLECT_ETRN && p->domains.n == 0 &&
		k->conf->local.domains.n == 0)
		complain_error(k->out, check_at(g, "collect"),
			"peers.collect: no domain to ask for: set "
			"peers.domains or local.domains");
	if (p->collect == COLLECT_ATRN && !node_member(g, "user") &&
		!node_member(g, "certificate"))
		complain_warning(k->out, check_at(g, "collect"),
			"peers.collect: ATRN wants a login: set peers.user and "
			"peers.password_file, or peers.certificate and "
			"peers.key");
	for (size_t i = 0; i < p->domains.n; i++)
		if (!grammar_is_domain(str_of(p->domains.v[i]), false))
			complain_error(k->out, check_at_string(g, "domains", i),
				"peers.domains: %s is no domain name; write it "
				"as example.org",
				p->domains.v[i]);
}

static void
check_peer_name(const struct check *k, size_t i, const struct node *g)
{
	const char *name = k->conf->peers[i].name;

	check_name(k, g, "peers.name", name);
	if (!name)
		return;
	if (strcmp(name, CONF_MX) == 0)
		complain_error(k->out, check_at(g, "name"),
			"peers.name: mx is reserved for delivery by MX: choose "
			"another name");
	for (size_t j = 0; j < i; j++)
		if (k->conf->peers[j].name &&
			strcmp(k->conf->peers[j].name, name) == 0)
			complain_error(k->out, check_at(g, "name"),
				"peers.name: two peers have the name %s: give "
				"each its own",
				name);
}

void
check_peers(const struct check *k)
{
	for (size_t i = 0; i < k->conf->peers_n; i++) {
		const struct conf_peer *p = &k->conf->peers[i];
		const struct node *g = check_item(k, "peers", i);

		check_peer_name(k, i, g);
		check_hosts(k, p, g);
		check_command(k, p, g);
		check_verify(k, p, g);
		check_login(k, p, g);
		check_identity(k, p, g);
		check_collect(k, p, g);
	}
}
