#include "cli/node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cert/cert.h"
#include "base/file.h"
#include "cli/ask.h"
#include "cli/file.h"
#include "faces/load.h"
#include "faces/text.h"

#define NODE_SPOOL "spool.db"
/* The certificates of the world belong to the system. */
#define SYSTEM_CERTIFICATES "/etc/ssl/certs/"

enum { NODE_FILES_MAX = 4096 };

/* --- what belongs to a node --- */

struct paths {
	char **v; /* absolute; owned */
	size_t n;
};

static void
paths_free(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
}

/* Once; PATH may be NULL. What is not absolute is no file of its own. */
static void
add_path(struct paths *p, const char *path)
{
	if (!path || path[0] != '/' || p->n == NODE_FILES_MAX)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i], path) == 0)
			return;
	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = str_dupz(path);
}

static void
add_real(struct paths *p, const char *path)
{
	char *whole = realpath(path, NULL);

	add_path(p, whole);
	free(whole);
}

static void
add_if_there(struct paths *p, const char *path)
{
	if (access(path, F_OK) == 0)
		add_path(p, path);
}

static void
add_tls(struct paths *p, const struct conf *conf)
{
	struct cert_files f;

	add_path(p, conf->tls.certificate);
	add_path(p, conf->tls.key);
	if (conf->tls.certificate && conf->tls.key) {
		cert_files_set(&f, conf->tls.certificate, conf->tls.key);
		add_if_there(p, f.ca);
		add_if_there(p, f.ca_key);
		cert_files_free(&f);
	}
	if (conf->tls.ca_file && strncmp(conf->tls.ca_file, SYSTEM_CERTIFICATES,
					 strlen(SYSTEM_CERTIFICATES)) != 0)
		add_path(p, conf->tls.ca_file);
	add_path(p, conf->tls.client_ca_file);
}

/* The plain files in FOLDER/EVENT.d. */
static void
add_hooks(struct paths *p, const char *folder, const char *event)
{
	char *path = str_printf("%s/%s", folder, event);
	DIR *dir = opendir(path);
	const struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir)) != NULL) {
		char *file = str_printf("%s/%s", path, d->d_name);

		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			add_path(p, file);
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
}

static void
add_all_hooks(struct paths *p, const char *folder)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		size_t n = strlen(d->d_name);

		if (n > 2 && strcmp(d->d_name + n - 2, ".d") == 0)
			add_hooks(p, folder, d->d_name);
	}
	if (dir)
		closedir(dir);
}

/* The configuration is the first. */
static void
collect(struct paths *p, const struct conf *conf)
{
	*p = (struct paths){.n = 0};
	add_real(p, conf->file);
	for (size_t i = 0; i < conf->included.n; i++)
		add_real(p, conf->included.v[i]);
	add_tls(p, conf);
	if (conf->local.users == USERS_FILE)
		add_path(p, conf->local.users_from);
	add_path(p, conf->local.aliases);
	for (size_t i = 0; i < conf->peers_n; i++) {
		add_path(p, conf->peers[i].password_file);
		add_path(p, conf->peers[i].certificate);
		add_path(p, conf->peers[i].key);
	}
	add_all_hooks(p, conf->hooks);
}

/* --- writing --- */

/* What is not there is said, and left out. */
static enum err_code
write_files(int fd, const struct paths *p, struct err *e)
{
	enum err_code code = OK;

	for (size_t i = 0; code == OK && i < p->n; i++) {
		code = tar_add(fd, p->v[i], p->v[i] + 1, e);
		if (code == ERR_NOTFOUND) {
			text_printf(stderr, "left out: %s\n", e->text);
			code = OK;
		}
	}
	return code;
}

static enum err_code
write_archive(const struct conf *conf, const char *copy, const char *part,
	struct err *e)
{
	struct paths p;
	enum err_code code;
	int fd;

	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_CREATE, "%s: %s", part, strerror(errno));
	collect(&p, conf);
	code = tar_add(fd, copy, NODE_SPOOL, e);
	if (code == OK)
		code = write_files(fd, &p, e);
	if (code == OK)
		code = tar_end(fd, e);
	paths_free(&p);
	close(fd);
	return code;
}

enum err_code
node_write(struct cli *c, const char *file, struct err *e)
{
	char *copy = str_printf("%s.spool", file);
	char *part = str_printf("%s.part", file);
	enum err_code code = spool_copy(c->spool, copy, e);

	if (code == OK)
		code = write_archive(c->conf, copy, part, e);
	if (code == OK && rename(part, file) < 0)
		code = err_set(e, ERR_CREATE, "%s: %s", file, strerror(errno));
	if (code == OK)
		code = file_sync_folder(file, e);
	else
		unlink(part);
	unlink(copy);
	free(copy);
	free(part);
	return code;
}

/* --- reading --- */

bool
node_has_spool(int from, struct tar_member *m)
{
	struct err e;

	return tar_read(from, 0, m, &e) == OK &&
	       strcmp(m->name, NODE_SPOOL) == 0;
}

