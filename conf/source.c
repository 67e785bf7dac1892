#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_code
open_error(struct err *e, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return err_set(e, ERR_NOTFOUND, "there is no such file");
	if (error == EACCES || error == EPERM)
		return err_set(
			e, ERR_PERM, "may not be read (%s)", strerror(error));
	return err_set(e, ERR_IO, "cannot be read (%s)", strerror(error));
}

/* The text starts behind the mark of UTF-8, for all who look at it. */
static size_t
drop_mark(char *text, size_t n)
{
	struct str s = str_behind_mark((struct str){text, n});

	if (s.n < n)
		memmove(text, s.p, s.n);
	return s.n;
}

static enum err_code
read_all(int fd, struct source *s, struct err *e)
{
	char *text = xmalloc(SOURCE_SIZE_MAX + 1);
	size_t n = 0;
	ssize_t got;

	while (n <= SOURCE_SIZE_MAX) {
		got = read(fd, text + n, SOURCE_SIZE_MAX + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return open_error(e, errno);
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n > SOURCE_SIZE_MAX) {
		free(text);
		return err_set(e, ERR_LIMIT, "is larger than %d octets",
			SOURCE_SIZE_MAX);
	}
	s->n = drop_mark(text, n);
	s->text = xrealloc(text, s->n);
	return OK;
}

enum err_code
source_read(struct sources *s, const char *file, const struct source **source_r,
	struct err *e)
{
	struct source *src = xcalloc(1, sizeof(*src));
	enum err_code code;
	struct stat st;
	int fd;

	src->file = str_dupz(file);
	s->v[s->n++] = src;
	*source_r = src;
	/* Not blocking: a pipe in place of a file must not hang the daemon. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return open_error(e, errno);
	if (fstat(fd, &st) != 0)
		code = open_error(e, errno);
	else if (!S_ISREG(st.st_mode))
		code = err_set(e, ERR_INVALID, "is not a regular file");
	else
		code = read_all(fd, src, e);
	close(fd);
	return code;
}

struct str
source_line(const struct source *s, unsigned line)
{
	struct str rest = {s->text ? s->text : "", s->n}, found = rest;

	if (line == 0 || !s->text)
		return (struct str){"", 0};
	while (line--)
		found = str_cut(rest, '\n', &rest);
	if (found.n && found.p[found.n - 1] == '\r')
		found.n--;
	return found;
}

void
sources_list(const struct sources *s, char ***v, size_t *n)
{
	*v = xrealloc(*v, (*n + s->n) * sizeof(**v));
	for (size_t i = 0; i < s->n; i++)
		(*v)[(*n)++] = str_dupz(s->v[i]->file);
}

void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i]->file);
		free(s->v[i]->text);
		free(s->v[i]);
	}
	s->n = 0;
}
