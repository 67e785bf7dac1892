#include "cli/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8], type, link[100], magic[6], version[2];
	char user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a block");

static const uint64_t size_most = UINT64_C(077777777777);

static unsigned
checksum(const struct header *h)
{
	struct header blank = *h;
	const unsigned char *p = (const unsigned char *)&blank;
	unsigned sum = 0;

	memset(blank.checksum, ' ', sizeof(blank.checksum));
	for (size_t i = 0; i < sizeof(blank); i++)
		sum += p[i];
	return sum;
}

/* A long name is cut at a slash. */
static bool
set_name(struct header *h, const char *name)
{
	size_t n = strlen(name);
	const char *cut = name;

	if (n <= sizeof(h->name)) {
		memcpy(h->name, name, n);
		return true;
	}
	while ((cut = strchr(cut + 1, '/')))
		if ((size_t)(cut - name) <= sizeof(h->prefix) &&
			strlen(cut + 1) <= sizeof(h->name) && cut[1]) {
			memcpy(h->prefix, name, (size_t)(cut - name));
			memcpy(h->name, cut + 1, strlen(cut + 1));
			return true;
		}
	return false;
}

static void
octal(char *out, int digits, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", digits,
		(unsigned long long)value);
	memcpy(out, text, (size_t)digits);
}

/* Numbers of users differ from host to host, names hardly. */
static void
set_owner(struct header *h, const struct stat *st)
{
	const struct passwd *pw = getpwuid(st->st_uid);
	const struct group *gr = getgrgid(st->st_gid);

	if (pw)
		str_copyz(h->user, sizeof(h->user), pw->pw_name);
	if (gr)
		str_copyz(h->group, sizeof(h->group), gr->gr_name);
}

static void
set_facts(struct header *h, const struct stat *st)
{
	set_owner(h, st);
	octal(h->mode, 7, st->st_mode & TAR_MODE);
	octal(h->uid, 7, st->st_uid & 07777777);
	octal(h->gid, 7, st->st_gid & 07777777);
	octal(h->size, 11, (uint64_t)st->st_size);
	octal(h->mtime, 11, (uint64_t)st->st_mtime & size_most);
	h->type = '0';
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	octal(h->checksum, 6, checksum(h));
	h->checksum[7] = ' ';
}

static enum err_code
put(int fd, const void *p, size_t n, struct err *e)
{
	return file_put_all(fd, (struct str){p, n}, "the archive", e);
}

/* SIZE octets, as the header says, filled up to whole blocks. */
static enum err_code
put_content(int fd, int from, const char *file, uint64_t size, struct err *e)
{
	static const char zeros[TAR_BLOCK];
	char octets[65536];
	uint64_t left = size;
	enum err_code code = OK;

	while (code == OK && left) {
		size_t most =
			left < sizeof(octets) ? (size_t)left : sizeof(octets);
		ssize_t n = read(from, octets, most);

		if (n <= 0)
			return err_set(e, ERR_IO, "%s: %s", file,
				n ? strerror(errno) : "became shorter");
		code = put(fd, octets, (size_t)n, e);
		left -= (uint64_t)n;
	}
	if (code == OK && size % TAR_BLOCK)
		code = put(fd, zeros, TAR_BLOCK - size % TAR_BLOCK, e);
	return code;
}

enum err_code
tar_add(int fd, const char *file, const char *name, struct err *e)
{
	struct header h = {.type = 0};
	struct stat st;
	int from = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err_code code;

	if (from < 0)
		return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_PERM,
			"%s: %s", file, strerror(errno));
	if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		code = err_set(e, ERR_INVALID, "%s: is no file", file);
	else if ((uint64_t)st.st_size > size_most || !set_name(&h, name))
		code = err_set(e, ERR_LIMIT,
			"%s: its size or name is too much for an archive",
			file);
	else {
		set_facts(&h, &st);
		code = put(fd, &h, sizeof(h), e);
		if (code == OK)
			code = put_content(
				fd, from, file, (uint64_t)st.st_size, e);
	}
	close(from);
	return code;
}

enum err_code
tar_end(int fd, struct err *e)
{
	static const char zeros[2 * TAR_BLOCK];
	enum err_code code = put(fd, zeros, sizeof(zeros), e);

	if (code == OK && fsync(fd) < 0)
		code = err_set(e, ERR_IO, "the archive: %s", strerror(errno));
	return code;
}

