#include "cli/tar.h"

#include <errno.h>
#include <fcntl.h>
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

static void
set_facts(struct header *h, const struct stat *st)
{
	octal(h->mode, 7, st->st_mode & 07777);
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

bool
tar_is(const char block[TAR_BLOCK], const char *name, uint64_t *size_r)
{
	struct header h;
	char sum[8];

	memcpy(&h, block, sizeof(h));
	octal(sum, 6, checksum(&h));
	if (memcmp(h.magic, "ustar", 5) != 0 ||
		memcmp(h.checksum, sum, 6) != 0 ||
		strncmp(h.name, name, sizeof(h.name)) != 0)
		return false;
	*size_r = 0;
	for (size_t i = 0; i < sizeof(h.size) - 1; i++) {
		if (h.size[i] < '0' || h.size[i] > '7')
			return false;
		*size_r = *size_r * 8 + (uint64_t)(h.size[i] - '0');
	}
	return true;
}
