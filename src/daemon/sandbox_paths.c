#include "daemon/sandbox_paths.h"

#include "base/str.h"
#include "cert/cert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Names, hosts, time zones, users, libraries, authorities. In /run stands what
 * /etc/resolv.conf leads to, written by who may start after us, or change with
 * the link.
 */
static const char *const of_the_system[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/proc",
	"/sys/devices/system/cpu",
	"/dev/urandom",
	"/dev/random",
	"/run",
	"/var/lib/sss",
};

/* --- a list --- */

static void
append(struct sandbox_path **v, size_t *n, char *path,
	enum landlock_access access, const char *key)
{
	*v = xrealloc(*v, (*n + 1) * sizeof(**v));
	(*v)[(*n)++] = (struct sandbox_path){path, access, key};
}

/* P without its last part; false: nothing is left. */
static bool
go_up(char *p)
{
	char *slash = strrchr(p, '/');

	if (!slash || slash == p)
		return false;
	*slash = '\0';
	return true;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * Of PATH or the nearest above it, which is a folder where one is WRITTEN in:
 * what stands in its place today may be gone tomorrow. NULL: only the root.
 * Given.
 */
static char *
real_of(const char *path, bool written)
{
	char *at = str_dupz(path), *real;

	while ((real = realpath(at, NULL)) == NULL ||
		(written && !is_folder(real))) {
		free(real);
		real = NULL;
		if (!go_up(at))
			break;
	}
	free(at);
	if (real && strcmp(real, "/") == 0) {
		free(real);
		real = NULL;
	}
	return real;
}

static void
want(struct sandbox_paths *p, const char *path, enum landlock_access access,
	const char *key)
{
	char *real;

	if (!path || path[0] != '/')
		return;
	real = real_of(path, access == LANDLOCK_WRITE);
	if (real)
		append(&p->v, &p->n, real, access, key);
	else
		append(&p->missing, &p->missing_n, str_dupz(path), access, key);
}

/* The folder that FILE is in. */
static void
want_folder_of(struct sandbox_paths *p, const char *file,
	enum landlock_access access, const char *key)
{
	char *folder = file ? str_dupz(file) : NULL;

	if (folder && go_up(folder))
		want(p, folder, access, key);
	else if (folder)
		want(p, file, access, key); /* it is in the root */
	free(folder);
}

/* Also where it really is, if FILE leads there. */
static void
want_file(struct sandbox_paths *p, const char *file,
	enum landlock_access access, const char *key)
{
	char *real = file ? realpath(file, NULL) : NULL;

	want_folder_of(p, file, access, key);
	want_folder_of(p, real, access, key);
	free(real);
}

/* --- what a configuration names --- */

/* "/var/mail/{domain}/{user}" is in "/var/mail". */
static void
want_mailboxes(struct sandbox_paths *p, const struct conf *conf)
{
	bool file = conf->local.deliver == DELIVER_MBOX;
	char *path;

	if (conf->local.deliver_as ||
		(conf->local.deliver != DELIVER_MAILDIR && !file))
		return;
	path = str_dup((struct str){
		conf->local.deliver_to, strcspn(conf->local.deliver_to, "{")});
	if (file || strchr(conf->local.deliver_to, '{'))
		want_folder_of(p, path, LANDLOCK_WRITE, "local.deliver");
	else
		want(p, path, LANDLOCK_WRITE, "local.deliver");
	free(path);
}

/*
 * A stick comes and goes, and with it what is in its folder now: what stays is
 * the folder it is put into.
 */
static void
want_stick(struct sandbox_paths *p, const char *folder)
{
	static const char *const places[] = {"/media/", "/mnt/", "/run/media/"};

	want(p, folder, LANDLOCK_WRITE, "routes.folder");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(folder, places[i], strlen(places[i])) == 0) {
			want_folder_of(
				p, places[i], LANDLOCK_WRITE, "routes.folder");
			return;
		}
	if (strchr(folder + 1, '/'))
		want_folder_of(p, folder, LANDLOCK_WRITE, "routes.folder");
}

/* Made by cert make, and made anew by the daemon. */
static bool
is_renewed(const struct conf *conf)
{
	struct cert_files f;
	bool ours;

	if (!conf->tls.certificate || !conf->tls.key)
		return false;
	cert_files_set(&f, conf->tls.certificate, conf->tls.key);
	ours = access(f.ca_key, R_OK) == 0;
	cert_files_free(&f);
	return ours;
}

