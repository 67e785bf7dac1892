#include "daemon/hook_dir.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
append(char ***v, size_t *n, char *text)
{
	*v = xrealloc(*v, (*n + 1) * sizeof(**v));
	(*v)[(*n)++] = text;
}

static void
complain(struct hook_dir *d, char *text)
{
	append(&d->complaints, &d->complaints_n, text);
}

/* Can somebody else write it? False: D has the complaint. */
static bool
is_ours(struct hook_dir *d, const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		complain(d,
			str_printf("%s belongs to user id %u, not to root or "
				   "the user of the daemon: not run (chown it)",
				path, (unsigned)st->st_uid));
	else if (st->st_mode & S_IWOTH)
		complain(d, str_printf("%s can be written by anybody: not run "
				       "(chmod o-w it)",
				    path));
	else if ((st->st_mode & S_IWGRP) && st->st_gid != 0 &&
		 st->st_gid != getegid())
		complain(d,
			str_printf("%s can be written by group id %u: not run "
				   "(chmod g-w it)",
				path, (unsigned)st->st_gid));
	else
		return true;
	return false;
}

static void
complain_errno(struct hook_dir *d, const char *path)
{
	complain(d, str_printf("%s: %s", path, strerror(errno)));
}

/* NAMED by a person, so it has to be there. */
static bool
is_folder(struct hook_dir *d, const char *path, bool named)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (named || errno != ENOENT)
			complain_errno(d, path);
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		complain(d, str_printf("%s is no folder", path));
		return false;
	}
	return is_ours(d, path, &st);
}

/* What an editor left, and what is hidden, is meant by nobody. */
static bool
is_meant(const char *name)
{
	return name[0] != '.' && name[strlen(name) - 1] != '~';
}

static bool
is_program(struct hook_dir *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		complain_errno(d, path);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		complain(d, str_printf("%s is no file: not run", path));
		return false;
	}
	if (!is_ours(d, path, &st))
		return false;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return true;
	complain(d, str_printf("%s is not executable: not run (chmod +x it)",
			    path));
	return false;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_all(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

/* The paths of what is meant to run; false: there are too many. */
static bool
list(const char *path, DIR *dir, char ***v, size_t *n)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (!is_meant(entry->d_name))
			continue;
		if (*n == HOOK_FILES_MAX)
			return false;
		append(v, n, str_printf("%s/%s", path, entry->d_name));
	}
	if (*n)
		qsort(*v, *n, sizeof(**v), compare);
	return true;
}

static void
read_folder(const char *path, struct hook_dir *d)
{
	DIR *dir = opendir(path);
	char **v = NULL;
	size_t n = 0;
	bool listed;

	if (!dir) {
		complain_errno(d, path);
		return;
	}
	listed = list(path, dir, &v, &n);
	closedir(dir);
	if (!listed)
		complain(d, str_printf("%s has more than %d files: none is run",
				    path, HOOK_FILES_MAX));
	for (size_t i = 0; listed && i < n; i++)
		if (is_program(d, v[i]))
			append(&d->programs, &d->programs_n, str_dupz(v[i]));
	free_all(v, n);
}

void
hook_dir_read(const char *folder, const char *event, struct hook_dir *d)
{
	char *path = str_printf("%s/%s.d", folder, event);

	*d = (struct hook_dir){.programs_n = 0};
	if (is_folder(d, folder, true) && is_folder(d, path, false))
		read_folder(path, d);
	free(path);
}

bool
hook_dir_may_run(
	const char *folder, const char *event, const char *name, struct err *e)
{
	struct hook_dir d = {.programs_n = 0};
	char *path = str_printf("%s/%s.d", folder, event);
	char *file = str_printf("%s/%s", path, name);
	bool ok = is_folder(&d, folder, true) && is_folder(&d, path, true) &&
		  is_program(&d, file);

	if (!ok)
		err_set(e, ERR_PERM, "%s",
			d.complaints_n ? d.complaints[0] : "not run");
	hook_dir_clear(&d);
	free(file);
	free(path);
	return ok;
}

void
hook_dir_clear(struct hook_dir *d)
{
	free_all(d->programs, d->programs_n);
	free_all(d->complaints, d->complaints_n);
	*d = (struct hook_dir){.programs_n = 0};
}
