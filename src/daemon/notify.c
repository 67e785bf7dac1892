#include "daemon/notify.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
tell(const char *what)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	ssize_t sent;
	int fd;

	if (n < 2 || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@') /* an abstract name */
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sent = sendto(fd, what, strlen(what), MSG_NOSIGNAL,
		(const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)sent; /* nobody to tell if this fails */
	close(fd);
}

static int parent_fd = -1;

void
notify_set_parent(int fd)
{
	parent_fd = fd;
}

/* Whoever reads our output must see its end. */
static void
let_go_of_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

void
notify_let_go(void)
{
	if (parent_fd < 0)
		return;
	let_go_of_terminal();
	close(parent_fd);
	parent_fd = -1;
}

void
notify_ready(void)
{
	tell("READY=1");
	if (parent_fd < 0)
		return;
	if (write(parent_fd, "R", 1) == 1)
		let_go_of_terminal();
	close(parent_fd);
	parent_fd = -1;
}

bool
notify_is_managed(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && path[0];
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}
