#include "conf/check.h"
#include "conf/writable.h"
#include "wire/address.h"
#include "wire/grammar.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_OCTETS = 63 };

const struct node *
check_item(const struct check *k, const char *list, size_t i)
{
	return &node_member(k->root, list)->v[i];
}

const struct place *
check_at(const struct node *group, const char *name)
{
	const struct node *n = node_member(group, name);

	return n ? &n->at : &group->at;
}

const struct place *
check_at_string(const struct node *group, const char *name, size_t i)
{
	const struct node *n = node_member(group, name);

	if (n && n->kind == NODE_LIST && i < n->n)
		return &n->v[i].at;
	return check_at(group, name);
}

bool
check_given(const struct node *group, const char *name)
{
	const struct node *n = node_member(group, name);

	return n && n->good;
}

void
check_name(const struct check *k, const struct node *group, const char *path,
	const char *name)
{
	size_t n = name ? strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789._-")
			: 0;

	if (!name ||
		(name[n] == '\0' && n <= NAME_MAX_OCTETS && name[0] != '-'))
		return;
	complain_error(k->out, check_at(group, "name"),
		"%s: a name has letters, digits, '.', '_' and '-', at most %d",
		path, NAME_MAX_OCTETS);
}

/* The group NAME of the file, or the file itself. */
const struct node *
check_group(const struct check *k, const char *name)
{
	const struct node *g = node_member(k->root, name);

	return g ? g : k->root;
}

static bool
starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void
check_hostname(const struct check *k)
{
	const char *name = k->conf->hostname;
	const struct node *given = node_member(k->root, "hostname");

	if (given && !given->good)
		return;
	if (!name)
		complain_error(k->out, &k->root->at,
			"hostname is missing, and this system's own name has "
			"no dot: set hostname = \"NAME.DOMAIN\";");
	else if (!grammar_is_domain(str_of(name), false))
		complain_error(k->out, check_at(k->root, "hostname"),
			"hostname: %s is no domain name; write it as "
			"mail.example.org",
			name);
	else if (!strchr(name, '.'))
		complain_warning(k->out, check_at(k->root, "hostname"),
			"hostname: %s has no dot; other hosts may refuse it",
			name);
}

static void
check_paths(const struct check *k)
{
	const struct conf *c = k->conf;

	if (!starts(c->spool, "sqlite:/") && strcmp(c->spool, "memory:") != 0)
		complain_error(k->out, check_at(k->root, "spool"),
			"spool: this should be sqlite: and an absolute path, "
			"such as sqlite:/var/lib/tidepost/spool.db");
	if (c->run_dir[0] != '/')
		complain_error(k->out, check_at(k->root, "run_dir"),
			"run_dir: this should be an absolute path, such as "
			"/run/tidepost");
}

static void
check_notices(const struct check *k)
{
	const char *to = k->conf->notices.copy_to;
	struct mailbox address;

	if (to && !address_parse(str_of(to), true, &address))
		complain_error(k->out,
			check_at(check_group(k, "notices"), "copy_to"),
			"notices.copy_to: %s is no address; write it as "
			"postmaster@example.org",
			to);
}

/* The path behind "dovecot:"; AT is the value, KEY its name. */
void
check_dovecot(const struct check *k, const struct place *at, const char *key,
	const char *path)
{
	if (path[0] != '/')
		complain_error(k->out, at,
			"%s: behind dovecot: there should be the path of a "
			"socket, such as dovecot:/run/dovecot/auth-client",
			key);
	else if (strlen(path) > CHECK_SOCKET_PATH_MAX)
		complain_error(k->out, at,
			"%s: the path of a socket has at most %d octets; "
			"choose a shorter one",
			key, CHECK_SOCKET_PATH_MAX);
}

static void
check_auth(const struct check *k)
{
	const char *auth = k->conf->auth;

	if (starts(auth, "dovecot:"))
		check_dovecot(k, check_at(k->root, "auth"), "auth",
			auth + strlen("dovecot:"));
	else if (strcmp(auth, "spool") != 0)
		complain_error(k->out, check_at(k->root, "auth"),
			"auth: \"%s\" is not known, only \"spool\" and "
			"\"dovecot:\" with a path",
			auth);
}

static void
check_tls(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = node_member(k->root, "tls");

	if (!c->tls.certificate == !c->tls.key)
		return;
	if (c->tls.certificate && !node_member(g, "key"))
		complain_error(k->out, check_at(g, "certificate"),
			"tls.certificate is set, but tls.key is not: set both");
	if (c->tls.key && !node_member(g, "certificate"))
		complain_error(k->out, check_at(g, "key"),
			"tls.key is set, but tls.certificate is not: set both");
}