struct placed {
	struct tar_member m;
	char *path;   /* where it goes */
	char *beside; /* where it is until all are there; NULL: not yet */
};

struct archive {
	int fd;
	const char *file;
	struct placed *v;
	size_t n;
};

static void
archive_free(struct archive *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].beside)
			unlink(a->v[i].beside);
		free(a->v[i].path);
		free(a->v[i].beside);
	}
	free(a->v);
}

static enum err_code
take_member(struct archive *a, const struct tar_member *m, const char *root,
	struct err *e)
{
	if (a->n == NODE_FILES_MAX)
		return err_set(
			e, ERR_LIMIT, "has more than %d files", NODE_FILES_MAX);
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].m.name, m->name) == 0)
			return err_set(
				e, ERR_INVALID, "has \"%s\" twice", m->name);
	a->v = xrealloc(a->v, (a->n + 1) * sizeof(*a->v));
	a->v[a->n++] = (struct placed){
		.m = *m, .path = str_printf("%s/%s", root, m->name)};
	return OK;
}

/* Its members, to go below ROOT ("": where they were). */
static enum err_code
archive_read(struct archive *a, const char *root, struct err *e)
{
	struct tar_member m = {.next = 0};
	enum err_code code;

	while ((code = tar_read(a->fd, m.next, &m, e)) == OK) {
		code = take_member(a, &m, root, e);
		if (code != OK)
			break;
	}
	if (code == ERR_NOTFOUND)
		code = a->n >= 2 && strcmp(a->v[0].m.name, NODE_SPOOL) == 0
			       ? OK
			       : err_set(e, ERR_INVALID,
					 "is not from \"spool backup "
					 "--node\"");
	return code == OK ? OK : err_wrap(e, code, "%s", a->file);
}

/* The folders of FILE; those that are made belong to the one FILE does. */
static enum err_code
make_folders(char *file, const struct stat *owner, mode_t mode, struct err *e)
{
	enum err_code code = OK;

	for (char *s = strchr(file + 1, '/'); code == OK && s;
		s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(file, mode) == 0) {
			if (geteuid() == 0 &&
				lchown(file, owner->st_uid, owner->st_gid) < 0)
				code = err_set(e, ERR_PERM, "%s: %s", file,
					strerror(errno));
		} else if (errno != EEXIST) {
			code = err_set(
				e, ERR_CREATE, "%s: %s", file, strerror(errno));
		}
		*s = '/';
	}
	return code;
}

/* Names before numbers: these differ from host to host. */
static enum err_code
find_owner(const struct placed *p, struct stat *owner, struct err *e)
{
	const struct passwd *pw = p->m.user[0] ? getpwnam(p->m.user) : NULL;
	const struct group *gr = p->m.group[0] ? getgrnam(p->m.group) : NULL;

	owner->st_uid = pw ? pw->pw_uid : p->m.uid;
	owner->st_gid = gr ? gr->gr_gid : p->m.gid;
	if ((p->m.user[0] && !pw) || (p->m.group[0] && !gr))
		return err_set(e, ERR_NOTFOUND,
			"%s belongs to %s:%s, and this host has no such user "
			"or group: install tidepost first",
			p->path, p->m.user, p->m.group);
	return OK;
}

static enum err_code
finish(int fd, const struct placed *p, const struct stat *owner, bool give,
	struct err *e)
{
	if ((give && fchown(fd, owner->st_uid, owner->st_gid) < 0) ||
		fchmod(fd, p->m.mode) < 0 || fsync(fd) < 0)
		return err_set(
			e, ERR_PERM, "%s: %s", p->beside, strerror(errno));
	return OK;
}

/* Beside its place, whole and on the disk. */
static enum err_code
stage(const struct archive *a, struct placed *p, bool give, mode_t folder,
	struct err *e)
{
	struct stat owner = {.st_uid = geteuid(), .st_gid = getegid()};
	enum err_code code = give ? find_owner(p, &owner, e) : OK;
	char *beside;
	int fd;

	if (code == OK)
		code = make_folders(p->path, &owner, folder, e);
	if (code != OK)
		return code;
	beside = str_printf("%s.restore", p->path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		code = err_set(
			e, ERR_CREATE, "%s: %s", beside, strerror(errno));
		free(beside);
		return code;
	}
	p->beside = beside;
	lseek(a->fd, (off_t)p->m.at, SEEK_SET);
	code = file_copy(a->fd, fd, p->m.size, a->file, beside, e);
	if (code == OK)
		code = finish(fd, p, &owner, give, e);
	close(fd);
	return code;
}

static enum err_code
place(struct placed *p, struct err *e)
{
	if (rename(p->beside, p->path) < 0)
		return err_set(
			e, ERR_CREATE, "%s: %s", p->path, strerror(errno));
	free(p->beside);
	p->beside = NULL;
	text_printf(stdout, "restored: %s\n", p->path);
	return file_sync_folder(p->path, e);
}

