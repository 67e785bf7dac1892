#include "net/folder.h"

#include "base/str.h"
#include "net/loop_private.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

struct folder {
	struct event readable;
	int fd;
	loop_fn *fn;
	void *arg;
};

/* What it says is not looked at: who is told looks for itself. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct folder *f = arg;
	char events[4096];
	ssize_t n;

	(void)what;
	do
		n = read(fd, events, sizeof(events));
	while (n > 0);
	f->fn(f->arg);
}

struct folder *
folder_watch(struct loop *loop, const char *path, loop_fn *fn, void *arg)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct folder *f;

	if (fd < 0)
		return NULL;
	if (inotify_add_watch(fd, path,
		    IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF) <
		0) {
		close(fd);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->fd = fd;
	f->fn = fn;
	f->arg = arg;
	event_assign(&f->readable, loop_base(loop), fd, EV_READ | EV_PERSIST,
		on_readable, f);
	event_add(&f->readable, NULL);
	return f;
}

void
folder_free(struct folder *f)
{
	if (!f)
		return;
	event_del(&f->readable);
	close(f->fd);
	free(f);
}
