#include "daemon/maildirsize.h"

#include "base/file.h"
#include "daemon/letter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LOCK_TRIES = 200,
	LOCK_TRY_MS = 10,
	FILE_MAX = 5120, /* octets; a longer one is made anew */
	FILE_PATH = LETTER_PATH_MAX + 300,
};

struct usage {
	uint64_t max_octets, max_mails; /* 0: any */
	int64_t octets, mails;
};

static void
path_of(char out[FILE_PATH], const char *folder, const char *name)
{
	snprintf(out, FILE_PATH, "%.*s/%s", LETTER_PATH_MAX, folder, name);
}

/* --- the file --- */

/* "10000000S,1000C" in any order; what is not known is passed over. */
static bool
parse_quota(struct str line, struct usage *u)
{
	bool any = false;

	while (line.n) {
		struct str part = str_trim(str_cut(line, ',', &line));
		uint64_t value;
		char unit;

		if (part.n < 2)
			continue;
		unit = part.p[part.n - 1];
		part.n--;
		if (!str_u64(part, &value))
			continue;
		any = true;
		if (unit == 'S')
			u->max_octets = value;
		else if (unit == 'C')
			u->max_mails = value;
	}
	return any;
}

/* "4321 1" or, for what went, "-4321 -1" */
static bool
parse_change(struct str line, struct usage *u)
{
	char text[64], *end;
	long long octets, mails;

	if (!str_copy(text, sizeof(text), str_trim(line)))
		return false;
	errno = 0;
	octets = strtoll(text, &end, 10);
	if (end == text || errno)
		return false;
	mails = strtoll(end, &end, 10);
	if (*end || errno ||
		__builtin_add_overflow(u->octets, octets, &u->octets))
		return false;
	return !__builtin_add_overflow(u->mails, mails, &u->mails);
}

static bool
parse_file(struct str text, struct usage *u)
{
	struct str line = str_cut(text, '\n', &text);

	if (!parse_quota(line, u))
		return false;
	while (text.n) {
		line = str_cut(text, '\n', &text);
		if (!parse_change(line, u))
			return false;
	}
	return u->octets >= 0 && u->mails >= 0;
}

/* False: there is none, or it must be made anew. U has a quota it named. */
static bool
read_file(const char *folder, struct usage *u, bool *exists_r)
{
	char path[FILE_PATH], text[FILE_MAX];
	ssize_t n = -1;
	int fd;

	path_of(path, folder, "maildirsize");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*exists_r = fd >= 0;
	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	return n > 0 && parse_file((struct str){text, (size_t)n}, u) &&
	       (size_t)n < sizeof(text);
}

/* --- counting --- */

/* The size that the name tells (",S=4321"), or the file system. */
static bool
size_of(const char *folder, const char *name, uint64_t *size_r)
{
	const char *told = strstr(name, ",S=");
	char path[FILE_PATH];
	struct stat st;

	if (told) {
		size_t n = strspn(told + 3, "0123456789");

		if (str_u64((struct str){told + 3, n}, size_r))
			return true;
	}
	path_of(path, folder, name);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*size_r = (uint64_t)st.st_size;
	return true;
}

static void
count_part(const char *folder, const char *part, struct usage *u)
{
	char path[FILE_PATH];
	struct dirent *entry;
	DIR *dir;

	path_of(path, folder, part);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		uint64_t size;

		if (entry->d_name[0] == '.' ||
			!size_of(path, entry->d_name, &size))
			continue;
		u->octets += (int64_t)size;
		u->mails++;
	}
	if (dir)
		closedir(dir);
}

static void
count_folder(const char *folder, struct usage *u)
{
	count_part(folder, "new", u);
	count_part(folder, "cur", u);
}

static void
count_all(const char *folder, struct usage *u)
{
	char path[FILE_PATH];
	struct dirent *entry;
	DIR *dir = opendir(folder);

	u->octets = u->mails = 0;
	count_folder(folder, u);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' || !entry->d_name[1] ||
			entry->d_name[1] == '.' ||
			strcmp(entry->d_name, ".Trash") == 0)
			continue;
		path_of(path, folder, entry->d_name);
		count_folder(path, u);
	}
	if (dir)
		closedir(dir);
}

/* A reader sees the old file or the new one. Best effort. */
static void
write_file(const char *folder, const struct usage *u)
{
	char path[FILE_PATH], tmp[FILE_PATH], text[128];
	int n, fd;

	path_of(tmp, folder, "tmp/maildirsize.XXXXXX");
	path_of(path, folder, "maildirsize");
	n = snprintf(text, sizeof(text), "%" PRIu64 "S", u->max_octets);
	if (u->max_mails)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			",%" PRIu64 "C", u->max_mails);
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		"\n%" PRId64 " %" PRId64 "\n", u->octets, u->mails);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return;
	if (!file_put(fd, (struct str){text, (size_t)n}) ||
		rename(tmp, path) < 0)
		unlink(tmp);
	close(fd);
}

static void
count_anew(const char *folder, struct usage *u)
{
	count_all(folder, u);
	write_file(folder, u);
}

/* --- asking --- */

int
maildirsize_lock(const char *folder, uint64_t quota)
{
	const struct timespec a_while = {.tv_nsec = LOCK_TRY_MS * 1000000L};
	char path[FILE_PATH];
	int fd;

	path_of(path, folder, "maildirsize");
	if (!quota && access(path, F_OK) < 0)
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0;
		fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
		errno == EWOULDBLOCK;
		i++)
		nanosleep(&a_while, NULL);
	return fd;
}

static bool
has_room(const struct usage *u, uint64_t size)
{
	if (u->max_mails && (uint64_t)u->mails >= u->max_mails)
		return false;
	return !u->max_octets ||
	       (size <= u->max_octets &&
		       (uint64_t)u->octets <= u->max_octets - size);
}

enum err_code
maildirsize_ask(
	const char *folder, uint64_t quota, uint64_t size, struct err *e)
{
	struct usage u = {0};
	bool exists, good = read_file(folder, &u, &exists);

	if (quota && (u.max_octets != quota || u.max_mails)) {
		u.max_octets = quota;
		u.max_mails = 0;
		good = false;
	}
	if (!quota && (!exists || !(u.max_octets || u.max_mails)))
		return OK;
	if (good && has_room(&u, size))
		return OK;
	count_anew(folder, &u);
	if (has_room(&u, size))
		return OK;
	return err_set(e, ERR_LIMIT,
		"the mailbox is full: %" PRId64 " octets in %" PRId64
		" messages are there, %" PRIu64 " octets are allowed",
		u.octets, u.mails, u.max_octets);
}

void
maildirsize_add(const char *folder, uint64_t size)
{
	char path[FILE_PATH], text[32];
	int n = snprintf(text, sizeof(text), "%" PRIu64 " 1\n", size), fd;

	path_of(path, folder, "maildirsize");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	file_put(fd, (struct str){text, (size_t)n});
	close(fd);
}
