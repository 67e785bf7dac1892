#include "daemon/maildir.h"

#include "daemon/crash.h"
#include "mail/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_code
system_err(struct err *e, const char *what, const char *path)
{
	enum err_code code = errno == ENOSPC || errno == EDQUOT	 ? ERR_FULL
			     : errno == EACCES || errno == EPERM ? ERR_PERM
			     : errno == EROFS			 ? ERR_READONLY
								 : ERR_IO;

	return err_set(e, code, "%s %s: %s", what, path, strerror(errno));
}

/* --- where --- */

/* One part of a path out of an address: nothing that climbs or hides. */
static bool
safe_name(const char *in, size_t n, char *out, size_t size)
{
	if (n == 0 || n >= size || in[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c < ' ' || c == 127 || c == '/')
			return false;
		out[i] = in[i];
	}
	out[n] = '\0';
	str_lower(out);
	return true;
}

bool
maildir_can_hold(const struct mailbox *recipient)
{
	char local[WIRE_LOCAL_PART_MAX + 1], user[WIRE_LOCAL_PART_MAX + 1];

	return mailbox_local_plain(recipient, local, sizeof(local)) &&
	       safe_name(local, strlen(local), user, sizeof(user));
}

static bool
expand(const char *pattern, const char *user, const char *domain,
	struct buf *out)
{
	struct str rest = str_of(pattern);

	while (rest.n) {
		bool ok;

		if (str_starts_nocase(rest, STR("{user}"))) {
			ok = buf_addz(out, user);
			rest = str_skip(rest, 6);
		} else if (str_starts_nocase(rest, STR("{domain}"))) {
			ok = buf_addz(out, domain);
			rest = str_skip(rest, 8);
		} else {
			ok = buf_add(out, rest.p, 1);
			rest = str_skip(rest, 1);
		}
		if (!ok)
			return false;
	}
	return true;
}

static enum err_code
find_folder(const struct maildir_job *j, struct buf *out, struct err *e)
{
	struct mailbox m;
	char local[WIRE_LOCAL_PART_MAX + 1];
	char user[WIRE_LOCAL_PART_MAX + 1], domain[WIRE_DOMAIN_MAX + 1];
	struct str at;

	if (address_parse(str_of(j->recipient), true, &m)) {
		at = mailbox_domain(&m);
	} else {
		/* <postmaster> has no domain */
		memset(&m, 0, sizeof(m));
		str_copyz(m.text, sizeof(m.text), j->recipient);
		m.local_n = (uint16_t)strlen(m.text);
		at = str_of(j->fallback_domain);
	}
	if (mailbox_local_plain(&m, local, sizeof(local)) &&
		safe_name(local, strlen(local), user, sizeof(user)) &&
		safe_name(at.p, at.n, domain, sizeof(domain)) &&
		expand(j->pattern, user, domain, out))
		return OK;
	return err_set(e, ERR_INVALID, "<%s> cannot be the name of a mailbox",
		j->recipient);
}

/* mkdir -p, mode 0700 for what is made; each new entry is made durable. */
static enum err_code
sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code rc = OK;

	if (fd < 0)
		return system_err(e, "cannot open", path);
	if (fsync(fd) < 0)
		rc = system_err(e, "cannot sync", path);
	close(fd);
	return rc;
}

static enum err_code
make_folder(char *path, struct err *e)
{
	char *slash;
	enum err_code rc;

	if (mkdir(path, 0700) == 0) {
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return OK;
		*slash = '\0';
		rc = sync_folder(path, e);
		*slash = '/';
		return rc;
	}
	if (errno == EEXIST)
		return OK;
	if (errno != ENOENT)
		return system_err(e, "cannot make", path);
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return system_err(e, "cannot make", path);
	*slash = '\0';
	rc = make_folder(path, e);
	*slash = '/';
	return rc == OK ? make_folder(path, e) : rc;
}

static enum err_code
make_folders(const char *folder, struct err *e)
{
	static const char *const subs[] = {"tmp", "new", "cur"};
	char path[MAILDIR_PATH_MAX + 8];
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, subs[i]);
		rc = make_folder(path, e);
	}
	return rc;
}

