#include "daemon/caller.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
is_named(const struct conf_strings *list, const char *user)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], user) == 0)
			return true;
	return false;
}

void
caller_who(const struct conf *conf, unsigned uid, struct receive_program *p_r)
{
	const struct passwd *pw = getpwuid(uid);

	*p_r = (struct receive_program){.user = ""};
	if (!pw || !str_copyz(p_r->user, sizeof(p_r->user), pw->pw_name))
		snprintf(p_r->user, sizeof(p_r->user), "%u", uid);
	p_r->trusted = uid == 0 || uid == geteuid() ||
		       is_named(&conf->programs.trusted, p_r->user);
}

int
caller_session(struct node *n, const struct receive_program *who)
{
	static const struct stream_ops no_owner_yet;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	receive_from_program(
		n, who, stream_new(n->loop, fds[0], &no_owner_yet, NULL));
	return fds[1];
}
