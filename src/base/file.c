#include "base/file.h"

#include <errno.h>
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
