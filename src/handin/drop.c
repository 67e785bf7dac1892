#include "handin/drop.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct drop {
	int dir, fd;
	char tmp[64], name[64];
	char *path; /* of the directory, for words; owned */
};

static enum err_code
fail(const char *path, const char *what, struct err *e)
{
	enum err_code code = errno == ENOENT			  ? ERR_NOTFOUND
			     : errno == EACCES			  ? ERR_PERM
			     : errno == EEXIST			  ? ERR_EXISTS
			     : errno == ENOSPC || errno == EDQUOT ? ERR_FULL
								  : ERR_IO;

	return err_set(e, code, "%s: %s: %s", path, what, strerror(errno));
}

bool
drop_is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return name.n > 0 && name.n <= DROP_NAME_MAX;
}

static enum err_code
make_name(char name_r[33], struct err *e)
{
	unsigned char octets[16];

	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		return fail("drop", "getrandom", e);
	for (size_t i = 0; i < sizeof(octets); i++)
		snprintf(name_r + 2 * i, 3, "%02x", octets[i]);
	return OK;
}

static void
drop_free(struct drop *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->dir >= 0)
		close(d->dir);
	free(d->path);
	free(d);
}

/*
 * The directory cannot be read by everybody (so O_PATH), and what is written
 * must be readable by its group whatever the umask says.
 */
static enum err_code
create(struct drop *d, struct err *e)
{
	d->dir = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return fail(d->path, "open", e);
	d->fd = openat(d->dir, d->tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->fd < 0)
		return fail(d->path, "create", e);
	if (fchmod(d->fd, DROP_FILE_MODE) < 0)
		return fail(d->path, "chmod", e);
	flock(d->fd, LOCK_SH); /* who sweeps: it is being written */
	return OK;
}

enum err_code
drop_open(const char *dir, const char *kind, const char *name,
	struct drop **drop_r, struct err *e)
{
	struct drop *d = xcalloc(1, sizeof(*d));
	char made[33];
	enum err_code rc = make_name(made, e);
	struct stat st;

	d->dir = d->fd = -1;
	d->path = str_dupz(dir);
	snprintf(d->tmp, sizeof(d->tmp), DROP_TMP "%s", made);
	snprintf(d->name, sizeof(d->name), "%s%.*s", kind, (int)DROP_NAME_MAX,
		name ? name : made);
	if (rc == OK)
		rc = create(d, e);
	if (rc == OK && fstatat(d->dir, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_set(e, ERR_EXISTS, "%s: %s waits there already", dir,
			d->name);
	if (rc == OK)
		*drop_r = d;
	else if (d->fd >= 0)
		drop_abandon(d);
	else
		drop_free(d);
	return rc;
}

enum err_code
drop_write(struct drop *d, struct str octets, struct err *e)
{
	return file_put(d->fd, octets) ? OK : fail(d->path, "write", e);
}

/*
 * The name must be durable too. Where the directory cannot be opened for
 * reading, its file system is synced as a whole.
 */
static int
sync_dir(const struct drop *d)
{
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : syncfs(d->fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

enum err_code
drop_close(struct drop *d, struct err *e)
{
	enum err_code rc = OK;

	if (fsync(d->fd) < 0)
		rc = fail(d->path, "fsync", e);
	if (rc == OK && renameat(d->dir, d->tmp, d->dir, d->name) < 0)
		rc = fail(d->path, "rename", e);
	if (rc != OK) {
		drop_abandon(d);
		return rc;
	}
	/* Who is told that it failed hands it in again: it must not be there,
	   unless the daemon has taken it, and then it did not fail. */
	if (sync_dir(d) < 0) {
		rc = fail(d->path, "sync", e);
		if (unlinkat(d->dir, d->name, 0) < 0 && errno == ENOENT)
			rc = OK;
	}
	drop_free(d);
	return rc;
}

void
drop_abandon(struct drop *d)
{
	if (!d)
		return;
	unlinkat(d->dir, d->tmp, 0);
	drop_free(d);
}
