#include "daemon/dropbox_private.h"

#include "conf/writable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DROPBOX_TMP_KEEP_S = 86400,	     /* of half a file */
	DROPBOX_REFUSED_KEEP_S = 30 * 86400, /* for the operator */
};

static bool
is_kind(const char *name, const char *kind)
{
	size_t n = strlen(kind);

	return strncmp(name, kind, n) == 0 && drop_is_name(str_of(name + n));
}

bool
dropbox_is(const char *name, const char *kind)
{
	return strncmp(name, kind, strlen(kind)) == 0;
}

/* A clock that is wrong by days makes old what somebody writes just now. */
static bool
is_being_written(const struct dropbox *d, const char *name)
{
	int fd = openat(d->dir, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool busy = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
		    errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return busy;
}

static void
sweep(struct dropbox *d, const char *name)
{
	bool half = dropbox_is(name, DROP_TMP);
	int64_t keep = half ? DROPBOX_TMP_KEEP_S : DROPBOX_REFUSED_KEEP_S;
	struct stat st;

	if (fstatat(d->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_mtime < d->now - keep &&
		!(half && is_being_written(d, name)))
		unlinkat(d->dir, name, 0);
}

static int
older(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->mtime != y->mtime)
		return x->mtime < y->mtime ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The oldest stay. */
static void
cut(struct dropbox *d)
{
	qsort(d->entries, d->entries_n, sizeof(*d->entries), older);
	if (d->entries_n > DROPBOX_NAMES_MAX) {
		d->entries_n = DROPBOX_NAMES_MAX;
		d->more = true;
	}
}

static void
add_entry(struct dropbox *d, const char *name)
{
	struct entry e;
	struct stat st;

	if (fstatat(d->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!str_copyz(e.name, sizeof(e.name), name))
		return;
	e.mtime = st.st_mtime;
	if (d->past.name[0] && older(&e, &d->past) <= 0)
		return;
	if (d->entries_n == 2 * (size_t)DROPBOX_NAMES_MAX)
		cut(d);
	d->entries[d->entries_n++] = e;
}

static void
read_directory(struct dropbox *d, DIR *dir)
{
	const struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		if (is_kind(e->d_name, DROP_MAIL) ||
			is_kind(e->d_name, DROP_BATCH))
			add_entry(d, e->d_name);
		else if (dropbox_is(e->d_name, DROP_TMP) ||
			 dropbox_is(e->d_name, DROP_REFUSED))
			sweep(d, e->d_name);
	}
	cut(d);
}

/* One that others can change is no witness. */
static void
look_at_directory(struct dropbox *d)
{
	const char *wrong;
	struct stat st;

	if (fstat(d->dir, &st) < 0)
		wrong = strerror(errno);
	else
		wrong = drop_directory_wrong(&st, geteuid());
	if (wrong)
		snprintf(d->wrong, sizeof(d->wrong),
			"%s: make it one of the daemon's user, with the mode "
			"%o",
			wrong, (unsigned)DROP_MODE);
}

static bool
is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* Each time by its name: somebody may have removed it and made it anew. */
static void
open_directory(struct dropbox *d)
{
	int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d->wrong[0] = '\0';
	if (fd < 0)
		snprintf(d->wrong, sizeof(d->wrong), "%s%s", strerror(errno),
			errno == EACCES ? "; if it was made anew, start "
					  "tidepostd anew (sandbox)"
					: "");
	d->moved = d->dir >= 0 && (fd < 0 || !is_same(d->dir, fd));
	if (d->dir >= 0)
		close(d->dir);
	d->dir = fd;
	if (d->dir >= 0)
		look_at_directory(d);
}

void
dropbox_scan(void *arg)
{
	struct dropbox *d = arg;
	int fd;
	DIR *dir;

	open_directory(d);
	fd = d->dir < 0 || d->wrong[0]
		     ? -1
		     : openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	read_directory(d, dir);
	closedir(dir);
}
