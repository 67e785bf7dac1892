#include "daemon/maildir.h"

#include "base/file.h"
#include "daemon/crash.h"
#include "daemon/maildirsize.h"
#include "mail/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- folders --- */

static enum err_code
sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code rc = OK;

	if (fd < 0)
		return letter_errno(e, "open", path);
	if (fsync(fd) < 0)
		rc = letter_errno(e, "sync", path);
	close(fd);
	return rc;
}

/* The folder that PATH is in has it as an entry, durably. */
static enum err_code
sync_above(char *path, struct err *e)
{
	char *slash = strrchr(path, '/');
	enum err_code rc;

	if (!slash || slash == path)
		return OK;
	*slash = '\0';
	rc = sync_folder(path, e);
	*slash = '/';
	return rc;
}

/*
 * mkdir -p, mode 0700 for what is made; each new entry is made durable. One
 * that is there and leads nowhere (a medium that is not) is not tried again.
 */
static enum err_code
make_folder(char *path, struct err *e)
{
	char *slash = strrchr(path, '/');
	enum err_code rc;

	if (mkdir(path, 0700) == 0)
		return sync_above(path, e);
	if (errno == ENOENT && slash && slash != path) {
		*slash = '\0';
		rc = make_folder(path, e);
		*slash = '/';
		if (rc != OK)
			return rc;
		if (mkdir(path, 0700) == 0)
			return sync_above(path, e);
	}
	return errno == EEXIST ? OK : letter_errno(e, "make", path);
}

static enum err_code
make_folders(const char *folder, struct err *e)
{
	static const char *const subs[] = {"tmp", "new", "cur"};
	char path[LETTER_PATH_MAX + 8];
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, subs[i]);
		rc = make_folder(path, e);
	}
	return rc;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The folder that the extension names, as it is written or in lower case, or
 * ROOT. False: the path is too long.
 */
static bool
find_folder(
	const struct letter *l, const char *root, char out[LETTER_PATH_MAX + 1])
{
	char name[sizeof(l->to.extension)];

	str_copyz(name, sizeof(name), l->to.extension);
	for (int i = 0; i < 2 && name[0] && name[0] != '.'; i++) {
		int n = snprintf(
			out, LETTER_PATH_MAX + 1, "%s/.%s", root, name);

		if (!strchr(name, '/') && n <= LETTER_PATH_MAX &&
			is_folder(out))
			return true;
		str_lower(name);
	}
	return str_copyz(out, LETTER_PATH_MAX + 1, root);
}

/* --- has it been delivered before? --- */

/* NAME, perhaps with what a reader or a later version puts behind it. */
static bool
is_in(const char *folder, const char *part, const char *name)
{
	char path[LETTER_PATH_MAX + 8];
	size_t n = strlen(name);
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", folder, part);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL)
		found = strncmp(entry->d_name, name, n) == 0 &&
			strchr(",:", entry->d_name[n]) != NULL;
	closedir(dir);
	return found;
}

/* --- writing --- */

static enum err_code
copy_body(const struct letter *l, int fd, struct err *e)
{
	enum { PIECE = 65536 };
	char *piece = xmalloc(PIECE);
	uint64_t offset = 0;
	enum err_code rc;
	size_t n = 0;

	do {
		rc = l->body.read(l->body.arg, offset, piece, PIECE, &n, e);
		if (rc == OK && !file_put(fd, (struct str){piece, n}))
			rc = letter_errno(e, "write mail for", l->to.recipient);
		offset += n;
	} while (rc == OK && n);
	free(piece);
	return rc;
}

static enum err_code
write_mail(
	const struct letter *l, const struct buf *head, int fd, struct err *e)
{
	if (!file_put(fd, buf_view(head)))
		return letter_errno(e, "write mail for", l->to.recipient);
	return copy_body(l, fd, e);
}

static enum err_code
write_tmp(const struct letter *l, const struct buf *head, const char *path,
	struct err *e)
{
	enum err_code rc;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return letter_errno(e, "write", path);
	rc = write_mail(l, head, fd, e);
	if (rc == OK && fsync(fd) < 0)
		rc = letter_errno(e, "sync", path);
	if (close(fd) < 0 && rc == OK)
		rc = letter_errno(e, "write", path);
	return rc;
}

static enum err_code
move_to_new(
	const char *folder, const char *tmp, const char *final, struct err *e)
{
	char path[LETTER_PATH_MAX + 8];

	if (rename(tmp, final) < 0)
		return letter_errno(e, "make", final);
	crash_point("local-renamed");
	snprintf(path, sizeof(path), "%s/new", folder);
	return sync_folder(path, e);
}

enum { NAME_MAX_OCTETS = 320 };

static bool
is_there(const struct letter *l, const char *folder, const char *name)
{
	return l->again &&
	       (is_in(folder, "new", name) || is_in(folder, "cur", name));
}

/* As Maildir++ has it: the size is part of the name. */
static enum err_code
write_file(const struct letter *l, const char *folder, const char *name,
	const struct buf *head, struct err *e)
{
	char tmp[LETTER_PATH_MAX + 400], final[LETTER_PATH_MAX + 400];
	enum err_code rc;

	snprintf(tmp, sizeof(tmp), "%s/tmp/%s", folder, name);
	snprintf(final, sizeof(final), "%s/new/%s,S=%llu", folder, name,
		(unsigned long long)(head->len + l->body.size));
	rc = write_tmp(l, head, tmp, e);
	if (rc == OK) {
		crash_point("local-tmp-written");
		rc = move_to_new(folder, tmp, final, e);
	}
	if (rc != OK)
		unlink(tmp);
	return rc;
}

static enum err_code
put(const struct letter *l, const char *root, const char *folder,
	uint64_t quota, struct err *e)
{
	char name[NAME_MAX_OCTETS];
	struct buf head;
	enum err_code rc;
	uint64_t size;
	int lock;

	snprintf(name, sizeof(name), "%lld.T%lldN%u.%.255s",
		(long long)l->received_at, (long long)l->id, l->n, l->hostname);
	if (is_there(l, folder, name))
		return OK;
	buf_init(&head, 0);
	trace_return_path_add(l->sender, &head);
	size = head.len + l->body.size;
	lock = maildirsize_lock(root, quota);
	rc = maildirsize_ask(root, quota, size, e);
	if (rc == OK)
		rc = write_file(l, folder, name, &head, e);
	if (rc == OK)
		maildirsize_add(root, size);
	if (lock >= 0)
		close(lock);
	buf_free(&head);
	return rc;
}

enum err_code
maildir_put(
	const struct letter *l, const char *root, uint64_t quota, struct err *e)
{
	char folder[LETTER_PATH_MAX + 1];
	enum err_code rc = make_folders(root, e);

	if (rc != OK)
		return rc;
	if (!find_folder(l, root, folder))
		return err_set(
			e, ERR_INVALID, "%s: the path is too long", root);
	rc = make_folders(folder, e);
	return rc == OK ? put(l, root, folder, quota, e) : rc;
}