/* --- has it been delivered before? --- */

static bool
is_in_cur(const char *folder, const char *name)
{
	char path[MAILDIR_PATH_MAX + 8];
	size_t n = strlen(name);
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/cur", folder);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL)
		found = strncmp(entry->d_name, name, n) == 0 &&
			(entry->d_name[n] == '\0' || entry->d_name[n] == ':');
	closedir(dir);
	return found;
}

/* --- writing --- */

/* One chunk of the body: the reader of the spool is shared, so not for long. */
struct copy {
	const struct maildir_job *j;
	uint64_t offset;
	char *chunk;
	size_t n;
};

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static enum err_code
read_chunk(struct spool_txn *t, void *arg, struct err *e)
{
	struct copy *c = arg;

	return spool_body_read(
		t, c->j->id, c->offset, c->chunk, SPOOL_CHUNK_BYTES, &c->n, e);
}

static enum err_code
copy_body(const struct maildir_job *j, int fd, struct err *e)
{
	struct copy c = {.j = j, .chunk = xmalloc(SPOOL_CHUNK_BYTES)};
	enum err_code rc = OK;

	do {
		rc = spool_read(j->spool, read_chunk, &c, e);
		if (rc == OK && !write_all(fd, c.chunk, c.n))
			rc = system_err(
				e, "cannot write mail for", j->recipient);
		c.offset += c.n;
	} while (rc == OK && c.n);
	free(c.chunk);
	return rc;
}

static enum err_code
write_mail(const struct maildir_job *j, int fd, struct err *e)
{
	struct buf head;
	bool ok;

	buf_init(&head, 0);
	trace_return_path_add(j->sender, &head);
	ok = write_all(fd, buf_view(&head).p, head.len);
	buf_free(&head);
	return ok ? copy_body(j, fd, e)
		  : system_err(e, "cannot write mail for", j->recipient);
}

static enum err_code
write_tmp(const struct maildir_job *j, const char *path, struct err *e)
{
	enum err_code rc;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return system_err(e, "cannot write", path);
	rc = write_mail(j, fd, e);
	if (rc == OK && fsync(fd) < 0)
		rc = system_err(e, "cannot sync", path);
	if (close(fd) < 0 && rc == OK)
		rc = system_err(e, "cannot write", path);
	return rc;
}

static enum err_code
move_to_new(
	const char *folder, const char *tmp, const char *final, struct err *e)
{
	char path[MAILDIR_PATH_MAX + 8];

	if (rename(tmp, final) < 0)
		return system_err(e, "cannot make", final);
	crash_point("local-renamed");
	snprintf(path, sizeof(path), "%s/new", folder);
	return sync_folder(path, e);
}

static enum err_code
deliver_into(const struct maildir_job *j, const char *folder, struct err *e)
{
	char name[320], tmp[MAILDIR_PATH_MAX + 400];
	char final[MAILDIR_PATH_MAX + 400];
	enum err_code rc = make_folders(folder, e);

	if (rc != OK)
		return rc;
	snprintf(name, sizeof(name), "%lld.T%lldN%u.%.255s",
		(long long)j->received_at, (long long)j->id, j->n, j->hostname);
	snprintf(tmp, sizeof(tmp), "%s/tmp/%s", folder, name);
	snprintf(final, sizeof(final), "%s/new/%s", folder, name);
	if (access(final, F_OK) == 0 ||
		(j->look_in_cur && is_in_cur(folder, name)))
		return OK;
	rc = write_tmp(j, tmp, e);
	if (rc == OK) {
		crash_point("local-tmp-written");
		rc = move_to_new(folder, tmp, final, e);
	}
	if (rc != OK)
		unlink(tmp);
	return rc;
}

enum err_code
maildir_deliver(const struct maildir_job *j, struct err *e)
{
	struct buf folder;
	enum err_code rc;

	buf_init(&folder, MAILDIR_PATH_MAX);
	rc = find_folder(j, &folder, e);
	if (rc == OK)
		rc = deliver_into(j, buf_z(&folder), e);
	buf_free(&folder);
	return rc;
}
