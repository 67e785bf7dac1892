#include "daemon/mbox_lock.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOCK_WAIT_MS = 30000,
	LOCK_AGAIN_MS = 200,
	LOCK_STALE_S = 600,
};

static enum err_code
lock_file(int fd, const char *path, struct err *e)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return OK;
	if (errno == EAGAIN || errno == EACCES)
		return ERR_BUSY;
	return letter_errno(e, "lock", path);
}

/* Who made it is gone, or nobody touched it for long. */
static bool
is_stale(const char *path)
{
	char text[32] = "";
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = -1;
	long pid;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	pid = strtol(text, NULL, 10);
	if (pid > 1 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return true;
	return clock_wall_s() - st.st_mtime > LOCK_STALE_S;
}

static enum err_code
make_file(struct mbox_lock *k, struct err *e)
{
	char text[32];
	int fd, n;

	fd = open(k->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		if (is_stale(k->path))
			unlink(k->path);
		return ERR_BUSY;
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
		k->path[0] = '\0'; /* the other lock has to do */
		return OK;
	}
	if (fd < 0)
		return letter_errno(e, "make", k->path);
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (!file_put(fd, (struct str){text, (size_t)n})) {
		letter_errno(e, "write", k->path);
		close(fd);
		unlink(k->path);
		return e->code;
	}
	close(fd);
	return OK;
}

enum err_code
mbox_lock_take(struct mbox_lock *k, int fd, const char *path, struct err *e)
{
	uint64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	enum err_code rc;

	snprintf(k->path, sizeof(k->path), "%s.lock", path);
	for (;;) {
		rc = lock_file(fd, path, e);
		if (rc == OK)
			rc = make_file(k, e);
		if (rc != ERR_BUSY || clock_mono_ms() >= until)
			break;
		poll(NULL, 0, LOCK_AGAIN_MS);
	}
	if (rc != OK)
		k->path[0] = '\0';
	if (rc == ERR_BUSY)
		err_set(e, rc, "%s is locked by another program", path);
	return rc;
}

void
mbox_lock_drop(struct mbox_lock *k)
{
	if (k->path[0])
		unlink(k->path);
	k->path[0] = '\0';
}
