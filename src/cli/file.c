#include "cli/file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_OCTETS = 65536 };

static enum err_code
read_all(int fd, const char *file, size_t most, struct buf *out, struct err *e)
{
	char piece[READ_OCTETS];
	ssize_t n;

	buf_init(out, most);
	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(
				e, ERR_IO, "%s: %s", file, strerror(errno));
		if (!buf_add(out, piece, (size_t)n))
			return err_set(e, ERR_LIMIT,
				"%s: larger than %zu octets", file, most);
	}
	return OK;
}

enum err_code
file_read(const char *file, size_t most, struct buf *out, struct err *e)
{
	bool own = strcmp(file, "-") != 0;
	int fd = own ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	enum err_code code;

	buf_init(out, most);
	if (fd < 0)
		return err_set(
			e, ERR_NOTFOUND, "%s: %s", file, strerror(errno));
	code = read_all(fd, file, most, out, e);
	if (own)
		close(fd);
	return code;
}

/* What is no plain file (a pipe, a terminal) is written to as it is. */
static enum err_code
write_to(const char *file, struct str s, struct err *e)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	enum err_code code;

	if (fd < 0)
		return err_set(e, ERR_CREATE, "%s: %s", file, strerror(errno));
	code = file_put_all(fd, s, file, e);
	if (close(fd) < 0 && code == OK)
		code = err_set(e, ERR_IO, "%s: %s", file, strerror(errno));
	return code;
}

/* Beside it first, so that a half-written file never has its name. */
static enum err_code
replace_file(const char *file, unsigned mode, struct str s, struct err *e)
{
	char *beside = str_printf("%s.XXXXXX", file);
	int fd = mkstemp(beside);
	enum err_code code = OK;

	if (fd < 0) {
		code = err_set(e, ERR_CREATE, "%s: %s", file, strerror(errno));
		free(beside);
		return code;
	}
	code = file_put_all(fd, s, file, e);
	if (code == OK && fchmod(fd, mode) < 0)
		code = err_set(e, ERR_PERM, "%s: %s", file, strerror(errno));
	if (code == OK && fsync(fd) < 0)
		code = err_set(e, ERR_IO, "%s: %s", file, strerror(errno));
	close(fd);
	if (code == OK && rename(beside, file) < 0)
		code = err_set(e, ERR_CREATE, "%s: %s", file, strerror(errno));
	if (code != OK)
		unlink(beside);
	free(beside);
	return code;
}

enum err_code
file_write(const char *file, unsigned mode, struct str s, struct err *e)
{
	struct stat st;

	if (strcmp(file, "-") == 0) {
		fflush(stdout);
		return file_put_all(STDOUT_FILENO, s, "standard output", e);
	}
	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return write_to(file, s, e);
	return replace_file(file, mode, s, e);
}

enum err_code
file_copy(int from, int to, uint64_t most, const char *file, const char *copy,
	struct err *e)
{
	char octets[READ_OCTETS];
	enum err_code code = OK;
	ssize_t n = 0;

	for (; code == OK && most; most -= (uint64_t)n) {
		n = read(from, octets,
			most < READ_OCTETS ? (size_t)most : READ_OCTETS);
		if (n == 0)
			break;
		if (n < 0)
			return err_set(
				e, ERR_IO, "%s: %s", file, strerror(errno));
		code = file_put_all(
			to, (struct str){octets, (size_t)n}, copy, e);
	}
	return code;
}
