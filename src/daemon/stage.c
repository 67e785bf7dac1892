#include "daemon/stage.h"

#include "base/file.h"
#include "mail/lines.h"
#include "mail/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAGE_PIECE = 65536 };

/* "sqlite:/var/lib/tidepost/spool.db" is in "/var/lib/tidepost". */
static void
folder_of(const char *spool, char out[LETTER_PATH_MAX])
{
	const char *path = strchr(spool, '/');
	char *slash;

	if (!path || !str_copyz(out, LETTER_PATH_MAX, path))
		str_copyz(out, LETTER_PATH_MAX, "/tmp/");
	slash = strrchr(out, '/');
	slash[slash == out] = '\0';
}

static int
open_nameless(const char *folder)
{
	char path[LETTER_PATH_MAX + 32];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	snprintf(path, sizeof(path), "%s/stage.XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* The front is taken through the same door, for its line ends. */
static void
add_front(const struct letter *l, struct lines *lines, struct buf *out)
{
	struct buf front;

	buf_init(&front, 0);
	trace_return_path_add(l->sender, &front);
	buf_addf(&front, "Delivered-To: %s\r\n", l->to.recipient);
	lines_add(lines, buf_view(&front), out);
	buf_free(&front);
}

static enum err_code
fill(const struct letter *l, bool for_program, int fd, struct err *e)
{
	char *piece = xmalloc(STAGE_PIECE);
	const struct letter_body *body = &l->body;
	enum err_code rc = OK;
	uint64_t offset = 0;
	struct lines lines;
	struct buf out;
	size_t n;

	buf_init(&out, 0);
	lines_init(&lines, false);
	if (for_program)
		add_front(l, &lines, &out);
	do {
		rc = body->read(body->arg, offset, piece, STAGE_PIECE, &n, e);
		if (rc != OK)
			break;
		offset += n;
		if (!for_program)
			buf_add(&out, piece, n);
		else if (n)
			lines_add(&lines, (struct str){piece, n}, &out);
		else
			lines_end(&lines, &out);
		if (!file_put(fd, buf_view(&out)))
			rc = letter_errno(e, "write", "a copy of the message");
		buf_clear(&out);
	} while (rc == OK && n);
	buf_free(&out);
	free(piece);
	return rc;
}

enum err_code
stage_open(const struct conf *conf, int *fd_r, struct err *e)
{
	char folder[LETTER_PATH_MAX];
	int fd;

	folder_of(conf->spool, folder);
	fd = open_nameless(folder);
	if (fd < 0)
		return letter_errno(e, "make a file in", folder);
	*fd_r = fd;
	return OK;
}

/*
 * What a program of somebody has is not to be written any more, on our disk and
 * beside their quota. Without /proc it stays as it is.
 */
static int
for_reading(int fd)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return fd;
	close(fd);
	return again;
}

enum err_code
stage_new(const struct conf *conf, const struct letter *l, bool for_program,
	int *fd_r, struct err *e)
{
	int fd = -1;
	enum err_code rc = stage_open(conf, &fd, e);

	if (rc != OK)
		return rc;
	rc = fill(l, for_program, fd, e);
	if (rc == OK && lseek(fd, 0, SEEK_SET) < 0)
		rc = letter_errno(e, "read", "a copy of the message");
	if (rc == OK)
		*fd_r = for_reading(fd);
	else
		close(fd);
	return rc;
}

enum err_code
stage_read(void *fd_arg, uint64_t offset, char *out, size_t size, size_t *n_r,
	struct err *e)
{
	ssize_t n = pread(*(int *)fd_arg, out, size, (off_t)offset);

	if (n < 0)
		return letter_errno(e, "read", "a copy of the message");
	*n_r = (size_t)n;
	return OK;
}
