#include "conf/writable.h"

#include "base/str.h"

#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GROUPS_MAX = 256 };

struct who {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int groups_n;
};

static void
who_set(struct who *w, const struct passwd *pw)
{
	w->uid = pw->pw_uid;
	w->groups_n = GROUPS_MAX;
	getgrouplist(pw->pw_name, pw->pw_gid, w->groups, &w->groups_n);
	if (w->groups_n > GROUPS_MAX)
		w->groups_n = GROUPS_MAX;
}

static bool
is_in(const struct who *w, gid_t group)
{
	for (int i = 0; i < w->groups_n; i++)
		if (w->groups[i] == group)
			return true;
	return false;
}

static bool
can_change(const struct who *w, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (st.st_uid == w->uid)
		return true;
	if (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX))
		return false;
	return (st.st_mode & (is_in(w, st.st_gid) ? S_IWGRP : S_IWOTH)) != 0;
}

/* PATH is given, and given back as far as it can be changed, or NULL. */
static char *
find_up(const struct who *w, char *path)
{
	char *slash;

	while (path && !can_change(w, path)) {
		slash = strrchr(path, '/');
		if (!slash || !path[1]) {
			free(path);
			return NULL;
		}
		slash[slash == path] = '\0';
	}
	return path;
}

char *
writable_by(const char *path, const struct passwd *who)
{
	struct who w;
	char *found;

	who_set(&w, who);
	found = find_up(&w, str_dupz(path));
	return found ? found : find_up(&w, realpath(path, NULL));
}

const char *
drop_directory_wrong(const struct stat *st, uid_t uid)
{
	mode_t rights = st->st_uid == uid ? st->st_mode >> 6
					  : st->st_mode | st->st_mode >> 3;

	if (!S_ISDIR(st->st_mode))
		return "it is no directory";
	if (st->st_uid != uid && st->st_uid != 0)
		return "it belongs to neither the daemon's user nor root";
	if ((st->st_mode & S_IWOTH) && !(st->st_mode & S_ISVTX))
		return "anybody can remove others' mail from it";
	if (uid != 0 && (rights & 07) != 07)
		return "the daemon's user has not all rights there";
	return NULL;
}
