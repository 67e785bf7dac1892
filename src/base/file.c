#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
file_put(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			return false;
		}
		s = str_skip(s, (size_t)n);
	}
	return true;
}

enum err_code
file_put_all(int fd, struct str s, const char *what, struct err *e)
{
	if (file_put(fd, s))
		return OK;
	return err_set(e,
		errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO,
		"%s: %s", what, strerror(errno));
}

enum err_code
file_sync_folder(const char *file, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char *folder =
		!slash ? str_dupz(".")
		: slash == file
			? str_dupz("/")
			: str_dup((struct str){file, (size_t)(slash - file)});
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code = OK;

	if (fd < 0 || fsync(fd) < 0)
		code = err_set(e, ERR_IO, "%s: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return code;
}

void
file_keep_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd ? O_RDWR : O_WRONLY) != fd)
			abort();
}