/* --- reading --- */

/* Digits, perhaps behind blanks, ended by a NUL or a blank. */
static bool
read_octal(const char *field, size_t n, uint64_t *value_r)
{
	size_t i = 0;

	*value_r = 0;
	while (i < n && field[i] == ' ')
		i++;
	if (i == n || field[i] < '0' || field[i] > '7')
		return false;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
		*value_r = *value_r * 8 + (uint64_t)(field[i] - '0');
	return i < n && (field[i] == '\0' || field[i] == ' ');
}

static bool
read_numbers(const struct header *h, struct tar_member *m)
{
	uint64_t mode, uid, gid;

	if (!read_octal(h->mode, sizeof(h->mode), &mode) ||
		!read_octal(h->uid, sizeof(h->uid), &uid) ||
		!read_octal(h->gid, sizeof(h->gid), &gid) ||
		!read_octal(h->size, sizeof(h->size), &m->size))
		return false;
	m->mode = (unsigned)(mode & TAR_MODE);
	m->uid = (unsigned)uid;
	m->gid = (unsigned)gid;
	return true;
}

static void
read_names(const struct header *h, struct tar_member *m)
{
	char prefix[sizeof(h->prefix) + 1], name[sizeof(h->name) + 1];

	/* a field that is full has no NUL behind it */
	snprintf(prefix, sizeof(prefix), "%.*s", (int)sizeof(h->prefix),
		h->prefix);
	snprintf(name, sizeof(name), "%.*s", (int)sizeof(h->name), h->name);
	snprintf(m->name, sizeof(m->name), "%s%s%s", prefix,
		prefix[0] ? "/" : "", name);
	snprintf(m->user, sizeof(m->user), "%.*s", (int)sizeof(h->user),
		h->user);
	snprintf(m->group, sizeof(m->group), "%.*s", (int)sizeof(h->group),
		h->group);
}

/* A path downwards, each part of it a name. */
static bool
is_safe(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 127)
			return false;
	do {
		struct str part = str_cut(name, '/', &name);

		if (part.n == 0 || str_eq(part, STR(".")) ||
			str_eq(part, STR("..")))
			return false;
	} while (name.n);
	return true;
}

enum err_code
tar_parse(const char block[TAR_BLOCK], struct tar_member *m, struct err *e)
{
	struct header h;
	uint64_t sum;

	memcpy(&h, block, sizeof(h));
	*m = (struct tar_member){.size = 0};
	if (memcmp(h.magic, "ustar", 5) != 0 ||
		!read_octal(h.checksum, sizeof(h.checksum), &sum) ||
		sum != checksum(&h) || !read_numbers(&h, m))
		return err_set(e, ERR_CORRUPT, "is no archive, or damaged");
	read_names(&h, m);
	if (h.type != '0' && h.type != '\0')
		return err_set(e, ERR_INVALID,
			"holds what is no file (\"%s\"): it is not from "
			"\"spool backup --node\"",
			is_safe(str_of(m->name)) ? m->name : "?");
	if (!is_safe(str_of(m->name)) || m->name[strlen(m->name) - 1] == '/')
		return err_set(e, ERR_INVALID,
			"holds a file whose name could lead anywhere: nothing "
			"of it is used");
	return OK;
}

static bool
is_zero(const char block[TAR_BLOCK])
{
	static const char zeros[TAR_BLOCK];

	return memcmp(block, zeros, TAR_BLOCK) == 0;
}

enum err_code
tar_read(int fd, uint64_t at, struct tar_member *m, struct err *e)
{
	char block[TAR_BLOCK];
	struct stat st;
	enum err_code code;
	uint64_t whole;

	if (fstat(fd, &st) < 0 ||
		pread(fd, block, sizeof(block), (off_t)at) != sizeof(block))
		return err_set(e, ERR_CORRUPT, "was cut: its end is missing");
	if (is_zero(block))
		return ERR_NOTFOUND;
	code = tar_parse(block, m, e);
	if (code != OK)
		return code;
	m->at = at + TAR_BLOCK;
	whole = (m->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	m->next = m->at + whole;
	if (m->next > (uint64_t)st.st_size)
		return err_set(
			e, ERR_CORRUPT, "was cut within \"%s\"", m->name);
	return OK;
}