/* From the FIRST member on: all of them beside their places, then into them. */
static enum err_code
place_all(struct archive *a, size_t first, bool give, mode_t folder,
	struct err *e)
{
	enum err_code code = OK;

	for (size_t i = first; code == OK && i < a->n; i++) {
		code = stage(a, &a->v[i], give, folder, e);
		if (code != OK)
			err_wrap(e, code, "nothing was changed");
	}
	for (size_t i = first; code == OK && i < a->n; i++)
		code = place(&a->v[i], e);
	return code;
}

/* --- into a folder --- */

static enum err_code
make_empty(const char *folder, struct err *e)
{
	enum err_code code = OK;
	DIR *dir;

	if (mkdir(folder, 0700) == 0)
		return OK;
	if (errno != EEXIST)
		return err_set(
			e, ERR_CREATE, "%s: %s", folder, strerror(errno));
	/* an empty one can be removed and made again, ours alone */
	if (rmdir(folder) == 0 && mkdir(folder, 0700) == 0)
		return OK;
	dir = opendir(folder);
	code = err_set(e, dir ? ERR_EXISTS : ERR_INVALID, "%s: %s", folder,
		dir ? "is there already; name a new folder, or an empty one"
		    : strerror(errno));
	if (dir)
		closedir(dir);
	return code;
}

int
node_unpack(int from, const char *file, const char *to)
{
	struct archive a = {.fd = from, .file = file};
	struct err e = {0};
	enum err_code code = archive_read(&a, to, &e);

	if (code == OK)
		code = make_empty(to, &e);
	if (code == OK)
		code = place_all(&a, 0, false, 0700, &e);
	archive_free(&a);
	return code == OK ? 0 : cli_fail(&e);
}

/* --- to where it was --- */

/* A link keeps its name: what it leads to is replaced. */
static void
follow(struct placed *p)
{
	char *whole = realpath(p->path, NULL);

	if (!whole)
		return;
	free(p->path);
	p->path = whole;
}

/* 64: nobody agrees to the end of what is there. */
static int
may_replace(const struct archive *a, bool yes)
{
	struct stat st;
	size_t n = 0;

	for (size_t i = 1; i < a->n; i++) {
		if (lstat(a->v[i].path, &st) < 0)
			continue;
		if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
			return cli_refuse(
				ERR_INVALID, "%s is no file", a->v[i].path);
		if (!yes)
			text_printf(
				stderr, "is there already: %s\n", a->v[i].path);
		n++;
	}
	if (n == 0 || yes)
		return 0;
	if (!ask_possible())
		return cli_refuse(ERR_USAGE,
			"--yes replaces what is there already; --to FOLDER "
			"unpacks the archive elsewhere");
	return ask_yes("Replace what is there already?")
		       ? 0
		       : cli_refuse(ERR_USAGE, "nothing was changed");
}

/* 69: the daemon of the configuration that is at FILE now runs. */
static int
is_stopped(const char *file)
{
	struct control_client *client = NULL;
	struct complaints found;
	struct conf *conf;
	struct err e;

	conf_load(file, &conf, &found);
	complaints_free(&found);
	if (conf)
		(void)control_connect(conf->run_dir, &client, &e);
	conf_free(conf);
	if (!client)
		return 0;
	control_close(client);
	return cli_refuse(
		ERR_LOCKED, "tidepostd runs with %s: stop it first", file);
}

/* The configuration of the archive is the one to work with. */
static int
is_meant(const struct cli *c, const char *file)
{
	char *whole;
	bool same;

	if (!c->conf_option)
		return 0;
	whole = realpath(c->conf_option, NULL);
	same = strcmp(whole ? whole : c->conf_option, file) == 0;
	free(whole);
	return same ? 0
		    : cli_refuse(ERR_USAGE,
			      "the configuration of the archive is %s, not %s: "
			      "leave out -c, or unpack it with --to FOLDER",
			      file, c->conf_option);
}

static int
put_back(struct cli *c, struct archive *a, bool yes)
{
	const char *conf;
	struct err e = {0};
	int status;

	for (size_t i = 1; i < a->n; i++)
		follow(&a->v[i]);
	conf = a->v[1].path;
	status = is_meant(c, conf);
	if (status == 0)
		status = is_stopped(conf);
	if (status == 0)
		status = may_replace(a, yes);
	if (status != 0)
		return status;
	if (place_all(a, 1, geteuid() == 0, 0755, &e) != OK)
		return cli_fail(&e);
	c->conf = load_conf(conf);
	return c->conf ? 0 : err_exit_status(ERR_CONFIG);
}

int
node_put_back(struct cli *c, int from, const char *file, bool yes)
{
	struct archive a = {.fd = from, .file = file};
	struct err e = {0};
	int status;

	if (archive_read(&a, "", &e) != OK)
		status = cli_fail(&e);
	else
		status = put_back(c, &a, yes);
	archive_free(&a);
	return status;
}