/* The daemon reads them; here only what nobody could read is told. */
static void
check_file(const struct check *k, const char *file, const char *path,
	const struct place *at)
{
	if (file && access(file, F_OK) != 0 && errno == ENOENT)
		complain_warning(k->out, at,
			"%s: there is no file %s: make it, or name another",
			path, file);
}

static void
check_tls_files(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = check_group(k, "tls");

	check_file(k, c->tls.certificate, "tls.certificate",
		check_at(g, "certificate"));
	check_file(k, c->tls.key, "tls.key", check_at(g, "key"));
	if (check_given(g, "ca_file"))
		check_file(k, c->tls.ca_file, "tls.ca_file",
			check_at(g, "ca_file"));
}

static void
check_hooks(const struct check *k)
{
	const char *folder = k->conf->hooks;

	if (folder && access(folder, F_OK) != 0 && errno == ENOENT)
		complain_warning(k->out, check_at(k->root, "hooks"),
			"hooks: there is no folder %s: make it, or name "
			"another",
			folder);
}

/* One that is not there is made by the daemon. */
static void
check_drop(const struct check *k)
{
	const char *path = k->conf->programs.drop;
	const struct passwd *pw = getpwnam(k->conf->user);
	const char *wrong = NULL;
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return;
	/* started by another than root, it stays that user */
	if (geteuid() != 0 && st.st_uid == geteuid())
		wrong = drop_directory_wrong(&st, geteuid());
	else if (pw)
		wrong = drop_directory_wrong(&st, pw->pw_uid);
	if (wrong)
		complain_warning(k->out,
			check_at(check_group(k, "programs"), "drop"),
			"programs.drop: nothing will be taken from %s: %s; "
			"make it a directory of the daemon's user, %s, with "
			"the mode 3733",
			path, wrong, k->conf->user);
}

/*
 * What it names is run, as the daemon's user or another (local.deliver_as): who
 * takes the daemon over must not be able to write it.
 */
static void
check_owner(const struct check *k, const char *file)
{
	const struct passwd *pw = getpwnam(k->conf->user);
	char *found = NULL;
	struct stat st;

	if (stat(file, &st) < 0)
		return;
	if (pw && pw->pw_uid != 0 && geteuid() == 0)
		found = writable_by(file, pw);
	if (st.st_mode & S_IWOTH)
		complain_warning(k->out, &k->root->at,
			"%s can be written by anybody, who could have any "
			"program run: chmod o-w it",
			file);
	else if (found && st.st_uid == pw->pw_uid)
		complain_warning(k->out, &k->root->at,
			"%s belongs to the daemon's user, %s, who should read "
			"it, not write it: chown root it",
			file, k->conf->user);
	else if (found)
		complain_warning(k->out, &k->root->at,
			"%s could be changed by the daemon's user, %s, who "
			"should read the configuration, not write it: chown or "
			"chmod it",
			found, k->conf->user);
	free(found);
}

static void
check_owners(const struct check *k)
{
	const struct conf *c = k->conf;

	if (c->file)
		check_owner(k, c->file);
	for (size_t i = 0; i < c->included.n; i++)
		check_owner(k, c->included.v[i]);
}

static void
check_networks(const struct check *k)
{
	const struct conf_strings *s = &k->conf->relay.networks;
	const struct node *g = check_group(k, "relay");
	bool open;

	for (size_t i = 0; i < s->n; i++) {
		const struct place *at = check_at_string(g, "networks", i);

		if (!value_network(str_of(s->v[i]), &open))
			complain_error(k->out, at,
				"relay.networks: %s is no network; write "
				"192.168.7.0/24 or fd00::/8",
				s->v[i]);
		else if (open)
			complain_warning(k->out, at,
				"relay.networks: %s holds every host there is: "
				"anyone could send through this node",
				s->v[i]);
	}
}

static void
check_queue(const struct check *k)
{
	const struct node *g = check_group(k, "queue");

	if (check_given(g, "retry") && k->conf->queue.retry_n == 0)
		complain_error(k->out, check_at(g, "retry"),
			"queue.retry: at least one wait should stand here");
}

void
check_conf(
	const struct conf *c, const struct node *root, struct complaints *out)
{
	const struct check k = {c, root, out};

	check_hostname(&k);
	check_owners(&k);
	check_paths(&k);
	check_auth(&k);
	check_notices(&k);
	check_tls(&k);
	check_tls_files(&k);
	check_hooks(&k);
	check_drop(&k);
	check_networks(&k);
	check_local(&k);
	check_queue(&k);
	check_listeners(&k);
	check_peers(&k);
	check_routes(&k);
	check_batches(&k);
	check_links(&k);
	check_report(&k);
}
