/*
 * One daemon per spool: an flock on a file of its own, with the pid in it for
 * people. The file stays; the lock ends with the process.
 */
#include "spool/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum err_code
lockfile_busy(struct engine *g, int fd, struct err *e)
{
	char pid[32] = "";
	ssize_t n = read(fd, pid, sizeof(pid) - 1);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_set(e, ERR_LOCKED,
		"spool %s is in use by another tidepostd%s%s: stop that one "
		"first",
		g->path, pid[0] ? ", process " : "", pid);
}

enum err_code
lockfile_take(struct engine *g, struct err *e)
{
	char pid[32];
	int fd = open(g->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	enum err_code rc;
	int n;

	if (fd < 0)
		return sql_errno(errno, g->lock_path, e);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? lockfile_busy(g, fd, e)
					  : sql_errno(errno, g->lock_path, e);
		close(fd);
		return rc;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, pid, (size_t)n) < 0)
		n = 0; /* a full disk: the lock holds, its note is missing */
	g->lock_fd = fd;
	return OK;
}

void
lockfile_drop(struct engine *g)
{
	if (g->lock_fd >= 0)
		close(g->lock_fd);
	g->lock_fd = -1;
}