static void
want_tls(struct sandbox_paths *p, const struct conf *conf)
{
	enum landlock_access own =
		is_renewed(conf) ? LANDLOCK_WRITE : LANDLOCK_READ;

	want_file(p, conf->tls.certificate, own, "tls.certificate");
	want_file(p, conf->tls.key, own, "tls.key");
	want_file(p, conf->tls.ca_file, LANDLOCK_READ, "tls.ca_file");
	want_file(p, conf->tls.client_ca_file, LANDLOCK_READ,
		"tls.client_ca_file");
	want_file(p, conf->mx.root_key, LANDLOCK_READ, "mx.root_key");
	for (size_t i = 0; i < conf->peers_n; i++) {
		const struct conf_peer *peer = &conf->peers[i];

		want_file(p, peer->certificate, LANDLOCK_READ,
			"peers.certificate");
		want_file(p, peer->key, LANDLOCK_READ, "peers.key");
		want_file(p, peer->password_file, LANDLOCK_READ,
			"peers.password_file");
	}
}

static void
want_socket(struct sandbox_paths *p, const char *address, const char *key)
{
	if (address && strncmp(address, "unix:", 5) == 0)
		want_folder_of(p, address + 5, LANDLOCK_WRITE, key);
}

static void
want_files(struct sandbox_paths *p, const struct conf_strings *files,
	const char *key)
{
	for (size_t i = 0; i < files->n; i++)
		want_file(p, files->v[i], LANDLOCK_READ, key);
}

static void
want_configuration(struct sandbox_paths *p, const struct conf *conf)
{
	want_file(p, conf->file, LANDLOCK_READ, "");
	want_files(p, &conf->included, "");
	want_files(p, &conf->alias_files, "local.aliases");
	if (conf->local.users == USERS_FILE)
		want_file(p, conf->local.users_from, LANDLOCK_READ,
			"local.users");
	want(p, conf->hooks, LANDLOCK_READ, "hooks");
}

void
sandbox_paths_read(const struct conf *conf, struct sandbox_paths *p)
{
	*p = (struct sandbox_paths){.n = 0};
	for (size_t i = 0; i < sizeof(of_the_system) / sizeof(of_the_system[0]);
		i++)
		if (access(of_the_system[i], F_OK) == 0)
			want(p, of_the_system[i], LANDLOCK_READ, "");
	append(&p->v, &p->n, str_dupz("/dev/null"), LANDLOCK_WRITE, "");
	want_file(p, "/etc/resolv.conf", LANDLOCK_READ, "");
	want_file(p, "/etc/localtime", LANDLOCK_READ, "");
	want_configuration(p, conf);
	want_tls(p, conf);
	want_folder_of(p, strchr(conf->spool, '/'), LANDLOCK_WRITE, "spool");
	if (conf->programs.drop && access(conf->programs.drop, F_OK) == 0)
		want(p, conf->programs.drop, LANDLOCK_WRITE, "programs.drop");
	want(p, conf->run_dir, LANDLOCK_WRITE, "run_dir");
	for (size_t i = 0; i < conf->listeners_n; i++)
		want_socket(p, conf->listeners[i].address, "listeners.address");
	want_socket(p, conf->metrics.listen, "metrics.listen");
	want_mailboxes(p, conf);
	want_file(
		p, conf->batches.seal_file, LANDLOCK_READ, "batches.seal_file");
	for (size_t i = 0; i < conf->routes_n; i++) {
		want_file(p, conf->routes[i].seal_file, LANDLOCK_READ,
			"routes.seal_file");
		if (conf->routes[i].folder)
			want_stick(p, conf->routes[i].folder);
	}
}

static void
free_all(struct sandbox_path *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].path);
	free(v);
}

void
sandbox_paths_clear(struct sandbox_paths *p)
{
	free_all(p->v, p->n);
	free_all(p->missing, p->missing_n);
	*p = (struct sandbox_paths){.n = 0};
}

/* --- comparing --- */

static bool
is_beneath(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

static bool
has(const struct sandbox_paths *a, const struct sandbox_path *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].access >= b->access &&
			is_beneath(b->path, a->v[i].path))
			return true;
	return false;
}

static bool
is_missed(const struct sandbox_paths *a, const char *path)
{
	for (size_t i = 0; i < a->missing_n; i++)
		if (strcmp(a->missing[i].path, path) == 0)
			return true;
	return false;
}

const struct sandbox_path *
sandbox_paths_beyond(
	const struct sandbox_paths *a, const struct sandbox_paths *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].key[0] && !has(a, &b->v[i]))
			return &b->v[i];
	for (size_t i = 0; i < b->missing_n; i++)
		if (!is_missed(a, b->missing[i].path))
			return &b->missing[i];
	return NULL;
}
